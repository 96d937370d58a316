# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that works out what a network has in a subnet."""

from __future__ import annotations

import ipaddress
from typing import Any, Callable, Union

from ansible.errors import AnsibleFilterError

DOCUMENTATION = r"""
name: subnet_plan
short_description: Work out a network's gateway and DHCP range from its subnet
version_added: 0.1.0
description:
  - Works out what a libvirt network has in a subnet, IPv4 or IPv6, with nothing but Python's own library.
  - With O(index) and O(prefix), it takes a piece of the subnet. Pieces with different numbers never overlap, so one
    line gives each of many hypervisors subnets of its own.
author:
  - virtfleet maintainers (@virtfleet)
positional: index, prefix
options:
  _input:
    description: The subnet, as an address with its prefix.
    type: str
    required: true
  index:
    description: Which piece of the subnet to take, from V(0). It needs O(prefix).
    type: int
  prefix:
    description: How large the pieces are.
    type: int
  gateway:
    description: The hypervisor's own address in the subnet. When it is not set, the first one.
    type: str
  dhcp:
    description:
      - Whether guests get addresses by DHCP.
      - With V(false), the network's DHCP ranges and reservations in the subnet are removed.
    type: bool
    default: true
  start:
    description:
      - The first address that is given by DHCP. When it is not set, the upper half of the subnet is given, of its
        first 65536 addresses where it is larger.
    type: str
  end:
    description: The last address that is given by DHCP. When it is not set, the last of the upper half.
    type: str
"""

EXAMPLES = r"""
- name: What a network has in a subnet
  ansible.builtin.assert:
    that:
      - plan.gateway == '10.20.0.1'
      - plan.start == '10.20.0.128'
      - plan.end == '10.20.0.254'
      - plan.netmask == '255.255.255.0'
      - plan.ip.address == '10.20.0.1/24'
  vars:
    plan: "{{ '10.20.0.0/24' | virtfleet.network.subnet_plan }}"

- name: The eighth of the 65536 subnets of this size
  ansible.builtin.assert:
    that: "('10.0.0.0/8' | virtfleet.network.subnet_plan(7, 24)).subnet == '10.0.7.0/24'"

# hv1, hv2, ... each get 16 subnets; the network has the third of them.
- name: A network on every hypervisor, each with a subnet of its own
  virtfleet.network.virt_network:
    name: guests
    forward:
      mode: nat
    ips:
      - "{{ (mine.subnet | virtfleet.network.subnet_plan(2, 24)).ip }}"
  vars:
    number: "{{ inventory_hostname | regex_search('[0-9]+') | default('0', true) | int }}"
    mine: "{{ '10.0.0.0/8' | virtfleet.network.subnet_plan(number | int, 20) }}"
"""

RETURN = r"""
_value:
  description: What a network has in the subnet.
  type: dict
  contains:
    subnet:
      description: The subnet, or the piece of it that was asked for.
      type: str
      sample: 10.20.0.0/24
    gateway:
      description: The hypervisor's address in it.
      type: str
      sample: 10.20.0.1
    prefix:
      description: The length of the network's part of the addresses, in bits.
      type: int
      sample: 24
    netmask:
      description: The same as a netmask.
      type: str
      sample: 255.255.255.0
    start:
      description: The first address that is given by DHCP, also when O(dhcp=false).
      type: str
      sample: 10.20.0.128
    end:
      description: The last address that is given by DHCP, also when O(dhcp=false).
      type: str
      sample: 10.20.0.254
    ip:
      description: An entry for O(virtfleet.network.virt_network#module:ips).
      type: dict
      sample: {"address": "10.20.0.1/24", "dhcp": {"ranges": [{"start": "10.20.0.128", "end": "10.20.0.254"}]}}
"""

Net = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]
Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]
# libvirt refuses a DHCP range whose addresses differ in more than their last 16 bits.
LARGEST = 1 << 16


def subnet_plan(
    subnet: str,
    index: int | None = None,
    prefix: int | None = None,
    gateway: str | None = None,
    dhcp: bool = True,
    start: str | None = None,
    end: str | None = None,
) -> dict[str, Any]:
    """What a network has in a subnet."""
    net = _piece(_network(subnet), index, prefix)
    first, last = _hosts(net)
    router = _address(net, gateway, "gateway") or first
    low, high = _range(net, last, router)
    low, high = _address(net, start, "start") or low, _address(net, end, "end") or high
    if dhcp and int(low) > int(high):
        raise AnsibleFilterError(f"Cannot plan {net}: from {low} to {high} is no address for DHCP; set dhcp: false")
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
        raise AnsibleFilterError(f"Cannot plan subnet {text}: {error}; a subnet is like 10.20.0.0/24") from None


def _piece(net: Net, index: int | None, prefix: int | None) -> Net:
    if index is None and prefix is None:
        return net
    if index is None or prefix is None or not net.prefixlen <= int(prefix) <= net.max_prefixlen:
        raise AnsibleFilterError(
            f"Cannot take piece {index} of {net} with prefix {prefix}: give an index and a prefix from {net.prefixlen} "
            f"to {net.max_prefixlen}"
        )
    index, prefix = int(index), int(prefix)
    count = 1 << (prefix - net.prefixlen)
    if not 0 <= index < count:
        raise AnsibleFilterError(f"Cannot take piece {index} of {net}: with prefix {prefix} there are 0 to {count - 1}")
    base = int(net.network_address) + (index << (net.max_prefixlen - prefix))
    return type(net)((base, prefix))


def _hosts(net: Net) -> tuple[Address, Address]:
    """The first and the last address that a host can have."""
    if net.num_addresses < 4:
        raise AnsibleFilterError(f"Cannot plan {net}: it has no room for a hypervisor and a guest")
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
        raise AnsibleFilterError(f"Cannot plan {net}: {name} {error}") from None
    if address not in net:
        raise AnsibleFilterError(f"Cannot plan {net}: {name} {address} is not in it")
    return address


class FilterModule:
    """The filter as Ansible finds it."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filter by its name."""
        return {"subnet_plan": subnet_plan}
