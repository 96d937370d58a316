# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hops at the hypervisor's own addresses on a bridge."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from .._schema.shared import subnet
from .._values.way import Hop
from .trip import Trip, ends, gateway_of, passes, unknown

NO_ADDRESS = "1"  # of addr_gen_mode: the kernel makes none


def address(trip: Trip) -> Hop:
    """The hypervisor's address on the bridge, with its prefix."""
    name = trip.who.bridge
    for item in trip.who.spec.get("ips", []):
        wanted, net = ipaddress.ip_address(item["address"]), subnet(item)
        if wanted.version != trip.version or net is None or item.get("prefix") is None:
            continue
        here = [one for one in trip.link(name).get("addr_info", ()) if _is(one, wanted)]
        sizes = [int(one["prefixlen"]) for one in here]
        if any(one.get("dadfailed") for one in here):
            remedy = f"find who else has {wanted}; then restart the network"
            return ends("address", name, "address_duplicate", f"another machine has {wanted}, too", remedy)
        if here and net.prefixlen not in sizes:
            evidence = f"{name} has {wanted}/{sizes[0]}, the network {wanted}/{net.prefixlen}"
            remedy = (
                f"ip address add {wanted}/{net.prefixlen} dev {name}; ip address del {wanted}/{sizes[0]} dev {name}"
            )
            return ends("address", name, "address_prefix", evidence, remedy)
        if not here:
            return unknown("address", name, f"{wanted} is not there")
    return passes("address", name, gateway_of(trip.who.spec, trip.version))


def _is(one: Mapping[str, Any], wanted: Any) -> bool:
    return "local" in one and ipaddress.ip_address(one["local"]) == wanted


def link_local(trip: Trip) -> list[Hop]:
    """The address of the link, from which IPv6 advertises the router and leases addresses; a bridge without a carrier
    has none yet. Of IPv4 there is none."""
    name = trip.who.bridge
    link = trip.link(name)
    here = [one for one in link.get("addr_info", ()) if one.get("family") == "inet6"]
    if trip.version == 4 or not here or "LOWER_UP" not in link.get("flags", ()):
        return []
    if any(one.get("scope") == "link" for one in here):
        return [passes("link-local", name, "is there")]
    evidence = f"{name} has no link-local address: no router is advertised, and DHCPv6 does not answer"
    mode = f"net.ipv6.conf.{name}.addr_gen_mode"
    if trip.kernel.settings.get(mode) == NO_ADDRESS:
        return [ends("link-local", name, "address_missing", f"{evidence} ({mode} is 1)", f"sysctl -w {mode}=0")]
    address = _of_mac(str(link["address"]))
    return [ends("link-local", name, "address_missing", evidence, f"ip address add {address}/64 dev {name}")]


def _of_mac(mac: str) -> str:
    """The address that the kernel makes of a MAC address (RFC 4291, appendix A)."""
    octets = bytes.fromhex(mac.replace(":", ""))
    host = bytes([octets[0] ^ 2, *octets[1:3], 0xFF, 0xFE, *octets[3:]])
    return str(ipaddress.IPv6Address(b"\xfe\x80" + bytes(6) + host))
