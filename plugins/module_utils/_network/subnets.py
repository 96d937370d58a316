# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a network has in a subnet: gateway and DHCP range."""

from __future__ import annotations

import ipaddress
import re
from typing import Any, Union

from .._errors.errors import PlanError

Net = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]
Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]
# libvirt refuses a DHCP range whose addresses differ in more than their last 16 bits.
LARGEST = 1 << 16


def subnet_plan(
    subnet: str,
    index: int | None = None,
    prefix: int | None = None,
    *,
    gateway: str | None = None,
    dhcp: bool = True,
    start: str | None = None,
    end: str | None = None,
) -> dict[str, Any]:
    """What a network has in a subnet, or in the piece of it with that number and prefix: its gateway, DHCP range, and
    entry for the option ips. Raises PlanError."""
    net = _piece(_network(subnet), index, prefix)
    first, last = _hosts(net)
    router = _address(net, gateway, "gateway") or first
    low, high = _range(net, last, router)
    low, high = _address(net, start, "start") or low, _address(net, end, "end") or high
    if dhcp and int(low) > int(high):
        raise PlanError(f"subnet {net}: no addresses are left between {low} and {high} for DHCP; set dhcp: false")
    given = {"ranges": [{"start": str(low), "end": str(high)}]} if dhcp else {}
    return {
        "subnet": str(net),
        "gateway": str(router),
        "prefix": net.prefixlen,
        "netmask": str(net.netmask),
        "start": str(low),
        "end": str(high),
        "ip": {"address": f"{router}/{net.prefixlen}", "dhcp": given},
    }


def _network(text: str) -> Net:
    try:
        return ipaddress.ip_network(str(text))
    except ValueError as error:
        raise PlanError(f"subnet {text}: {error}; a subnet is like 10.20.0.0/24") from None


def _piece(net: Net, index: int | None, prefix: int | None) -> Net:
    if index is None and prefix is None:
        return net
    length, number = _number(prefix), _number(index)
    if length is None or index is None or not net.prefixlen <= length <= net.max_prefixlen:
        raise PlanError(
            f"subnet {net}: it has no piece {index} with prefix {prefix}; give an index and a prefix from "
            f"{net.prefixlen} to {net.max_prefixlen}"
        )
    count = 1 << (length - net.prefixlen)
    if number is None or number >= count:
        raise PlanError(f"subnet {net}: it has no piece {index}; with prefix {length} there are 0 to {count - 1}")
    base = int(net.network_address) + (number << (net.max_prefixlen - length))
    return type(net)((base, length))


def _number(given: int | str | None) -> int | None:
    """A whole number, also as text; None for anything else. Python's int() reads digits of every script."""
    text = str(given)
    return int(text) if re.fullmatch("[0-9]{1,39}", text) else None


def _hosts(net: Net) -> tuple[Address, Address]:
    """The first and the last address that a host can have."""
    if net.num_addresses < 4:
        raise PlanError(f"subnet {net}: it has no room for a hypervisor and a guest")
    return net[1], net[-1] if net.version == 6 else net[-2]


def _range(net: Net, last: Address, router: Address) -> tuple[Address, Address]:
    """The addresses for DHCP: the upper half, but for the hypervisor's own address at one of its ends."""
    size = min(net.num_addresses, LARGEST)
    low, high = net[size // 2], min(net[size - 1], last)
    return low + (low == router), high - (high == router)


def _address(net: Net, text: str | None, name: str) -> Address | None:
    if not text:
        return None
    try:
        address = ipaddress.ip_address(str(text))
    except ValueError as error:
        raise PlanError(f"subnet {net}: {name} {error}") from None
    if address not in net:
        raise PlanError(f"subnet {net}: {name} {address} is not in it")
    return address
