# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is new in an audit since an earlier one, what lasts since when, and what is gone."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import Any

from .words import GOOD, NOT_AUDITED

Line = dict[str, Any]
# What a line is about: its values and its text change while the drift lasts.
_ABOUT = ("host", "object", "state", "field")


def with_history(document: dict[str, Any], earlier: Mapping[str, Any]) -> dict[str, Any]:
    """A document of which each line that says drift is ``new`` or ``lasts`` (``news``) since when it was first found
    (``since``), with the lines that are ``gone``. What an earlier document says of a hypervisor that is
    unreachable or failed now is kept as its ``lines_before``, and what it says of one that is not in this document as
    ``others``, so that nothing is taken for new when that is back.

    Raises TypeError, LookupError or AttributeError when ``earlier`` is no such document.
    """
    known = _known(earlier)
    for line in (line for line in document["lines"] if line["state"] not in GOOD):
        before = known[line["host"]].pop(_about(line), []) if line["host"] in known else []
        line["news"] = "lasts" if before else "new"
        line["since"] = before[0]["since"] if before else document["hosts"][line["host"]]["audited"]
    gone: list[Line] = []
    others = [line for name in sorted(known.keys() - document["hosts"].keys()) for line in chain(*known[name].values())]
    for name, host in document["hosts"].items():
        left = [line for lines in known.get(name, {}).values() for line in lines]
        if host["error"]:
            host["lines_before"] = [line for line in left if line["state"] not in NOT_AUDITED]
        else:
            gone += left
    return {**document, "earlier": str(earlier["time"]) or "an earlier one", "gone": gone, "others": others}


def news(document: Mapping[str, Any]) -> dict[str, int]:
    """How many lines of drift are new, last, and are gone; all are new where there is no earlier audit."""
    drift = [line["news"] for line in document["lines"] if line["state"] not in GOOD]
    lasting = drift.count("lasts")
    return {"new": len(drift) - lasting, "lasting": lasting, "gone": len(document["gone"])}


def _known(earlier: Mapping[str, Any]) -> dict[str, dict[tuple[Any, ...], list[Line]]]:
    """The lines of an earlier document that say drift, by hypervisor and by what they are about."""
    hosts = earlier["hosts"]
    known: dict[str, dict[tuple[Any, ...], list[Line]]] = {name: {} for name in hosts}
    before = [line for host in hosts.values() for line in host["lines_before"]] + earlier.get("others", [])
    for line in (line for line in (*earlier["lines"], *before) if line["state"] not in GOOD):
        found = {**line, "since": line["since"] or hosts[line["host"]]["audited"]}
        known.setdefault(line["host"], {}).setdefault(_about(found), []).append(found)
    return known


def _about(line: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(line[name] for name in _ABOUT)
