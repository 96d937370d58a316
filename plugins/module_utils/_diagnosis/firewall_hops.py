# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hops of a packet through the hypervisor's firewall, in each family and at each hook that it passes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from .._values.mode import mode
from .._values.way import Deed, Hop, Lookup, Packet, Verdict
from .firewall import ADDRESS, Firewall
from .link_hops import leaving, peers
from .nic_filters import dropped
from .openings import mending
from .statements import TRANSLATE
from .trip import Trip, ends, gateway_of, passes, unknown

EVERYBODY, NOBODY, HIGH = "255.255.255.255", "0.0.0.0", 40000  # nothing is bound to the first two
BROADCAST = "ff:ff:ff:ff:ff:ff"
# What a guest sends outwards: a page, a name, an echo.
OUTWARDS = (("tcp", 443), ("udp", 53), ("icmp", 0))
IN = ("ingress", "bridge prerouting", "bridge input", "prerouting", "input")
OUT = ("output", "postrouting", "bridge output", "bridge postrouting", "egress")
THROUGH = ("ingress", "bridge prerouting", "bridge input", "prerouting", "forward", "postrouting", "egress")
ARRIVES, LEAVES = THROUGH[:4], THROUGH[:-1]
BACK = ("ingress", "prerouting", "forward", "postrouting", "bridge output", "bridge postrouting", "egress")
ARP_IN = ("ingress", "bridge prerouting", "bridge input", "arp input")
ARP_OUT = ("arp output", "bridge output", "bridge postrouting", "egress")
BRIDGED = ("ingress", "bridge prerouting", "bridge forward", "bridge postrouting", "egress")
ANSWERS = {"echo-request": "echo-reply", "nd-neighbor-solicit": "nd-neighbor-advert"}
# The policies before which libvirt's own rules stand.
OWN_POLICIES = tuple(f"{family} filter {chain} policy" for family in ("ip", "ip6") for chain in ("INPUT", "FORWARD"))
LOST = "firewall_rules_missing"
TIMES, ZONE, UNTRACKED = ("ip ttl", "ip6 hoplimit"), "ct zone", frozenset({"untracked"})
CALLED = ("prerouting", "forward", "postrouting")


def flows(trip: Trip) -> list[Lookup]:
    """The questions for the route outwards: several where policy rules ask for more than addresses."""
    return [trip.out, *_told(trip, trip.out, outwards(trip))]


def flows_back(trip: Trip) -> list[Lookup]:
    """The same for the route of what the hypervisor itself answers."""
    return [trip.back, *_told(trip, trip.back, map(turned, asked(trip)))]


def replies(trip: Trip) -> list[Lookup]:
    """The same for the route of what comes back from outside, as soon as it is known where that comes in."""
    return [trip.reply, *_told(trip, trip.reply, map(turned, outwards(trip)))] if trip.reply else []


def _told(trip: Trip, lookup: Lookup, packets: Iterable[Packet]) -> Iterator[Lookup]:
    told_by = {name.partition("_")[0] for rule in trip.kernel.policies.get(trip.version, ()) for name in rule}
    for packet in packets if told_by & {"fwmark", "ipproto", "sport", "dport"} else ():
        marks = [at.mark for _hook, _verdict, at in trip.firewall.followed(ARRIVES, packet)] if trip.firewall else [0]
        protocol = "ipv6-icmp" if packet.protocol == "icmp" and trip.version == 6 else packet.protocol
        told = lookup._replace(protocol=protocol, port=packet.port, source_port=packet.source_port)
        yield told._replace(mark=(marks[-1] or 0) if lookup.inbound else 0)


def inwards(trip: Trip) -> list[Hop]:
    """What the firewall does to a packet for the hypervisor itself."""
    packets = [*asked(trip)]
    changed = _redirected(trip, "input", packets)
    return _beside(changed, _judged(trip, "input", [(IN, packet) for packet in packets]))


def answer(trip: Trip) -> list[Hop]:
    """What it does to the hypervisor's answer."""
    return _judged(trip, "output", [(OUT, turned(packet)) for packet in asked(trip)])


def arp(trip: Trip) -> list[Hop]:
    """What it does to the guest's ARP, and to the hypervisor's."""
    if trip.version == 6:
        return [passes("arp", "", "none is needed")]
    question = _frame(trip)._replace(protocol="arp", destination_mac=BROADCAST, source_port=0)
    return _judged(trip, "arp", [(ARP_IN, question), (ARP_OUT, turned(question))])


def forward(trip: Trip) -> list[Hop]:
    """What it does to a packet on its way out."""
    packets = [*outwards(trip)]
    changed = _redirected(trip, "forward", packets) or _expired(trip, packets)
    return _beside(changed, _judged(trip, "forward", [(THROUGH, packet) for packet in packets]))


def forward_back(trip: Trip) -> list[Hop]:
    """What it does to what comes back."""
    packets = [*outwards(trip)]
    zoned = _zoned(trip, packets[0])
    return _beside(zoned, _judged(trip, "forward back", [(BACK, turned(packet)) for packet in packets]))


def translation(trip: Trip) -> Hop:
    """Whether a packet leaves with an address that one outside can answer to."""
    firewall, given = trip.firewall, trip.who.spec.get("forward", {}).get("nat", {})
    if firewall is None or _stray(trip):
        return unknown("translation", "", _stray(trip) or "the firewall cannot be read")
    foreign = next(_foreign(trip, firewall), None)
    if foreign or mode(trip.who.spec) != "nat" or (trip.version == 6 and not given.get("ipv6")):
        return foreign or passes("translation", "", "none is meant to be")
    for packet in outwards(trip):
        verdicts = [verdict for _hook, verdict, _at in firewall.followed(LEAVES, packet)]
        untracked = next((deed for one in verdicts for deed in _untracking(one.deeds)), None)
        if untracked:
            evidence = f"connections of guests are not tracked, so nothing is translated: {untracked.rule}"
            return ends("translation", trip.uplink, "not_translated", evidence, untracked.remedy)
        verdict = verdicts[-1]
        if verdict.unknown:
            return unknown("translation", "", verdict.unknown)
        if verdict.passes and not verdict.translated:
            if trip.lost_rules:
                return ends("translation", trip.uplink, LOST, trip.lost_rules)
            evidence = f"no rule translates the addresses of guests' {packet.protocol} packets (IPv{packet.version})"
            before = f": {verdict.rule} lets them pass as they are" if verdict.rule else ""
            return ends("translation", trip.uplink, "not_translated", evidence + before, verdict.remedy)
    return passes("translation", trip.uplink, "by its own address")


def bridged(trip: Trip) -> list[Hop]:
    """What it does to frames from port to port of a bridge."""
    hooks = (*BRIDGED, *(CALLED if _called(trip) else ()))
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
    """What sends bridged frames to the hooks of IP, a sysctl or the bridge's own setting; "" when nothing does."""
    word = f"ip{'6' if trip.version == 6 else ''}tables"
    own = trip.link(trip.who.bridge).get("linkinfo", {}).get("info_data", {}).get(f"nf_call_{word}")
    if trip.kernel.settings.get(f"net.bridge.bridge-nf-call-{word}") == "1":
        return f"net.bridge.bridge-nf-call-{word}"
    return f"nf_call_{word} of {trip.who.bridge}" if own else ""


def _frame(trip: Trip) -> Packet:
    who = trip.who
    link = str(trip.link(who.bridge).get("address", ""))
    question = trip.question
    packet = Packet(trip.version, question.source, question.destination, "udp", HIGH, inbound=who.bridge)
    return packet._replace(port_in=who.tap, source_mac=who.mac, destination_mac=link, reverse=True)


def asked(trip: Trip) -> Iterator[Packet]:
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


def outwards(trip: Trip) -> Iterator[Packet]:
    """What guests send outwards."""
    for protocol, port in OUTWARDS:
        yield _frame(trip)._replace(protocol=protocol, port=port, source_port=HIGH if port else 0, outbound=trip.uplink)


def turned(packet: Packet) -> Packet:
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
    there = there._replace(message=ANSWERS.get(packet.message, packet.message))
    if packet.destination == EVERYBODY:
        return there._replace(source="", destination=EVERYBODY, state="new", source_mac="", reverse=None)
    return there._replace(source_mac=packet.destination_mac, destination_mac=packet.source_mac)


def _untracking(deeds: Mapping[str, Deed]) -> list[Deed]:
    return [deed for key, deed in deeds.items() if key == "ct state" and deed.value == UNTRACKED]


def _foreign(trip: Trip, firewall: Firewall) -> Iterator[Hop]:
    """A rule that gives packets an address to which answers do not come back; libvirt's are those of the definition."""
    own = {str(one.get("local", "")) for link in trip.kernel.links.values() for one in link.get("addr_info", ())}
    for packet in outwards(trip):
        deed = _arrived(firewall, LEAVES, packet).deeds.get(TRANSLATE)
        if deed and ADDRESS.match(deed.value) and deed.value not in own and deed.owner != "libvirt":
            evidence = f"packets of guests leave with {deed.value}, which the hypervisor does not have: {deed.rule}"
            yield ends("translation", trip.uplink, "translated_wrongly", evidence, deed.remedy)


def _arrived(firewall: Firewall, hooks: tuple[str, ...], packet: Packet) -> Verdict:
    """The verdict at the last one of these hooks."""
    *_before, (_hook, verdict, _at) = firewall.followed(hooks, packet)
    return verdict


def _redirected(trip: Trip, place: str, packets: list[Packet]) -> Hop | None:
    """A rule that leads packets to somebody else than they are for."""
    for packet in packets if trip.firewall else ():
        deed = _arrived(trip.firewall, ARRIVES, packet).deeds.get(TRANSLATE) if trip.firewall else None
        if deed:
            what = f"{packet.protocol} packets of guests to port {packet.port}"
            return ends(place, "", "firewall_redirects", f"{what} are led elsewhere: {deed.rule}", deed.remedy)
    return None


def _expired(trip: Trip, packets: list[Packet]) -> Hop | None:
    """A rule after which the next router, or the hypervisor itself, drops a packet: it may go no further."""
    for packet in packets if trip.firewall else ():
        for _hook, verdict, _packet in trip.firewall.followed(THROUGH, packet) if trip.firewall else ():
            for deed in (verdict.deeds[key] for key in TIMES if key in verdict.deeds):
                if deed.value in (0, 1):
                    evidence = f"packets of guests expire at the next router: {deed.rule}"
                    return ends("forward", "", "packets_expire", evidence, deed.remedy)
    return None


def _zoned(trip: Trip, packet: Packet) -> Hop | None:
    """A rule that has connections looked up elsewhere than what comes back."""
    if trip.firewall is None:
        return None
    ways = (ARRIVES, packet), (BACK[:2], turned(packet))
    deeds = [_arrived(trip.firewall, hooks, one).deeds.get(ZONE) for hooks, one in ways]
    out, back = (deed.value if deed else 0 for deed in deeds)
    named = next(filter(None, deeds), None)
    if None in (out, back) or out == back or named is None:
        return None
    evidence = f"guests' connections are in zone {out}, and looked up in zone {back} when an answer comes: {named.rule}"
    return ends("forward back", "", "not_translated", evidence, named.remedy)


def _beside(changed: Hop | None, judged: list[Hop]) -> list[Hop]:
    """What changes a packet, and what drops it."""
    return judged if changed is None else [changed, *(hop for hop in judged if hop.verdict == "ends")]


def _judged(trip: Trip, place: str, packets: list[tuple[tuple[str, ...], Packet]]) -> list[Hop]:
    """Each rule that drops one of these packets, until libvirt's would accept it; else the first that may."""
    if trip.firewall is None:
        return [unknown(place, "", "the firewall cannot be read")]
    doubt: Verdict | None = None
    found: list[Hop] = []
    for hooks, packet in packets:
        whole = packet if packet.source else packet._replace(source=gateway_of(trip.who.spec, 4))
        for hook, verdict, _packet in trip.firewall.followed(hooks, whole):
            if verdict.passes is False:
                found.append(_ended(trip, place, packet, verdict, called=hook in CALLED and place == "frames"))
                if verdict.owner == "libvirt" or found[-1].code == LOST:
                    break
            doubt = doubt or (verdict if verdict.passes is None else None)
    if found:
        return list(dict.fromkeys(found))
    if doubt:
        return [unknown(place, "", f"{doubt.rule} may drop it: {doubt.unknown}")]
    return [passes(place, "", "no rule drops it")]


def _ended(trip: Trip, place: str, packet: Packet, verdict: Verdict, *, called: bool) -> Hop:
    if trip.lost_rules and verdict.rule.startswith(OWN_POLICIES):  # what would have accepted it
        return ends(place, "", LOST, trip.lost_rules)
    if filtered := dropped(trip, place, verdict):
        return filtered
    if verdict.owner == "libvirt" and _stray(trip):
        way = f"forward.interfaces of network {trip.who.network!r}"
        remedy = f"add {trip.uplink} to {way}, or lead the route through one of those"
        return ends(place, "", "route_elsewhere", _stray(trip), remedy)
    if verdict.owner == "libvirt":
        evidence = f"libvirt's own rule drops packets of guests, and none before it accepts them: {verdict.rule}"
        return ends(place, "", LOST, trip.lost_rules or evidence)
    whose = f", a rule of {verdict.owner}" if verdict.owner else ""
    remedy = mending(trip.who.spec, packet, verdict)
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
