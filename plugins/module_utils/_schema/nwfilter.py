# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""libvirt's <filter> format as a table: one line a position. It reads top to bottom like the XML.

Names are libvirt's. https://libvirt.org/formatnwfilter.html says what each position means.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

from .._xml import kinds as kind
from .._xml import packet_kinds as packet
from .._xml.branches import Many, Present
from .._xml.codec import parse
from .._xml.definition import Definition
from .._xml.fields import Key, Row, Spec, fields
from .._xml.leaves import Attr, Text
from .shared import PARAMETER

# Where libvirt has a chain by what it begins with, when its filter has no priority of its own (chain_priorities).
PRIORITIES = {"mac": -800, "vlan": -750, "ipv4": -700, "ipv6": -600, "arp": -500, "rarp": -400}

MATCH = Attr("match", kind.YES_NO, assumed=True)
COMMENT = Attr("comment", packet.COMMENT)
SOURCE_MAC = Attr("srcmacaddr", packet.MAC)
SOURCE_MACS = (SOURCE_MAC, Attr("srcmacmask", packet.MAC_MASK))
MACS = (*SOURCE_MACS, Attr("dstmacaddr", packet.MAC), Attr("dstmacmask", packet.MAC_MASK))
PORTS = tuple(Attr(name, packet.UINT16) for name in ("srcportstart", "srcportend", "dstportstart", "dstportend"))
DSCP = Attr("dscp", packet.DSCP)
TCP_FLAGS = Attr("flags", packet.TCP)
IP_PROTOCOL = Attr("protocol", packet.IP_PROTOCOL)
MORE_OF_IP = (
    DSCP,
    Attr("connlimit-above", packet.UINT16),
    Attr("state", packet.STATE),
    Attr("ipset", packet.SET_NAME),
    Attr("ipsetflags", packet.SET_FLAGS),
)
ICMP_TYPE, ICMP_CODE = Attr("type", packet.UINT8), Attr("code", packet.UINT8)


def _addresses(address: kind.Kind, mask: kind.Kind) -> tuple[Row, ...]:
    return (
        Attr("srcipaddr", address),
        Attr("srcipmask", mask),
        Attr("dstipaddr", address),
        Attr("dstipmask", mask),
    )


def _ranges(address: kind.Kind) -> tuple[Row, ...]:
    return tuple(Attr(name, address) for name in ("srcipfrom", "srcipto", "dstipfrom", "dstipto"))


IPV4, IPV6 = _addresses(packet.IPV4, packet.IPV4_MASK), _addresses(packet.IPV6, packet.IPV6_MASK)
WHOLE_IPV4, WHOLE_IPV6 = (*IPV4, *_ranges(packet.IPV4), *MORE_OF_IP), (*IPV6, *_ranges(packet.IPV6), DSCP)
ARP = (
    Attr("arpsrcmacaddr", packet.MAC),
    Attr("arpsrcipaddr", packet.IPV4),
    Attr("arpdstmacaddr", packet.MAC),
    Attr("arpdstipaddr", packet.IPV4),
    Attr("hwtype", packet.UINT16),
    Attr("opcode", packet.ARP_OPCODE),
    Attr("protocoltype", packet.UINT16),
    Attr("gratuitous", packet.TRUE_FALSE, assumed=False),
)
STP = (
    Attr("type", packet.UINT8),
    Attr("flags", packet.UINT8),
    Attr("root-priority", packet.UINT16),
    Attr("root-priority-hi", packet.UINT16),
    Attr("root-address", packet.MAC),
    Attr("root-address-mask", packet.MAC_MASK),
    Attr("root-cost", packet.UINT32),
    Attr("root-cost-hi", packet.UINT32),
    Attr("sender-priority", packet.UINT16),
    Attr("sender-priority-hi", packet.UINT16),
    Attr("sender-address", packet.MAC),
    Attr("sender-address-mask", packet.MAC_MASK),
    Attr("port", packet.UINT16),
    Attr("port-hi", packet.UINT16),
    Attr("age", packet.UINT16),
    Attr("age-hi", packet.UINT16),
    Attr("max-age", packet.UINT16),
    Attr("max-age-hi", packet.UINT16),
    Attr("hello-time", packet.UINT16),
    Attr("hello-time-hi", packet.UINT16),
    Attr("forward-delay", packet.UINT16),
    Attr("forward-delay-hi", packet.UINT16),
)


def _protocol(xml: str, *rows: Row) -> Present:
    return Present(xml, MATCH, *rows, COMMENT)


PROTOCOLS = (
    _protocol("mac", *MACS, Attr("protocolid", packet.ETHER_TYPE)),
    _protocol("vlan", *MACS, Attr("vlanid", packet.VLAN_ID), Attr("encap-protocol", packet.ETHER_TYPE)),
    _protocol("stp", *SOURCE_MACS, *STP),
    _protocol("arp", *MACS, *ARP),
    _protocol("rarp", *MACS, *ARP),
    _protocol("ip", *MACS, *IPV4, *PORTS, IP_PROTOCOL, DSCP),
    _protocol(
        "ipv6",
        *(*MACS, *IPV6, *PORTS, IP_PROTOCOL, ICMP_TYPE, Attr("typeend", packet.UINT8)),
        *(ICMP_CODE, Attr("codeend", packet.UINT8)),
    ),
    _protocol("tcp", SOURCE_MAC, *WHOLE_IPV4, *PORTS, TCP_FLAGS),
    _protocol("udp", SOURCE_MAC, *WHOLE_IPV4, *PORTS),
    _protocol("sctp", SOURCE_MAC, *WHOLE_IPV4, *PORTS),
    _protocol("icmp", SOURCE_MAC, *WHOLE_IPV4, ICMP_TYPE, ICMP_CODE),
    *(_protocol(name, SOURCE_MAC, *WHOLE_IPV4) for name in ("igmp", "all", "esp", "ah", "udplite")),
    _protocol("tcp-ipv6", SOURCE_MAC, *WHOLE_IPV6, *PORTS, TCP_FLAGS),
    _protocol("udp-ipv6", SOURCE_MAC, *WHOLE_IPV6, *PORTS),
    _protocol("sctp-ipv6", SOURCE_MAC, *WHOLE_IPV6, *PORTS),
    _protocol("icmpv6", SOURCE_MAC, *WHOLE_IPV6, ICMP_TYPE, ICMP_CODE),
    *(_protocol(name, SOURCE_MAC, *WHOLE_IPV6) for name in ("all-ipv6", "esp-ipv6", "ah-ipv6", "udplite-ipv6")),
)
RULE = (
    Attr("action", kind.choice("drop", "accept", "reject", "return", "continue"), required=True),
    Attr("direction", kind.choice("in", "out", "inout"), required=True),
    Attr("priority", packet.PRIORITY, assumed=500),
    Attr("statematch", packet.TRUE_FALSE, assumed=True),
    *PROTOCOLS,
)


def _whole_rule(rule: Spec) -> Key:
    """All that a rule says: it has no other identity."""
    return (rule.get("action"), rule.get("direction"), rule.get("priority", 500), *_said(RULE[3:], rule))


def _said(rows: tuple[Row, ...], spec: Spec) -> Iterator[str]:
    for row in rows:
        value = spec.get(row.option)
        if row.rows and value:
            yield row.option
            yield from _said(row.rows, value)
        elif not row.rows and value not in (None, "") and not row.same(value, None):
            yield f"{row.option}={value}"


NWFILTER = (
    Attr("name", kind.FILTER_NAME, required=True),
    # libvirt takes no priority without it (virNWFilterDefParseXML).
    Attr("chain", packet.CHAIN, assumed="root", required=True),
    Attr("priority", packet.PRIORITY),
    Text("uuid", kind.UUID, generated=True),
    Many("filterref", Attr("filter", kind.FILTER_NAME, required=True), PARAMETER, key=fields("filter"), ordered=True),
    Many("rule", *RULE, key=_whole_rule, ordered=True),
)


class FilterDefinition(Definition):
    """A <filter>."""

    rows = NWFILTER

    @functools.cached_property
    def spec(self) -> Spec:
        """What the table describes of it, with the priority that its chain has."""
        if not self:
            return {}
        spec = parse(self.tree, self.rows)
        chain = next((name for name in PRIORITIES if spec.get("chain", "").startswith(name)), "")
        return {"priority": PRIORITIES.get(chain, 0), **spec}
