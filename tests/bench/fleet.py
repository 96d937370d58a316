"""Measures fleets: what a topology, a second run, one change and an audit take on 10, 20 and 50 hypervisors.

Run by `make bench-fleet`. All hypervisors share this machine, so what each does for itself takes longer here than on
machines of their own. So the controller's processor seconds are counted apart from all others, and stay comparable.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench import fleet_costs, fleet_replay
from tests.bench.networks import options, xml
from tests.bench.plays import Bench, Cost, available, row
from tests.lab import Lab, LabUnavailable

SIZES = (10, 20, 50)
NETWORKS, ROUNDS, FORKS = 20, 3, 10
LOOPED = 2  # networks of the slow way that are measured; it is the same for each
TOPOLOGY, AUDIT = "virtfleet.network.virt_topology", "virtfleet.network.virt_network_audit"
PING: list[dict[str, Any]] = [{"ansible.builtin.ping": {}}]
# Each dnsmasq and each daemon needs some of the kernel's, of which Debian gives a user 128.
INSTANCES = Path("/proc/sys/fs/inotify/max_user_instances")


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


class Fleet:
    """So many hypervisors of a lab, and the table of what plays on them take."""

    def __init__(self, bench: Bench, size: int) -> None:
        self.bench, self.size = bench, size
        self.hosts = [f"hv{number}" for number in range(1, size + 1)]
        self.cost(PING)  # which makes the connections
        self.ping = self.cost(PING, ROUNDS)
        print(f"{size} hypervisors with {NETWORKS} networks each, {FORKS} forks")
        print(f"  {'':<44} {'seconds':>8} {'x ping':>7} {'controller':>11} {'hypervisors':>12} {'MB':>6}")
        self.row("ansible.builtin.ping", self.ping)

    def cost(self, tasks: list[dict[str, Any]], rounds: int = 1, **more: Any) -> Cost:
        """What a play takes: the middle one of some rounds."""
        hosts = ",".join(self.hosts)
        return middle([self.bench.cost(tasks, hosts=hosts, **{"forks": FORKS, **more}) for _round in range(rounds)])

    def row(self, what: str, cost: Cost, times: float = 1) -> None:
        """Prints a line; ``times``: how often it has to be done."""
        seconds, controller, elsewhere = (value * times for value in cost[:3])
        print(
            f"  {what:<44} {seconds:>8.1f} {seconds / self.ping.seconds:>7.2f} {controller:>11.1f} {elsewhere:>12.1f}"
            f" {cost.memory:>6}",
            flush=True,
        )


def middle(costs: list[Cost]) -> Cost:
    """The middle one by time."""
    return sorted(costs)[len(costs) // 2]


def measure(bench: Bench, size: int) -> Fleet:
    """One size of a fleet."""
    fleet = Fleet(bench, size)
    fleet.row("  a play without a task", bench.cost([], hosts=",".join(fleet.hosts)))
    fleet.row(f"{NETWORKS} new networks, virt_topology", fleet.cost([{TOPOLOGY: topology()}]))
    usual, again = fleet.cost(looped()), fleet.cost(looped())
    fleet.row(f"  community.libvirt.virt_net, from {LOOPED} networks", usual, NETWORKS / LOOPED)
    fleet.row("a second run, virt_topology", fleet.cost([{TOPOLOGY: topology()}], ROUNDS))
    fleet.row(f"  community.libvirt.virt_net, from {LOOPED} networks", again, NETWORKS / LOOPED)
    fleet.row("one reservation changed, virt_topology", fleet.cost([{TOPOLOGY: topology(changed=True)}]))
    fleet.row("an audit, virt_network_audit", fleet.cost([{AUDIT: topology()}], ROUNDS))
    fleet.row("  the playbook audit, with all files", _playbook(fleet))
    return fleet


def _playbook(fleet: Fleet) -> Cost:
    """The audit as people run it, with its table, JSON, CSV, JUnit's XML and the page."""
    return fleet.bench.run(
        "virtfleet.network.audit",
        "-f",
        str(FORKS),
        "-e",
        f"@{_variables(fleet)}",
        "-e",
        f"target={','.join(fleet.hosts)}",
    )


def _variables(fleet: Fleet) -> Path:
    """A file with what is asked of the playbook audit."""
    wanted, folder = topology(changed=True), fleet.bench.lab.folder
    variables = {
        "topology_name": wanted["name"],
        "topology_networks": wanted["networks"],
        "topology_purge": wanted["purge"],
        "audit_dir": str(folder),
        "audit_report": str(folder / "report.html"),
    }
    file = folder / "audit-variables.json"
    file.write_text(json.dumps(variables))
    return file


def clear(fleet: Fleet) -> None:
    """Takes all networks away again."""
    other = "; ".join(f"virsh net-destroy other{n}; virsh net-undefine other{n}" for n in range(LOOPED))
    gone = {"name": "bench", "networks": [], "purge": "owned", "force": True}
    fleet.cost([{TOPOLOGY: gone}, {"ansible.builtin.shell": other}])


@contextlib.contextmanager
def instances(needed: int) -> Iterator[None]:
    """Lets a user have so many instances of inotify meanwhile, where there are fewer."""
    before = int(INSTANCES.read_text())
    if needed <= before:
        yield
        return
    INSTANCES.write_text(str(needed))
    try:
        yield
    finally:
        INSTANCES.write_text(str(before))


def main() -> int:
    """All sizes, or those that are named."""
    sizes = [int(word) for word in sys.argv[1:]] or list(SIZES)
    try:
        with instances(128 + max(sizes) * (NETWORKS + LOOPED + 10)), Lab() as lab:
            before = available()
            for number in range(1, max(sizes) + 1):
                lab.start(f"hv{number}", root="host")
            bench = Bench(lab)
            row("this machine's processors", f"{os.cpu_count()}")
            row(f"memory of {max(sizes)} hypervisors without networks", f"{before - available()} MB")
            for size in sizes:
                fleet = measure(bench, size)
                if size == max(sizes):
                    fleet_costs.measure(fleet.bench, fleet.hosts, {AUDIT: topology()})
                    fleet_replay.measure(fleet.bench, fleet.hosts, _variables(fleet))
                clear(fleet)
    except LabUnavailable as lacking:
        print(f"Nothing can be measured here: {lacking}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
