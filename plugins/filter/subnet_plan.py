# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that works out what a network has in a subnet."""

from __future__ import annotations

DOCUMENTATION = r"""
name: subnet_plan
short_description: Work out a network's gateway and DHCP range from its subnet
version_added: 1.0.0
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

from typing import Any, Callable

from ansible.errors import AnsibleFilterError

from ..module_utils._errors.errors import PlanError
from ..module_utils._network.subnets import subnet_plan as plan


def subnet_plan(subnet: str, *given: Any, **options: Any) -> dict[str, Any]:
    """The filter."""
    try:
        return plan(subnet, *given, **options)
    except PlanError as error:
        raise AnsibleFilterError(f"Cannot plan {error}") from None


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filter by its name."""
        return {"subnet_plan": subnet_plan}
