# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sets that ipset keeps for rules of iptables, and what such a rule asks for, in the words of nft's JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from .saved_targets import Expression, payload

MOST = 10_000  # entries of a set that are read
ADDRESS, PORT = ("ip", "net"), "port"


class IpSet(NamedTuple):
    """A set: what each part of its ``entries`` is (ip, net, mac, port, iface)."""

    parts: tuple[str, ...]
    entries: tuple[str, ...]


def ipsets(text: str) -> dict[str, IpSet]:
    """The sets that ``ipset save`` prints, by their names; without those that are too large, or hold exceptions."""
    kinds: dict[str, tuple[str, ...]] = {}
    entries: dict[str, list[str]] = {}
    odd = set()
    for words in map(str.split, text.splitlines()):
        if words[:1] == ["create"]:
            kinds[words[1]] = tuple(words[2].partition(":")[2].split(","))
        elif words[:1] == ["add"]:
            entries.setdefault(words[1], []).append(f"{words[2]}{'*' if 'wildcard' in words[3:] else ''}")
            odd |= {words[1]} if "nomatch" in words[3:] else set()
    known = {name for name in kinds if name not in odd and len(entries.get(name, ())) <= MOST}
    return {name: IpSet(kinds[name], tuple(entries.get(name, ()))) for name in known}


def member(found: IpSet, sides: str, family: str) -> Expression | None:
    """The expression that asks whether a packet is in a set, by its source or destination (src,dst) for each part; None
    where nobody has taught this file to ask that."""
    fields = [_fields(part, side, family) for part, side in zip(found.parts, sides.split(","))]
    entries = [_entry(found.parts, one.split(",")) for one in found.entries]
    if len(fields) < len(found.parts) or not all(fields) or None in entries:
        return None
    left = [one for field in fields for one in field]
    whole = len(left) > 1
    right = [{"concat": entry} if whole else entry[0] for entry in entries if entry]
    return {"match": {"op": "==", "left": {"concat": left} if whole else left[0], "right": {"set": right}}}


def _fields(part: str, side: str, family: str) -> list[Expression]:
    source = side == "src"
    known: Mapping[str, list[Expression]] = {
        **{name: [payload(family, "saddr" if source else "daddr")] for name in ADDRESS},
        PORT: [{"meta": {"key": "l4proto"}}, payload("th", "sport" if source else "dport")],
        "iface": [{"meta": {"key": "iifname" if source else "oifname"}}],
        "mac": [payload("ether", "saddr" if source else "daddr")],
    }
    return known.get(part, [])


def _entry(parts: tuple[str, ...], words: list[str]) -> list[Any] | None:
    """The parts of an entry as constants of nft's JSON; None where one is not known."""
    found: list[Any] = []
    for part, word in zip(parts, words):
        if part == PORT:
            protocol, _colon, ports = word.rpartition(":")
            low, _dash, high = ports.partition("-")
            if not (low.isdecimal() and protocol):
                return None
            found += [protocol, {"range": [int(low), int(high)]} if high else int(low)]
        elif part in ADDRESS:
            net, _slash, width = word.partition("/")
            prefix = {"prefix": {"addr": net, "len": int(width)}} if width else net
            found.append({"range": net.split("-")} if "-" in net else prefix)
        else:
            found.append(word.lower() if part == "mac" else word)
    return found
