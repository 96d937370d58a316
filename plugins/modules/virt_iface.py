#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: virt_iface
short_description: Attach NICs to a libvirt guest, change and detach them, also while it runs
version_added: 1.0.0
description:
  - >-
    Brings NICs of a guest to a wanted state, whether the guest runs or not, in the running guest and in its persistent
    config.
  - Every element and attribute of libvirt's C(<interface>) is an option. What libvirt can change in place, it does.
author:
  - virtfleet maintainers (@virtfleet)
extends_documentation_fragment:
  - virtfleet.network.connection
  - ansible.builtin.action_common_attributes
  - virtfleet.network.iface_options
  - virtfleet.network.guides.nics_of_a_guest
seealso:
  - module: virtfleet.network.virt_iface_info
  - module: virtfleet.network.virt_network
"""

EXAMPLES = r"""
- name: A second NIC for a guest, whether it runs or not
  virtfleet.network.virt_iface:
    domain: web
    source:
      network: backup
    model:
      type: virtio
    wait_for_ip: true
  register: plugged

- name: Show the address that it got
  ansible.builtin.debug:
    var: plugged.ifaces[0].address

- name: The NIC gets a name, to speak of it whatever its MAC address is
  virtfleet.network.virt_iface:
    domain: web
    mac:
      address: "52:54:00:00:60:0a"
    alias:
      name: ua-front
    replace: true

- name: Move it to another network, while the guest runs
  virtfleet.network.virt_iface:
    domain: web
    alias:
      name: ua-front
    source:
      network: guests

- name: Pull its plug
  virtfleet.network.virt_iface:
    domain: web
    alias:
      name: ua-front
    link:
      state: down

- name: Another model from the next start of the guest on
  virtfleet.network.virt_iface:
    domain: web
    alias:
      name: ua-front
    model:
      type: e1000e
    apply: config

- name: The guest has nothing to do with the network backup any more
  virtfleet.network.virt_iface:
    domain: web
    source:
      network: backup
    state: absent

- name: These two NICs and no others
  virtfleet.network.virt_iface:
    domain: web
    exclusive: true
    ifaces:
      - mac:
          address: "52:54:00:00:60:0a"
        source:
          network: guests
      - mac:
          address: "52:54:00:00:60:0b"
        source:
          bridge: br0
        model:
          type: virtio
"""

RETURN = r"""
plan:
  description:
    - What was changed, or would be in check mode, one entry for each thing, in order. The running guest comes first.
    - Empty when nothing is to be changed.
  returned: success
  type: list
  elements: dict
  contains:
    guest:
      description: The name of the guest.
      type: str
      sample: web
    action:
      description:
        - What is done. V(attach) plugs a NIC in, V(update) changes one in place, V(detach) takes one out.
        - A NIC that is replaced is one that is taken out and plugged in.
      type: str
      sample: update
    path:
      description: What changes, as options that lead there.
      type: str
      sample: nics[52:54:00:00:60:0a].link.state
    before:
      description: The value before, null when there was none.
      type: raw
      sample: null
    after:
      description: The value afterwards, null when there is none.
      type: raw
      sample: down
    effect:
      description: V(live) is in the running guest, V(next_start) is in the persistent config.
      type: str
      sample: live
diff:
  description:
    - The NICs that change before and afterwards, and the plan in words.
    - Empty when nothing is to be changed.
  returned: success
  type: list
  elements: dict
  contains:
    before_header:
      description: The name of the guest.
      type: str
      sample: web
    after_header:
      description: The name of the guest.
      type: str
      sample: web
    before:
      description: The NICs before, as XML, those of the live and those of the persistent config.
      type: str
    after:
      description: The NICs afterwards, in the same form.
      type: str
    prepared:
      description: The plan in words, a line for each change. It is in an entry of its own.
      type: str
      sample: "update web: nics[52:54:00:00:60:0a].link.state: nothing -> down (live)\n"
unchecked:
  description: The checks that could not be made, as sentences. Empty when nothing is to be changed.
  returned: success
  type: list
  elements: str
  sample: []
ifaces:
  description: The NICs of the task that are there afterwards, in its order.
  returned: success
  type: list
  elements: dict
  contains:
    mac:
      description: The MAC address.
      type: str
      sample: "52:54:00:00:60:0a"
    generated:
      description: Whether the MAC address was made by this task.
      type: bool
      sample: false
    live:
      description: Whether the running guest has the NIC.
      type: bool
      sample: true
    saved:
      description: Whether the persistent config has the NIC.
      type: bool
      sample: true
    spec:
      description: The NIC as options, as it is saved, or as it runs when it is not saved.
      type: dict
      sample: {"type": "network", "mac": {"address": "52:54:00:00:60:0a"}, "source": {"network": "guests"}}
    address:
      description: The address that was waited for, null without O(wait_for_ip) and in check mode.
      type: dict
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
        seconds:
          description: How long it took, from the end of the change on.
          type: float
          sample: 3.104
problems:
  description: Everything that is wrong with the wanted NICs, as sentences.
  returned: failure
  type: list
  elements: str
  sample:
    - "52:54:00:00:60:0a (network backup): there is no network 'backup' (there is: default, guests)"
"""

from ..module_utils import _python  # noqa: F401 # pylint: disable=unused-import
from ..module_utils._task.nics import run_iface


def main():  # type: () -> None
    run_iface()


if __name__ == "__main__":
    main()
