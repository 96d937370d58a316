# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways that the packets of guests' NICs take: who walks, what for, hop by hop, and what is found where one ends."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from .._network.conflicts import nets
from .._values.host_facts import Scene
from .._values.mode import is_managed, mode
from .._values.probe import Reply
from .._values.way import Answer, Hop, Kernel, Lookup, Question, Way
from .._xml.fields import Spec
from . import firewall_hops as _wall
from . import link_hops as _link
from . import route_hops as _route
from .client import heard
from .diagnosis import Plugged, plugged_nics
from .findings import Finding
from .firewall import Firewall
from .services import bridge_of, has_dns, leases_to_all, version_of
from .trip import Trip, Walker, ends, gateway_of, outside, unknown

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
Judge = Callable[[Trip], Hop]


def _server(trip: Trip) -> Hop:
    """The network's dnsmasq, which is looked at without walking."""
    return Hop(trip.question.name, "", "passes", "dnsmasq runs, and listens")


FRAME: tuple[tuple[str, Judge], ...] = (("tap", _link.tap), ("port", _link.port), ("bridge", _link.bridge))
HERE: tuple[tuple[str, Judge], ...] = (*FRAME, ("address", _route.address))
BACK: tuple[tuple[str, Judge], ...] = (("route back", _route.back), ("neighbour", _route.neighbour))
INPUT, OUTPUT = ("input", _wall.inwards), ("output", _wall.answer)
SIZE = ("size", _link.size)
WAYS: dict[str, tuple[tuple[str, Judge], ...]] = {
    "dhcp": (*HERE, INPUT, ("dhcp", _server), OUTPUT),
    "dns": (*HERE, ("route", _route.local), INPUT, ("dns", _server), *BACK, OUTPUT),
    "gateway": (
        *FRAME,
        SIZE,
        ("address", _route.address),
        ("arp", _wall.arp),
        ("route", _route.local),
        INPUT,
        *BACK,
        OUTPUT,
    ),
    "guest": (*FRAME, SIZE, ("frames", _wall.bridged), ("other port", _link.peer_port)),
    "outside": (
        *FRAME,
        SIZE,
        ("address", _route.address),
        ("forwarding", _route.forwarding),
        ("route", _route.route),
        ("forward", _wall.forward),
        ("translation", _wall.translation),
        ("uplink", _route.uplink),
        ("next hop", _route.next_hop),
        ("route back", _route.reply),
        ("forward back", _wall.forward_back),
        ("neighbour", _route.neighbour),
    ),
    "wire": (*FRAME, SIZE, ("frames", _wall.bridged), ("uplink", _link.leaving_port)),
}


def trips(scene: Scene, kernel: Kernel | None, names: Iterable[str], looked_at: Collection[Plugged]) -> list[Trip]:
    """Every question of the NICs that are looked at on these networks, and of any guest on them; networks that have no
    bridge, or do not run, are left out."""
    found: list[Trip] = []
    if kernel is None:
        return found
    firewall = None if kernel.firewall is None else Firewall(kernel.firewall)
    plugged, asking = plugged_nics(scene), {(nic.domain, nic.mac) for nic in looked_at}
    for name in names:
        network = scene.networks[name]
        spec = network.live.spec if network.active else {}
        bridge = bridge_of(spec)
        if not bridge or not (is_managed(spec) or mode(spec) == "bridge"):
            continue
        nobody = Walker(name, spec, bridge, addresses=tuple(_free(spec)))
        orphans = _orphans(bridge, scene, kernel)
        walkers = [
            Walker(
                name,
                spec,
                bridge,
                nic.domain,
                nic.mac,
                nic.tap,
                nic.spec,
                tuple(_addresses(nic.mac, spec, scene, orphans)),
            )
            for nic in plugged
            if nic.network == name and not nic.parked
        ]
        for place, who in enumerate((nobody, *walkers)):
            others = walkers if place and len(walkers) > 1 else [nobody]
            peer = others[place % len(others)] if not place or others != [nobody] else None
            if not place or (who.domain, who.mac) in asking:
                found += [Trip(who, question, kernel, peer, firewall) for question in _questions(who, kernel, peer)]
    return found


def _free(spec: Spec) -> Iterator[str]:
    """An address that a guest could have, for each version of IP."""
    for version in (4, 6):
        item = next((one for one in spec.get("ips", []) if version_of(one) == version), None)
        if item is None:
            continue
        ranges = item.get("dhcp", {}).get("ranges", [])
        others = [
            net.network_address + step for net in nets({"ips": [item]}) for step in (2, 3) if net.num_addresses > 4
        ]
        yield from (
            [str(ranges[-1]["end"])] if ranges else [str(one) for one in others if str(one) != item["address"]][:1]
        )


def _addresses(mac: str, spec: Spec, scene: Scene, orphans: Sequence[str]) -> Iterator[str]:
    """The addresses of a NIC in the network's subnets, one for each version of IP: what it has, else what is reserved
    for it, else one of the ``orphans``."""
    neighbours = () if scene.host is None else scene.host.neighbours
    known = [*scene.addresses.get(mac, ()), *(address for owner, address in neighbours if owner == mac)]
    hosts = (host for item in spec.get("ips", []) for host in item.get("dhcp", {}).get("hosts", []))
    known += [host["ip"] for host in hosts if host.get("mac") == mac and host.get("ip")]
    known += orphans
    inside = [one for one in known if any(ipaddress.ip_address(one) in net for net in nets(spec))]
    for version in (4, 6):
        yield from [one for one in inside if ipaddress.ip_address(one).version == version][:1]


def _orphans(bridge: str, scene: Scene, kernel: Kernel) -> list[str]:
    """Addresses for which the hypervisor has fixed a MAC address that nobody has."""
    there = {nic.mac for nic in plugged_nics(scene)} | {one["mac"] for one in kernel.forwarding}
    fixed = [one for one in kernel.neighbours if one.get("dev") == bridge and "PERMANENT" in one.get("state", ())]
    return [one["dst"] for one in fixed if str(one.get("lladdr", "")).lower() not in there]


def _questions(who: Walker, kernel: Kernel, peer: Walker | None) -> Iterator[Question]:
    spec = who.spec
    if mode(spec) == "bridge" and who.tap:
        yield Question("wire", 4)
    leases = any(map(leases_to_all, spec.get("ips", [])))
    if leases:
        yield Question("dhcp", 4)
    for source in who.addresses:
        version = ipaddress.ip_address(source).version
        gateway = gateway_of(spec, version)
        if has_dns(spec):
            yield Question("dns", version, source, gateway)
        yield Question("gateway", version, source, gateway)
        if mode(spec) in OUTWARDS and (version == 4 or _leads(kernel, spec)):
            yield Question("outside", version, source, outside(kernel.routes.get(version, ()), version))
    if peer is not None:
        yield Question("guest", 4, *(who.addresses[:1] or ("",)), *(peer.addresses[:1] or ("",)))


def _leads(kernel: Kernel, spec: Spec) -> bool:
    """Whether IPv6 leads anywhere: by NAT it is meant to, without only where the hypervisor has a default route."""
    routes = kernel.routes.get(6, ())
    asked = spec.get("forward", {}).get("nat", {}).get("ipv6")
    return bool(asked) or any(one["dst"] == "default" and one.get("type", "unicast") == "unicast" for one in routes)


def lost_rules(walks: Iterable[Trip], version: int) -> set[Finding]:
    """Which of libvirt's own rules for the networks are missing, one by one."""
    found = set()
    for trip in walks:
        lacks = trip.firewall.lacks(trip.who.spec, version) if trip.firewall and not trip.who.mac else []
        if lacks:
            more = f" and {len(lacks) - SHOWN} more" if len(lacks) > SHOWN else ""
            evidence = f"the firewall lacks libvirt's {'; '.join(lacks[:SHOWN])}{more}"
            found.add(Finding("firewall_rules_missing", trip.who.network, evidence))
    return found


def lookups(walks: Iterable[Trip]) -> list[Lookup]:
    """What the kernel is to be asked about routes."""
    return [
        lookup
        for trip in walks
        if ROUTED & {*WAYS[trip.question.name]}
        for lookup in (trip.out, trip.back)
        if lookup.destination and lookup.source
    ]


def replies(walks: Iterable[Trip]) -> list[Lookup]:
    """The same of what comes back from outside."""
    return [trip.reply for trip in walks if trip.question.name == "outside" and trip.reply]


def answered(walks: Iterable[Trip], answers: Mapping[Lookup, Answer]) -> list[Trip]:
    """The trips with the kernel's answers."""
    return [trip._replace(kernel=trip.kernel._replace(answers=answers)) for trip in walks]


def walk(trip: Trip, findings: Collection[Finding], replies: Sequence[Reply] = ()) -> Way:
    """The way of a packet: each hop is judged; where a cause is known already, that is what ends it. Of a way that does
    not end, a client's ``replies`` say whether that is right."""
    who = trip.who
    mine = [one for one in findings if one.network == who.network and one.mac in ("", who.mac)]
    lost = next((one.evidence for one in mine if one.code == "firewall_rules_missing"), "")
    trip = trip._replace(lost_rules=lost)
    hops: list[Hop] = []
    for place, judge in WAYS[trip.question.name]:
        if place in ("tap", "port", "neighbour", "other port") and not who.tap:
            continue
        known = next((one for one in mine if one.code in CAUSES.get(place, ())), None)
        before = next((hop for hop in hops if hop.place in NEEDS and _stops(hop)), None)
        if known is not None and before is None:
            hops.append(ends(place, "", known.code, known.evidence))
        elif before is not None:
            hops.append(unknown(place, "", f"it depends on the {before.place}"))
        else:
            hops.append(judge(trip))
    asked = None if who.mac or any(hop.verdict == "ends" for hop in hops) else heard(replies, trip.question, who.bridge)
    return Way(who.network, who.domain, who.mac, trip.question, (*hops, *([asked] if asked else [])))


def _stops(hop: Hop) -> bool:
    """Whether what comes behind a hop cannot be judged."""
    return hop.verdict == "ends" or (hop.place == "address" and hop.verdict == "unknown")


def found_on(ways: Sequence[Way], findings: Collection[Finding]) -> set[Finding]:
    """What is found where ways end, and is not said yet. What holds for any guest of a network, or for several, is said
    of the network."""
    known = {(one.code, one.network, mac) for one in findings for mac in (one.mac, "")}
    ended = [(way, hop) for way in ways for hop in way.hops if hop.verdict == "ends"]
    shared = {(way.network, hop.place, hop.code) for way, hop in ended if not way.mac}
    found: dict[tuple[str, str, str, str], set[tuple[str, str]]] = {}
    for way, hop in ended:
        said = {(hop.code, way.network, mac) for mac in ("", way.mac)} & known
        if not said and not (way.mac and (way.network, hop.place, hop.code) in shared):
            found.setdefault((hop.code, way.network, hop.evidence, hop.remedy), set()).add((way.domain, way.mac))
    return {
        Finding(code, network, evidence, *(next(iter(whose)) if len(whose) == 1 else ("", "")), remedy)
        for (code, network, evidence, remedy), whose in found.items()
    }


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
