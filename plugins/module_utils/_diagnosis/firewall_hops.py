# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hops of a packet through the hypervisor's firewall, in each family and at each hook that it passes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .._values.mode import mode
from .._values.way import Hop, Lookup, Packet, Verdict
from .changes import expired, foreign, redirected, untracking, zoned
from .link_hops import leaving, peers
from .nic_filters import dropped
from .openings import mending
from .packets import (
    ARP_IN,
    ARP_OUT,
    ARRIVES,
    BACK,
    BRIDGED,
    BROADCAST,
    IN,
    LEAVES,
    OUT,
    THROUGH,
    asked,
    frame,
    outwards,
    turned,
)
from .trip import Trip, ends, gateway_of, passes, unknown

# The policies before which libvirt's own rules stand.
OWN_POLICIES = tuple(f"{family} filter {chain} policy" for family in ("ip", "ip6") for chain in ("INPUT", "FORWARD"))
LOST = "firewall_rules_missing"
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
    changed = redirected(trip, "input", packets, IN)
    return _beside(changed, _judged(trip, "input", [(IN, packet) for packet in packets]))


def answer(trip: Trip) -> list[Hop]:
    """What it does to the hypervisor's answer."""
    return _judged(trip, "output", [(OUT, turned(packet)) for packet in asked(trip)])


def arp(trip: Trip) -> list[Hop]:
    """What it does to the guest's ARP, and to the hypervisor's."""
    if trip.version == 6:
        return [passes("arp", "", "none is needed")]
    question = frame(trip)._replace(protocol="arp", destination_mac=BROADCAST, source_port=0)
    return _judged(trip, "arp", [(ARP_IN, question), (ARP_OUT, turned(question))])


def forward(trip: Trip) -> list[Hop]:
    """What it does to a packet on its way out."""
    packets = [*outwards(trip)]
    changed = redirected(trip, "forward", packets, THROUGH) or expired(trip, packets)
    return _beside(changed, _judged(trip, "forward", [(THROUGH, packet) for packet in packets]))


def forward_back(trip: Trip) -> list[Hop]:
    """What it does to what comes back."""
    packets = [*outwards(trip)]
    changed = zoned(trip, packets[0])
    return _beside(changed, _judged(trip, "forward back", [(BACK, turned(packet)) for packet in packets]))


def translation(trip: Trip) -> Hop:
    """Whether a packet leaves with an address that one outside can answer to."""
    firewall, given = trip.firewall, trip.who.spec.get("forward", {}).get("nat", {})
    if firewall is None or _stray(trip):
        return unknown("translation", "", _stray(trip) or "the firewall cannot be read")
    given_to = next(foreign(trip), None)
    if given_to or mode(trip.who.spec) != "nat" or (trip.version == 6 and not given.get("ipv6")):
        return given_to or passes("translation", "", "none is meant to be")
    for packet in outwards(trip):
        verdicts = [verdict for _hook, verdict, _at in firewall.followed(LEAVES, packet)]
        untracked = next((deed for one in verdicts for deed in untracking(one.deeds)), None)
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
    packet = frame(trip)._replace(
        source=source,
        destination=trip.question.destination or "192.0.2.3",
        protocol="icmp",
        outbound=trip.who.bridge,
        port_out=out,
        destination_mac=trip.peer.mac if trip.peer else "",
    )
    changed = redirected(trip, "frames", [packet], BRIDGED)
    return _beside(changed, _judged(trip, "frames", [(hooks, packet)]))


def _called(trip: Trip) -> str:
    """What sends bridged frames to the hooks of IP, a sysctl or the bridge's own setting; "" when nothing does."""
    word = f"ip{'6' if trip.version == 6 else ''}tables"
    own = trip.link(trip.who.bridge).get("linkinfo", {}).get("info_data", {}).get(f"nf_call_{word}")
    if trip.kernel.settings.get(f"net.bridge.bridge-nf-call-{word}") == "1":
        return f"net.bridge.bridge-nf-call-{word}"
    return f"nf_call_{word} of {trip.who.bridge}" if own else ""


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
    if verdict.owner == "libvirt" and trip.uplink and f" {trip.uplink} " in verdict.rule.replace('"', ""):
        evidence = f"the route to the outside leads to {trip.uplink}, into a network of libvirt's own: {verdict.rule}"
        return ends(place, "", "route_elsewhere", evidence, "see ip rule and ip route")
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
