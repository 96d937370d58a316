#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: virt_network
short_description: Create, change, start, stop and delete libvirt networks
version_added: 1.0.0
description:
  - Brings one network of a libvirt hypervisor to the wanted state, and changes nothing that is so already.
  - >-
    The short form of a network is its O(name), its O(kind) and a O(subnet). Gateway, DHCP and the bridge's name follow
    from that.
  - >-
    Every element of libvirt's network definition is an option. Their meaning is described in detail at
    U(https://libvirt.org/formatnetwork.html).
  - >-
    A network that exists is taken over as it is, whoever made it. A transient network is made persistent.
author:
  - virtfleet maintainers (@virtfleet)
options:
  name:
    description:
      - The name of the network. It identifies the network, so it cannot be changed.
    type: str
    required: true
  state:
    description:
      - With V(present) the network exists, as the options say.
      - With V(absent) it is stopped and deleted, whatever the options say that describe it.
      - >-
        With V(restarted) it exists, as the options say, and is restarted in any case: when the firewall has lost the
        rules of libvirt, for example. NICs of running guests are moved aside for it, as with O(restart=replug). Such a
        task has always changed something. A network that does not run is only started.
    type: str
    choices: [present, absent, restarted]
    default: present
  active:
    description:
      - Whether the network runs.
      - >-
        A task without it starts a network that somebody has stopped on purpose; V(false) keeps it stopped.
    type: bool
    default: true
  autostart:
    description:
      - Whether the network starts with the hypervisor.
      - A task without it sets a network to do so, whatever somebody has set it to.
    type: bool
    default: true
  xml:
    description:
      - >-
        A whole definition as libvirt's XML, instead of the options for its parts. The network is to be exactly that,
        apart from what libvirt generates where the definition says nothing, like the MAC address of a bridge.
      - Its C(<name>) has to be O(name).
    type: str
extends_documentation_fragment:
  - virtfleet.network.connection
  - ansible.builtin.action_common_attributes
  - virtfleet.network.change
  - virtfleet.network.stop
  - virtfleet.network.network_options
  - virtfleet.network.guides.behaviour
  - virtfleet.network.guides.restarts
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
seealso:
  - module: virtfleet.network.virt_network_info
  - name: libvirt's network definitions
    description: Every element and attribute, with its meaning.
    link: https://libvirt.org/formatnetwork.html
"""

EXAMPLES = r"""
- name: Guests get an address of 10.20.0.0/24 and go out through NAT
  virtfleet.network.virt_network:
    name: web
    kind: nat
    subnet: 10.20.0.0/24

- name: With IPv6, and a gateway, a DHCP range and reservations of one's own
  virtfleet.network.virt_network:
    name: shop
    kind: nat
    subnet: 10.21.0.0/24
    gateway: 10.21.0.254
    dhcp_start: 10.21.0.100
    dhcp_end: 10.21.0.199
    subnet_ipv6: fd00:21::/64
    reservations:
      - mac: "52:54:00:00:21:0a"
        name: till
        ip: 10.21.0.10

- name: Guests reach each other and the hypervisor, and have addresses of their own
  virtfleet.network.virt_network:
    name: storage
    kind: isolated
    subnet: 10.22.0.0/24
    dhcp: false

- name: Guests directly on the LAN, through a bridge that the hypervisor has
  virtfleet.network.virt_network:
    name: office
    kind: bridged
    bridge:
      name: br0

# Every other option goes with the short form. The same as web, with more of it, and as libvirt itself has it:
- name: The short form and the full one together
  virtfleet.network.virt_network:
    name: web
    kind: nat
    subnet: 10.20.0.0/24
    domain:
      name: web.example
    ips:
      - address: 10.20.0.1/24
        local_ptr: true

- name: Guests get an address of 192.168.50.0/24 and go out through NAT
  virtfleet.network.virt_network:
    name: guests
    forward:
      mode: nat
    domain:
      name: guests.example
    ips:
      - address: 192.168.50.1/24
        dhcp:
          ranges:
            - start: 192.168.50.100
              end: 192.168.50.199
          hosts:
            - mac: "52:54:00:00:50:0a"
              name: web
              ip: 192.168.50.10
            - mac: "52:54:00:00:50:0b"
              name: db
              ip: 192.168.50.11
              lease:
                expiry: 12
                unit: hours

- name: A network of its own, that reaches nothing but the hypervisor
  virtfleet.network.virt_network:
    name: backend
    ips:
      - address: 192.168.51.1/24

- name: Routed instead of NAT, out through one interface
  virtfleet.network.virt_network:
    name: dmz
    forward:
      mode: route
      dev: eno1
    bridge:
      name: virbr-dmz
    ips:
      - address: 203.0.113.1/28

- name: Guests directly on the LAN, through a bridge that the hypervisor has
  virtfleet.network.virt_network:
    name: lan
    forward:
      mode: bridge
    bridge:
      name: br0
    portgroups:
      - name: full
        default: true
      - name: metered
        bandwidth:
          inbound:
            average: 1024 # KiB per second
            peak: 4096
            burst: 512 # KiB
          outbound:
            average: 1024

- name: Guests directly on the LAN without a bridge, through macvtap
  virtfleet.network.virt_network:
    name: lan-direct
    forward:
      mode: bridge
      interfaces:
        - dev: eno1
        - dev: eno2

- name: VLANs on an Open vSwitch bridge, one portgroup each, prepared and not started
  virtfleet.network.virt_network:
    name: trunk
    active: false
    autostart: false
    forward:
      mode: bridge
    bridge:
      name: ovsbr0
    virtualport:
      type: openvswitch
    portgroups:
      - name: office
        default: true
        vlan:
          tags:
            - id: 42
      - name: routers
        vlan:
          trunk: true
          tags:
            - id: 42
            - id: 47
              native_mode: untagged

- name: Virtual functions of an SR-IOV card, prepared and not started
  virtfleet.network.virt_network:
    name: fast
    active: false
    autostart: false
    forward:
      mode: hostdev
      managed: true
      pf:
        dev: ens1f0
    vlan:
      tags:
        - id: 42

- name: IPv4 and IPv6, both with DHCP
  virtfleet.network.virt_network:
    name: dual
    forward:
      mode: nat
      nat:
        ipv6: true
    ips:
      - address: 192.168.52.1/24
        dhcp:
          ranges:
            - start: 192.168.52.100
              end: 192.168.52.199
      - address: fd00:52::1/64
        dhcp:
          ranges:
            - start: fd00:52::100
              end: fd00:52::1ff
          hosts:
            - id: "00:03:00:01:52:54:00:00:52:0a"
              name: six
              ip: fd00:52::10

- name: The boot files
  ansible.builtin.file:
    path: /srv/tftp
    state: directory
    mode: "0755"

- name: Guests boot from the network
  virtfleet.network.virt_network:
    name: install
    forward:
      mode: nat
    ips:
      - address: 192.168.53.1/24
        tftp:
          root: /srv/tftp
        dhcp:
          ranges:
            - start: 192.168.53.100
              end: 192.168.53.199
          bootp:
            file: pxelinux.0

- name: DNS of the network, with names, records, and a server to ask for one domain
  virtfleet.network.virt_network:
    name: services
    domain:
      name: services.example
      local_only: true
    dns:
      forwarders:
        - addr: 192.0.2.1
        - domain: corp.example
          addr: 192.0.2.53
      hosts:
        - ip: 192.168.54.10
          hostnames:
            - ldap
            - ldap.services.example
      srvs:
        - service: ldap
          protocol: tcp
          domain: services.example
          target: ldap.services.example
          port: 389
      txts:
        - name: owner.services.example
          value: the platform team
    ips:
      - address: 192.168.54.1/24

- name: Routes to networks behind guests, and guests that cannot see each other
  virtfleet.network.virt_network:
    name: edge
    port:
      isolated: true
    ips:
      - address: 192.168.55.1/24
    routes:
      - address: 192.168.56.0/24
        gateway: 192.168.55.2
      - address: 10.56.0.0
        netmask: 255.255.0.0
        gateway: 192.168.55.3

- name: Options of dnsmasq that libvirt has no word for
  virtfleet.network.virt_network:
    name: edge
    dnsmasq_options:
      - cname=www.edge.example,web.edge.example

# Lists are whole lists: the reservation for "db" goes. Reservations change while the network runs.
- name: One reservation less
  virtfleet.network.virt_network:
    name: guests
    ips:
      - address: 192.168.50.1/24
        dhcp:
          hosts:
            - mac: "52:54:00:00:50:0a"
              name: web
              ip: 192.168.50.10

- name: Larger packets from the next start on, whenever that is
  virtfleet.network.virt_network:
    name: guests
    mtu:
      size: 9000
    restart: never
  register: guests

- name: Say what waits for a restart
  ansible.builtin.debug:
    msg: "{{ guests.network.name }} needs a restart for {{ guests.plan | map(attribute='path') | join(', ') }}"
  when: guests.restart_required

- name: The same at once, under running guests
  virtfleet.network.virt_network:
    name: guests
    mtu:
      size: 9000
    restart: replug

- name: The firewall was reloaded and has no rules of libvirt any more
  virtfleet.network.virt_network:
    name: guests
    state: restarted

# An empty dictionary, list or string removes.
- name: No domain any more, and the usual packets again
  virtfleet.network.virt_network:
    name: guests
    domain: {}
    mtu: {}

- name: Neither running nor started with the hypervisor
  virtfleet.network.virt_network:
    name: backend
    active: false
    autostart: false

- name: Exactly this definition, and the one that it replaces kept in a file
  virtfleet.network.virt_network:
    name: backend
    backup: true
    xml: |
      <network>
        <name>backend</name>
        <bridge name="virbr-back"/>
        <ip address="192.168.51.1" prefix="24"/>
      </network>

- name: The connection once for all modules of the collection
  module_defaults:
    group/virtfleet.network.network:
      uri: "{{ libvirt_uri }}"
  block:
    - name: No such network
      virtfleet.network.virt_network:
        name: old
        state: absent

    - name: Delete it, even if running guests use it
      virtfleet.network.virt_network:
        name: dmz
        state: absent
        force: true
"""

RETURN = r"""
plan:
  description:
    - What was changed, or would be in check mode, one entry for each thing, in order.
    - Empty when nothing is to be changed.
  returned: success
  type: list
  elements: dict
  contains:
    network:
      description: The name of the network.
      type: str
      sample: guests
    action:
      description:
        - What is done. V(define) saves a definition. V(update) adds or removes an entry, in the persistent config, in
          the live config or in both. V(describe) changes the running network. V(remove_bridge) removes a bridge
          that a killed libvirt daemon left behind. V(park) moves a guest's NIC to the parking network, V(return)
          reattaches it.
      type: str
      sample: update
    path:
      description: What changes, as options that lead there. Entries of lists are named by their key.
      type: str
      sample: "ips[192.168.50.0/24].dhcp.hosts[52:54:00:00:50:0b]"
    before:
      description: The value before, null when there was none.
      type: raw
      sample: {"ip": "192.168.50.11", "mac": "52:54:00:00:50:0b", "name": "db"}
    after:
      description: The value afterwards, null when there is none.
      type: raw
      sample: null
    effect:
      description:
        - When the change takes effect. V(live) is at once, V(restart) is with the restart that is part of the plan,
          V(next_start) is when the network is started the next time.
      type: str
      sample: live
diff:
  description:
    - The definition before and afterwards, and the plan in words.
    - Empty when nothing is to be changed.
  returned: success
  type: list
  elements: dict
  contains:
    before_header:
      description: The name of the network.
      type: str
      sample: guests
    after_header:
      description: The name of the network.
      type: str
      sample: guests
    before:
      description:
        - The definition before, as XML, with the state of the network in its first line.
        - Empty when there was no network.
      type: str
    after:
      description: The definition afterwards, in the same form.
      type: str
    prepared:
      description: The plan in words, a line for each change. It is in an entry of its own.
      type: str
      sample: "define guests: mtu.size: nothing -> 9000 (next_start)\n"
restart_required:
  description: Whether the running network needs a restart for a part of what this task wants.
  returned: success
  type: bool
  sample: false
unchecked:
  description: The checks that could not be made, as sentences. Empty when nothing is to be changed.
  returned: success
  type: list
  elements: str
  sample: []
network:
  description: The network after the task. In check mode, as it would be, without what libvirt generates.
  returned: success
  type: dict
  contains:
    name:
      description: The name of the network.
      type: str
      sample: guests
    state:
      description: Either V(present) or V(absent).
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
      description: Whether the definition of the network is saved.
      type: bool
      sample: true
    uuid:
      description: The identity of the network, empty when there is none.
      type: str
      sample: 5f2ba3a0-8dbd-4bb9-9a7c-1d3b9a4e2f11
    bridge:
      description: The name of its bridge, empty when it has none.
      type: str
      sample: virbr0
    spec:
      description: The persistent config as options of this module. They change nothing when they are given to it.
      type: dict
      sample: {"name": "guests", "forward": {"mode": "nat"}, "ips": [{"address": "192.168.50.1", "prefix": 24}]}
cost:
  description: What the task has cost, or would cost.
  returned: success
  type: dict
  contains:
    calls:
      description: The number of calls that change something in libvirt.
      type: int
      sample: 2
    restart:
      description: Whether the running network is restarted.
      type: bool
      sample: false
    seconds:
      description: How long the task took on the host that it runs on, without Ansible's own share.
      type: float
      sample: 0.62
backup_file:
  description: The file that holds the replaced definition.
  returned: when O(backup=true) and the definition of an existing network was replaced or deleted
  type: str
  sample: /var/backups/virtfleet.network/guests.2026-01-31T12:00:00.x7k2_q9z.xml
problems:
  description: Everything that is wrong with the wanted network, as sentences.
  returned: failure
  type: list
  elements: str
  sample: ["subnet 192.168.50.0/24 overlaps 192.168.48.0/20, the hypervisor's own address on eno1"]
"""

from ..module_utils import _python  # noqa: F401 # pylint: disable=unused-import
from ..module_utils._task.networks import run_network


def main():  # type: () -> None
    run_network()


if __name__ == "__main__":
    main()
