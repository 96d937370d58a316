# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hops of a packet through the hypervisor's firewall, in each family and at each hook that it passes."""

from __future__ import annotations

from collections.abc import Iterator

from .._values.mode import mode
from .._values.way import Hop, Packet, Verdict
from .link_hops import leaving, peers
from .openings import opening
from .ruleset import SERVICE
from .trip import Trip, ends, gateway_of, passes, unknown

EVERYBODY, NOBODY, HIGH = "255.255.255.255", "0.0.0.0", 40000  # nothing is bound to the first two
BROADCAST = "ff:ff:ff:ff:ff:ff"
# What a guest sends outwards: a page, a name, an echo.
OUTWARDS = (("tcp", 443), ("udp", 53), ("icmp", 0))
IN = ("ingress", "bridge prerouting", "bridge input", "prerouting", "input")
OUT = ("output", "postrouting", "bridge output", "bridge postrouting", "egress")
THROUGH = ("ingress", "bridge prerouting", "bridge input", "prerouting", "forward", "postrouting", "egress")
BACK = ("ingress", "prerouting", "forward", "postrouting", "bridge output", "bridge postrouting", "egress")
ARP_IN = ("ingress", "bridge prerouting", "bridge input", "arp input")
ARP_OUT = ("arp output", "bridge output", "bridge postrouting", "egress")
BRIDGED = ("ingress", "bridge prerouting", "bridge forward", "bridge postrouting", "egress")
CALLED = ("prerouting", "forward", "postrouting")


def inwards(trip: Trip) -> Hop:
    """What the firewall does to a packet for the hypervisor itself."""
    return _judged(trip, "input", [(IN, packet) for packet in _asked(trip)])


def answer(trip: Trip) -> Hop:
    """What it does to the hypervisor's answer."""
    return _judged(trip, "output", [(OUT, _turned(packet)) for packet in _asked(trip)])


def arp(trip: Trip) -> Hop:
    """What it does to the guest's ARP, and to the hypervisor's."""
    if trip.version == 6:
        return passes("arp", "", "none is needed")
    asked = _frame(trip)._replace(protocol="arp", destination_mac=BROADCAST, source_port=0)
    return _judged(trip, "arp", [(ARP_IN, asked), (ARP_OUT, _turned(asked))])


def forward(trip: Trip) -> Hop:
    """What it does to a packet on its way out."""
    return _judged(trip, "forward", [(THROUGH, packet) for packet in _outwards(trip)])


def forward_back(trip: Trip) -> Hop:
    """What it does to what comes back."""
    return _judged(trip, "forward back", [(BACK, _turned(packet)) for packet in _outwards(trip)])


def translation(trip: Trip) -> Hop:
    """Whether a packet leaves with an address that one outside can answer to."""
    firewall, given = trip.firewall, trip.who.spec.get("forward", {}).get("nat", {})
    if mode(trip.who.spec) != "nat" or (trip.version == 6 and not given.get("ipv6")):
        return passes("translation", "", "none is meant to be")
    if firewall is None or _stray(trip):
        return unknown("translation", "", _stray(trip) or "the firewall cannot be read")
    for packet in _outwards(trip):
        verdict = firewall.verdict("postrouting", packet)
        if verdict.unknown:
            return unknown("translation", "", verdict.unknown)
        if verdict.passes and not verdict.translated:
            if trip.lost_rules:
                return ends("translation", trip.uplink, "firewall_rules_missing", trip.lost_rules)
            evidence = f"no rule translates the addresses of guests' {packet.protocol} packets (IPv{packet.version})"
            before = f": {verdict.rule} lets them pass as they are" if verdict.rule else ""
            return ends("translation", trip.uplink, "not_translated", evidence + before, verdict.remedy)
    return passes("translation", trip.uplink, "by its own address")


def bridged(trip: Trip) -> Hop:
    """What it does to frames from port to port of a bridge."""
    called = trip.kernel.settings.get(_called(trip)) == "1"
    hooks = (*BRIDGED, *(CALLED if called else ()))
    source = trip.question.source or "192.0.2.2"
    (out,) = (peers(trip) or leaving(trip) or [""])[:1]
    packet = _frame(trip)._replace(
        source=source,
        destination=trip.question.destination or "192.0.2.3",
        protocol="icmp",
        outbound=trip.who.bridge,
        port_out=out,
        destination_mac=trip.peer.mac if trip.peer else "",
    )
    return _judged(trip, "frames", [(hooks, packet)])


def _called(trip: Trip) -> str:
    """The sysctl that sends bridged frames through the hooks of IP."""
    return f"net.bridge.bridge-nf-call-ip{'6' if trip.version == 6 else ''}tables"


def _frame(trip: Trip) -> Packet:
    who = trip.who
    link = str(trip.link(who.bridge).get("address", ""))
    question = trip.question
    packet = Packet(trip.version, question.source, question.destination, "udp", HIGH, inbound=who.bridge)
    return packet._replace(port_in=who.tap, source_mac=who.mac, destination_mac=link, reverse=True)


def _asked(trip: Trip) -> Iterator[Packet]:
    """The packets of a question for the hypervisor itself."""
    packet, name = _frame(trip), trip.question.name
    if name == "dhcp":
        yield packet._replace(
            source=NOBODY, destination=EVERYBODY, source_port=68, port=67, destination_mac=BROADCAST, reverse=None
        )
    elif name == "dns":
        yield from (packet._replace(protocol=protocol, port=53) for protocol in ("udp", "tcp"))
    elif trip.version == 6:
        yield packet._replace(protocol="icmp", message="nd-neighbor-solicit", source_port=0)


def _outwards(trip: Trip) -> Iterator[Packet]:
    for protocol, port in OUTWARDS:
        yield _frame(trip)._replace(protocol=protocol, port=port, source_port=HIGH if port else 0, outbound=trip.uplink)


def _turned(packet: Packet) -> Packet:
    """The answer to a packet."""
    there = packet._replace(
        source=packet.destination,
        destination=packet.source,
        source_port=packet.port,
        port=packet.source_port,
        inbound=packet.outbound,
        outbound=packet.inbound,
    )
    there = there._replace(port_in=packet.port_out, port_out=packet.port_in, state="established")
    if packet.destination == EVERYBODY:
        return there._replace(source="", destination=EVERYBODY, state="new", source_mac="", reverse=None)
    return there._replace(source_mac=packet.destination_mac, destination_mac=packet.source_mac)


def _judged(trip: Trip, place: str, packets: list[tuple[tuple[str, ...], Packet]]) -> Hop:
    """The first rule that drops one of these packets; else the first that may."""
    if trip.firewall is None:
        return unknown(place, "", "the firewall cannot be read")
    doubt: Verdict | None = None
    for hooks, packet in packets:
        whole = packet if packet.source else packet._replace(source=gateway_of(trip.who.spec, 4))
        for hook in hooks:
            verdict = trip.firewall.verdict(hook, whole)
            if verdict.passes is False:
                return _ended(trip, place, packet, verdict, called=hook in CALLED and place == "frames")
            doubt = doubt or (verdict if verdict.passes is None else None)
    if doubt:
        return unknown(place, "", f"{doubt.rule} may drop it: {doubt.unknown}")
    return passes(place, "", "no rule drops it")


def _ended(trip: Trip, place: str, packet: Packet, verdict: Verdict, *, called: bool) -> Hop:
    if " policy " in verdict.rule and trip.lost_rules:  # what would have accepted it
        return ends(place, "", "firewall_rules_missing", trip.lost_rules)
    if verdict.owner == "libvirt" and _stray(trip):
        way = f"forward.interfaces of network {trip.who.network!r}"
        remedy = f"add {trip.uplink} to {way}, or lead the route through one of those"
        return ends(place, "", "route_elsewhere", _stray(trip), remedy)
    if verdict.owner == "libvirt":
        evidence = f"libvirt's own rule drops packets of guests, and none before it accepts them: {verdict.rule}"
        return ends(place, "", "firewall_rules_missing", trip.lost_rules or evidence)
    whose = f", a rule of {verdict.owner}" if verdict.owner else ""
    remedy = verdict.remedy if verdict.owner in ("", SERVICE) else _by(verdict)
    remedy = opening(trip.who.spec, packet, verdict) or remedy
    if called and mode(trip.who.spec) == "bridge":
        evidence = f"{_called(trip)} is 1, and the firewall drops bridged frames: {verdict.rule}{whose}"
        return ends(place, "", "bridge_netfilter", evidence, remedy)
    evidence = f"the firewall drops packets of guests: {verdict.rule}{whose}"
    return ends(place, "", "firewall_drops", evidence, remedy)


def _stray(trip: Trip) -> str:
    """That the route leads where the network does not forward to, "" when it does."""
    forward = trip.who.spec.get("forward", {})
    devices = [str(one["dev"]) for one in forward.get("interfaces", []) if one.get("dev")]
    if trip.uplink in ("", *devices) or not devices:
        return ""
    return f"the route to the outside leads through {trip.uplink}, the network forwards to {', '.join(devices)} only"


def _by(verdict: Verdict) -> str:
    return f"have {verdict.owner} accept the network's bridge, or delete its rule: {verdict.remedy}"
