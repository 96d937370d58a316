# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that writes an audit as a table, as CSV, or as JUnit's XML."""

from __future__ import annotations

DOCUMENTATION = r"""
name: audit_as
short_description: Write the audit of a fleet as text
version_added: 0.1.0
description:
  - Takes a document of P(virtfleet.network.audit_document#filter) and makes a text of it.
  - >-
    Names come from hypervisors, and may be anything. What is no printable character is written as its number, what a
    spreadsheet would take for a formula gets an apostrophe in front of it, and XML is escaped.
author:
  - virtfleet maintainers (@virtfleet)
positional: form
options:
  _input:
    description: The document.
    type: dict
    required: true
  form:
    description:
      - V(table) is for people. V(csv) is for spreadsheets.
      - >-
        V(junit) is for pipelines: each hypervisor is a test suite, and its networks and guests are the test cases; what
        is about the hypervisor itself is in the test case C(audit).
    type: str
    choices: [table, csv, junit]
    required: true
"""

EXAMPLES = r"""
- name: Write the audit of a fleet for a spreadsheet
  ansible.builtin.copy:
    content: "{{ audit_results | virtfleet.network.audit_document | virtfleet.network.audit_as('csv') }}"
    dest: audit.csv
    mode: "0600"
"""

RETURN = r"""
_value:
  description: The text.
  type: str
  sample: "host,object,state,field,asked,saved,running,text\n"
"""

from collections.abc import Mapping
from typing import Any, Callable

from ansible.errors import AnsibleFilterError

from ansible_collections.virtfleet.network.plugins.module_utils._audit_text import FORMS


def audit_as(document: Mapping[str, Any], form: str) -> str:
    """The filter."""
    if form not in FORMS:
        raise AnsibleFilterError(f"Cannot write the audit as {form!r}: choose one of {', '.join(FORMS)}")
    return FORMS[form](document)


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filter by its name."""
        return {"audit_as": audit_as}
