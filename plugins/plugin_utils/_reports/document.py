# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audits of all hypervisors as one document; a malformed result costs its own hypervisor only."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .._playbooks.plain import plain
from .drawing import dot, outline, picture
from .history import news, with_history
from .report import cards, tables
from .words import GOOD, failing, table, words

# What a hypervisor's audit reports, and what stands there when the audit failed.
AUDIT = {
    "as_asked": False,
    **{name: [] for name in ("rows", "problems", "findings", "way", "not_looked_at", "networks", "guests")},
    "devices": {},
    "libvirt": 0,
}
# All that reading a value of the wrong shape can raise.
MALFORMED = (TypeError, LookupError, AttributeError, ValueError, ArithmeticError, RecursionError)
# What the way of packets is in the lines, by how severe it is that it ends.
WAYS = {"": "reaches", "warning": "warning", "error": "way_ends"}
EMPTY = {"asked": None, "saved": None, "running": None}
HISTORY = {"news": "", "since": ""}


def given(value: Any) -> Any:
    """A document, or the results that it is made of, from JSON or from what Ansible has."""
    return json.loads(value) if isinstance(value, str) else plain(value)


def as_json(document: Mapping[str, Any]) -> str:
    """A document as text."""
    return json.dumps(document, indent=4, default=str)


def document(results: Mapping[Any, Any], time: str = "", earlier: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What is made of the results by the hypervisor's name.

    ``time`` is when the audit was. Raises one of MALFORMED when ``earlier``, an earlier document, is none.
    """
    named = {str(name): result for name, result in results.items()}
    hosts = {name: _readable(name, result, time) for name, result in sorted(named.items())}
    return _together(hosts, time, earlier)


def joined(documents: Iterable[Mapping[str, Any]], earlier: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """One document of several; of a hypervisor that is in more of them, it has the newest audit.

    Raises one of MALFORMED when one of them is no document.
    """
    parts = [(host["audited"], name, host) for one in documents for name, host in one["hosts"].items()]
    newest = {name: (audited, host) for audited, name, host in sorted(parts, key=lambda part: part[:2])}
    hosts = {name: _readable(name, _result(host), audited) for name, (audited, host) in sorted(newest.items())}
    return _together(hosts, max((audited for audited, _host in newest.values()), default=""), earlier)


def _together(
    hosts: Mapping[str, dict[str, Any]], time: str = "", earlier: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    lines = [{"host": name, **line} for name, host in hosts.items() for line in _lines(host)]
    audited = [host for host in hosts.values() if not host["error"]]
    good = [host for host in audited if host["as_asked"]]
    made: dict[str, Any] = {"time": time, "earlier": "", "hosts": hosts, "lines": lines, "gone": [], "others": []}
    found = made if earlier is None else with_history(made, earlier)
    return {
        **found,
        "summary": {
            "as_asked": len(good),
            "differ": len(audited) - len(good),
            "failed": len(hosts) - len(audited),
            **news(found),
            "states": dict(sorted(Counter(line["state"] for line in lines).items())),
        },
    }


def _readable(name: str, result: Any, time: str) -> dict[str, Any]:
    """A hypervisor's part of the document, of which every form can be made: each is tried on it alone."""
    try:
        host = _host(_whole(result), time)
        _tried(name, host)
    except MALFORMED as error:
        why = f"its result is malformed ({type(error).__name__}: {error}): see what virt_network_audit returned there"
        return _host({"failed": True, "msg": why}, time)
    return host


def _tried(name: str, host: dict[str, Any]) -> tuple[object, ...]:
    """All that forms of a document make of a hypervisor."""
    alone, drawn = _together({name: host}), picture(host)
    of_page = [one["repair"] for one in host["findings"]], [*host["not_looked_at"]]
    of_lines = table(alone), failing(alone), [words(line) for line in alone["lines"]]
    return *of_page, *of_lines, [card.place for card in cards(alone)], tables(alone), dot(name, drawn), outline(drawn)


def _whole(result: Mapping[str, Any]) -> Mapping[str, Any]:
    """A result with what came as one text in it."""
    return {**result, **json.loads(result["text"])} if "text" in result else result


def _host(result: Mapping[str, Any], time: str) -> dict[str, Any]:
    failed = result.get("failed") or result.get("unreachable") or "rows" not in result
    audit = dict(AUDIT) if failed else {name: result.get(name, nothing) for name, nothing in AUDIT.items()}
    host = {
        **audit,
        "reached": not result.get("unreachable"),
        "error": str(result.get("msg") or "there is no result") if failed else "",
        "audited": time,
        "lines_before": [],
    }
    wrong = any(line["state"] not in GOOD for line in _lines(host))
    return {**host, "as_asked": bool(host["as_asked"]) and not wrong}


def _result(host: Mapping[str, Any]) -> Mapping[str, Any]:
    """The result that a hypervisor's part of a document was made of, as far as it counts."""
    return {**host, "failed": bool(host["error"]), "unreachable": not host["reached"], "msg": host["error"]}


def _lines(host: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What differs, what is wrong, and what nobody asked for; one good line for a host where there is none."""
    if host["error"]:
        yield _line("", "failed" if host["reached"] else "unreachable", text=host["error"])
        return
    for row in host["rows"]:
        if row["state"] != "as_asked":
            values = {name: row[name] for name in EMPTY}
            yield _line(_thing(row), row["state"], row["path"], **values)
    yield from (_line("", "impossible", text=text) for text in host["problems"])
    for one in host["findings"]:
        yield _line(_thing(one), one["severity"], one["code"], text=f"{one['evidence']}. {one['remedy']}")
    if host["as_asked"] and not host["findings"]:
        yield _line("", "as_asked")
    yield from (_line(_thing(way), WAYS[way["severity"]], "way", text=f"way: {way['text']}") for way in host["way"])


def _thing(row: Mapping[str, Any]) -> str:
    return " ".join(filter(None, (row["network"], row["domain"], row["mac"], row.get("nwfilter"))))


def _line(thing: str, state: str, field: str = "", text: str = "", **values: Any) -> dict[str, Any]:
    return {"object": thing, "state": state, "field": field, **EMPTY, **values, **HISTORY, "text": text}
