# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An audit of a fleet as text: a table, CSV, or JUnit's XML. Names in it may be anything, and do no harm."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, Callable
from xml.etree import ElementTree as ET

COLUMNS = ("host", "object", "state", "field", "asked", "saved", "running", "text")
GOOD = ("as_asked", "unknown", "warning")
WIDTH = 40  # of a column in a table
# What spreadsheets take for the begin of a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def printable(value: Any) -> str:
    """A value as text without what a terminal would obey."""
    text = "" if value is None else value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)


def _table(document: Mapping[str, Any]) -> str:
    rows = [[name.upper() for name in COLUMNS]]
    rows += [[_short(name, printable(line[name])) for name in COLUMNS] for line in document["lines"]]
    widths = [max(len(row[place]) for row in rows) for place in range(len(COLUMNS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths) if width).rstrip() for row in rows]
    summary = document["summary"]
    counts = ", ".join(f"{summary[name]} {name.replace('_', ' ')}" for name in ("as_asked", "differ", "not_audited"))
    return "\n".join([*lines, "", f"{len(document['hosts'])} hypervisors: {counts}", ""])


def _short(column: str, cell: str) -> str:
    """A cell that does not widen its column for all others; the last column may be as long as it is."""
    return cell if column == "text" or len(cell) <= WIDTH else f"{cell[: WIDTH - 1]}…"


def _csv(document: Mapping[str, Any]) -> str:
    lines: list[str] = []
    writer = csv.writer(SimpleNamespace(write=lines.append), lineterminator="\n")
    writer.writerow(COLUMNS)
    for line in document["lines"]:
        cells = [printable(line[name]) for name in COLUMNS]
        writer.writerow([f"'{cell}" if cell.startswith(FORMULA) else cell for cell in cells])
    return "".join(lines)


def _junit(document: Mapping[str, Any]) -> str:
    root = ET.Element("testsuites", name="virtfleet.network audit")
    for host in document["hosts"]:
        lines = [line for line in document["lines"] if line["host"] == host]
        names = [row["network"] or row["domain"] for row in document["hosts"][host]["rows"]]
        cases: dict[str, list[Any]] = {name: [] for name in ("audit", *names)}
        for line in lines:
            cases.setdefault(line["object"] or "audit", []).append(line)
        failing = {name: [line for line in found if line["state"] not in GOOD] for name, found in cases.items()}
        failures = str(sum(map(bool, failing.values())))
        suite = ET.SubElement(root, "testsuite", name=printable(host), tests=str(len(cases)), failures=failures)
        for name, found in failing.items():
            case = ET.SubElement(suite, "testcase", classname=printable(host), name=printable(name))
            if found:
                words = "; ".join(dict.fromkeys(f"{line['state']} {line['field']}".strip() for line in found))
                failure = ET.SubElement(case, "failure", message=printable(words))
                failure.text = "\n".join(printable(_words(line)) for line in found)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _words(line: Mapping[str, Any]) -> str:
    values = [f"{name} {printable(line[name])}" for name in ("asked", "saved", "running") if line[name] is not None]
    return " ".join(filter(None, (line["state"], line["field"], ", ".join(values), line["text"])))


FORMS: dict[str, Callable[[Mapping[str, Any]], str]] = {"table": _table, "csv": _csv, "junit": _junit}
