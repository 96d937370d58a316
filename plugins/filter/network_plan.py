# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter behind the roles: from a kind of network, a name and a subnet to the options of virt_network."""

from __future__ import annotations

DOCUMENTATION = r"""
name: network_plan
short_description: Work out a network's options from its kind and its subnet
version_added: 0.1.0
description:
  - >-
    Turns the short form of a network into options of M(virtfleet.network.virt_network). The roles of this collection
    use it.
  - >-
    Options that are given win over those that are worked out, and dictionaries merge.
author:
  - virtfleet maintainers (@virtfleet)
options:
  _input:
    description:
      - >-
        Options of M(virtfleet.network.virt_network) with C(name), and those of the short form: C(kind), C(subnet),
        C(gateway), C(dhcp) and others. C(ansible-doc -t role virtfleet.network.network) describes them all.
      - Options that are null count as left out.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: A network from its short form
  virtfleet.network.virt_network:
    name: web
    forward: "{{ plan.forward }}"
    bridge: "{{ plan.bridge }}"
    ips: "{{ plan.ips }}"
  vars:
    plan: "{{ {'name': 'web', 'kind': 'nat', 'subnet': '10.20.0.0/24'} | virtfleet.network.network_plan }}"
"""

RETURN = r"""
_value:
  description: Options of M(virtfleet.network.virt_network).
  type: dict
  sample: {"name": "lab", "forward": {}, "bridge": {"name": "vbr-lab"}, "ips": [{"address": "10.2.0.1/24", "dhcp": {}}]}
"""

from collections.abc import Mapping
from typing import Any, Callable

from ansible.errors import AnsibleFilterError
from ansible.module_utils.parsing.convert_bool import boolean

from ..module_utils._errors.errors import PlanError
from ..module_utils._network.short_form import SHORT
from ..module_utils._network.short_form import network_plan as plan
from ..plugin_utils._playbooks.variables import wrong_shapes

SHAPES = {
    **{name: {"type": "str"} for name in ("name", *SHORT)},
    **{name: {"type": "dict"} for name in ("forward", "bridge")},
    **{name: {"type": "list", "elements": "dict"} for name in ("reservations", "ips")},
}


def network_plan(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The filter."""
    wrong = list(wrong_shapes("network", wanted if wanted is not None else "", {"type": "dict", "options": SHAPES}))
    if wrong:
        raise AnsibleFilterError(f"Cannot plan a network: {'; '.join(wrong)}")
    dhcp = wanted.get("dhcp")
    try:
        return plan({**wanted, "dhcp": None if dhcp is None else boolean(dhcp)})
    except (PlanError, TypeError) as error:  # a TypeError is what is no boolean
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filter by its name."""
        return {"network_plan": network_plan}
