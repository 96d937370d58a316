"""What a firewall is said to do, and what it does: random rules and packets, and the kernel as the judge."""

from __future__ import annotations

import contextlib
import random
import subprocess
from collections import Counter
from collections.abc import Iterator

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._diagnosis.evaluation import passage
from ansible_collections.virtfleet.network.plugins.module_utils._diagnosis.ruleset import Ruleset
from ansible_collections.virtfleet.network.plugins.module_utils._values.way import Packet, Verdict
from tests.deep import SEED, amount

from .random_rules import iptables, nft, packets
from .site import Site

pytestmark = pytest.mark.lab

EACH = 24  # packets for a firewall
INTO_BRIDGE = ("ingress", "bridge prerouting")
TO_HOST = (*INTO_BRIDGE, "bridge input", "prerouting", "input")
OUT = (*INTO_BRIDGE, "bridge input", "prerouting", "forward", "postrouting", "egress")
ACROSS = (*INTO_BRIDGE, "bridge forward", "bridge postrouting")
FILTERED = ("prerouting", "forward", "postrouting")  # of what is bridged, with bridge-nf-call-iptables


@pytest.fixture
def site() -> Iterator[Site]:
    with contextlib.closing(Site()) as site:
        site.connect()
        yield site


def place(packet: Packet) -> str:
    return {"": "host", "u0": "uplink", "br0": "guest"}[packet.outbound]


def predicted(rules: Ruleset, packet: Packet, filtered: bool) -> tuple[bool | None, list[Verdict]]:
    """Say whether a packet arrives, with the verdict of each hook."""
    across = (*ACROSS, *FILTERED) if filtered else ACROSS
    hooks = {"host": TO_HOST, "uplink": OUT, "guest": across}[place(packet)]
    # A bridge's own device has no part in what it forwards.
    at_port = packet if place(packet) != "guest" else packet._replace(inbound="")
    verdicts = [passage(rules, hook, at_port if hook == "ingress" else packet) for hook in hooks]
    if any(verdict.passes is False for verdict in verdicts):
        return False, verdicts
    return (True if all(verdict.passes for verdict in verdicts) else None), verdicts


def fill(site: Site, chance: random.Random) -> None:
    """Give the hypervisor a random firewall; some are none that nft or iptables takes, then another one."""
    while True:
        site.run("nft list tables | grep -v keep | sed 's/^/delete /' | nft -f -")
        with contextlib.suppress(subprocess.CalledProcessError):
            if chance.random() < 0.7:
                site.run("nft -f -", nft(chance))
            for version, command in ((4, "iptables-restore"), (6, "ip6tables-restore")):
                if chance.random() < 0.5:
                    site.run(command, iptables(chance, version))
            return


def test_what_arrives_is_what_was_predicted(site: Site) -> None:
    seen: Counter[bool | None] = Counter()
    rounds = amount(30, 1000)
    for number in range(1, rounds * EACH, EACH):
        chance = random.Random(f"{SEED} {number}")
        fill(site, chance)
        filtered = chance.random() < 0.5
        site.run(f"for file in /proc/sys/net/bridge/bridge-nf-call-ip*tables; do echo {filtered:d} >$file; done")
        rules, sent = site.rules(), packets(chance, number, EACH)
        for packet, arrival in zip(sent, site.send(sent, number).values()):
            expected, verdicts = predicted(rules, packet, filtered)
            seen[expected] += 1
            right = expected in (None, arrival.place == place(packet))
            firewall = "" if right else site.run("nft list ruleset; iptables-save; ip6tables-save")
            assert right, (
                f"{packet}\ncame out at {arrival.place!r}, expected: {expected}\n{verdicts}\n{filtered}\n{firewall}"
            )
    print(f"arrive: {seen[True]}, do not: {seen[False]}, not known: {seen[None]}")
    assert seen[True] > seen[None] < sum(seen.values()) / 4
    assert seen[False] > seen[None] / 4
