#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: virt_iface_info
short_description: Report how the NICs of libvirt guests are defined and run, and whether they are really connected
version_added: 1.0.0
description:
  - >-
    Returns how the NICs of guests are defined, how they run, which addresses they have, and whether they are really
    connected.
  - It only reads, through libvirt's read-only connection, so it needs no privileges, unless O(agent=true).
author:
  - virtfleet maintainers (@virtfleet)
options:
  domain:
    description:
      - The names of the guests. An empty list means all.
      - A guest that does not exist is left out.
    type: list
    elements: str
    default: []
    aliases: [domains]
  agent:
    description:
      - Ask the agents in the guests for addresses, too. libvirt allows it only to those who may change something.
    type: bool
    default: false
extends_documentation_fragment:
  - virtfleet.network.connection
  - ansible.builtin.action_common_attributes
  - virtfleet.network.guides.nics_of_a_guest
attributes:
  check_mode:
    support: full
  diff_mode:
    support: N/A
seealso:
  - module: virtfleet.network.virt_iface
  - module: virtfleet.network.virt_network_info
"""

EXAMPLES = r"""
- name: Look at the NICs of all guests
  virtfleet.network.virt_iface_info:
  register: all_guests

- name: Make sure that every NIC of a running guest is connected
  ansible.builtin.assert:
    that: item.1.connected is not false or not item.0.running
    fail_msg: "{{ item.0.name }}, {{ item.1.mac }}: {{ item.1.reason }}"
  loop: "{{ all_guests.guests | subelements('nics') }}"
  loop_control:
    label: "{{ item.0.name }} {{ item.1.mac }}"

- name: Look at one guest, and ask its agent
  virtfleet.network.virt_iface_info:
    domain: web
    agent: true
  register: web

# What a spec holds can be given to virt_iface.
- name: Leave it the first of its NICs, as it is, and no others
  virtfleet.network.virt_iface:
    domain: web
    ifaces:
      - "{{ web.guests[0].nics[0].spec }}"
    exclusive: true
"""

RETURN = r"""
guests:
  description: The guests, ordered by name; named ones in the order of their names in the task.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name of the guest.
      type: str
      sample: web
    uuid:
      description: The identity of the guest.
      type: str
      sample: 0f0b1c60-6d3f-4d0e-9f55-2f6f6e1f0c11
    running:
      description: Whether it runs. A paused guest does.
      type: bool
      sample: true
    persistent:
      description: Whether its definition is saved.
      type: bool
      sample: true
    nics:
      description: Its NICs, first those of the persistent config in their order, then those that only run.
      type: list
      elements: dict
      contains:
        mac:
          description: The MAC address.
          type: str
          sample: "52:54:00:00:60:0a"
        alias:
          description: The alias that somebody has chosen, empty when there is none.
          type: str
          sample: ua-front
        live:
          description: Whether the running guest has the NIC.
          type: bool
          sample: true
        saved:
          description: Whether the persistent config has it.
          type: bool
          sample: true
        spec:
          description:
            - The NIC as it is saved, or as it runs when it is not saved, as options of M(virtfleet.network.virt_iface).
            - They change nothing when they are given to it, unless there is something in RV(guests[].nics[].pending).
          type: dict
          sample: {"type": "network", "mac": {"address": "52:54:00:00:60:0a"}, "source": {"network": "guests"}}
        live_spec:
          description: The NIC that runs, without what its network adds. Empty when it does not run.
          type: dict
        pending:
          description: What the next start of the guest would change of the NIC. Empty when it does not run.
          type: list
          elements: dict
          contains:
            path:
              description: What differs, as options that lead there.
              type: str
              sample: model.type
            live:
              description: The value that runs, null when there is none.
              type: raw
              sample: virtio
            saved:
              description: The value in the persistent config, null when there is none.
              type: raw
              sample: e1000e
        link:
          description: The state of the link, V(up) or V(down), as it runs or else as it is saved.
          type: str
          sample: up
        tap:
          description: The NIC's end on the hypervisor, empty when there is none.
          type: str
          sample: vnet3
        bridge:
          description: The bridge that this end is on, empty when it is on none.
          type: str
          sample: virbr0
        connected:
          description:
            - >-
              Whether the NIC is really connected. Its link is up, its network is active, libvirt has a port for it, and
              its tap is on the bridge that it belongs on. Null when that is unknown.
          type: bool
          sample: true
        reason:
          description: Why it is not connected, or why that is unknown. Empty when it is.
          type: str
          sample: its tap vnet3 is on no bridge, it belongs on virbr0
        addresses:
          description: Its addresses. The same one may come from several sources.
          type: list
          elements: dict
          contains:
            address:
              description: The address.
              type: str
              sample: 192.168.60.117
            prefix:
              description: The length of the network's part of the address, in bits. V(0) when it is unknown.
              type: int
              sample: 24
            source:
              description: Where it comes from, V(lease), V(agent) or V(arp).
              type: str
              sample: lease
        counters:
          description: What went through the NIC since it was plugged in. Empty when it does not run.
          type: dict
          contains:
            rx_bytes:
              description: The bytes that the guest received.
              type: int
              sample: 4096
            rx_packets:
              description: The packets that it received.
              type: int
              sample: 32
            rx_errors:
              description: The errors while it received.
              type: int
              sample: 0
            rx_drops:
              description: The packets to it that were dropped.
              type: int
              sample: 0
            tx_bytes:
              description: The bytes that the guest sent.
              type: int
              sample: 2048
            tx_packets:
              description: The packets that it sent.
              type: int
              sample: 16
            tx_errors:
              description: The errors while it sent.
              type: int
              sample: 0
            tx_drops:
              description: The packets from it that were dropped.
              type: int
              sample: 0
"""

from ..module_utils import _python  # noqa: F401 # pylint: disable=unused-import
from ..module_utils._task.nics import run_iface_info


def main():  # type: () -> None
    run_iface_info()


if __name__ == "__main__":
    main()
