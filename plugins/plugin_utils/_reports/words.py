# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an audit returns, as text: for a terminal, and as the words that other forms are made of."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ...module_utils._errors.readable import escape

COLUMNS = ("host", "object", "state", "field", "asked", "saved", "running", "news", "since", "text")
HISTORY = ("news", "since")
WIDTH = 40  # of a column in a table
GOOD = ("as_asked", "unknown", "warning", "reaches")
NOT_AUDITED = ("unreachable", "failed")


def printable(value: Any) -> str:
    """A value as text without what a terminal would obey."""
    text = "" if value is None else value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else escape(char) for char in text)


def table(document: Mapping[str, Any]) -> str:
    """The lines of an audit in columns, and those that are gone."""
    gone = _columns(document["gone"]) if document["gone"] else []
    heading = [f"Gone since the audit of {printable(document['earlier'])}:"] if gone else []
    return "\n".join(
        [*_columns(document["lines"]), "", *heading, *gone, *([""] if gone else []), numbers(document), ""]
    )


def _columns(lines: Sequence[Mapping[str, Any]]) -> list[str]:
    """Lines below their titles; what an earlier audit says is left out where there is none."""
    cells = [[_short(name, printable(line[name])) for name in COLUMNS] for line in lines]
    used = [place for place, name in enumerate(COLUMNS) if name not in HISTORY or any(row[place] for row in cells)]
    rows = [[name.upper() for name in COLUMNS], *cells]
    widths = {place: max(len(row[place]) for row in rows) for place in used}
    return ["  ".join(row[place].ljust(width) for place, width in widths.items()).rstrip() for row in rows]


def failing(document: Mapping[str, Any]) -> dict[str, dict[str, list[Any]]]:
    """Of each hypervisor, by what they are about, the lines that say that something drifts."""
    found: dict[str, dict[str, list[Any]]] = {}
    for host, audited in document["hosts"].items():
        names = ("audit", *(row["network"] or row["domain"] or row.get("nwfilter", "") for row in audited["rows"]))
        found[host] = {name: [] for name in names}
    for line in document["lines"]:
        lines = found[line["host"]].setdefault(line["object"] or "audit", [])
        lines += [] if line["state"] in GOOD else [line]
    return found


def numbers(document: Mapping[str, Any]) -> str:
    """How many hypervisors are as asked, differ, or have no audit."""
    summary = document["summary"]
    count, whole = len(document["hosts"]), "{as_asked} as asked, {differ} differ, {failed} unreachable or failed"
    since = f"; since {printable(document['earlier'])}: {{new}} new, {{lasting}} last, {{gone}} gone"
    whole += since if document["earlier"] else ""
    return f"{count} hypervisor{'s' * (count != 1)}: {whole.format(**summary)}"


def words(line: Mapping[str, Any]) -> str:
    """One line of an audit as a sentence."""
    values = [f"{name} {printable(line[name])}" for name in ("asked", "saved", "running") if line[name] is not None]
    return " ".join(filter(None, (line["state"], line["field"], ", ".join(values), line["text"])))


def dated(line: Mapping[str, Any]) -> str:
    """One line of an audit as a sentence, with since when it is there where that is known."""
    return f"{line['news']} since {line['since']}: {words(line)}" if line["news"] else words(line)


def gone(document: Mapping[str, Any]) -> dict[str, list[str]]:
    """Of each hypervisor, what is gone, as sentences."""
    found: dict[str, list[str]] = {}
    for line in document["gone"]:
        text = f"gone, was there since {line['since']}: {line['object']} {words(line)}"
        found.setdefault(line["host"], []).append(text)
    return found


def _short(column: str, cell: str) -> str:
    """A cell that does not widen its column for all others; the last column may be as long as it is."""
    return cell if column == "text" or len(cell) <= WIDTH else f"{cell[: WIDTH - 1]}…"
