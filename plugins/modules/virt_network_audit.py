#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: virt_network_audit
short_description: Compare a libvirt hypervisor with what was asked of it, field by field
version_added: 1.0.0
description:
  - >-
    Takes the options of M(virtfleet.network.virt_topology), changes nothing, and returns what differs from them, field
    by field, with the value that was asked for, the persistent one and the live one.
  - >-
    Returns everything else that an audit wants, too: networks that nobody asked for, changes that wait for a restart,
    guests that are disconnected, the findings of M(virtfleet.network.virt_network_check), and what exists.
  - >-
    It only reads, through libvirt's read-only connection, so it needs no privileges. What it cannot look at without
    them is in RV(not_looked_at).
  - What others keep in the metadata of networks is not shown, since it may be a secret; only that it differs.
author:
  - virtfleet maintainers (@virtfleet)
extends_documentation_fragment:
  - virtfleet.network.connection
  - ansible.builtin.action_common_attributes
  - virtfleet.network.topology_options
  - virtfleet.network.guides.audit
options:
  as_text:
    description:
      - Whether RV(text) is returned, and besides it only RV(as_asked).
      - >-
        Ansible goes through each value of a result several times, and through a text once. The filter
        P(virtfleet.network.audit_document#filter) takes both.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
seealso:
  - module: virtfleet.network.virt_topology
  - module: virtfleet.network.virt_network_check
"""

EXAMPLES = r"""
- name: Compare two networks with what is wanted
  virtfleet.network.virt_network_audit:
    networks:
      - name: front
        kind: nat
        subnet: 192.168.60.0/24
      - name: back
        kind: isolated
        subnet: 192.168.61.0/24
  register: audit

- name: Say what differs
  ansible.builtin.debug:
    msg: "{{ item.network }} {{ item.path }}: {{ item.asked }}, but saved {{ item.saved }}, running {{ item.running }}"
  loop: "{{ audit.rows | rejectattr('state', 'in', ['as_asked', 'unknown']) }}"
  loop_control:
    label: "{{ item.network }} {{ item.state }}"
"""

RETURN = r"""
as_asked:
  description: >-
    Whether nothing differs from what was asked, and the diagnosis found no error. Networks that nobody asked for do not
    count as a difference.
  returned: success
  type: bool
  sample: false
text:
  description: Everything that is returned, as JSON.
  returned: with O(as_text=true), instead of the rest
  type: str
  sample: '{"as_asked": true, "rows": [], "networks": []}'
rows:
  description: One entry for each field that differs, and for each network, guest or network filter that is as asked.
  returned: success
  type: list
  elements: dict
  contains:
    network:
      description: The network, empty when it is about a guest's NICs or a network filter.
      type: str
      sample: front
    domain:
      description: The guest, empty when it is about a network or a network filter.
      type: str
      sample: ""
    nwfilter:
      description: The network filter, empty when it is about a network or a guest.
      type: str
      sample: ""
    mac:
      description: The MAC address of the NIC that is disconnected, else empty.
      type: str
      sample: ""
    state:
      description:
        - V(as_asked), or V(differs) with the field, or V(missing) when there is no such network or network filter.
        - V(unwanted) is one that is not wanted, V(unknown) a network that nobody asked for.
        - V(restart_pending) is a field that nobody asked for and that the next start changes.
        - V(disconnected) is a NIC of a running guest that has lost its network, V(invalid) what cannot be.
      type: str
      sample: differs
    path:
      description: The field that differs, empty for a whole network or network filter.
      type: str
      sample: mtu.size
    asked:
      description: What was asked for; V(null) for nothing.
      type: raw
      sample: 1400
    saved:
      description: The value in the persistent config; V(null) for nothing.
      type: raw
      sample: 1500
    running:
      description: What runs; V(null) for nothing.
      type: raw
      sample: 1500
problems:
  description: Why what was asked for cannot be brought about on this hypervisor.
  returned: success
  type: list
  elements: str
  sample: []
findings:
  description: What is wrong, as M(virtfleet.network.virt_network_check) returns it.
  returned: success
  type: list
  elements: dict
  sample: []
way:
  description: >-
    How far the packets of guests come, one entry for each network (of any guest of it), and one for each NIC whose way
    ends elsewhere.
  returned: success
  type: list
  elements: dict
  contains:
    network:
      description: The network.
      type: str
      sample: front
    domain:
      description: The guest, empty for any guest of the network.
      type: str
      sample: ""
    mac:
      description: The MAC address of its NIC, empty for any guest of the network.
      type: str
      sample: ""
    question:
      description: >-
        What the packets are for that end, else those that come farthest, in the words of
        M(virtfleet.network.virt_network_check).
      type: str
      sample: outside
    version:
      description: The version of IP.
      type: int
      sample: 4
    hop:
      description: Where the way ends, or the first place that could not be looked at; else empty.
      type: str
      sample: forward
    verdict:
      description: V(passes), V(ends), or V(unknown) where a place could not be looked at.
      type: str
      sample: ends
    evidence:
      description: What was seen there.
      type: str
      sample: "the firewall drops packets of guests: ip filter FORWARD -i virbr5 -j DROP (7 packets)"
    code:
      description: The code of the finding, empty where the way does not end.
      type: str
      sample: firewall_drops
    severity:
      description: V(error) or V(warning), empty where the way does not end.
      type: str
      sample: error
    remedy:
      description: What to do, empty where the way does not end.
      type: str
      sample: iptables -t filter -D FORWARD -i virbr5 -j DROP
    hops:
      description: The places of the way with their devices, up to that where it ends.
      type: list
      elements: str
      sample: [bridge virbr5, size virbr5, address virbr5, forwarding virbr5, route eth0, forward]
    text:
      description: The same in one sentence.
      type: str
      sample: "ends at forward: the firewall drops packets of guests: ip filter FORWARD -i virbr5 -j DROP (7 packets)"
not_looked_at:
  description: What could not be looked at, each with the reason.
  returned: success
  type: list
  elements: str
  sample: []
networks:
  description: All networks, as M(virtfleet.network.virt_network_info) returns them, without their XML and metadata.
  returned: success
  type: list
  elements: dict
  sample: []
guests:
  description: All guests, as M(virtfleet.network.virt_iface_info) returns them.
  returned: success
  type: list
  elements: dict
  sample: []
devices:
  description: >-
    The network devices of the hypervisor by name, each with C(bridge), C(mac), C(ports) and C(addresses). Empty when
    this task does not run on it.
  returned: success
  type: dict
  sample: {}
libvirt:
  description: The version of libvirt there, as a number like 9000000 for 9.0.0.
  returned: success
  type: int
  sample: 9000000
"""

from ..module_utils import _python  # noqa: F401 # pylint: disable=unused-import
from ..module_utils._task.audit import run_audit


def main():  # type: () -> None
    run_audit()


if __name__ == "__main__":
    main()
