"""What a firewall is said to do, and what it does: random rules and packets, and the kernel as the judge."""

from __future__ import annotations

import contextlib
import random
import re
import subprocess
from collections import Counter
from collections.abc import Iterator

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._diagnosis.evaluation import passage
from ansible_collections.virtfleet.network.plugins.module_utils._diagnosis.ruleset import Ruleset, named
from ansible_collections.virtfleet.network.plugins.module_utils._values.way import Packet, Verdict
from tests.deep import SEED, amount

from .random_rules import iptables, nft, packets
from .site import UPLINK_MAC, WORLD_MAC, Site

pytestmark = pytest.mark.lab

EMPTY = "nft list tables | grep -v keep | sed 's/^/delete /' | nft -f -"
# What may have dropped a packet before the rule that surely does.
DOUBTFUL = re.compile("limit|numgen|length|ttl|skuid|NEW,DNAT")
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
        site.run(EMPTY)
        with contextlib.suppress(subprocess.CalledProcessError):
            if chance.random() < 0.7:
                site.run("nft -f -", nft(chance))
            for version, command in ((4, "iptables-restore"), (6, "ip6tables-restore")):
                if chance.random() < 0.5:
                    site.run(command, iptables(chance, version))
            return


def agreed(site: Site, sent: list[Packet], number: int) -> list[Packet]:
    """Let every other packet to the outside belong to a connection that both ends know."""
    flows = [packet for packet in sent[::2] if packet.outbound == "u0" and packet.protocol != "tcp"]
    site.send(flows, number)
    macs = {"source_mac": WORLD_MAC, "destination_mac": UPLINK_MAC}
    answers = [packet._replace(source=packet.destination, destination=packet.source, **macs) for packet in flows]
    ports = [one._replace(source_port=one.port or one.source_port, port=one.source_port) for one in answers]
    site.send([packet._replace(message="echo-reply") for packet in ports], number, "uplink")
    return [packet._replace(state="established") if packet in flows else packet for packet in sent]


def counted(rules: Ruleset) -> dict[str, int]:
    """Return what each rule of iptables has counted, by the rule without its count."""
    named_rules = [(named(chain, rule), rule.packets) for chain in rules.chains.values() for rule in chain.rules]
    return {text.rpartition(" (")[0]: packets for text, packets in named_rules if packets and " packets)" in text}


def test_remedies_remove_the_rule_that_drops(site: Site) -> None:
    """After enough of them, nothing drops a packet any more."""
    for number in range(amount(6, 200)):
        chance = random.Random(f"{SEED} remedies {number}")
        fill(site, chance)
        (packet,) = packets(chance, number, 1)
        commands: list[str] = []
        while True:
            expected, verdicts = predicted(site.rules(), packet, True)
            if expected is not False:
                break
            commands.append(next(one.remedy for one in verdicts if one.passes is False))
            assert len(commands) == len(set(commands)) or " -D " in commands[-1], commands
            site.run(commands[-1])


def test_what_arrives_is_what_was_predicted(site: Site) -> None:
    seen: Counter[bool | None] = Counter()
    rounds, confirmed = amount(30, 1000), 0
    for number in range(1, rounds * EACH, EACH):
        chance = random.Random(f"{SEED} {number}")
        site.run(EMPTY)
        sent = agreed(site, packets(chance, number, EACH), number)
        fill(site, chance)
        filtered = chance.random() < 0.5
        site.run(f"for file in /proc/sys/net/bridge/bridge-nf-call-ip*tables; do echo {filtered:d} >$file; done")
        rules, dropping = site.rules(), Counter[str]()
        for packet, arrival in zip(sent, site.send(sent, number).values()):
            expected, verdicts = predicted(rules, packet, filtered)
            seen[expected] += 1
            first = next((one for one in verdicts if not one.passes), None)
            dropping.update([first.rule.rpartition(" (")[0]] if first and first.passes is False else [])
            right = expected in (None, arrival.place == place(packet))
            firewall = "" if right else site.run("nft list ruleset; iptables-save; ip6tables-save")
            assert right, (
                f"{packet}\ncame out at {arrival.place!r}, expected: {expected}\n{verdicts}\n{filtered}\n{firewall}"
            )
        # The very rule that is named has counted what it has dropped.
        firewall = site.run("nft list ruleset; iptables-save -c; ip6tables-save -c")
        if not DOUBTFUL.search(firewall):
            after = counted(site.rules())
            named_ones = {text for text in dropping if " -j " in text}
            wrong = {text: after.get(text, 0) for text in named_ones if after.get(text, 0) < dropping[text]}
            assert wrong == {}, f"{dropping}\n{sent}\n{filtered}\n{firewall}"
            confirmed += len(named_ones)
    print(f"named by iptables and confirmed by their counters: {confirmed} rules")
    print(f"arrive: {seen[True]}, do not: {seen[False]}, not known: {seen[None]}")
    assert seen[True] > seen[None] < sum(seen.values()) / 4
    assert seen[False] > seen[None] / 4
