# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that puts the results of an audit over a fleet together."""

from __future__ import annotations

DOCUMENTATION = r"""
name: audit_document
short_description: Put the audits of all hypervisors together
version_added: 1.0.0
description:
  - >-
    Takes what M(virtfleet.network.virt_network_audit) returned on each hypervisor, also where it failed or could not be
    reached, and makes one document of it, with a line for each thing that differs or is wrong.
  - A result that is no audit counts as a failure of its hypervisor, and of no other.
  - >-
    Documents of several controllers, or of the slices of a job, become one. Of a hypervisor that is in more of them, it
    has the newest audit.
author:
  - virtfleet maintainers (@virtfleet)
positional: time, earlier
options:
  _input:
    description: The results by the hypervisor's name, or a list of documents or of their texts.
    type: raw
    required: true
  time:
    description:
      - When the audit was, as text that sorts by time, such as V(2026-01-01 02:00 UTC).
      - Documents of a list say that themselves.
    type: str
    default: ""
  earlier:
    description:
      - >-
        The document of an earlier audit, or its text. Then each line of drift says whether it is new, or lasts, and
        since when.
      - >-
        What the earlier audit knows of a hypervisor that could not be audited, or that a limit left out, is kept until
        it is audited again.
    type: raw
  text:
    description:
      - Return the document's JSON, as V(json) of P(virtfleet.network.audit_as#filter) does.
      - >-
        Of a large fleet that is faster than both filters, since Ansible goes through all values of a document that it
        hands from one to the next.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Write the audit of a fleet as one file
  ansible.builtin.copy:
    content: "{{ audit_results | virtfleet.network.audit_document | to_nice_json }}"
    dest: audit.json
    mode: "0600"

- name: Say what is new since yesterday
  vars:
    yesterday: "{{ lookup('ansible.builtin.file', 'yesterday.json') | from_json }}"
    today: "{{ audit_results | virtfleet.network.audit_document('2026-01-02 02:00 UTC', yesterday) }}"
  ansible.builtin.debug:
    msg: "{{ today.lines | selectattr('news', 'eq', 'new') | map(attribute='object') }}"
"""

RETURN = r"""
_value:
  description: >-
    C(hosts), the results by the hypervisor's name, each with C(reached), when it was C(audited) and, where it failed,
    C(error). C(lines), what differs and what is wrong, each with C(host), C(object), C(state), C(field), C(asked),
    C(saved), C(running), C(text) and, against an earlier audit, C(news) (V(new) or V(lasts)) and C(since). C(gone), the
    lines of the earlier audit that no longer hold. C(others), its lines of hypervisors that this audit left out.
    C(summary), how many hosts are as asked, differ (errors of the diagnosis count), and are unreachable or failed, how
    many lines are new, lasting and gone, and how many there are of each state. C(time) and C(earlier), when this audit
    and the earlier one were.
  type: dict
  sample:
    time: 2026-01-02 02:00 UTC
    earlier: 2026-01-01 02:00 UTC
    hosts: {}
    lines: []
    gone: []
    others: []
    summary: {"as_asked": 2, "differ": 0, "failed": 0, "new": 0, "lasting": 0, "gone": 0, "states": {}}
"""

from collections.abc import Mapping, Sequence
from typing import Any, Callable

from ansible.errors import AnsibleFilterError

from ..plugin_utils._reports.document import MALFORMED, as_json, document, given, joined


def audit_document(results: Any, time: str = "", earlier: Any = None, text: bool = False) -> dict[str, Any] | str:
    """The filter."""
    several = isinstance(results, Sequence) and not isinstance(results, str)
    if not several and not isinstance(results, Mapping):
        raise AnsibleFilterError(
            "Cannot put audits together: give them as a dictionary of results by the hypervisor's name, or as a list "
            "of documents"
        )
    try:
        before = None if earlier in (None, "") else given(earlier)
        made = joined(map(given, results), before) if several else document(given(results), time, before)
    except MALFORMED as error:
        raise AnsibleFilterError(
            f"Cannot put audits together: what is given as a document is none ({type(error).__name__}: {error}); give "
            "the audit.json of other audits"
        ) from None
    return as_json(made) if text else made


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filter by its name."""
        return {"audit_document": audit_document}
