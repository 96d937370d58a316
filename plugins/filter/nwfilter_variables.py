# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that makes variables of network filters that exist."""

from __future__ import annotations

DOCUMENTATION = r"""
name: nwfilter_variables
short_description: Network filters as virt_topology takes them
version_added: 1.0.0
description:
  - >-
    Makes entries for O(virtfleet.network.virt_topology#module:nwfilters) of the network filters that a hypervisor has,
    without those that are as libvirt's package has them.
  - >-
    An entry is the whole filter, without its uuid. Where the order of rules among references matters, it is the filter
    as XML.
  - A filter that no option can describe is left out.
  - It is a part of this collection's playbooks, and may change in any release.
author:
  - virtfleet maintainers (@virtfleet)
options:
  _input:
    description: Network filters, as M(virtfleet.network.virt_nwfilter_info) returns them.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the network filters that libvirt does not bring
  ansible.builtin.debug:
    msg: "{{ info.nwfilters | virtfleet.network.nwfilter_variables }}"
"""

RETURN = r"""
_value:
  description: Entries for O(virtfleet.network.virt_topology#module:nwfilters).
  type: list
  elements: dict
  sample: [{"name": "no-mail", "chain": "ipv4", "priority": -700, "filterrefs": [], "rules": []}]
"""

from collections.abc import Callable
from typing import Any

from ..plugin_utils._playbooks.nwfilters import nwfilter_variables


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filter by its name."""
        return {"nwfilter_variables": nwfilter_variables}
