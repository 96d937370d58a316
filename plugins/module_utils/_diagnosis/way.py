# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways that the packets of guests' NICs take: who walks, what for, hop by hop, and what is found where one ends."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Union

from .._values.probe import Reply
from .._values.way import Answer, Hop, Lookup, Way
from . import address_hops as _address
from . import firewall_hops as _wall
from . import ipsec as _ipsec
from . import link_hops as _link
from . import route_hops as _route
from . import routes as _routes
from . import upstream as _upstream
from .client import heard
from .findings import Finding
from .trip import Trip, ends, unknown

SHOWN = 3  # of rules that are missing
OUTWARDS = ("nat", "route", "open")
NAMES = ("dhcp", "dns", "gateway", "guest", "outside")
SERVER = ("dnsmasq_missing", "dnsmasq_not_listening", "port_taken")
# At which place of the way a cause lies that was found without walking.
CAUSES: dict[str, tuple[str, ...]] = {
    "tap": ("nic_link_down", "nic_tap_down", "nic_disconnected", "nic_parked", "network_missing"),
    "bridge": ("bridge_missing", "bridge_down", "host_bridge_missing", "host_bridge_down"),
    "address": ("address_missing",),
    "dhcp": (*SERVER, "dnsmasq_options", "range_exhausted", "dhcp_silent"),
    "dns": (*SERVER, "dns_silent"),
    "forwarding": ("forwarding_off",),
    "route": ("no_default_route",),
    "route back": ("subnet_overlap",),
    "uplink": ("uplink_missing", "host_bridge_alone"),
}
ROUTED = {("route", _route.local), ("route", _route.route)}
# What cannot be judged where the way has ended before: a packet has no route without bridge, address and forwarding.
NEEDS = ("tap", "bridge", "address", "forwarding")
# What rules do to packets, they do without any of these.
ALWAYS = ("frames", "input", "output", "arp", "forward", "forward back", "ipsec", "translation")
Judge = Callable[[Trip], Union[Hop, list[Hop]]]


def _server(trip: Trip) -> Hop:
    """The network's dnsmasq, which is looked at without walking."""
    return Hop(trip.question.name, "", "passes", "dnsmasq runs, and listens")


FRAME: tuple[tuple[str, Judge], ...] = (("tap", _link.tap), ("port", _link.port), ("bridge", _link.bridge))
HERE: tuple[tuple[str, Judge], ...] = (*FRAME, ("address", _address.address))
BACK: tuple[tuple[str, Judge], ...] = (("route back", _route.back), ("neighbour", _route.neighbour))
INPUT, OUTPUT = ("input", _wall.inwards), ("output", _wall.answer)
IPSEC = ("ipsec", _ipsec.ipsec)
SIZE = ("size", _link.size)
WAYS: dict[str, tuple[tuple[str, Judge], ...]] = {
    "dhcp": (*HERE, INPUT, ("dhcp", _server), OUTPUT),
    "dns": (*HERE, ("route", _route.local), INPUT, IPSEC, ("dns", _server), *BACK, OUTPUT),
    "gateway": (
        *FRAME,
        SIZE,
        ("address", _address.address),
        ("link-local", _address.link_local),
        ("arp", _wall.arp),
        ("route", _route.local),
        INPUT,
        IPSEC,
        *BACK,
        OUTPUT,
    ),
    "guest": (*FRAME, SIZE, ("frames", _wall.bridged), ("other port", _link.peer_port)),
    "outside": (
        *FRAME,
        SIZE,
        ("address", _address.address),
        ("forwarding", _route.forwarding),
        ("route", _route.route),
        ("forward", _wall.forward),
        IPSEC,
        ("translation", _wall.translation),
        ("uplink", _route.uplink),
        ("next hop", _route.next_hop),
        ("route back", _route.reply),
        ("forward back", _wall.forward_back),
        ("neighbour", _route.neighbour),
    ),
    "names": (("upstream", _upstream.upstream),),
    "wire": (*FRAME, SIZE, ("frames", _wall.bridged), ("uplink", _link.leaving_port)),
}


def lost_rules(walks: Iterable[Trip], version: int) -> set[Finding]:
    """Which of libvirt's own rules for the networks are missing, one by one."""
    found = set()
    asked = {trip.who.network: (trip.firewall, trip.who.spec) for trip in walks if trip.firewall and not trip.who.mac}
    for network, (firewall, spec) in asked.items():
        lacks = firewall.lacks(spec, version)
        if lacks:
            more = f" and {len(lacks) - SHOWN} more" if len(lacks) > SHOWN else ""
            evidence = f"the firewall lacks libvirt's {'; '.join(lacks[:SHOWN])}{more}"
            found.add(Finding("firewall_rules_missing", network, evidence))
    return found


def lookups(walks: Sequence[Trip]) -> list[Lookup]:
    """What the kernel is to be asked about routes."""
    return [
        lookup
        for trip in walks
        if ROUTED & {*WAYS[trip.question.name]}
        for lookup in (*_wall.flows(trip), *_wall.flows_back(trip))
        if lookup.destination and lookup.source
    ] + [lookup for trip in walks if trip.question.name == "names" for lookup in _upstream.lookups(trip)]


def replies(walks: Iterable[Trip]) -> list[Lookup]:
    """The same of what comes back from outside."""
    return [lookup for trip in walks if trip.question.name == "outside" for lookup in _wall.replies(trip)]


def answered(walks: Iterable[Trip], answers: Mapping[Lookup, Answer]) -> list[Trip]:
    """The trips with the kernel's answers."""
    return [trip._replace(kernel=trip.kernel._replace(answers=answers)) for trip in walks]


def walk(trip: Trip, findings: Collection[Finding], replies: Sequence[Reply] = ()) -> Way:
    """The way of a packet: each hop is judged; where a cause is known already, that is what ends it. Of a way that does
    not end, a client's ``replies`` say whether that is right."""
    who = trip.who
    mine = [one for one in findings if one.network == who.network and one.mac in ("", who.mac)]
    lost = next((one.evidence for one in mine if one.code == "firewall_rules_missing"), "")
    trip = trip._replace(lost_rules=lost, beyond=_beyond(trip))
    hops: list[Hop] = []
    for place, judge in WAYS[trip.question.name]:
        if place in ("tap", "port", "neighbour", "other port") and not who.tap:
            continue
        known = next((one for one in mine if one.code in CAUSES.get(place, ())), None)
        before = next((hop for hop in hops if hop.place in NEEDS and _stops(hop)), None)
        if known is not None and before is None:
            hops.append(ends(place, "", known.code, known.evidence))
        elif before is not None and place not in ALWAYS:
            hops.append(unknown(place, "", f"it depends on the {before.place}"))
        else:
            judged = judge(trip)
            hops += [judged] if isinstance(judged, Hop) else judged
    asked = None if who.mac or any(hop.verdict == "ends" for hop in hops) else heard(replies, trip)
    return Way(who.network, who.domain, who.mac, trip.question, (*hops, *([asked] if asked else [])))


def _stops(hop: Hop) -> bool:
    """Whether what comes behind a hop cannot be judged: it is not there, or has no address."""
    if hop.place == "address":
        return hop.verdict != "passes"
    return hop.verdict == "ends" and hop.code in CAUSES[hop.place]


def _beyond(trip: Trip) -> str:
    """The device by which packets of guests would leave, "" where that is known, or nobody knows it."""
    answer = trip.answer(trip.out) if trip.question.name == "outside" else None
    if answer is None or not answer.error:
        return ""
    devices = _routes.beyond(trip.kernel, trip.out)
    return next((name for name in devices if name and not trip.is_home(name)), "")


def found_on(ways: Sequence[Way], findings: Collection[Finding]) -> set[Finding]:
    """What is found where ways end, and is not said yet. What holds for any guest of a network, or for several, is said
    of the network."""
    known = {(one.code, one.network, mac) for one in findings for mac in (one.mac, "")}
    ended = [(way, hop) for way in ways for hop in way.hops if hop.verdict == "ends"]
    shared = {(way.network, *_place(hop)) for way, hop in ended if not way.mac}
    found: dict[tuple[str, str, str, str], set[tuple[str, str]]] = {}
    for way, hop in ended:
        said = {(hop.code, way.network, mac) for mac in ("", way.mac)} & known
        if not said and not (way.mac and (way.network, *_place(hop)) in shared):
            found.setdefault((hop.code, way.network, hop.evidence, hop.remedy), set()).add((way.domain, way.mac))
    return {
        Finding(code, network, evidence, *(next(iter(whose)) if len(whose) == 1 else ("", "")), remedy)
        for (code, network, evidence, remedy), whose in found.items()
    }


def _place(hop: Hop) -> tuple[str, ...]:
    """What is one cause at a place for all guests: of rules, each one."""
    return hop.place, hop.code, hop.evidence if hop.code == "firewall_drops" else ""


def telling(ways: Sequence[Way], domains: Collection[str]) -> list[Way]:
    """The ways of the networks and of guests that are named; of others' NICs those that end elsewhere."""
    ended = {(way.network, way.question[:2], ends_at(way)) for way in ways if not way.mac}
    return [
        way
        for way in ways
        if not way.mac
        or way.domain in domains
        or (ends_at(way) and (way.network, way.question[:2], ends_at(way)) not in ended)
    ]


def ends_at(way: Way) -> str:
    """The place where a way ends, "" when it does not."""
    return next((hop.place for hop in way.hops if hop.verdict == "ends"), "")
