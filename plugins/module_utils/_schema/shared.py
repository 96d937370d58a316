# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of the elements that networks, portgroups and guests' interfaces have in common."""

from __future__ import annotations

import functools
import ipaddress
from typing import Union

from .._xml import kinds as kind
from .._xml.branches import Element, Many
from .._xml.fields import Key, Row, Spec, fields
from .._xml.leaves import Attr

Subnet = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]


@functools.lru_cache(maxsize=4096)
def _network(place: str) -> Subnet:
    return ipaddress.ip_network(place, strict=False)


def subnet(item: Spec) -> Subnet | None:
    """The subnet of an <ip> or <route> (a single address when it has no prefix), None when that is unknown."""
    try:
        place = item["address"] if item.get("prefix") is None else f"{item['address']}/{item['prefix']}"
        return _network(place)
    except (KeyError, ValueError):
        return None


def subnet_key(item: Spec) -> Key:
    """The key of an <ip> or <route>: its subnet."""
    return (str(subnet(item)),)


def _implied_route(item: Spec) -> Spec:
    """Without prefix and netmask a route is the default one: libvirt takes 0 (virNetDevIPRouteCreate)."""
    return {"prefix": 0, **item} if "address" in item else item


def complete_family(want: Spec, _have: Spec) -> Spec:
    """libvirt wants the family of an IPv6 address in words, and drops nothing when it is there."""
    return {**want, "family": "ipv6"} if ":" in want.get("address", "") and "family" not in want else want


def _implied_trunk(vlan: Spec) -> Spec:
    """Several tags, or a native one, make a trunk (virNetDevVlanParse)."""
    tags = vlan.get("tags", [])
    return {**vlan, "trunk": True} if len(tags) > 1 or any("native_mode" in tag for tag in tags) else vlan


def port_parameters(generated: bool = False) -> Row:
    """The row of the <parameters> of a <virtualport>: libvirt generates the identities of an interface's."""
    return Element(
        "parameters",
        Attr("managerid", kind.integer(0, 255, c_notation=True)),
        Attr("typeid", kind.integer(0, 2**24 - 1, c_notation=True)),
        Attr("typeidversion", kind.integer(0, 255, c_notation=True)),
        Attr("instanceid", kind.UUID, generated=generated),
        Attr("profileid", kind.PROFILE),
        Attr("interfaceid", kind.UUID, generated=generated),
    )


PARAMETERS = port_parameters()


def virtualport(parameters: Row = PARAMETERS, required: bool = False) -> Row:
    """The row of a <virtualport>: only a network's must say its type, the others get it from the network."""
    choices = kind.choice("802.1Qbg", "802.1Qbh", "openvswitch", "midonet")
    return Element("virtualport", Attr("type", choices, required=required), parameters)


RATE = (
    Attr("average", kind.integer(1, 2**32 - 1)),
    Attr("peak", kind.integer(1, 2**32 - 1)),
    Attr("floor", kind.integer(1, 2**32 - 1)),
    Attr("burst", kind.integer(1, 2**32 - 1)),
)
VLAN = Element(
    "vlan",
    Attr("trunk", kind.YES, assumed=False),
    Many(
        "tag",
        Attr("id", kind.integer(0, 4095), required=True),
        Attr("nativeMode", kind.choice("tagged", "untagged")),
        key=fields("id"),
        required=True,
    ),
    implied=_implied_trunk,
)
BANDWIDTH = Element(
    "bandwidth",
    Attr("classID", kind.integer(1, 2**32 - 1), option="class_id", reported=True),
    Element("inbound", *RATE),
    Element("outbound", *RATE),
)
# Of a reference to a network filter.
PARAMETER = Many(
    "parameter",
    Attr("name", kind.PARAMETER_NAME, required=True),
    Attr("value", kind.PARAMETER_VALUE, required=True),
    key=fields("name", "value"),
)
CONNECTIONS = Attr("connections", kind.integer(0, 2**32 - 1), reported=True)
FAMILY = Attr("family", kind.choice("ipv4", "ipv6"), assumed="ipv4")
PREFIX = Attr("prefix", kind.integer(0, 128))
ROUTE = Many(
    "route",
    FAMILY,
    Attr("address", kind.CIDR, slash="prefix", required=True),
    Attr("netmask", kind.NETMASK, alias_of="prefix"),
    PREFIX,
    Attr("gateway", kind.IP, required=True),
    Attr("metric", kind.integer(1, 2**32 - 1)),
    key=lambda item: subnet_key(_implied_route(item)),
    implied=_implied_route,
    complete=complete_family,
)
