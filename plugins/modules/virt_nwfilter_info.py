#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: virt_nwfilter_info
short_description: Report libvirt network filters, the parameters that they need, and what refers to them
version_added: 1.0.0
description:
  - Returns network filters of libvirt, the parameters that each needs, and the NICs and filters that refer to it.
  - It only reads, through libvirt's read-only connection, so it needs no privileges.
author:
  - virtfleet maintainers (@virtfleet)
options:
  name:
    description:
      - The names of the filters. An empty list means all.
      - A filter that does not exist is left out.
    type: list
    elements: str
    default: []
    aliases: [names]
extends_documentation_fragment:
  - virtfleet.network.connection
  - ansible.builtin.action_common_attributes
  - virtfleet.network.guides.network_filters
attributes:
  check_mode:
    support: full
  diff_mode:
    support: N/A
seealso:
  - module: virtfleet.network.virt_nwfilter
  - module: virtfleet.network.virt_iface_info
"""

EXAMPLES = r"""
- name: Look at all network filters
  virtfleet.network.virt_nwfilter_info:
  register: filters

- name: List those that nothing refers to
  ansible.builtin.debug:
    msg: "{{ unused | map(attribute='name') }}"
  vars:
    unused: "{{ filters.nwfilters | selectattr('nics', 'equalto', []) | selectattr('referred_by', 'equalto', []) }}"

- name: Look at one
  virtfleet.network.virt_nwfilter_info:
    name: clean-traffic
"""

RETURN = r"""
nwfilters:
  description: The filters, ordered by name; named ones in the order of their names in the task.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name of the filter.
      type: str
      sample: clean-traffic
    state:
      description: Always V(present).
      type: str
      sample: present
    uuid:
      description: The identity of the filter.
      type: str
      sample: 5f2ba3a0-8dbd-4bb9-9a7c-1d3b9a4e2f12
    spec:
      description:
        - The definition as options of M(virtfleet.network.virt_nwfilter). Given to it, they change nothing.
        - >-
          A filter that is made of them has its references before its rules. Give RV(nwfilters[].xml) to have them in
          the same order.
      type: dict
      sample: {"name": "clean-traffic", "chain": "root", "priority": 0}
    xml:
      description: The definition as XML.
      type: str
    packaged:
      description:
        - Whether it is as libvirt's package has it, in C(/usr/share/libvirt/nwfilter) of the hypervisor.
        - Always V(false) where the module does not run on the hypervisor, and cannot see that.
      type: bool
      sample: true
    parameters:
      description:
        - >-
          The parameters that a NIC that refers to the filter gives, as all filters that it refers to need them, too.
        - libvirt knows C(MAC) itself, and finds C(IP) out where it is the only one that nobody gives.
      type: list
      elements: str
      sample: [IP]
    referred_by:
      description: The filters that refer to it.
      type: list
      elements: str
      sample: []
    nics:
      description: The NICs of guests that refer to it.
      type: list
      elements: dict
      contains:
        domain:
          description: The name of the guest.
          type: str
          sample: web
        mac:
          description: The MAC address of the NIC.
          type: str
          sample: "52:54:00:00:60:0a"
        live:
          description: Whether the NIC of the running guest does.
          type: bool
          sample: true
        saved:
          description: Whether the NIC in the persistent config does.
          type: bool
          sample: true
"""

from ..module_utils import _python  # noqa: F401 # pylint: disable=unused-import
from ..module_utils._task.nwfilters import run_nwfilter_info


def main():  # type: () -> None
    run_nwfilter_info()


if __name__ == "__main__":
    main()
