# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: interface_xml
short_description: The NICs of a new guest as libvirt's XML
version_added: 1.0.0
author:
  - virtfleet maintainers (@virtfleet)
extends_documentation_fragment:
  - virtfleet.network.guides.nics_of_a_new_guest
  - virtfleet.network.guides.interface_options
description:
  - Makes C(<interface>) elements for the definition of a new guest, from options like those of the modules of this
    collection.
  - Every element and attribute of libvirt's C(<interface>) is an option. The page
    C(docs/reference/interface-options.md) of the collection describes them all.
  - Everything is checked before anything is made. An option that does not exist, a wrong value, options that do not go
    with each other, and what is missing are reported together, in one error.
options:
  _input:
    description:
      - The options of one NIC, or a list with those of several.
      - Where it is plugged in is in its C(source). The C(type) can be left out where the source implies it, as
        C(network), C(bridge) and others do.
    type: raw
    required: true
notes:
  - An option that is empty is as good as one that is left out.
  - The order of a list is the order of the NICs in the guest.
  - Without a MAC address libvirt makes one up when the guest is defined, and another one the next time. Give one when
    the same definition may be made again.
  - What an option needs of libvirt is not checked, as it is not known here where the guest will be.
requirements:
  - lxml on the controller
seealso:
  - module: virtfleet.network.virt_network
"""

EXAMPLES = r"""
- name: Show the XML of two NICs
  ansible.builtin.debug:
    msg: "{{ nics | virtfleet.network.interface_xml }}"
  vars:
    nics:
      - source:
          network: guests
        mac:
          address: "52:54:00:00:50:0a"
        model:
          type: virtio
      - source:
          network: backup
          portgroup: slow
        model:
          type: virtio
        link:
          state: down

# guest.xml.j2 has in its <devices>: {{ nics | virtfleet.network.interface_xml | indent(4) }}
- name: Define a guest from a template
  community.libvirt.virt:
    command: define
    xml: "{{ lookup('ansible.builtin.template', 'guest.xml.j2') }}"
  vars:
    nics:
      source:
        bridge: br0
"""

RETURN = r"""
_value:
  description: The elements as indented text, one below the other, without an end of line at the end.
  type: str
  sample: |-
    <interface type="network">
      <mac address="52:54:00:00:50:0a"/>
      <source network="guests"/>
      <model type="virtio"/>
    </interface>
"""

import sys
from typing import Any, Callable

from ansible.errors import AnsibleFilterError

from ..module_utils._errors.errors import InvalidInterfaceError
from ..module_utils._nics.interface_spec import render
from ..module_utils._xml.codec import HAS_LXML

NAME = "virtfleet.network.interface_xml"


def interface_xml(given: Any) -> str:
    """The filter."""
    if not HAS_LXML:
        raise AnsibleFilterError(f"{NAME}: the controller's Python ({sys.executable}) lacks the library lxml")
    try:
        return render(given)
    except InvalidInterfaceError as error:
        raise AnsibleFilterError(f"{NAME}: {error}") from None


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[[Any], str]]:
        """The filter by its name."""
        return {"interface_xml": interface_xml}
