# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that writes an audit as a table, as CSV, as JUnit's XML, or for Graphviz."""

from __future__ import annotations

DOCUMENTATION = r"""
name: audit_as
short_description: Write the audit of a fleet as text
version_added: 1.0.0
description:
  - Takes a document of P(virtfleet.network.audit_document#filter) and makes a text of it.
  - >-
    Names come from hypervisors, and may be anything. Unprintable characters are written as their numbers, what a
    spreadsheet would take for a formula gets an apostrophe in front of it, and XML is escaped.
author:
  - virtfleet maintainers (@virtfleet)
positional: form
options:
  _input:
    description: The document, or its JSON.
    type: raw
    required: true
  form:
    description:
      - V(table) is for people. V(csv) is for spreadsheets.
      - >-
        V(junit) is for pipelines: each hypervisor is a test suite, and its networks and guests are the test cases; what
        is about the hypervisor itself is in the test case C(audit). Drift is a failure, and a hypervisor
        that could not be audited is an error.
      - >-
        V(dot) is for Graphviz, a graph for each hypervisor with its devices, bridges, networks, guests and their NICs,
        and with what is wrong with them. C(dot -Tsvg -O FILE) draws each into a file of its own.
      - V(json) is the document itself, and what the other filters take as well.
    type: str
    choices: [table, csv, junit, dot, json]
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
  sample: "host,object,state,field,asked,saved,running,news,since,text\n"
"""

import csv
import io
import re
from collections.abc import Callable, Mapping
from typing import Any
from xml.etree import ElementTree as ET

from ansible.errors import AnsibleFilterError

from ..plugin_utils._reports.document import as_json, given
from ..plugin_utils._reports.drawing import dot, picture
from ..plugin_utils._reports.words import COLUMNS, NOT_AUDITED, dated, failing, gone, printable, table

COUNTED = {"tests": "testcase", "failures": "failure", "errors": "error"}
# What spreadsheets take for the begin of a formula, also in full width; where commas are decimal, a cell ends at ";".
FORMULA = re.compile('(^|;)([ "]*[=+@＝＋－＠-])')


def _csv(document: Mapping[str, Any]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for line in document["lines"]:
        writer.writerow([FORMULA.sub(r"\1'\2", printable(line[name])) for name in COLUMNS])
    return out.getvalue()


def _junit(document: Mapping[str, Any]) -> str:
    root = ET.Element("testsuites", name="virtfleet.network audit")
    left = gone(document)
    for host, things in failing(document).items():
        suite = ET.SubElement(root, "testsuite", name=printable(host))
        for name, lines in things.items():
            case = ET.SubElement(suite, "testcase", classname=printable(host), name=printable(name))
            if lines:
                about = [" ".join(filter(None, (line["news"], line["state"], line["field"]))) for line in lines]
                message = "; ".join(dict.fromkeys(about))
                # What could not be looked at is no failure of the test, but an error in making it.
                tag = "error" if lines[0]["state"] in NOT_AUDITED else "failure"
                failure = ET.SubElement(case, tag, type=lines[0]["state"], message=printable(message))
                failure.text = "\n".join(printable(dated(line)) for line in lines)
        if host in left:
            ET.SubElement(suite, "system-out").text = "\n".join(map(printable, left[host]))
    for element in (root, *root):
        for counted, tag in COUNTED.items():
            element.set(counted, str(len(element.findall(f".//{tag}"))))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _dot(document: Mapping[str, Any]) -> str:
    return "".join(dot(name, picture(host)) for name, host in document["hosts"].items())


FORMS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "table": table, "csv": _csv, "junit": _junit, "dot": _dot, "json": as_json
}  # fmt: skip


def audit_as(document: Any, form: str) -> str:
    """The filter."""
    if form not in FORMS:
        raise AnsibleFilterError(f"Cannot write the audit as {form!r}: choose one of {', '.join(FORMS)}")
    return FORMS[form](given(document))


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filter by its name."""
        return {"audit_as": audit_as}
