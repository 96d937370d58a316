"""Six hypervisors with several releases of libvirt, in one run of a playbook; two of them cannot be served."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab import Hypervisor, Lab

from ..conftest import ROOTS
from ..plays import Result, environment

pytestmark = pytest.mark.lab

PIECE = "{{ (site_subnet | virtfleet.network.subnet_plan(%d, 24)).subnet }}"
COMMON = {
    "site_number": "{{ inventory_hostname | regex_search('[0-9]+') }}",
    "site_subnet": "{{ ('10.0.0.0/8' | virtfleet.network.subnet_plan(site_number | int, 20)).subnet }}",
    "site_three": [
        {"name": "front", "kind": "nat", "subnet": PIECE % 0, "domain": "{{ site_domain }}"},
        {"name": "back", "kind": "isolated", "subnet": PIECE % 1, "dhcp": "{{ site_domain == {} }}"},
        {
            "name": "dmz",
            "kind": "routed",
            "subnet": PIECE % 2,
            "mtu": "{{ {} if site_domain == {} else {'size': 1400} }}",
        },
    ],
    "site_domain": {},
    "topology_name": "site",
    "topology_networks": "{{ site_three if site_domain == {} else site_three + [site_fourth] }}",
}
LATER = ("-e", json.dumps({"site_domain": {"name": "later.example"}}))
# The fourth network of each: every kind, one on another program's device, and one that does not start.
FOURTH: list[dict[str, Any]] = [
    {"kind": "nat", "subnet": PIECE % 3, "subnet_ipv6": "fd00:{{ site_number }}::/64"},
    {"kind": "isolated", "subnet": PIECE % 3, "mtu": {"size": 1400}},
    {"kind": "routed", "subnet": PIECE % 4, "dhcp": False},
    {"kind": "bridged", "bridge": {"name": "br0"}},
    {"kind": "nat", "subnet": PIECE % 3, "bridge": {"name": "br0"}},
    {"kind": "nat", "subnet": PIECE % 3},
]
NAMES = [f"site{number}" for number in range(1, len(FOURTH) + 1)]
TAKEN, BROKEN = NAMES[4:]
GOOD = NAMES[:4]


class Fleet:
    """Hypervisors, each with a bridge, and an inventory with variables for each of them."""

    def __init__(self, lab: Lab, hosts: dict[str, Hypervisor], folder: Path) -> None:
        self.lab, self.hosts, self.inventory = lab, hosts, folder / "site.json"
        own = {name: {"site_fourth": {"name": "fourth", **fourth}} for name, fourth in zip(NAMES, FOURTH)}
        self.inventory.write_text(json.dumps({"all": {"children": {"site": {"hosts": own, "vars": COMMON}}}}))
        for host in hosts.values():
            host.run(["ip", "link", "add", "br0", "up", "type", "bridge"])
        # Nobody can know before the start that libvirt cannot write this file.
        hosts[BROKEN].run(["mkdir", "-p", "/var/lib/libvirt/dnsmasq/fourth.conf/taken"])

    def run(self, *options: str, failed: bool = False) -> dict[str, Result]:
        """Run the playbook on all of them and return what virt_topology returned for each."""
        inventories = ["-i", str(self.lab.inventory), "-i", str(self.inventory), "-e", "target=site", *options]
        command = [sys.executable, "-m", "ansible", "playbook", *inventories, "virtfleet.network.topology"]
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment())
        assert (done.returncode != 0) == failed, done.stdout + done.stderr
        results = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        return {result["host"]: result for result in results if {"plan", "failed"} & {*result}}  # the last module's

    def networks(self, name: str) -> dict[str, list[str]]:
        """Return the persistent and the live config of each network of a hypervisor, as virsh shows them."""
        virsh = self.hosts[name].virsh
        names = virsh("net-list", "--all", "--name").split()
        return {net: [virsh("net-dumpxml", net, *saved) for saved in ((), ("--inactive",))] for net in names}


@pytest.fixture
def fleet(lab: Lab, tmp_path: Path) -> Iterator[Fleet]:
    """Six hypervisors, with the releases in turn."""
    hosts = lab.start_all({name: ROOTS[number % len(ROOTS)] for number, name in enumerate(NAMES)})
    yield Fleet(lab, hosts, tmp_path)
    for host in hosts.values():
        host.stop()


def test_those_that_cannot_be_served_say_why_and_stay_as_they_were(fleet: Fleet) -> None:
    assert all(result["changed"] for result in fleet.run().values())
    before = {name: fleet.networks(name) for name in (TAKEN, BROKEN)}

    told = fleet.run(*LATER, failed=True)
    assert {name for name, result in told.items() if result.get("failed")} == {TAKEN, BROKEN}
    assert all(told[name]["changed"] and len(fleet.networks(name)) == 4 for name in GOOD)
    reason = "bridge.name br0 is an interface of the hypervisor already: choose another name"
    assert told[TAKEN]["msg"] == f"Cannot bring network 'fourth' to the wanted state: {reason}"
    back = "; ".join(f"network '{name}' was rolled back" for name in ("dmz", "back", "front"))
    assert re.fullmatch(
        rf"Cannot start network 'fourth': libvirt says .*'fourth' was removed again; {back}", told[BROKEN]["msg"]
    )
    assert {name: fleet.networks(name) for name in (TAKEN, BROKEN)} == before

    again = fleet.run(*LATER, "--check", failed=True)
    assert not any(again[name]["changed"] for name in GOOD)
    assert again[TAKEN]["msg"] == told[TAKEN]["msg"]
