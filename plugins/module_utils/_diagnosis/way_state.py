# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How ways are reported: hop by hop, or those of a network or a NIC as one row of state, how far its packets come."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .._values.way import Hop, Way
from .findings import KINDS
from .way import ends_at

# How far packets come that answer a question, the farthest first.
REACHED = {
    "outside": "the outside",
    "wire": "the outside",
    "guest": "other guests",
    "gateway": "the hypervisor",
    "names": "names of the outside",
    "dns": "DNS",
    "dhcp": "DHCP",
}
FARTHEST = list(REACHED)
SHOWN = ("network", "domain", "mac", "question", "version")
Told = Mapping[str, Any]


def _remedy(hop: Hop) -> str:
    return hop.remedy or (KINDS[hop.code].remedy if hop.code else "")


def reported(way: Way) -> dict[str, Any]:
    """A way as users get it."""
    question = way.question
    return {
        "network": way.network,
        "domain": way.domain,
        "mac": way.mac,
        "question": question.name,
        "version": question.version,
        "source": question.source,
        "destination": question.destination,
        "ends": ends_at(way),
        "hops": [{**hop._asdict(), "remedy": _remedy(hop)} for hop in way.hops],
    }


def states(ways: Iterable[Told]) -> list[dict[str, Any]]:
    """One row for each network and NIC of these ways, which are as users get them."""
    found: dict[tuple[str, str, str], list[Told]] = {}
    for way in ways:
        found.setdefault((way["network"], way["domain"], way["mac"]), []).append(way)
    return [_state(some) for some in found.values()]


def _state(ways: list[Told]) -> dict[str, Any]:
    ended = next((way for way in ways if way["ends"]), None)
    way = ended or min(ways, key=lambda one: FARTHEST.index(one["question"]))
    hops = [hop for hop in way["hops"] if hop["verdict"] != "passes"]
    hop = next((hop for hop in hops if hop["verdict"] == "ends"), None) or next(iter(hops), None)
    names = [f"{one['place']} {one['device']}".rstrip() for one in way["hops"]]
    row = {
        **{name: way[name] for name in SHOWN},
        "hop": hop["place"] if hop else "",
        "verdict": hop["verdict"] if hop else "passes",
        "evidence": hop["evidence"] if hop else "",
        "code": hop["code"] if hop else "",
        "severity": KINDS[hop["code"]].severity if ended and hop else "",
        "remedy": hop["remedy"] if hop else "",
        "hops": names[: way["hops"].index(hop) + 1] if ended else names,
    }
    return {**row, "text": _text(row)}


def _text(row: Mapping[str, Any]) -> str:
    if row["verdict"] == "ends":
        return f"ends at {row['hop']}: {row['evidence']}"
    reached = f"reaches {REACHED[row['question']]}"
    return f"{reached}, as far as can be seen: {row['hop']}: {row['evidence']}" if row["hop"] else reached
