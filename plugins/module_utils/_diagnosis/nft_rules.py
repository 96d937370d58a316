# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what nft and iptables-save print to one ruleset."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .._values.host_facts import NONE
from .ipsets import IpSet
from .ruleset import IPTABLES, LEGACY, NFT, Chain, Rule, Ruleset, Table
from .saved_rules import HOOKS, chains_of
from .statements import deeds

HEAD = re.compile(r"\s*(table|chain) (\S+)(?: (\S+))? \{")
HANDLE = re.compile(r"\s*(.*) # handle (\d+)$", re.DOTALL)
DEVICES = re.compile(r" devices? (?:= \{ )?(.*?)(?: \})? priority ")
CONFIGURED = re.compile(r"^\s*(?:add )?table (?:(\w+) )?(\w+)", re.MULTILINE)
Chains = dict[tuple[Table, str], Chain]
Place = tuple[str, str, int]


class Saved(NamedTuple):
    """What iptables-save or ip6tables-save printed for IP of one ``version``; ``legacy``: iptables-legacy-save.
    ``sets`` are ipset's."""

    version: int
    text: str
    legacy: bool = False
    sets: Mapping[str, IpSet] = NONE


def ruleset(listed: str, saved: Iterable[Saved] = (), lines: str = "", configuration: str = "") -> Ruleset:
    """The firewall: ``listed`` is what ``nft -j list ruleset`` prints ("" where there is no nft), ``lines`` the same of
    ``nft -a list ruleset``, ``configuration`` the text of /etc/nftables.conf.

    What iptables-nft has written is in nft's list, too, with extensions of which nft knows the names alone: it is taken
    from ``saved``.
    """
    entries = json.loads(listed or '{"nftables": []}')["nftables"]
    chains, sets = _chains(entries, dict(_texts(lines))), _sets(entries)
    for one in saved:
        family = {4: "ip", 6: "ip6"}[one.version]
        _replace(chains, chains_of(one.text, LEGACY if one.legacy else IPTABLES, family, one.sets))
    does = {deed for chain in chains.values() for rule in chain.rules for deed in deeds(rule.expressions)}
    configured = {f"{family or 'ip'} {name}" for family, name in CONFIGURED.findall(configuration)}
    return Ruleset(chains, sets, frozenset(does), frozenset(configured))


# ---- nft ----


def _chains(entries: Sequence[Mapping[str, Any]], texts: Mapping[Place, str]) -> Chains:
    chains: Chains = {}
    rules: dict[tuple[Table, str], list[Rule]] = {}
    for entry in entries:
        kind, body = next(iter(entry.items()))
        if kind not in ("chain", "rule"):
            continue
        table = Table(NFT, body["family"], body["table"])
        if kind == "chain":
            key = (table, body["name"])
            hangs = texts.get((f"{table.family} {table.name}", body["name"], 0), "")
            chains[key] = Chain(table, body["name"], rules.setdefault(key, []), *_hangs(body, hangs))
        else:
            place = (f"{table.family} {table.name}", body["chain"], body["handle"])
            rules.setdefault((table, body["chain"]), []).append(_rule(body, texts.get(place, "")))
    return chains


def _hangs(body: Mapping[str, Any], text: str) -> tuple[Any, ...]:
    if "hook" not in body:
        return ()
    # nft 1.0 leaves devices out of its JSON.
    named = DEVICES.search(text)
    devices = body.get("dev") or re.findall(r'[^\s",]+', named[1] if named else "")
    names = (devices,) if isinstance(devices, str) else tuple(devices)
    return body["type"], body["hook"], body["prio"], body.get("policy", "accept"), names


def _rule(body: Mapping[str, Any], text: str) -> Rule:
    expressions = body.get("expr", [])
    counters = (one["counter"] for one in expressions if "counter" in one)
    packets = next((counter["packets"] for counter in counters if isinstance(counter, dict)), None)
    return Rule(text or json.dumps(expressions), expressions, handle=body["handle"], packets=packets)


def _sets(entries: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], dict[str, Sequence[Any]]]:
    sets: dict[tuple[str, str], dict[str, Sequence[Any]]] = {}
    for entry in entries:
        body = entry.get("set") or entry.get("map")
        if body:
            sets.setdefault((body["family"], body["table"]), {})[body["name"]] = body.get("elem", [])
    return sets


def _texts(lines: str) -> Iterator[tuple[Place, str]]:
    """Each rule's text by its place, from a list with handles; at 0 where a chain hangs."""
    table = chain = ""
    pending: list[str] = []
    for line in lines.splitlines():
        head = HEAD.match(line) if not pending else None
        if head:
            table, chain = (f"{head[2]} {head[3]}", "") if head[1] == "table" else (table, head[2])
            continue
        if not chain or (line.strip() == "}" and not pending):
            chain = ""
            continue
        # A rule with a large set takes several lines.
        pending.append(line.strip())
        found = HANDLE.match(" ".join(pending))
        if found:
            yield (table, chain, int(found[2])), found[1]
        elif line.strip().startswith("type "):
            yield (table, chain, 0), line
            pending.clear()
        if found:
            pending.clear()


# ---- iptables ----


def _replace(chains: Chains, saved: Sequence[Chain]) -> None:
    """Take a table from iptables where it is the same as in nft's list; where nft has another of that name, both count:
    the one is iptables-legacy's."""
    for table in {chain.table for chain in saved}:
        own = {chain.name: chain for chain in saved if chain.table == table}
        listed = {name: chain for (other, name), chain in chains.items() if other == table._replace(tool=NFT)}
        # What iptables-nft does not need, it invents: its own chains that are empty.
        shapes = {name: (chain.policy, len(chain.rules)) for name, chain in own.items()}
        found = {name: (chain.policy, len(chain.rules)) for name, chain in listed.items()}
        if shapes == {**{name: ("accept", 0) for name in HOOKS if name in own}, **found}:
            for name, chain in listed.items():
                for rule, same in zip(own[name].rules, chain.rules):
                    rule.handle = same.handle
                del chains[table._replace(tool=NFT), name]
        chains.update({(table, name): chain for name, chain in own.items()})
