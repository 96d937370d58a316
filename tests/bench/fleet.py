"""Measures fleets: what a topology, a second run, one change and an audit take on 10, 20 and 50 hypervisors.

Run by `make bench-fleet`. All hypervisors share this machine, so what each has to do for itself is slower here than on
machines of their own; the ratios within one run are what counts.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

from ansible_collections.virtfleet.network.plugins.module_utils._guests import Guests
from ansible_collections.virtfleet.network.plugins.module_utils._survey import survey
from ansible_collections.virtfleet.network.plugins.module_utils._topology import Wanted
from tests.bench.networks import options, xml
from tests.bench.plays import Bench, median, row
from tests.lab import Lab, LabUnavailable

SIZES = (10, 20, 50)
NETWORKS, ROUNDS, FORKS = 20, 3, 10
LOOPED = 3  # networks of the slow way that are measured; it is the same for each
TOPOLOGY, AUDIT = "virtfleet.network.virt_topology", "virtfleet.network.virt_network_audit"


def topology(changed: bool = False) -> dict[str, Any]:
    """Twenty networks, on demand one of them with another reservation."""
    networks = [options(number) for number in range(NETWORKS)]
    if changed:
        networks[0]["ips"][0]["dhcp"]["hosts"][0]["name"] = "changed"
    return {"name": "bench", "networks": networks, "purge": "owned"}


def looped() -> list[dict[str, Any]]:
    """Some of these networks the usual way."""
    module, names = "community.libvirt.virt_net", [f"other{number}" for number in range(LOOPED)]
    items = [
        {"name": name, "xml": xml(100 + number).replace(f"bench{100 + number}", name)}
        for number, name in enumerate(names)
    ]
    return [
        {module: {"name": "{{ item.name }}", "command": "define", "xml": "{{ item.xml }}"}, "loop": items},
        {module: {"name": "{{ item.name }}", "state": "active"}, "loop": items},
        {module: {"name": "{{ item.name }}", "autostart": True}, "loop": items},
    ]


def measure(bench: Bench, size: int) -> None:
    """One size of a fleet."""
    hosts = ",".join(f"hv{number}" for number in range(1, size + 1))

    def seconds(*tasks: dict[str, Any]) -> float:
        return bench.seconds(list(tasks), hosts=hosts, forks=FORKS)

    start = bench.seconds([], hosts=hosts)
    new = seconds({TOPOLOGY: topology()})
    figures: dict[str, list[float]] = {"ping": [], "again": [], "audit": []}
    for _round in range(ROUNDS):
        figures["ping"].append(seconds({"ansible.builtin.ping": {}}))
        figures["again"].append(seconds({TOPOLOGY: topology()}))
        figures["audit"].append(seconds({AUDIT: topology()}))
    changed = seconds({TOPOLOGY: topology(changed=True)})
    usual = seconds(*looped()) - start
    ping, again, audit = (median(figures[name]) for name in figures)
    print(f"{size} hypervisors with {NETWORKS} networks each, {FORKS} forks")
    row("start of ansible-playbook alone", f"{start:.1f} s")
    row("a play of ansible.builtin.ping", f"{ping:.1f} s")
    row(f"{NETWORKS} new networks each, by virt_topology", f"{new:.1f} s")
    row(
        f"the same by community.libvirt.virt_net, {LOOPED} of {NETWORKS} measured", f"{usual / LOOPED * NETWORKS:.0f} s"
    )
    row("  times faster", f"{usual / LOOPED * NETWORKS / (new - start):.0f}")
    row("a second run", f"{again:.1f} s")
    row("  against ping", f"{again / ping:.2f}")
    row("one reservation changed on each", f"{changed:.1f} s")
    row("an audit", f"{audit:.1f} s")
    row("  against ping", f"{audit / ping:.2f}", "goal: 1.5 and a constant")
    seconds({TOPOLOGY: {"name": "bench", "networks": [], "purge": "owned", "force": True}})
    seconds(
        {
            "ansible.builtin.shell": "; ".join(
                f"virsh net-destroy other{n}; virsh net-undefine other{n}" for n in range(LOOPED)
            )
        }
    )


def where_it_goes(bench: Bench) -> None:
    """What of an audit is the hypervisor's own work: without Ansible, Python's start and the connection."""
    bench.seconds([{TOPOLOGY: topology()}])
    gateway = Guests(bench.host.uri_ro, readonly=True)
    times = []
    for _round in range(5):
        began = time.monotonic()
        survey(gateway, Wanted([]))
        times.append(time.monotonic() - began)
    gateway.close()
    row(f"an audit of {NETWORKS} networks on one hypervisor, libvirt and XML alone", f"{median(times):.2f} s")
    bench.seconds([{TOPOLOGY: {"name": "bench", "networks": [], "purge": "owned"}}])


def _available() -> int:
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable")) // 1024


def main() -> int:
    """All sizes, or those that are named."""
    sizes = [int(word) for word in sys.argv[1:]] or list(SIZES)
    try:
        with Lab() as lab:
            before = _available()
            for number in range(1, max(sizes) + 1):
                lab.start(f"hv{number}", root="host")
            bench = Bench(lab)
            row(f"memory of {max(sizes)} hypervisors without networks", f"{before - _available()} MB")
            where_it_goes(bench)
            for size in sizes:
                measure(bench, size)
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
            row("memory of the largest process of ansible-playbook", f"{peak} MB")
            row("this machine's processors", f"{os.cpu_count()}")
    except LabUnavailable as lacking:
        print(f"Nothing can be measured here: {lacking}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
