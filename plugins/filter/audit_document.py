# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that puts the results of an audit over a fleet together."""

from __future__ import annotations

DOCUMENTATION = r"""
name: audit_document
short_description: Put the audits of all hypervisors together
version_added: 0.1.0
description:
  - >-
    Takes what M(virtfleet.network.virt_network_audit) returned on each hypervisor, also where it failed or could not be
    reached, and makes one document of it, with a line for each thing that differs or is wrong.
  - A result that is no audit counts as a failure of its hypervisor, and of no other.
author:
  - virtfleet maintainers (@virtfleet)
options:
  _input:
    description: The results by the hypervisor's name.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Write the audit of a fleet as one file
  ansible.builtin.copy:
    content: "{{ audit_results | virtfleet.network.audit_document | to_nice_json }}"
    dest: audit.json
    mode: "0600"
"""

RETURN = r"""
_value:
  description: >-
    C(hosts), the results by the hypervisor's name, each with C(reached) and, where it failed, C(error). C(lines), what
    differs and what is wrong, each with C(host), C(object), C(state), C(field), C(asked), C(saved), C(running) and
    C(text). C(summary), how many hosts are as asked, differ (errors of the diagnosis count), and are unreachable or
    failed, and how many lines there are of each state.
  type: dict
  sample: {"hosts": {}, "lines": [], "summary": {"as_asked": 2, "differ": 0, "failed": 0, "states": {}}}
"""

from collections.abc import Mapping
from typing import Any, Callable

from ansible.errors import AnsibleFilterError

from ..plugin_utils._reports.document import document


def audit_document(results: Mapping[str, Any]) -> dict[str, Any]:
    """The filter."""
    if not isinstance(results, Mapping):
        raise AnsibleFilterError(
            "Cannot put audits together: give them as a dictionary of results by the hypervisor's name"
        )
    return document(results)


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filter by its name."""
        return {"audit_document": audit_document}
