# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that leaves out networks that libvirt has and that virt_network would refuse."""

from __future__ import annotations

DOCUMENTATION = r"""
name: manageable
short_description: The networks that virt_network takes
version_added: 1.0.0
description:
  - >-
    libvirt allows what no option of this collection can say, such as a network that is called C(..). One such network
    in a list makes M(virtfleet.network.virt_topology) refuse all of it. This filter leaves them out.
  - It is a part of this collection's playbooks, and may change in any release.
author:
  - virtfleet maintainers (@virtfleet)
options:
  _input:
    description: Networks, as M(virtfleet.network.virt_network_info) returns them.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the networks that tasks can manage
  ansible.builtin.debug:
    msg: "{{ info.networks | virtfleet.network.manageable | map(attribute='name') }}"
"""

RETURN = r"""
_value:
  description: Those of the networks whose options are right.
  type: list
  elements: dict
  sample: [{"name": "lan", "spec": {"name": "lan"}}]
"""

from collections.abc import Mapping, Sequence
from typing import Any, Callable

from ..module_utils._schema.network import NETWORK
from ..module_utils._xml.codec import normalise


def manageable(networks: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The filter."""
    return [one for one in networks if not normalise(NETWORK, {**one["spec"], "name": one["name"]})[1]]


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filter by its name."""
        return {"manageable": manageable}
