# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookup of a free address of a network."""

from __future__ import annotations

DOCUMENTATION = r"""
name: free_address
short_description: The next free address of a libvirt network
version_added: 1.0.0
description:
  - >-
    Returns the lowest address of a network's subnet that no reservation, lease, DNS record or gateway has. It reads
    only, on the controller, and needs no privileges.
  - >-
    With O(mac), O(id) or O(name), it is the address that is reserved for it or leased to it, where there is one. So
    the same guest gets the same address again.
  - >-
    Nothing is reserved. Until somebody reserves the address, the next lookup returns it, too. Where several hosts or
    plays ask at once, let M(virtfleet.network.virt_dhcp_host) choose, with C(ip=auto), which finds and reserves it
    under a lock.
author:
  - virtfleet maintainers (@virtfleet)
requirements:
  - libvirt-python and lxml, on the controller
options:
  _terms:
    description: The names of networks.
    type: list
    elements: str
    required: true
  uri:
    description: The URI of libvirt, as the controller reaches it.
    type: str
    default: qemu:///system
  mac:
    description: The MAC address of a NIC. The address is one of IPv4.
    type: str
  id:
    description: The DUID of a guest. The address is one of IPv6.
    type: str
  name:
    description: The name of a reservation.
    type: str
  auto_subnet:
    description: The subnet, for a network with several.
    type: str
  auto_ranges:
    description: Whether the address is outside or inside of the DHCP ranges.
    type: str
    choices: [outside, inside]
    default: outside
  timeout:
    description: How many seconds libvirt may take for an answer.
    type: float
    default: 60
"""

EXAMPLES = r"""
- name: Show the next free address
  ansible.builtin.debug:
    msg: "{{ lookup('virtfleet.network.free_address', 'guests', uri='qemu+ssh://root@hv1.example/system') }}"

- name: Show the address that a NIC has or gets
  ansible.builtin.debug:
    msg: "{{ lookup('virtfleet.network.free_address', 'guests', mac='52:54:00:00:50:0a', uri=libvirt_uri) }}"
  vars:
    libvirt_uri: qemu+ssh://root@hv1.example/system
"""

RETURN = r"""
_raw:
  description: An address for each network.
  type: list
  elements: str
  sample: [192.168.50.2]
"""

from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ..module_utils._errors.errors import NetworkError
from ..plugin_utils._guests.free_address import Asked, free_address


class LookupModule(LookupBase):  # type: ignore[misc]
    """What Ansible looks for."""

    def run(self, terms: list[Any], variables: Any = None, **options: Any) -> list[str]:
        """The addresses."""
        self.set_options(var_options=variables, direct=options)
        asked = Asked(*(self.get_option(name) for name in Asked._fields))
        uri, seconds = self.get_option("uri"), self.get_option("timeout")
        try:
            return [free_address(uri, seconds, str(network), asked) for network in terms]
        except NetworkError as error:
            raise AnsibleLookupError(str(error)) from None
