#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: virt_nwfilter
short_description: Manage libvirt network filters, which restrict what NICs of guests send and receive
version_added: 1.0.0
description:
  - >-
    Creates, changes and deletes network filters of libvirt. Options are libvirt's own, in snake_case. NICs of guests
    refer to a filter by the option C(filterref) of M(virtfleet.network.virt_iface).
author:
  - virtfleet maintainers (@virtfleet)
extends_documentation_fragment:
  - virtfleet.network.connection
  - ansible.builtin.action_common_attributes
  - virtfleet.network.nwfilter_options
  - virtfleet.network.guides.network_filters
"""

EXAMPLES = r"""
- name: Guests do not serve DHCP
  virtfleet.network.virt_nwfilter:
    name: no-dhcp-server
    chain: ipv4
    rules:
      - action: drop
        direction: out
        priority: 100
        ip:
          protocol: udp
          srcportstart: 67

- name: A set of filters for one NIC, of libvirt's own and the one above
  virtfleet.network.virt_nwfilter:
    name: guest-basics
    filterrefs:
      - filter: no-mac-spoofing
      - filter: no-arp-mac-spoofing
      - filter: no-dhcp-server

- name: Frames to the gateway and to all, no others; each NIC gives the gateway in its parameters
  virtfleet.network.virt_nwfilter:
    name: guests-apart
    chain: mac
    rules:
      - action: return
        direction: out
        priority: 100
        mac:
          dstmacaddr: $GATEWAY_MAC
      - action: return
        direction: out
        priority: 100
        mac:
          dstmacaddr: "ff:ff:ff:ff:ff:ff"
      - action: drop
        direction: out
        priority: 900
        mac: {}

- name: A definition as libvirt has it
  virtfleet.network.virt_nwfilter:
    name: no-spanning-tree
    xml: |
      <filter name='no-spanning-tree' chain='stp'>
        <rule action='drop' direction='out'><stp/></rule>
      </filter>

- name: Delete a filter that nothing refers to
  virtfleet.network.virt_nwfilter:
    name: no-spanning-tree
    state: absent
"""

RETURN = r"""
plan:
  description: The steps, one entry for each thing that changes. Empty when nothing is to be changed.
  returned: success
  type: list
  elements: dict
  contains:
    nwfilter:
      description: The name of the filter.
      type: str
      sample: no-dhcp-server
    action:
      description: What is done to a network filter, V(define) or V(undefine).
      type: str
      sample: define
    path:
      description: What changes, as options that lead there.
      type: str
      sample: rules[drop,out,100,ip,srcportstart=67,protocol=udp]
    before:
      description: The value before, null when there was none.
      type: raw
    after:
      description: The value afterwards, null when there is none.
      type: raw
    effect:
      description: Always V(live) for network filters, which running guests get at once.
      type: str
      sample: live
    guests:
      description: The running guests whose NICs refer to the filter, also over other filters. They get it at once.
      type: list
      elements: str
      sample: [web]
diff:
  description: The definition before and after. Empty when nothing is to be changed.
  returned: success
  type: list
  elements: dict
  contains:
    before_header:
      description: The name of the filter.
      type: str
      sample: no-dhcp-server
    after_header:
      description: The name of the filter.
      type: str
      sample: no-dhcp-server
    before:
      description: The definition before, as XML. Empty when there was no filter.
      type: str
    after:
      description: The definition afterwards, in the same form.
      type: str
    prepared:
      description: The plan in words, a line for each change. It is in an entry of its own.
      type: str
      sample: "define no-dhcp-server: chain: nothing -> ipv4 (live, guest web)\n"
nwfilter:
  description: The filter after the task. In check mode, as it would be.
  returned: success
  type: dict
  contains:
    name:
      description: The name of the filter.
      type: str
      sample: no-dhcp-server
    state:
      description: Either V(present) or V(absent).
      type: str
      sample: present
    uuid:
      description: The identity of the filter, empty when there is none, or libvirt has not generated it yet.
      type: str
      sample: 5f2ba3a0-8dbd-4bb9-9a7c-1d3b9a4e2f12
    spec:
      description: The definition as options of this module. They change nothing when they are given to it.
      type: dict
      sample: {"name": "no-dhcp-server", "chain": "ipv4", "priority": -700}
unchecked:
  description: The checks that could not be made, as sentences.
  returned: success
  type: list
  elements: str
  sample: []
cost:
  description: What the task has cost, or would cost.
  returned: success
  type: dict
  contains:
    calls:
      description: The number of calls that change something in libvirt.
      type: int
      sample: 1
    restart:
      description: Always false, as filters need no restart.
      type: bool
      sample: false
    seconds:
      description: How long the task took on the host that it runs on, without Ansible's own share.
      type: float
      sample: 0.12
problems:
  description: Everything that is wrong with the wanted filter, as sentences.
  returned: failure
  type: list
  elements: str
  sample:
    - "there is no filter 'no-mac-spofing' to refer to: create it first"
"""

from ..module_utils import _python  # noqa: F401 # pylint: disable=unused-import
from ..module_utils._task.nwfilters import run_nwfilter


def main():  # type: () -> None
    run_nwfilter()


if __name__ == "__main__":
    main()
