#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: virt_network_info
short_description: Report how libvirt networks are defined, how they run, who uses them, and what waits for a restart
version_added: 1.0.0
description:
  - Returns how networks of a libvirt hypervisor are defined, how they run, and who uses them.
  - It only reads, through libvirt's read-only connection, so it needs no privileges.
author:
  - virtfleet maintainers (@virtfleet)
options:
  name:
    description:
      - The names of the networks. An empty list means all.
      - A network that does not exist is left out.
    type: list
    elements: str
    default: []
    aliases: [names]
extends_documentation_fragment:
  - virtfleet.network.connection
  - ansible.builtin.action_common_attributes
  - virtfleet.network.guides.virsh
attributes:
  check_mode:
    support: full
  diff_mode:
    support: N/A
seealso:
  - module: virtfleet.network.virt_network
"""

EXAMPLES = r"""
- name: Look at all networks
  virtfleet.network.virt_network_info:
  register: all_networks

- name: Show the networks, and the guests that use them
  ansible.builtin.debug:
    msg: "{{ item.guests | map(attribute='name') | join(', ') }}"
  loop: "{{ all_networks.networks }}"
  loop_control:
    label: "{{ item.name }}"

- name: Make sure that no network waits for a restart
  ansible.builtin.assert:
    that: all_networks.networks | rejectattr('pending', 'equalto', []) | length == 0

- name: Look at one network before it is worked on
  virtfleet.network.virt_network_info:
    name: default
  register: before

- name: Try larger packets
  virtfleet.network.virt_network:
    name: default
    mtu:
      size: 9000

- name: Make it exactly what it was
  virtfleet.network.virt_network:
    name: default
    xml: "{{ before.networks[0].xml }}"
    active: "{{ before.networks[0].active }}"
    autostart: "{{ before.networks[0].autostart }}"

# What a spec holds can be given to virt_network, as a whole or in parts.
- name: Make another network that goes out in the same way, under an address of its own
  virtfleet.network.virt_network:
    name: another
    forward: "{{ before.networks[0].spec.forward }}"
    ips:
      - address: 192.168.124.1/24
"""

RETURN = r"""
networks:
  description: The networks, ordered by name; named ones in the order of their names in the task.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name of the network.
      type: str
      sample: guests
    state:
      description: V(present), as networks that do not exist are left out.
      type: str
      sample: present
    active:
      description: Whether the network runs.
      type: bool
      sample: true
    autostart:
      description: Whether the network starts with the hypervisor.
      type: bool
      sample: true
    persistent:
      description: Whether the definition of the network is saved. A transient network is gone when it stops.
      type: bool
      sample: true
    uuid:
      description: The identity of the network.
      type: str
      sample: 5f2ba3a0-8dbd-4bb9-9a7c-1d3b9a4e2f11
    bridge:
      description: The name of its bridge, empty when it has none.
      type: str
      sample: virbr0
    spec:
      description:
        - The persistent config, which the next start uses, as options of M(virtfleet.network.virt_network).
        - They change nothing when they are given to it.
      type: dict
      sample: {"name": "guests", "forward": {"mode": "nat"}, "ips": [{"address": "192.168.50.1", "prefix": 24}]}
    xml:
      description: The persistent config as libvirt's XML.
      type: str
    live_spec:
      description: The definition that runs, as RV(networks[].spec). Empty when the network does not run.
      type: dict
    live_xml:
      description: The definition that runs as libvirt's XML. Empty when the network does not run.
      type: str
    pending:
      description: What a restart of the network would change. Empty when the network does not run.
      type: list
      elements: dict
      contains:
        path:
          description: What differs, as options that lead there. Entries of lists are named by their key.
          type: str
          sample: mtu.size
        live:
          description: The value that runs, null when there is none.
          type: raw
          sample: null
        saved:
          description: The value in the persistent config, null when there is none.
          type: raw
          sample: 9000
    leases:
      description:
        - The addresses that the network's DHCP server has given to guests.
        - Empty when the network does not run.
      type: list
      elements: dict
      contains:
        mac:
          description: The MAC address of the guest's NIC.
          type: str
          sample: "52:54:00:00:50:0a"
        ip:
          description: The address.
          type: str
          sample: 192.168.50.10
        prefix:
          description: The length of the network's part of the address, in bits.
          type: int
          sample: 24
        hostname:
          description: The name of the guest, empty when it gave none.
          type: str
          sample: web
        client_id:
          description: What the guest calls itself to DHCP servers, empty when it gave nothing. For IPv6 it is the DUID.
          type: str
          sample: "01:52:54:00:00:50:0a"
        expires:
          description: When the lease ends, in seconds since 1970. V(0) is never.
          type: int
          sample: 1767225600
    guests:
      description:
        - The guests that have NICs on the network, running or not, by its name or by the name of the bridge that
          libvirt made for it.
      type: list
      elements: dict
      contains:
        name:
          description: The name of the guest.
          type: str
          sample: web
        running:
          description: Whether it runs. A paused guest does.
          type: bool
          sample: true
        macs:
          description: The MAC addresses of its NICs on the network.
          type: list
          elements: str
          sample: ["52:54:00:00:50:0a"]
        nics:
          description: How each of these NICs is. Empty when the guest does not run.
          type: list
          elements: dict
          contains:
            mac:
              description: The MAC address of the NIC.
              type: str
              sample: "52:54:00:00:50:0a"
            alias:
              description: libvirt's name for it in the guest.
              type: str
              sample: net0
            device:
              description: The device of the hypervisor that is the other end of it, empty when there is none.
              type: str
              sample: vnet3
            state:
              description:
                - Whether it is really connected.
                - >-
                  V(connected) is with its port on the network's bridge, V(link_down) the same with a link that is set
                  down. V(disconnected) is without, usually by a restart of the network, and V(parked) when a task with
                  O(virtfleet.network.virt_network#module:restart=replug) was killed: such a task reattaches it.
                - >-
                  V(broken) when its device on the hypervisor is gone or has no carrier. V(unknown) when that is
                  unknown: for SR-IOV, or when only the hypervisor itself could see it.
              type: str
              sample: connected
            why:
              description: What is missing, in words. Empty when it is connected.
              type: str
              sample: ""
"""

from ..module_utils import _python  # noqa: F401 # pylint: disable=unused-import
from ..module_utils._network.info import networks
from ..module_utils._task.networks import run_info


def main():  # type: () -> None
    run_info(
        {"name": {"type": "list", "elements": "str", "aliases": ["names"], "default": []}},
        lambda gateway, module: {"networks": networks(gateway, module.params["name"])},
    )


if __name__ == "__main__":
    main()
