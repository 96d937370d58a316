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
    C(text). C(summary), how many hosts are as asked, differ, and could not be audited, and how many lines there are of
    each state.
  type: dict
  sample: {"hosts": {}, "lines": [], "summary": {"as_asked": 2, "differ": 0, "not_audited": 0, "states": {}}}
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Callable

# What a hypervisor's audit tells, and what stands there when it could not be audited.
TOLD = {
    "as_asked": False,
    **{name: [] for name in ("rows", "problems", "findings", "not_looked_at", "networks", "guests")},
    "devices": {},
    "libvirt": 0,
}
EMPTY = {"asked": None, "saved": None, "running": None}


def audit_document(results: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The filter."""
    hosts = {name: _host(result) for name, result in sorted(results.items())}
    lines = [{"host": name, **line} for name, host in hosts.items() for line in _lines(host)]
    audited = [host for host in hosts.values() if host["reached"] and not host["error"]]
    good = [host for host in audited if host["as_asked"]]
    return {
        "hosts": hosts,
        "lines": lines,
        "summary": {
            "as_asked": len(good),
            "differ": len(audited) - len(good),
            "not_audited": len(hosts) - len(audited),
            "states": dict(sorted(Counter(line["state"] for line in lines).items())),
        },
    }


def _host(result: Mapping[str, Any]) -> dict[str, Any]:
    failed = result.get("failed") or result.get("unreachable") or "rows" not in result
    return {
        **{name: result.get(name, nothing) for name, nothing in TOLD.items()},
        "reached": not result.get("unreachable"),
        "error": str(result.get("msg", "there is no result")) if failed else "",
    }


def _lines(host: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What is not as asked, what is wrong, and what nobody asked for; one good line for a host where there is none."""
    if host["error"]:
        yield _line("", "failed" if host["reached"] else "unreachable", text=host["error"])
        return
    for row in host["rows"]:
        if row["state"] != "as_asked":
            values = {name: row[name] for name in EMPTY}
            thing = " ".join(filter(None, (row["network"], row["domain"], row["mac"])))
            yield _line(thing, row["state"], row["path"], **values)
    yield from (_line("", "impossible", text=text) for text in host["problems"])
    for one in host["findings"]:
        thing = " ".join(filter(None, (one["network"], one["domain"], one["mac"])))
        yield _line(thing, one["severity"], one["code"], text=f"{one['evidence']}. {one['remedy']}")
    if host["as_asked"] and not host["findings"]:
        yield _line("", "as_asked")


def _line(thing: str, state: str, field: str = "", text: str = "", **values: Any) -> dict[str, Any]:
    return {"object": thing, "state": state, "field": field, **EMPTY, **values, "text": text}


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filter by its name."""
        return {"audit_document": audit_document}
