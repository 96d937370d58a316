# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audits of all hypervisors as one document; a malformed result costs its own hypervisor only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from .drawing import dot, outline, picture
from .report import cards, tables
from .words import GOOD, failing, table, words

# What a hypervisor's audit reports, and what stands there when the audit failed.
AUDIT = {
    "as_asked": False,
    **{name: [] for name in ("rows", "problems", "findings", "not_looked_at", "networks", "guests")},
    "devices": {},
    "libvirt": 0,
}
# All that reading a value of the wrong shape can raise.
MALFORMED = (TypeError, LookupError, AttributeError, ValueError, ArithmeticError, RecursionError)
EMPTY = {"asked": None, "saved": None, "running": None}


def document(results: Mapping[Any, Any]) -> dict[str, Any]:
    """What is made of the results by the hypervisor's name."""
    named = {str(name): result for name, result in results.items()}
    return _together({name: _readable(name, result) for name, result in sorted(named.items())})


def _together(hosts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    lines = [{"host": name, **line} for name, host in hosts.items() for line in _lines(host)]
    audited = [host for host in hosts.values() if not host["error"]]
    good = [host for host in audited if host["as_asked"]]
    return {
        "hosts": hosts,
        "lines": lines,
        "summary": {
            "as_asked": len(good),
            "differ": len(audited) - len(good),
            "failed": len(hosts) - len(audited),
            "states": dict(sorted(Counter(line["state"] for line in lines).items())),
        },
    }


def _readable(name: str, result: Any) -> Mapping[str, Any]:
    """A hypervisor's part of the document, of which every form can be made: each is tried on it alone."""
    try:
        host = _host(result)
        _tried(name, host)
    except MALFORMED as error:
        why = f"its result is malformed ({type(error).__name__}: {error}): see what virt_network_audit returned there"
        return _host({"failed": True, "msg": why})
    return host


def _tried(name: str, host: Mapping[str, Any]) -> tuple[object, ...]:
    """All that forms of a document make of a hypervisor."""
    alone, drawn = _together({name: host}), picture(host)
    of_page = [one["repair"] for one in host["findings"]], [*host["not_looked_at"]]
    of_lines = table(alone), failing(alone), [words(line) for line in alone["lines"]]
    return *of_page, *of_lines, [card.place for card in cards(alone)], tables(alone), dot(name, drawn), outline(drawn)


def _host(result: Mapping[str, Any]) -> dict[str, Any]:
    failed = result.get("failed") or result.get("unreachable") or "rows" not in result
    audit = dict(AUDIT) if failed else {name: result.get(name, nothing) for name, nothing in AUDIT.items()}
    host = {
        **audit,
        "reached": not result.get("unreachable"),
        "error": str(result.get("msg") or "there is no result") if failed else "",
    }
    wrong = any(line["state"] not in GOOD for line in _lines(host))
    return {**host, "as_asked": bool(host["as_asked"]) and not wrong}


def _lines(host: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What differs, what is wrong, and what nobody asked for; one good line for a host where there is none."""
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
