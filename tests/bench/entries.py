"""Measures reservations: a thousand and ten thousand, against looped tasks and against what libvirt itself needs."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

from tests.bench.plays import Bench, row

LOOPED = 10
NETWORK = {
    "name": "bench",
    "forward": {"mode": "nat"},
    "ips": [{"address": "10.77.0.1/16", "dhcp": {"ranges": [{"start": "10.77.250.1", "end": "10.77.250.200"}]}}],
}
MEMORY = """
import json, resource, sys
from ansible_collections.virtfleet.network.plugins.module_utils import _converge, _entries, _entry_options, _gateway
from ansible_collections.virtfleet.network.plugins.module_utils._state import Policy
hosts = [{**host, "state": "present"} for host in json.load(open(sys.argv[2]))]
params = {"network": "bench", "hosts": hosts, "exclusive": False}
gateway = _gateway.Gateway(sys.argv[1], False)
wanted = _entry_options.desired_entries(_entries.DHCP_HOST, params)
_converge.converge(gateway, [wanted], Policy(), False, 60)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


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


def reservations(bench: Bench, count: int, goal: int) -> float:
    """So many onto a running network without guests, and again; returns the seconds of the first task."""
    task: dict[str, Any] = {"virtfleet.network.virt_dhcp_host": {"network": "bench", "hosts": hosts(count)}}
    _fresh(bench)
    start = bench.seconds([])
    first = bench.seconds([task]) - start
    again = bench.seconds([task]) - start
    definition = re.sub("<uuid>.*</uuid>", "", bench.host.virsh("net-dumpxml", "--inactive", "bench"))
    _fresh(bench)
    (bench.host.home / "run/lab/bench.xml").write_text(definition)
    bare = bench.virsh("net-define /run/lab/bench.xml", "net-destroy bench", "net-start bench")
    row(f"{count} reservations, one task of virt_dhcp_host", f"{first:.2f} s")
    row("  the same again, nothing to do", f"{again:.2f} s", "goal: under 2 s of module time" if count > 1000 else "")
    row("  virsh net-define, net-destroy, net-start with all of them", f"{bare:.2f} s")
    row("  times that and the run with nothing to do", f"{first / (bare + again):.2f}", f"goal: at most {goal}")
    return first


def against_loop(bench: Bench, seconds: float) -> None:
    """A thousand looped through community.libvirt.virt_net: a few are measured, the rest is multiplication."""
    _fresh(bench)
    entries = [f"<host mac='{host['mac']}' name='{host['name']}' ip='{host['ip']}'/>" for host in hosts(LOOPED)]
    module = {"community.libvirt.virt_net": {"name": "bench", "command": "modify", "xml": "{{ item }}"}}
    start = bench.seconds([])
    each = (bench.seconds([{**module, "loop": entries}]) - start) / LOOPED
    row(f"one reservation of {LOOPED} looped through community.libvirt.virt_net", f"{each:.2f} s")
    row("  1000 of them so (calculated), times slower", f"{each * 1000 / seconds:.0f}", "goal: at least 300")


def under_a_guest(bench: Bench) -> None:
    """Reservations one by one where a guest runs: a live call each, beside the same calls by virsh."""
    _fresh(bench)
    guest = bench.host.guest("bench", networks=["bench"])
    start = bench.seconds([])
    count = 20
    ours = bench.seconds([{"virtfleet.network.virt_dhcp_host": {"network": "bench", "hosts": hosts(count)}}]) - start
    calls = [
        f"net-update bench add ip-dhcp-host \"<host mac='52:54:02:00:00:{number:02x}' ip='10.77.200.{number + 1}'/>\""
        " --live --config"
        for number in range(count)
    ]
    bare = bench.virsh(*calls)
    guest.stop()
    row(f"{count} reservations under a running guest, each", f"{ours / count:.3f} s")
    row("  the same by virsh net-update, each", f"{bare / count:.3f} s")


def memory(bench: Bench, count: int) -> None:
    """The most memory that the work of a task takes."""
    _fresh(bench)
    file = bench.lab.folder / "hosts.json"
    file.write_text(json.dumps(hosts(count)))
    command = [sys.executable, "-c", MEMORY, bench.host.uri, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    row(f"memory of a task for {count} reservations", f"{done.stdout.strip()} MB")
    bench.seconds([{"virtfleet.network.virt_network": {"name": "bench", "state": "absent"}}])


def _fresh(bench: Bench) -> None:
    """The running network without a reservation."""
    empty = {"name": "bench", "state": "absent"}
    bench.seconds([{"virtfleet.network.virt_network": one} for one in (empty, NETWORK)])
