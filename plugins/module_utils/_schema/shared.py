# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of the elements that networks, portgroups and guests' interfaces have in common."""

from __future__ import annotations

import functools
import ipaddress
from typing import Union

from .._xml import kinds as kind
from .._xml.fields import Key, Row, Spec, attr, element, fields, many

Subnet = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]


@functools.lru_cache(maxsize=4096)
def _network(place: str) -> Subnet:
    return ipaddress.ip_network(place, strict=False)


def subnet(item: Spec) -> Subnet | None:
    """The subnet of an <ip> or <route> (a single address when it has no prefix), None when it cannot be told."""
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


def settle_family(want: Spec, _have: Spec) -> Spec:
    """libvirt wants the family of an IPv6 address in words, and drops nothing when it is there."""
    return {**want, "family": "ipv6"} if ":" in want.get("address", "") and "family" not in want else want


def _implied_trunk(vlan: Spec) -> Spec:
    """Several tags, or a native one, make a trunk (virNetDevVlanParse)."""
    tags = vlan.get("tags", [])
    return {**vlan, "trunk": True} if len(tags) > 1 or any("native_mode" in tag for tag in tags) else vlan


def virtualport(made_up: bool) -> Row:
    """The row of a <virtualport>; libvirt makes up the identities of an interface's, not those of a network's."""
    return element(
        "virtualport",
        attr("type", kind.choice("802.1Qbg", "802.1Qbh", "openvswitch", "midonet")),
        element(
            "parameters",
            attr("managerid", kind.integer(0, 255, c_notation=True)),
            attr("typeid", kind.integer(0, 2**24 - 1, c_notation=True)),
            attr("typeidversion", kind.integer(0, 255, c_notation=True)),
            attr("instanceid", kind.UUID, made_up=made_up),
            attr("profileid", kind.PROFILE),
            attr("interfaceid", kind.UUID, made_up=made_up),
        ),
    )


RATE = (
    attr("average", kind.integer(1, 2**32 - 1)),
    attr("peak", kind.integer(1, 2**32 - 1)),
    attr("floor", kind.integer(1, 2**32 - 1)),
    attr("burst", kind.integer(1, 2**32 - 1)),
)
VLAN = element(
    "vlan",
    attr("trunk", kind.YES, assumed=False),
    many(
        "tag",
        attr("id", kind.integer(0, 4095)),
        attr("nativeMode", kind.choice("tagged", "untagged")),
        key=fields("id"),
    ),
    implied=_implied_trunk,
)
VIRTUALPORT = virtualport(made_up=False)
BANDWIDTH = element(
    "bandwidth",
    attr("classID", kind.integer(1, 2**32 - 1), option="class_id", reported=True),
    element("inbound", *RATE),
    element("outbound", *RATE),
)
CONNECTIONS = attr("connections", kind.integer(0, 2**32 - 1), reported=True)
FAMILY = attr("family", kind.choice("ipv4", "ipv6"), assumed="ipv4")
PREFIX = attr("prefix", kind.integer(0, 128))
ROUTE = many(
    "route",
    FAMILY,
    attr("address", kind.CIDR),
    attr("netmask", kind.NETMASK, spells="prefix"),
    PREFIX,
    attr("gateway", kind.IP),
    attr("metric", kind.integer(1, 2**32 - 1)),
    key=lambda item: subnet_key(_implied_route(item)),
    implied=_implied_route,
    settle=settle_family,
)
