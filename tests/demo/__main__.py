"""Runs the demonstration; exits 0 when everything was as it should be."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from tests.demo import outside
from tests.demo.fleet import Fleet, expect, say
from tests.integration.kinds import KINDS
from tests.lab import Hypervisor, LabUnavailable
from tests.lab.guest import Guest

RESTART = {
    "nat_network_domain": {"name": "shop.example"},
    "nat_network_mtu": {"size": 1400},
    "nat_network_restart": "replug",
}
TEARDOWN = {"teardown_networks": ["web", "storage", "dmz", "lan"]}
DRIFT = (
    "net-destroy storage",
    "net-autostart lan --disable",
    "net-update dmz delete ip-dhcp-range \"<range start='10.22.0.128' end='10.22.0.254'/>\" --live --config",
)
REPORT = Path(__file__).parents[2] / ".build/report.html"


def main() -> int:
    """The whole demonstration, told as it goes."""
    began = time.monotonic()
    try:
        with Fleet() as fleet:
            show(fleet)
    except LabUnavailable as lacking:
        print(f"The demonstration cannot run here: {lacking}")
        return 1
    print(f"\nEverything as it should be, in {time.monotonic() - began:.0f} s; nothing is left running.")
    return 0


def show(fleet: Fleet) -> None:
    """The story: check mode, creation, second run, what guests have, changes while they run, drift, and the end."""
    _create(fleet)
    host, other = fleet.hosts
    guest = _change(fleet, host)
    _repair(fleet, host, other)
    say("What the hypervisors have now")
    fleet.play("show", quiet=False)
    say("A page about it, with pictures")
    fleet.play("report", options=("-e", f"report_file={REPORT}"))
    say("All of it is removed")
    guest.stop()
    fleet.play("teardown", options=("-e", json.dumps(TEARDOWN)))
    expect(not any(fleet.networks().values()), "no network is left")
    expect(REPORT.exists(), f"the page about what there was is {REPORT}")


def _create(fleet: Fleet) -> None:
    say("What would the playbooks do? Check mode changes nothing")
    fleet.play(*KINDS, options=("--check",))
    expect(not any(fleet.networks().values()), "no hypervisor has a network yet")

    say("They do what they said")
    expect(set(fleet.play(*KINDS).values()) == {5}, "four networks on each, and the way to one of them on its router")
    say("A second run finds nothing to do")
    expect(set(fleet.play(*KINDS).values()) == {0}, "changed=0 on each")

    say("What guests get, as the outside world sees them")
    outside.table(fleet.hosts)


def _change(fleet: Fleet, host: Hypervisor) -> Guest:
    say(f"A virtual machine boots on {host.name}, with one NIC behind NAT and one on the LAN")
    guest = outside.virtual_machine(host)
    say("A reservation and a name, while the machine runs and talks")
    with outside.undisturbed(host, guest):
        fleet.play("reservations", "dns")
    outside.reservation(host)
    say("A domain and another MTU, which take a restart of the network, under the same machine")
    with outside.survives(host, guest):
        fleet.play("nat", options=("-e", json.dumps(RESTART)))
    return guest


def _repair(fleet: Fleet, host: Hypervisor, other: Hypervisor) -> None:
    say(f"Somebody changes networks of {other.name} by hand")
    for command in DRIFT:
        print(f"$ virsh {command}", flush=True)
        other.virsh(command)
    for mode, what in (("--check",), "check mode finds all of it, and nothing else"), ((), "it is repaired"):
        expect(fleet.play(*KINDS[1:], options=mode) == {host.name: 0, other.name: len(DRIFT)}, what)


if __name__ == "__main__":
    sys.exit(main())
