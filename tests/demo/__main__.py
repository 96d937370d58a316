"""Runs the demonstration; exits 0 when everything was as it should be."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from tests.demo import outside
from tests.demo.fleet import Fleet, expect, say
from tests.lab import LabUnavailable

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
    """The story: rehearsal, creation, second run, what guests have of it, a change while they run, and the end."""
    say("What would the playbook networks.yml do? (check mode changes nothing)")
    fleet.play("networks.yml", "--check")
    expect(not any(fleet.networks().values()), "no hypervisor has a network yet")

    say("It does what it said")
    expect(set(fleet.play("networks.yml").values()) == {4}, "four networks on each")
    say("A second run finds nothing to do")
    expect(set(fleet.play("networks.yml").values()) == {0}, "changed=0 on each")

    for host in fleet.hosts:
        say(f"What guests on {host.name} have of it, judged from outside")
        outside.nat(host)
        outside.isolated(host)
        outside.routed(host)
    host = fleet.hosts[0]
    say(f"A virtual machine boots on {host.name}, with one NIC behind it and one on the network outside")
    guest = outside.virtual_machine(host)

    say("A reservation and a name, while the machine runs and talks")
    with outside.undisturbed(host, guest):
        fleet.play("change.yml")
    outside.reservation(host)

    say("A domain and another MTU, which take a restart of the network, under the same machine")
    with outside.survives(host, guest):
        fleet.play("restart.yml")

    say("What there is now")
    fleet.play("inspect.yml", quiet=False)
    say("A page about it, with pictures")
    fleet.play("report.yml", "-e", f"report_file={REPORT}")
    say("All of it goes again")
    guest.stop()
    fleet.play("teardown.yml")
    expect(not any(fleet.networks().values()), "no network is left")
    expect(REPORT.exists(), f"the page about what there was is {REPORT}")


if __name__ == "__main__":
    sys.exit(main())
