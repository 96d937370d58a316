# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookup by which each playbook names its hosts: a pattern that matches none is an error, and no success."""

from __future__ import annotations

DOCUMENTATION = r"""
name: hypervisors
short_description: A pattern of hosts that matches some
version_added: 1.0.0
description:
  - >-
    Returns patterns of hosts, as C(hosts) of a play takes them, and fails where they match no host of the inventory, or
    none that C(--limit) leaves. Ansible itself skips such a play and succeeds, so a nightly audit of nothing is green.
  - >-
    It also fails where a part of a pattern, like a host between commas, matches no host and is no group, and where the
    pattern is empty.
  - It also fails where a variable begins with C(target_) and is none of those that playbooks of this collection have.
  - With C(--syntax-check) and options that only list something, it does not look.
author:
  - virtfleet maintainers (@virtfleet)
options:
  _terms:
    description: The patterns.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Audit something, or fail
  hosts: "{{ query('virtfleet.network.hypervisors', 'hypervisors') }}"
  gather_facts: false
  tasks:
    - name: Look at everything
      virtfleet.network.virt_network_audit:
        networks: []
"""

RETURN = r"""
_raw:
  description: The patterns.
  type: list
  elements: str
"""

from collections.abc import Mapping
from typing import Any

from ansible import context
from ansible.errors import AnsibleLookupError
from ansible.inventory.manager import InventoryManager, split_host_pattern
from ansible.plugins.loader import lookup_loader
from ansible.plugins.lookup import LookupBase

from ..plugin_utils._playbooks.variables import unknown_names

KNOWN = ("target_serial", "target_max_fail_percentage", "target_uri")
# What tasks of these playbooks look up for each host: loaded here, before Ansible makes a process for each of them.
FOR_EACH_HOST = ("as_json", "wrong_variables")
LISTING = ("syntax", "listhosts", "listtasks", "listtags")


class LookupModule(LookupBase):  # type: ignore[misc]
    """What Ansible looks for."""

    def run(self, terms: list[Any], variables: Any = None, **_options: Any) -> list[str]:
        """The patterns."""
        patterns = [one for term in terms for one in (term if isinstance(term, list) else [term])]
        wrong = [f"{one!r} is not a pattern" for one in patterns if not isinstance(one, str)]
        wrong += unknown_names(variables or (), KNOWN, "target")
        parts = [] if wrong else split_host_pattern(patterns)
        listing = any(context.CLIARGS.get(name) for name in LISTING)
        if wrong or not (parts or listing):
            raise AnsibleLookupError(
                f"Cannot choose hosts by target: {'; '.join(wrong) or 'it is empty, set it to hosts or groups'}"
            )
        if missing := "" if listing else self._missing(patterns, parts, variables["groups"]):
            raise AnsibleLookupError(
                f"Cannot do anything: no host of the inventory matches {missing}; "
                "set target to a group or hosts that are there"
            )
        for name in FOR_EACH_HOST:
            lookup_loader.get(f"virtfleet.network.{name}")
        return patterns if parts else ["!all"]  # text that is empty is no list of hosts for Ansible

    def _missing(self, patterns: list[str], parts: list[str], groups: Mapping[str, list[str]]) -> str:
        """What matches no host; a play's own variables say nothing of patterns and the limit."""
        inventory = InventoryManager(self._loader, parse=False)
        for group, hosts in groups.items():
            inventory.add_group(group)
            for host in hosts:
                inventory.add_host(host, group=group)
        names = [part.lstrip("!&") for part in parts]
        if wrong := [name for name in names if name not in groups and not inventory.get_hosts([name])]:
            return ", ".join(wrong)
        limit = context.CLIARGS.get("subset")
        inventory.subset(limit)
        found = inventory.get_hosts(patterns)
        return "" if found else f"{', '.join(patterns)}{f' with the limit {limit}' if limit else ''}"
