# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of a packet at a hook of netfilter, by the names of the fields that firewall rules ask for."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any, NamedTuple

from .._values.way import Packet

ABSENT = object()  # a packet of this kind has no such field: no comparison with it holds
LAYERS = frozenset("ip ip6 arp th tcp udp icmp icmpv6 igmp sctp dccp udplite ah esp comp".split())
ICMP_TYPES = {
    "icmp": {"echo-reply": 0, "echo-request": 8},
    "icmpv6": {
        "echo-request": 128,
        "echo-reply": 129,
        "nd-router-solicit": 133,
        "nd-router-advert": 134,
        "nd-neighbor-solicit": 135,
        "nd-neighbor-advert": 136,
    },
}


class Span(NamedTuple):
    """Any number from ``low`` to ``high``."""

    low: int
    high: int


LENGTHS = Span(28, 65535)  # of packets of IP with something in them
LIVES = Span(64, 128)  # the time to live of what guests send
EVERYONE = "255.255.255.255"
ARRIVING = ("ingress", "prerouting", "input")
TRACKED = -200  # the priority at which prerouting and output look up a packet's connection
# What rules may do to a packet: as long as no rule of a ruleset does, what it would change is known.
MARKING, CONNMARKING, UNTRACKING, REDIRECTING = "mark", "connmark", "notrack", "dnat"


class Facts:
    """The fields of one packet at one hook; ``family`` is that of the hook (ip, ip6, bridge, netdev, arp), ``does``
    what any rule of the ruleset does, perhaps at an earlier hook."""

    def __init__(self, packet: Packet, family: str, hook: str, does: frozenset[str]) -> None:
        self.fields: dict[str, Any] = dict(_link(packet, family, hook))
        self.fields.update(_arp(packet) if packet.protocol == "arp" else _network(packet, family, hook))
        self.fields.update(_tracked(packet, hook, does) if family.startswith("ip") else ())
        self.fields.update({} if MARKING in does and not packet.followed else {"meta mark": packet.mark})
        self.tracked = True  # whether the packet's connection has been looked up already
        self.layers = {key.partition(" ")[0] for key in self.fields}

    def get(self, key: str) -> Any:
        """The value of a field: None when it is not known, ABSENT when the packet has none."""
        value = self.fields.get(key) if self.tracked or not key.startswith("ct ") else None
        if value is None and key.partition(" ")[0] in LAYERS - self.layers:
            return ABSENT
        return value

    def set(self, key: str, value: Any) -> None:
        """Remember that a rule has changed a field; None: nobody knows to what."""
        self.fields[key] = value

    def forget(self, *ends: str) -> None:
        """Forget the fields whose names end so."""
        for key in [key for key in self.fields if key.endswith(ends)]:
            self.fields[key] = None


def number(address: str) -> int:
    """An address as a number, to compare it with ranges and subnets."""
    return int(ipaddress.ip_address(address))


def _link(packet: Packet, family: str, hook: str) -> Iterator[tuple[str, Any]]:
    on_port = family in ("bridge", "netdev")
    into, out = (packet.port_in, packet.port_out) if on_port else (packet.inbound, packet.outbound)
    coming = {"output": "", "egress": ""}.get(hook, into or None) if hook != "postrouting" else None
    going = "" if hook in ARRIVING else out or None
    for way, device in (("i", coming), ("o", going)):
        yield f"meta {way}ifname", device
        yield f"meta {way}if", device
    if family == "bridge":
        yield "meta ibrname", packet.inbound or None
        yield "meta obrname", packet.outbound or None
    yield "meta protocol", _protocol(packet)
    yield "ether type", _protocol(packet)
    yield from ((f"meta {way}iftype", "ether") for way in "io" if packet.port_in or packet.port_out)
    bridged = bool(packet.port_in and packet.port_out) and packet.inbound == packet.outbound
    yield "meta pkttype", _pkttype(packet, on_port)
    if hook in (*ARRIVING, "forward") or family == "bridge":
        yield "ether saddr", packet.source_mac.lower() or None
        yield "ether daddr", packet.destination_mac.lower() or None
    yield "physdev bridged", bridged
    yield "physdev inname", packet.port_in if bridged else None
    yield "physdev outname", packet.port_out if bridged else None


def _protocol(packet: Packet) -> str:
    return "arp" if packet.protocol == "arp" else {4: "ip", 6: "ip6"}[packet.version]


def _pkttype(packet: Packet, on_port: bool) -> str | None:
    if packet.destination_mac:
        first = int(packet.destination_mac[:2], 16)
        to = "broadcast" if packet.destination_mac.lower() == "ff:ff:ff:ff:ff:ff" else "multicast" if first & 1 else ""
    else:
        to = {"unicast": "", "local": ""}.get(_kind(packet), _kind(packet))
    # A frame to another guest is one for another host, as long as it is on the bridge.
    return to or (None if on_port or packet.protocol == "arp" else "host")


def _kind(packet: Packet) -> str:
    """What the kernel's routing says of the destination: who asks knows whether it is the hypervisor's own."""
    address = ipaddress.ip_address(packet.destination)
    if address.is_multicast:
        return "multicast"
    if packet.destination == EVERYONE:
        return "broadcast"
    return "unicast" if packet.outbound else "local"


def _arp(packet: Packet) -> Iterator[tuple[str, Any]]:
    yield "meta l4proto", ABSENT
    yield "arp operation", "request" if packet.state == "new" else "reply"
    yield from {"arp htype": 1, "arp ptype": "ip", "arp hlen": 6, "arp plen": 4}.items()
    yield "arp saddr ip", number(packet.source)
    yield "arp daddr ip", number(packet.destination)


def _network(packet: Packet, family: str, hook: str) -> Iterator[tuple[str, Any]]:
    layer = {4: "ip", 6: "ip6"}[packet.version]
    icmp = {4: "icmp", 6: "icmpv6"}[packet.version]
    protocol = packet.protocol if packet.protocol != "icmp" else {4: "icmp", 6: "ipv6-icmp"}[packet.version]
    yield "meta nfproto", f"ipv{packet.version}" if family.startswith("ip") else family
    yield "meta l4proto", protocol
    yield f"{layer} version", packet.version
    if packet.state == "new":
        yield "meta secpath", False  # a guest's own packet has come out of no tunnel
    if packet.followed:  # an own packet of a guest, or the answer
        yield from [("ip frag-off", 0), ("ip ttl", LIVES), ("ip length", LENGTHS)] if packet.version == 4 else []
        yield from [("ip6 hoplimit", LIVES)] if packet.version == 6 else []
        yield f"{layer} dscp", "cs0"
        yield "meta length", LENGTHS
    yield f"{layer} {'protocol' if packet.version == 4 else 'nexthdr'}", protocol
    yield f"{layer} saddr", number(packet.source)
    yield f"{layer} daddr", number(packet.destination)
    if packet.protocol == "icmp":
        yield (
            f"{icmp} type",
            ICMP_TYPES[icmp].get(packet.message) if packet.followed or packet.state != "established" else None,
        )
        yield f"{icmp} code", 0
        yield "th sport", None  # the kernel takes what stands in the ports' place
    else:
        for transport in (protocol, "th"):
            yield f"{transport} sport", packet.source_port
            yield f"{transport} dport", packet.port
        flags = frozenset({"syn"}) if packet.state == "new" else None
        yield from [("tcp flags", flags)] if protocol == "tcp" else []
    yield "fib daddr type", _kind(packet)
    if packet.followed and number(packet.source):
        yield "fib saddr type", "unicast" if packet.inbound else "local"
    if packet.reverse is not None and hook in ARRIVING:
        yield "fib saddr iif oif", packet.inbound if packet.reverse else False


def _tracked(packet: Packet, hook: str, does: frozenset[str]) -> Iterator[tuple[str, Any]]:
    discovery = packet.message.startswith("nd-") and packet.protocol == "icmp"
    new = packet.state == "new"
    if UNTRACKING not in does or packet.followed:
        yield "ct state", frozenset({"untracked" if discovery else packet.state})
        direction = "reply" if packet.state == "established" else ABSENT
        yield "ct direction", "original" if new else direction if packet.followed else None
    if CONNMARKING not in does or (packet.followed and new):
        yield "ct mark", packet.connmark
    if REDIRECTING not in does and new and hook != "postrouting":
        yield "ct status", frozenset()
