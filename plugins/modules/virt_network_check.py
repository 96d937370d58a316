#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: virt_network_check
short_description: Find out why a libvirt network does not start, or why a guest has no connection
version_added: 1.0.0
description:
  - >-
    Walks the way of a guest's packets, hop by hop, and asks the kernel at each: the guest's NIC, its tap, the bridge
    and its ports, addresses, neighbours, dnsmasq, routes and policy rules both ways, forwarding, the uplink, and every
    rule of the firewall, whoever made it. For a network that does not run, it looks at what would hinder its start.
  - >-
    Every finding has a stable code, a severity, what was seen, and what to do about it. Findings are ordered: errors
    before warnings, causes before what they cause. What a cause explains is not reported beside it.
  - >-
    It only reads, through libvirt's read-only connection, so it needs no privileges. What it cannot look at without
    them is in RV(not_looked_at).
  - A healthy network has no findings. All codes are listed in the collection's page on diagnosis.
author:
  - virtfleet maintainers (@virtfleet)
options:
  network:
    description:
      - The names of the networks to look at, with the NICs of running guests on them.
      - >-
        Without O(network) and O(domain), everything is looked at, apart from networks that are off on purpose: they do
        not run, they do not start with the hypervisor, and no running guest uses them.
    type: list
    elements: str
    default: []
    aliases: [networks]
  domain:
    description: The names of the guests to look at, with the networks that they use.
    type: list
    elements: str
    default: []
    aliases: [domains]
  probe:
    description:
      - >-
        Ask as a guest does, on every network looked at: ARP or neighbour discovery, DHCP, DNS, another guest, and the
        default route, over IPv4 and IPv6. For that a cable with a client is plugged into the network's bridge for some
        seconds, which needs root; an offer is not taken, and nothing leaves the hypervisor. What is not answered is
        traced, and what drops it is the evidence. Nothing of it is left behind.
      - In check mode nobody is asked.
    type: bool
    default: false
extends_documentation_fragment:
  - virtfleet.network.connection
  - ansible.builtin.action_common_attributes
  - virtfleet.network.guides.diagnosis
attributes:
  check_mode:
    support: full
  diff_mode:
    support: N/A
seealso:
  - module: virtfleet.network.virt_network
  - module: virtfleet.network.virt_network_info
  - module: virtfleet.network.virt_iface_info
"""

EXAMPLES = r"""
- name: Look at everything on the hypervisor
  virtfleet.network.virt_network_check:
  register: health

- name: Find out why a guest has no connection
  virtfleet.network.virt_network_check:
    domain: web
  register: web

- name: Say what is wrong, and what to do
  ansible.builtin.debug:
    msg: "{{ item.severity }}: {{ item.evidence }}. {{ item.remedy }}"
  loop: "{{ web.findings }}"
  loop_control:
    label: "{{ item.code }}"

- name: Make sure that a network works, and that its DHCP answers
  virtfleet.network.virt_network_check:
    network: guests
    probe: true
  register: guests
  failed_when: guests.findings | selectattr('severity', 'eq', 'error') | list | length > 0
"""

RETURN = r"""
healthy:
  description: Whether nothing was found.
  returned: success
  type: bool
  sample: false
findings:
  description: What is wrong, errors and causes first.
  returned: success
  type: list
  elements: dict
  contains:
    code:
      description: What it is, as a word that stays the same in all versions.
      type: str
      sample: dnsmasq_missing
    severity:
      description: V(error), or V(warning) for what works now and will not always.
      type: str
      sample: error
    network:
      description: The network that it is about, empty when it is about a guest alone.
      type: str
      sample: lan
    domain:
      description: The guest that it is about, empty when it is about a network.
      type: str
      sample: ""
    mac:
      description: The MAC address of the NIC that it is about, empty when it is about none.
      type: str
      sample: ""
    evidence:
      description: What was seen.
      type: str
      sample: the dnsmasq of network 'lan' does not run
    meaning:
      description: What that means.
      type: str
      sample: "The network's dnsmasq does not run: guests get neither leases nor names."
    remedy:
      description: What to do.
      type: str
      sample: Restart the network.
    repair:
      description: What of this collection repairs it, empty for nothing.
      type: str
      sample: virt_network with state=restarted
way:
  description:
    - >-
      The ways of guests' packets, hop by hop: of any guest of each network looked at, of the NICs of the guests that
      are named, and of other NICs where theirs ends elsewhere.
  returned: success
  type: list
  elements: dict
  contains:
    network:
      description: The network.
      type: str
      sample: lan
    domain:
      description: The guest, empty for any guest of the network.
      type: str
      sample: web
    mac:
      description: The MAC address of its NIC, empty for any guest of the network.
      type: str
      sample: "52:54:00:00:00:01"
    question:
      description: >-
        What the packet is for: V(dhcp), V(dns), V(gateway), V(guest) (another guest), V(outside), or V(wire) (from a
        bridge of the hypervisor out through its NIC).
      type: str
      sample: outside
    version:
      description: The version of IP.
      type: int
      sample: 4
    source:
      description: The address that it comes from, empty where none is needed.
      type: str
      sample: 192.168.50.100
    destination:
      description: >-
        The address that it goes to. Of V(outside) it is one that only the default route leads to; nothing is sent
        there.
      type: str
      sample: 185.199.108.153
    ends:
      description: The place where the way ends, empty when it does not.
      type: str
      sample: forward
    hops:
      description: >-
        The places in their order, each with C(place), C(device) (empty where it has none), C(verdict) (V(passes),
        V(ends), or V(unknown) for what could not be looked at), C(evidence) (what was seen), C(code) (that of the
        finding) and C(remedy).
      type: list
      elements: dict
      sample:
        - code: firewall_drops
          device: ""
          evidence: "the firewall drops packets of guests: ip filter FORWARD -i virbr5 -j DROP (7 packets)"
          place: forward
          remedy: iptables -t filter -D FORWARD -i virbr5 -j DROP
          verdict: ends
log:
  description: >-
    Where there are errors, the last warnings and errors in the journal of libvirt's daemons and of dnsmasq, within a
    day, that name the networks, their bridges or their addresses.
  returned: success
  type: list
  elements: str
  sample: []
not_looked_at:
  description: What could not be looked at, each with the reason.
  returned: success
  type: list
  elements: str
  sample:
    - "whether DHCP answers a discover: nobody asked for it with probe=true"
"""

from ..module_utils import _python  # noqa: F401 # pylint: disable=unused-import
from ..module_utils._task.check import run_check


def main():  # type: () -> None
    run_check()


if __name__ == "__main__":
    main()
