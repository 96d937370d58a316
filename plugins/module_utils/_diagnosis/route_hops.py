# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hops of a packet behind the bridge: neighbours, routes both ways, forwarding, the uplink."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .._schema.shared import subnet
from .._values.mode import mode
from .._values.way import Hop, Lookup
from .firewall_hops import flows, flows_back, replies
from .link_hops import lost
from .routes import Decision, decision, is_unread, narrowed
from .trip import Trip, ends, gateway_of, passes, unknown

# For how many seconds the kernel remembers what guests send outwards, when nobody says otherwise.
TIMEOUTS = {
    "tcp_timeout_syn_sent": 120,
    "tcp_timeout_syn_recv": 60,
    "tcp_timeout_established": 432000,
    "udp_timeout": 30,
    "udp_timeout_stream": 120,
}
LEAST = 576  # bytes that any router of IPv4 takes, and any guest may send
FIXED = ("PERMANENT", "NOARP")
# Devices behind which somebody answers ARP.
TAKEN = ("bridge", "openvswitch", "bond", "team")  # what has ports that are not devices of their own any more
CABLES = ("", "veth", "bridge", "bond", "vlan", "team")


def neighbour(trip: Trip) -> Hop:
    """What the hypervisor takes for the guest's MAC address."""
    name, source = trip.who.bridge, trip.question.source
    full = _full(trip)
    if full:
        return full
    for one in _neighbours(trip, source, name):
        state = "/".join(one.get("state", ()))
        mac = str(one.get("lladdr", "")).lower()
        if trip.who.mac and mac and mac != trip.who.mac and {*one.get("state", ())} & {*FIXED}:
            evidence = f"the hypervisor has a fixed neighbour entry for {source}: {mac}, the guest is {trip.who.mac}"
            return ends("neighbour", name, "neighbour_wrong", evidence, f"ip neigh del {source} dev {name}")
        if not mac:
            return unknown("neighbour", name, f"{source} does not answer the hypervisor's ARP ({state})")
        return passes("neighbour", name, f"{source} is {mac} ({state})")
    return unknown("neighbour", name, f"the hypervisor has not talked to {source}")


def _full(trip: Trip) -> Hop | None:
    """That the kernel keeps no more neighbours; those that are fixed do not count."""
    setting = f"net.ipv{trip.version}.neigh.default.gc_thresh3"
    most = int(trip.kernel.settings.get(setting, "0"))
    loose = [one for one in trip.kernel.neighbours if not {*one.get("state", ())} & {*FIXED}]
    count = sum((":" in one["dst"]) == (trip.version == 6) for one in loose)
    if count < most or not most:
        return None
    evidence = f"the table of neighbours is full: {count} of the {most} of {setting}"
    return ends("neighbour", "", "neighbours_full", evidence, f"sysctl -w {setting}={2 * most}")


def _neighbours(trip: Trip, where: str, device: str) -> list[Mapping[str, Any]]:
    return [one for one in trip.kernel.neighbours if one["dst"] == where and one.get("dev") == device]


def back(trip: Trip) -> Hop:
    """The route of what the hypervisor itself answers."""
    return _first(_towards_guest(trip, lookup) for lookup in flows_back(trip))


def reply(trip: Trip) -> Hop:
    """The route of what comes back from outside."""
    lookup = trip.reply
    if lookup is None:
        return unknown("route back", "", "nobody knows where it comes in")
    off = f"net.ipv{trip.version}.conf.{lookup.inbound}.forwarding"
    if trip.version == 4 and trip.kernel.settings.get(off) == "0":  # IPv6 asks for "all" alone
        return ends("route back", lookup.inbound, "forwarding_off", f"{off} is 0", f"sysctl -w {off}=1")
    mtu = int(trip.link(trip.who.bridge).get("mtu", 0))
    narrow = narrowed(trip.kernel, lookup, mtu)
    if narrow:
        evidence = f"{narrow[0]}, {trip.who.bridge} takes {mtu} bytes"
        return ends("route back", trip.who.bridge, "mtu_small", evidence, narrow[1])
    return _first(_towards_guest(trip, one) for one in replies(trip))


def _first(hops: Iterable[Hop]) -> Hop:
    """The first hop that ends, else that of any packet."""
    found = [*hops]
    return next((hop for hop in found if hop.verdict == "ends"), found[0])


def _towards_guest(trip: Trip, lookup: Lookup) -> Hop:
    name = trip.who.bridge
    answer = trip.answer(lookup)
    if answer is None:
        return unknown("route back", name, "the kernel was not asked")
    if answer.error:
        return _explained(trip, lookup, answer.error, "route back")
    if answer.route.get("dev", "") != name or answer.route.get("gateway"):
        return _elsewhere(trip, decision(trip.kernel, lookup), str(answer.route.get("dev", "")))
    return passes("route back", name, f"{lookup.destination} is on {name}")


def _elsewhere(trip: Trip, found: Decision, device: str) -> Hop:
    """Packets for guests leave by another device: somebody's rule or route leads there, or the bridge's own is gone."""
    version, name = trip.version, trip.who.bridge
    item = next(one for one in trip.who.spec["ips"] if one["address"] == gateway_of(trip.who.spec, version))
    net, six = subnet(item), "-6 " if version == 6 else ""
    source = "" if version == 6 else f" scope link src {item['address']}"
    where = f"through {device}" if device else "nowhere"
    by = f", by {found.what}" if found.what and found.remedy else ""
    evidence = f"packets for guests in {net} go {where}, not to {name}{by}"
    remedy = found.remedy or f"ip {six}route replace {net} dev {name} proto kernel{source}"
    if not device and is_unread(trip.kernel, version):
        evidence += ": no policy rule looks into the table main"
        remedy = f"ip {six}rule add lookup main priority 32766"
    if found.before > 0:  # the rule of a VPN: its other packets need it
        remedy = f"ip {six}rule add to {net} lookup main priority {found.before}"
    return ends("route back", name, "route_elsewhere", evidence, remedy)


def local(trip: Trip) -> Hop:
    """Whether the hypervisor takes a packet for one of its own."""
    name, lookup = trip.who.bridge, trip.out
    answer = trip.answer(lookup)
    if answer is None:
        return unknown("route", name, "the kernel was not asked")
    if answer.error:
        return _explained(trip, lookup, answer.error)
    kind, device = answer.route.get("type", "unicast"), answer.route.get("dev", "")
    if kind != "local":
        evidence = f"the kernel sends packets for {lookup.destination} on through {device}: it has no such address"
        return ends("route", name, "route_elsewhere", evidence, _again(trip, lookup))
    return passes("route", name, f"{lookup.destination} is the hypervisor's own")


def _again(trip: Trip, lookup: Lookup) -> str:
    """What makes the kernel take packets for its own address again."""
    found = decision(trip.kernel, lookup)
    if trip.version == 4 and not found.remedy.startswith("ip rule"):
        words = f"dev {trip.who.bridge} table local proto kernel scope host src {lookup.destination}"
        return f"ip route add local {lookup.destination} {words}"
    return found.remedy or f"ip -6 route add local {lookup.destination} dev {trip.who.bridge} table local proto kernel"


def route(trip: Trip) -> Hop:
    """The route outwards, of all that guests send."""
    return _first(_outwards(trip, lookup) for lookup in flows(trip))


def _outwards(trip: Trip, lookup: Lookup) -> Hop:
    answer = trip.answer(lookup)
    if answer is None:
        return unknown("route", "", "the kernel was not asked")
    if answer.error:
        return _explained(trip, lookup, answer.error)
    device, via = answer.route.get("dev", ""), answer.route.get("gateway", "")
    if trip.is_home(device) or answer.route.get("type") == "local":
        evidence = f"the kernel's route to {lookup.destination} leads back to {device}"
        return ends("route", device, "route_elsewhere", evidence, "see ip rule and ip route")
    narrow = narrowed(trip.kernel, lookup, LEAST) if trip.version == 4 else None  # of IPv6, the kernel sends 1280
    if narrow:
        return ends("route", device, "mtu_small", f"{narrow[0]}, every router takes {LEAST}", narrow[1])
    return passes("route", device, f"to {lookup.destination} through {device}{f' via {via}' if via else ''}")


def _explained(trip: Trip, lookup: Lookup, error: str, place: str = "route") -> Hop:
    """Why the kernel has no route: a rule or route that drops, none at all, or the source, which it checks as well."""
    found = decision(trip.kernel, lookup)
    turned = decision(trip.kernel, Lookup(lookup.version, lookup.source, lookup.destination))
    for one in (found, turned):
        if one.drops:
            return ends(place, "", "route_dropped", f"{one.what} drops packets of guests ({error})", one.remedy)
    if not found.device and place == "route back":
        return _elsewhere(trip, found, "")
    if not found.device:
        evidence = f"the hypervisor has no route for packets from {lookup.source} to {lookup.destination} ({error})"
        return ends(place, "", "no_default_route", evidence)
    if lookup.inbound == trip.who.bridge != turned.device:  # the reverse path filter
        return _elsewhere(trip, turned, turned.device)
    evidence = f"the kernel refuses packets from {lookup.source} to {lookup.destination} ({error})"
    return ends(place, "", "route_dropped", evidence, "see ip rule and ip route")


def forwarding(trip: Trip) -> Hop:
    """Whether the kernel forwards at all, and has room for one more connection."""
    forgotten = _forgotten(trip)
    if forgotten:
        return forgotten
    count, most = (trip.kernel.settings.get(f"net.netfilter.nf_conntrack_{what}", "") for what in ("count", "max"))
    if most and int(count or 0) >= int(most) > 0:
        evidence = f"the table of connections is full: {count} of {most}"
        remedy = f"sysctl -w net.netfilter.nf_conntrack_max={int(most) * 2}"
        return ends("forwarding", "", "conntrack_full", evidence, remedy)
    return passes("forwarding", trip.who.bridge, "is on")


def _forgotten(trip: Trip) -> Hop | None:
    """That the kernel forgets connections at once, so that no answer belongs to one."""
    icmp = "icmpv6" if trip.version == 6 else "icmp"
    for name, usual in (*TIMEOUTS.items(), (f"{icmp}_timeout", 30)):
        setting = f"net.netfilter.nf_conntrack_{name}"
        if trip.kernel.settings.get(setting) == "0" and mode(trip.who.spec) != "open":
            evidence = f"{setting} is 0: the kernel forgets connections of guests before an answer comes"
            return ends("forwarding", "", "connections_forgotten", evidence, f"sysctl -w {setting}={usual}")
    return None


def uplink(trip: Trip) -> Hop:
    """The device that the packet leaves by."""
    name = trip.uplink or trip.beyond
    link = trip.link(name)
    if not link:
        return unknown("uplink", name, "nobody knows by which device")
    carrier = {"LOWER_UP", "UP"} <= {*link["flags"]}
    if not carrier:
        evidence = f"{name}, where the route leads, {'has no carrier' if 'UP' in link['flags'] else 'is set down'}"
        return ends("uplink", name, "uplink_down", evidence, f"ip link set dev {name} up; look at its cable")
    cable = link.get("link_type") == "ether" and link.get("linkinfo", {}).get("info_kind", "") in CABLES
    if "NOARP" in link["flags"] and cable:
        evidence = f"{name} asks no ARP and no neighbour discovery (NOARP)"
        return ends("uplink", name, "arp_off", evidence, f"ip link set dev {name} arp on")
    master = str(link.get("master", ""))
    if link.get("linkinfo", {}).get("info_slave_kind") in TAKEN:
        evidence = f"{name}, where the route leads, is a port of {master}, which takes all that comes in by it"
        remedy = f"ip link set dev {name} nomaster; or move its addresses and routes to {master}"
        return ends("uplink", name, "uplink_taken", evidence, remedy)
    return next(lost(trip, name, "uplink"), None) or passes("uplink", name, "is up")


def next_hop(trip: Trip) -> Hop:
    """The router behind the uplink."""
    answer = trip.answer(trip.out)
    via = str(answer.route.get("gateway", "")) if answer else ""
    if not via:
        return passes("next hop", trip.uplink, "none is needed")
    for one in _neighbours(trip, via, trip.uplink):
        state, mac = [*one.get("state", ())], str(one.get("lladdr", "")).lower()
        own = [name for name, link in trip.kernel.links.items() if link.get("address") == mac]
        if mac and {*state} & {*FIXED} and own:
            evidence = f"the fixed neighbour entry for {via} has {mac}, the hypervisor's own {own[0]}"
            return ends("next hop", trip.uplink, "neighbour_wrong", evidence, f"ip neigh del {via} dev {trip.uplink}")
        if "FAILED" in state:
            evidence = f"the router {via} does not answer on {trip.uplink}"
            return ends("next hop", trip.uplink, "router_silent", evidence)
        return passes("next hop", trip.uplink, f"{via} is {mac or 'being asked for'} ({'/'.join(state)})")
    return unknown("next hop", trip.uplink, f"the hypervisor has not talked to {via}")
