# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hops of a frame: the guest's tap, its port of the bridge, the bridge, and the port that it leaves by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .._values.way import Hop
from .trip import Trip, ends, passes, unknown

STP = ("listening", "learning")
MANY = 5  # packets that a queue has dropped, and sent none
ETHERNET = 1500  # what a NIC sends whose definition says nothing else
WAYS = {"ingress": "come in by", "egress": "leave by"}
FAMILIES = {4: ("all", "ip", "arp"), 6: ("all", "ipv6")}
ATTACHED = {1: "xdpdrv", 2: "xdpgeneric", 3: "xdpoffload"}  # a program is only taken off in the mode it is there in


def tap(trip: Trip) -> Hop:
    """The hypervisor's end of the guest's NIC."""
    name = trip.who.tap
    link = trip.link(name)
    if not link:
        return unknown("tap", name, "its device is not in the kernel's list")
    wrong = _worst([*lost(trip, name), *_without_room(link)])
    return wrong or passes("tap", name, f"is up, {link['mtu']} bytes a frame")


def _without_room(link: Mapping[str, Any]) -> Iterator[Hop]:
    """A tap keeps what the guest has not fetched yet in a ring that is as long as its queue."""
    if not link.get("txqlen") and link.get("linkinfo", {}).get("info_kind") == "tun":
        name = link["ifname"]
        evidence = f"{name} has no room for packets to the guest (txqueuelen 0): the kernel drops them"
        yield ends("tap", name, "queue_drops", evidence, f"ip link set dev {name} txqueuelen 1000")


def port(trip: Trip) -> Hop:
    """The bridge's port that the guest is on."""
    name = trip.who.tap
    checks = (_state, _locked, _flood, _elsewhere, _vlan)
    wrong = _worst(hop for check in checks for hop in check(trip, name, "port"))
    if wrong or not trip.port(name):
        return wrong or unknown("port", name, "the kernel says nothing of a port")
    return passes("port", name, str(trip.port(name).get("state", "")))


def size(trip: Trip) -> Hop:
    """Whether frames as large as the guest's pass."""
    name, bridge = trip.who.tap, trip.who.bridge
    asked = next((one["mtu"]["size"] for one in (trip.who.nic, trip.who.spec) if one.get("mtu", {}).get("size")), None)
    most = int(asked or (max(ETHERNET, int(trip.link(name).get("mtu", 0))) if name else 0))
    for place in (
        *([name] if name else []),
        bridge,
        *(leaving(trip) if trip.question.name != "guest" else peers(trip)),
    ):
        mtu = int(trip.link(place).get("mtu", most))
        if mtu < most:
            evidence = f"{place} takes packets of {mtu} bytes, guests send {most}"
            return ends("size", place, "mtu_small", evidence, f"ip link set dev {place} mtu {most}")
    return passes("size", bridge, f"{most} bytes")


def bridge(trip: Trip) -> Hop:
    """The bridge itself."""
    name = trip.who.bridge
    link = trip.link(name)
    if not link:
        return unknown("bridge", name, "the kernel has no such device")
    if "NOARP" in link["flags"] and gateway_is_here(trip):
        evidence = f"{name} answers no ARP and no neighbour discovery (NOARP)"
        return ends("bridge", name, "arp_off", evidence, f"ip link set dev {name} arp on")
    for setting, value, means, right in _settings(name, trip.version) if gateway_is_here(trip) else ():
        if trip.kernel.settings.get(setting) == value:
            return ends("bridge", name, "arp_off", f"{setting} is {value}: {means}", f"sysctl -w {setting}={right}")
    wrong = _worst([*lost(trip, name), *_sent_away(trip, name)])
    return wrong or passes("bridge", name, "is up")


def _sent_away(trip: Trip, name: str) -> Iterator[Hop]:
    """An entry that leads frames for the hypervisor itself to a port."""
    for one in trip.kernel.forwarding:
        away = (one.get("master"), one.get("state")) == (name, "static")
        if away and one["mac"] == trip.link(name).get("address") and gateway_is_here(trip):
            evidence = f"the bridge has a fixed entry for its own MAC address, {one['mac']}, at {one['ifname']}"
            yield ends(
                "bridge", name, "mac_elsewhere", evidence, f"bridge fdb replace {one['mac']} dev {name} self permanent"
            )


def _settings(name: str, version: int) -> Iterator[tuple[str, str, str, int]]:
    """Sysctls with the value that keeps neighbours from being found, what it means, and a value that does not."""
    for scope in ("all", name) if version == 4 else ():
        yield f"net.ipv4.conf.{scope}.arp_ignore", "8", "no ARP is answered", 0
    yield f"net.ipv{version}.neigh.{name}.mcast_solicit", "0", "nobody is asked for a MAC address", 3


def leaving_port(trip: Trip) -> Hop:
    """The port of the hypervisor's bridge by which frames leave."""
    names = leaving(trip)
    if not names:
        return unknown("uplink", trip.who.bridge, "no port is a NIC of the hypervisor")
    return _other(trip, names[0], "uplink")


def peer_port(trip: Trip) -> Hop:
    """The port of the other guest."""
    (name,) = peers(trip)
    if "UP" not in trip.link(name).get("flags", ()):
        return unknown("other port", name, "the other guest's own way ends there")
    return _other(trip, name, "other port")


def _other(trip: Trip, name: str, place: str) -> Hop:
    link = trip.link(name)
    if "UP" not in link.get("flags", ()):
        return ends(place, name, "port_blocked", f"{name} is set down", f"ip link set dev {name} up")
    checks = (_state, _isolated, _vlan, lost)
    wrong = _worst(hop for check in checks for hop in check(trip, name, place))
    return wrong or passes(place, name, str(trip.port(name).get("state", "")))


def _worst(hops: Iterable[Hop]) -> Hop | None:
    """The first one where the way ends, or else the first of which nobody knows."""
    found = [*hops]
    return next((hop for hop in found if hop.verdict == "ends"), next(iter(found), None))


def gateway_is_here(trip: Trip) -> bool:
    """Whether the hypervisor has an address on the network."""
    return bool(trip.who.spec.get("ips"))


def leaving(trip: Trip) -> list[str]:
    """The ports of a bridge that libvirt has not made: those of the hypervisor's own NICs."""
    if gateway_is_here(trip):
        return []
    ports = [name for name, link in trip.kernel.links.items() if link.get("master") == trip.who.bridge]
    return [name for name in ports if not name.startswith(("vnet", "tap"))]


def peers(trip: Trip) -> list[str]:
    """The tap of the other guest."""
    return [trip.peer.tap] if trip.peer else []


def _state(trip: Trip, name: str, place: str) -> Iterator[Hop]:
    """A port forwards, or is about to, or STP keeps it from that; what is down has no carrier."""
    state = str(trip.port(name).get("state", "forwarding"))
    stp = trip.link(trip.who.bridge).get("linkinfo", {}).get("info_data", {}).get("stp_state")
    if state in STP and stp:
        yield unknown(place, name, f"STP lets it forward in some seconds (state {state})")
    elif state == "disabled" and not all(_is_up(trip, device) for device in (name, trip.who.bridge)):
        yield unknown(place, name, "has no carrier, or its bridge is down")
    elif state != "forwarding":
        remedy = f"ip link set dev {name} type bridge_slave state 3"
        if stp:
            remedy = f"remove the loop that STP found, or: ip link set dev {trip.who.bridge} type bridge stp_state 0"
        yield ends(place, name, "port_blocked", f"port {name} does not forward (STP state {state})", remedy)


def _is_up(trip: Trip, device: str) -> bool:
    return {"UP", "LOWER_UP"} <= {*trip.link(device).get("flags", ())}


def _isolated(trip: Trip, name: str, place: str) -> Iterator[Hop]:
    """Two isolated ports do not reach each other; a guest's NIC may be isolated on purpose."""
    asked = trip.who.nic.get("port", {}).get("isolated")
    if trip.port(name).get("isolated") and trip.port(trip.who.tap).get("isolated") and not asked:
        evidence = f"ports {trip.who.tap} and {name} are isolated from each other"
        yield ends(place, name, "port_isolated", evidence, f"bridge link set dev {trip.who.tap} isolated off")


def _locked(trip: Trip, name: str, place: str) -> Iterator[Hop]:
    """A locked port lets in only those whom the bridge knows there."""
    if trip.port(name).get("locked") and not _known_at(trip, name):
        evidence = f"port {name} is locked, and the bridge does not know {trip.who.mac} there"
        yield ends(place, name, "port_closed", evidence, f"bridge link set dev {name} locked off")


def _flood(trip: Trip, name: str, place: str) -> Iterator[Hop]:
    """A port that neither learns nor gets what is for unknown stations gets nothing without a static entry."""
    settings = trip.port(name)
    if settings.get("bcast_flood") is False:
        evidence = f"port {name} gets no broadcasts, so its guest hears no ARP"
        yield ends(place, name, "port_closed", evidence, f"bridge link set dev {name} bcast_flood on")
    elif _has_six(trip) and settings.get("mcast_flood") is False and not _asks_for_members(trip):
        evidence = f"port {name} gets no multicasts, so its guest hears no neighbour discovery"
        yield ends(place, name, "port_closed", evidence, f"bridge link set dev {name} mcast_flood on")
    elif settings.get("learning") is False and settings.get("flood") is False and not _known_at(trip, name):
        evidence = f"port {name} neither learns nor floods, and the bridge does not know {trip.who.mac} there"
        yield ends(place, name, "port_closed", evidence, f"bridge link set dev {name} learning on flood on")


def _has_six(trip: Trip) -> bool:
    return any(":" in item["address"] for item in trip.who.spec.get("ips", []))


def _asks_for_members(trip: Trip) -> bool:
    """Whether the bridge knows who wants which multicasts: it asks for that itself."""
    return bool(trip.link(trip.who.bridge).get("linkinfo", {}).get("info_data", {}).get("mcast_querier"))


def _known_at(trip: Trip, name: str) -> bool:
    return any(one["mac"] == trip.who.mac and one["ifname"] == name for one in trip.kernel.forwarding)


def _elsewhere(trip: Trip, name: str, place: str) -> Iterator[Hop]:
    """A static entry that leads frames for the guest to another port, or to the hypervisor itself, which has a device
    with the guest's MAC address."""
    for one in [one for one in trip.kernel.forwarding if one["mac"] == trip.who.mac]:
        own = one.get("state") == "permanent" and one["ifname"] == name and one.get("master") == trip.who.bridge
        if own:
            evidence = f"{name} has the MAC address of the guest itself, {one['mac']}: the hypervisor takes its frames"
            yield ends(place, name, "mac_elsewhere", evidence, f"ip link set dev {name} address fe:{one['mac'][3:]}")
        fixed = one.get("state") in ("permanent", "static") and one.get("master") == trip.who.bridge
        if fixed and one["ifname"] != name:
            evidence = f"the bridge has a fixed entry for {one['mac']} at {one['ifname']}, the guest is at {name}"
            yield ends(
                place, name, "mac_elsewhere", evidence, f"bridge fdb del {one['mac']} dev {one['ifname']} master"
            )


def _vlan(trip: Trip, name: str, place: str) -> Iterator[Hop]:
    """With VLAN filtering, the guest's frames get the port's VLAN, in which the other end has to be."""
    data = trip.link(trip.who.bridge).get("linkinfo", {}).get("info_data", {})
    own = trip.kernel.vlans.get(trip.who.tap, ())
    if not data.get("vlan_filtering") or not trip.kernel.vlans:
        return
    used = [int(one["vlan"]) for one in own if "PVID" in one.get("flags", ())]
    if not used:
        evidence = f"port {trip.who.tap} has no VLAN for frames without a tag"
        yield ends(place, name, "port_vlan", evidence, f"bridge vlan add dev {trip.who.tap} vid 1 pvid untagged")
        return
    there = trip.who.bridge if name == trip.who.tap else name
    if name == trip.who.tap and not gateway_is_here(trip):
        return
    ranges = [(int(one["vlan"]), int(one.get("vlanEnd", one["vlan"]))) for one in trip.kernel.vlans.get(there, ())]
    if not any(low <= used[0] <= high for low, high in ranges):
        evidence = f"port {trip.who.tap} is in VLAN {used[0]}, {there} is not"
        words = f"dev {there} vid {used[0]}{' pvid untagged self' if there == trip.who.bridge else ''}"
        yield ends(place, name, "port_vlan", evidence, f"bridge vlan add {words}")


def lost(trip: Trip, name: str, place: str = "") -> Iterator[Hop]:
    """What the queues and filters of a device drop altogether."""
    place = place or ("bridge" if name == trip.who.bridge else "tap")
    for queue in trip.kernel.queues:
        drops, sent = int(queue.get("drops", 0)), int(queue.get("packets", 0))
        if queue["dev"] == name and (queue["kind"] == "blackhole" or (drops >= MANY and not sent)):
            evidence = f"the queue {queue['kind']} of {name} has dropped all {drops} packets so far"
            yield ends(place, name, "queue_drops", evidence, f"tc qdisc del dev {name} root")
    for one in trip.kernel.filters.get(name, ()):
        if _is_for_all(one, trip.version) and any(_takes(trip, action) for action in one["options"].get("actions", ())):
            way = one.get("way", "ingress")
            what = f"{one['kind']}, protocol {one.get('protocol', 'all')}"
            evidence = f"a filter takes all packets that {WAYS[way]} {name} ({what})"
            remedy = f"tc filter del dev {name} {way} pref {one.get('pref', 0)}"
            yield ends(place, name, "queue_drops", evidence, remedy)
    yield from _program(trip, name, place)


def _program(trip: Trip, name: str, place: str) -> Iterator[Hop]:
    """A program of XDP, of which nobody can say what it does."""
    link = trip.link(name)
    if "xdp" in link:
        number = link["xdp"].get("prog", {}).get("id", "")
        why = f"the XDP program {number} decides on what comes in by {name}, before any rule"
        yield unknown(place, name, f"{why}; try without it: {without_program(name, link)}")


def without_program(name: str, link: Mapping[str, Any]) -> str:
    """The command that takes a program of XDP off a device."""
    return f"ip link set dev {name} {ATTACHED.get(link['xdp'].get('mode', 0), 'xdp')} off"


def _is_for_all(one: Mapping[str, Any], version: int) -> bool:
    """Whether a filter asks for nothing but the protocol."""
    options = one.get("options", {})
    whole = {"u32": {"value": "0", "mask": "0"}.items() <= options.get("match", {}).items(), "matchall": True}
    return one.get("protocol", "all") in FAMILIES[version] and whole.get(one.get("kind", ""), False)


def _takes(trip: Trip, action: Mapping[str, Any]) -> bool:
    """Whether an action of a filter lets nothing go on: it drops, or redirects to a device that gives nothing back."""
    if action.get("kind") == "gact":
        return bool(action.get("control_action", {}).get("type") == "drop")
    to = trip.link(str(action.get("to_dev", ""))).get("linkinfo", {}).get("info_kind")
    return action.get("kind") == "mirred" and action.get("mirred_action") == "redirect" and to != "ifb"
