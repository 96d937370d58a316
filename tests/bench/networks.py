"""Measures whole networks: a task that changes nothing, thirty new ones, and a report on three hundred."""

from __future__ import annotations

import time
from typing import Any

from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor.gateway import Gateway
from tests.bench.plays import Bench, median, row

ROUNDS, TASKS, TWENTY = 5, 20, 20
NETWORKS, ROUNDS_OF_THIRTY = 30, 3
OURS = "virtfleet.network."


def options(number: int) -> dict[str, Any]:
    """A usual network: NAT with DHCP and a reservation."""
    subnet = f"10.{100 + number // 200}.{number % 200}"
    dhcp = {
        "ranges": [{"start": f"{subnet}.100", "end": f"{subnet}.199"}],
        "hosts": [{"mac": f"52:54:00:00:01:{number % 256:02x}", "ip": f"{subnet}.10", "name": "web"}],
    }
    return {
        "name": f"bench{number}",
        "forward": {"mode": "nat"},
        "bridge": {"name": f"bench{number}"},
        "ips": [{"address": f"{subnet}.1/24", "dhcp": dhcp}],
    }


def xml(number: int) -> str:
    """The same network as XML."""
    one = options(number)
    [ip] = one["ips"]
    [span], [host] = ip["dhcp"]["ranges"], ip["dhcp"]["hosts"]
    return (
        f"<network><name>{one['name']}</name><forward mode='nat'/><bridge name='{one['bridge']['name']}'/>"
        f"<ip address='{ip['address'][:-3]}' prefix='24'><dhcp><range start='{span['start']}' end='{span['end']}'/>"
        f"<host mac='{host['mac']}' name='web' ip='{host['ip']}'/></dhcp></ip></network>"
    )


def nothing_to_do(bench: Bench) -> None:
    """A task that changes nothing, against a ping over the same connection."""
    against_ping(bench, "virt_network that changes nothing", {f"{OURS}virt_network": options(0)}, 1.25)
    bench.seconds([{f"{OURS}virt_network": {"name": "bench0", "state": "absent"}}])


def second_run(bench: Bench) -> None:
    """The second run of a topology, and an audit of it; on one hypervisor that shares the controller's processors."""
    wanted = {"name": "bench", "networks": [options(number) for number in range(TWENTY)], "purge": "owned"}
    against_ping(bench, f"a second run of virt_topology, {TWENTY} networks", {f"{OURS}virt_topology": wanted}, 1.3)
    against_ping(bench, f"virt_network_audit of {TWENTY} networks", {f"{OURS}virt_network_audit": wanted}, 1.25)
    bench.seconds([{f"{OURS}virt_topology": {**wanted, "networks": []}}])


def against_ping(bench: Bench, what: str, task: dict[str, Any], goal: float) -> None:
    """What a task takes that has nothing to do from the second time on, in times of a ping."""
    bench.seconds([task])
    figures: dict[str, list[float]] = {"start": [], "ours": [], "ping": []}
    for _round in range(ROUNDS):
        figures["start"].append(bench.seconds([]))
        figures["ours"].append(bench.seconds([task] * TASKS))
        figures["ping"].append(bench.seconds([{"ansible.builtin.ping": {}}] * TASKS))
    start = median(figures["start"])
    mine, other = ((median(figures[name]) - start) / TASKS for name in ("ours", "ping"))
    row("ansible.builtin.ping", f"{other * 1000:.0f} ms")
    row(what, f"{mine * 1000:.0f} ms")
    row("  ratio", f"{mine / other:.2f}", f"goal: at most {goal}")


def thirty(bench: Bench) -> None:
    """Thirty new networks, in a loop and in one task, against the usual three loops, and the floor of a loop."""
    numbers = range(NETWORKS)
    clear = [f"net-destroy bench{number}; net-undefine bench{number}" for number in numbers]
    looped = [{"name": f"bench{number}", "xml": xml(number)} for number in numbers]
    module = "community.libvirt.virt_net"
    fields = {name: f"{{{{ item.{name} }}}}" for name in options(0)}
    plays: dict[str, list[dict[str, Any]]] = {
        "ours": [{f"{OURS}virt_network": fields, "loop": [options(number) for number in numbers]}],
        "theirs": [
            {module: {"name": "{{ item.name }}", "command": "define", "xml": "{{ item.xml }}"}, "loop": looped},
            {module: {"name": "{{ item.name }}", "state": "active"}, "loop": looped},
            {module: {"name": "{{ item.name }}", "autostart": True}, "loop": looped},
        ],
        "together": [{f"{OURS}virt_topology": {"name": "bench", "networks": [options(number) for number in numbers]}}],
        "ping": [{"ansible.builtin.ping": {}, "loop": list(numbers)}],
    }
    figures: dict[str, list[float]] = {name: [] for name in plays}
    for _round in range(ROUNDS_OF_THIRTY):
        for name, tasks in plays.items():
            figures[name].append(bench.seconds(tasks))
            bench.host.run(["virsh", "-q"], input="\n".join(clear))
    bare = _bare(bench)
    bench.host.run(["virsh", "-q"], input="\n".join(clear))
    ours, theirs, together, ping = (median(figures[name]) for name in plays)
    row(f"{NETWORKS} networks, three looped tasks of community.libvirt.virt_net", f"{theirs:.1f} s")
    row(f"{NETWORKS} networks, one looped task of virt_network", f"{ours:.1f} s")
    row("  times faster", f"{theirs / ours:.1f}")
    row(f"{NETWORKS} networks, one task of virt_topology", f"{together:.1f} s")
    row("  times faster", f"{theirs / together:.1f}", "goal: at least 3")
    row(f"  floor: {NETWORKS} looped pings, and the same by virsh alone", f"{ping:.1f} + {bare:.1f} s")


def _bare(bench: Bench) -> float:
    """What libvirt itself needs for these networks."""
    lines = []
    for number in range(NETWORKS):
        (bench.host.home / f"run/lab/bench{number}.xml").write_text(xml(number))
        lines += [f"net-define /run/lab/bench{number}.xml", f"net-start bench{number}", f"net-autostart bench{number}"]
    began = time.monotonic()
    bench.host.run(["virsh", "-q"], input="\n".join(lines))
    return time.monotonic() - began


def three_hundred(bench: Bench) -> None:
    """A report on three hundred networks."""
    folder = bench.host.home / "run/lab"
    for number in range(300):
        (folder / f"bench{number}.xml").write_text(xml(number))
    define = "cd /run/lab; for file in bench*.xml; do echo net-define $file; done | virsh -q >/dev/null"
    bench.host.run(["sh", "-c", define])
    gateway = Gateway(bench.host.uri_ro, readonly=True)
    began = time.monotonic()
    found = gateway.networks()
    gateway.guests()
    seconds = time.monotonic() - began
    gateway.close()
    start = bench.seconds([])
    task = bench.seconds([{"virtfleet.network.virt_network_info": {}}]) - start
    row(f"virt_network_info on {len(found)} networks, libvirt alone", f"{seconds:.2f} s", "goal: well under 1 s")
    row(f"virt_network_info on {len(found)} networks, the whole task", f"{task:.2f} s")
    undefine = "cd /run/lab; for file in bench*.xml; do echo net-undefine ${file%.xml}; done | virsh -q >/dev/null"
    bench.host.run(["sh", "-c", undefine])
