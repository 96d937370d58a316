"""Measures single entries: one task for thousands, against looped tasks and against what libvirt itself needs."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.plays import Bench, median, row

LOOPED, ROUNDS = 20, 3
BARE = """
<network>
  <name>bench</name>
  <forward mode='nat'/>
  <bridge name='vf-bench'/>
  <ip address='10.77.0.1' prefix='16'>
    <dhcp><range start='10.77.250.1' end='10.77.250.200'/></dhcp>
  </ip>
</network>
"""
PYTHON = Path(__file__).with_name("measuring_python.py")
RUN_BY = {"vars": {"ansible_python_interpreter": "/run/lab/python"}}
RESTART = ("net-destroy bench", "net-start bench")


@dataclass
class Cost:
    """What a task took: all of it, its process on the hypervisor, the work in it by its own account, in seconds; MB."""

    task: float
    process: float
    work: float
    memory: int


def hosts(count: int) -> list[dict[str, str]]:
    """So many reservations."""
    return [
        {
            "mac": f"52:54:01:{number >> 16:02x}:{number >> 8 & 255:02x}:{number & 255:02x}",
            "ip": f"10.77.{number // 250 + 1}.{number % 250 + 1}",
            "name": f"h{number}",
        }
        for number in range(count)
    ]


def host_xml(host: dict[str, str]) -> str:
    """A reservation as libvirt writes it."""
    return f"<host mac='{host['mac']}' name='{host['name']}' ip='{host['ip']}'/>"


def task(module: str, entries: list[dict[str, Any]], **options: Any) -> dict[str, Any]:
    """A task that makes these entries."""
    return {f"virtfleet.network.{module}": {"network": "bench", "hosts": entries, **options}}


def cost(bench: Bench, one: dict[str, Any]) -> Cost:
    """Runs a task and returns what it took; the start of ansible-playbook is not counted."""
    seconds = bench.seconds([{**one, **RUN_BY}]) - bench.seconds([])
    told = json.loads((bench.host.home / "run/lab/measured").read_text())
    return Cost(seconds, told["seconds"], told["work"], told["memory"])


def fresh(bench: Bench, *entries: str) -> float:
    """Recreates the running network with these reservations and no others; returns how long virsh took."""
    (bench.host.home / "run/lab/python").write_text(f"#!/usr/bin/python3\n{PYTHON.read_text()}")
    (bench.host.home / "run/lab/python").chmod(0o755)
    if "bench" in bench.host.virsh("net-list", "--name").split():
        bench.host.virsh("net-destroy", "bench")
        bench.host.virsh("net-undefine", "bench")
    bench.virsh(definition(bench, BARE), "net-start bench")
    if not entries:
        return 0
    known = bench.host.virsh("net-dumpxml", "--inactive", "bench")
    return bench.virsh(definition(bench, known.replace("</dhcp>", "".join(entries) + "</dhcp>")), *RESTART)


def definition(bench: Bench, xml: str) -> str:
    """The virsh command that defines this network."""
    (bench.host.home / "run/lab/bench.xml").write_text(xml)
    return "net-define /run/lab/bench.xml"


def thousands(bench: Bench) -> None:
    """A thousand and ten thousand onto a running network without guests, and again, and by libvirt alone."""
    seconds = {count: onto_idle(bench, count, goal) for count, goal in ((1000, 2), (10000, 3))}
    row("10000 in times 1000", f"{seconds[10000] / seconds[1000]:.1f}", "goal: linear, at most 10")
    against_loop(bench, seconds[1000])


def onto_idle(bench: Bench, count: int, goal: int) -> float:
    """So many onto a running network without guests; returns the seconds of the task."""
    floors, firsts, agains = [], [], []
    for _round in range(ROUNDS):
        floors.append(fresh(bench, *map(host_xml, hosts(count))))
        fresh(bench)
        firsts.append(cost(bench, task("virt_dhcp_host", hosts(count))))
        agains.append(cost(bench, task("virt_dhcp_host", hosts(count))))
    bare, first, again = median(floors), median([one.task for one in firsts]), median([one.task for one in agains])
    row(f"{count} reservations, one task of virt_dhcp_host", f"{first:.2f} s")
    row("  the same again, nothing to do: the whole task", f"{again:.2f} s")
    process, work = median([one.process for one in agains]), median([one.work for one in agains])
    row("  ... its process on the hypervisor", f"{process:.2f} s", "goal: under 2 s" if count > 1000 else "")
    row("  ... the work in it, by cost.seconds", f"{work:.2f} s")
    row("  floor: virsh net-define, net-destroy, net-start with all of them", f"{bare:.2f} s")
    row("  times the floor and the run with nothing to do", f"{first / (bare + again):.2f}", f"goal: at most {goal}")
    row("  memory of the process", f"{max(one.memory for one in firsts + agains)} MB")
    return first


def against_loop(bench: Bench, seconds: float) -> None:
    """A thousand looped through community.libvirt.virt_net: some are measured, the rest is multiplication."""
    fresh(bench)
    module = {"community.libvirt.virt_net": {"name": "bench", "command": "modify", "xml": "{{ item }}"}}
    looped = {**module, "loop": [host_xml(host) for host in hosts(LOOPED)]}
    each = (bench.seconds([looped]) - bench.seconds([])) / LOOPED
    row(f"one of {LOOPED} reservations looped through community.libvirt.virt_net", f"{each:.2f} s")
    row(
        "  1000 so (extrapolated), in times one task of virt_dhcp_host",
        f"{each * 1000 / seconds:.0f}",
        "goal: at least 300",
    )


def names(bench: Bench) -> None:
    """Ten thousand DNS records."""
    fresh(bench)
    records = [{"ip": host["ip"], "hostnames": [host["name"]]} for host in hosts(10000)]
    first, again = (cost(bench, task("virt_dns_host", records)) for _run in range(2))
    row("10000 addresses with names, one task of virt_dns_host", f"{first.task:.2f} s")
    row("  the same again, nothing to do: its process on the hypervisor", f"{again.process:.2f} s")


def under_a_guest(bench: Bench) -> None:
    """Reservations where a guest runs: a live call each, beside the same calls by one virsh."""
    fresh(bench)
    guest = bench.host.guest("bench", networks=["bench"])
    for count in (10, 50):
        bare = f"{count} under a running guest, the same calls by virsh alone, each"
        calls = [f'net-update bench add ip-dhcp-host "{host_xml(host)}" --live --config' for host in hosts(count)]
        script = bench.host.home / "run/lab/calls"
        script.write_text("\n".join(calls))
        floor = bench.virsh("</run/lab/calls")
        script.write_text(re.sub(" add ", " delete ", script.read_text()))
        bench.virsh("</run/lab/calls")
        ours = cost(bench, task("virt_dhcp_host", hosts(count)))
        cost(bench, task("virt_dhcp_host", [], exclusive=True))
        row(f"{count} reservations under a running guest, one task, each", f"{ours.task / count:.3f} s")
        row(bare, f"{floor / count:.3f} s")
        row("  ratio", f"{ours.task / floor:.2f}")
    guest.stop()
    bench.virsh("net-destroy bench", "net-undefine bench")
