# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The firewall of a hypervisor in one form, whichever tool wrote it: chains of rules in the words of nft's JSON."""

from __future__ import annotations

import functools
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .conditions import Sets
from .statements import Step, steps_of

NFT, IPTABLES, LEGACY = "nft", "iptables", "iptables-legacy"
Expressions = Sequence[Mapping[str, Any]]
# Whose rules look like this, by the names of table and chain and the rule's text. The first one that fits.
OWNERS = (
    ("libvirt", re.compile(r"\blibvirt_network\b|\bLIBVIRT_|\blibvirt-[A-Za-z]|\b[FH][IOJP]-vnet|\b[IOJPS]-vnet")),
    ("firewalld", re.compile(r"\bfirewalld\b|\b(INPUT|FORWARD|OUTPUT)_(ZONES|IN_ZONES|OUT_ZONES|direct)\b")),
    ("ufw", re.compile(r"\bufw6?-")),
    ("Docker", re.compile(r"\bDOCKER\b|\bDOCKER-|\bdocker(0|-bridges|_gwbridge)\b|\bbr-[0-9a-f]{12}\b")),
    ("Podman", re.compile(r"\bnetavark|\bNETAVARK|\bCNI-")),
    ("Kubernetes", re.compile(r"\bKUBE-|\bkube-proxy\b|\bcali-|\bFLANNEL")),
    ("fail2ban", re.compile(r"\bf2b-")),
    ("Tailscale", re.compile(r"\bts-(input|forward|postrouting)\b")),
    ("Incus", re.compile(r"\b(incus|lxd)\b")),
)
SERVICE = "nftables.service"


class Table(NamedTuple):
    """A table: the tool that lists it, its family and its name."""

    tool: str
    family: str
    name: str


class Rule:
    """A rule as its tool prints it; ``packets`` are those that it has counted (None: it counts none)."""

    def __init__(self, text: str, expressions: Expressions, *, handle: int = 0, packets: int | None = None) -> None:
        self.text, self.expressions, self.handle, self.packets = text, expressions, handle, packets
        self._sets: Sets = {}

    def steps(self, sets: Sets) -> Sequence[Step]:
        """What the rule does, one after the other."""
        self._sets = sets
        return self._steps

    @functools.cached_property
    def _steps(self) -> Sequence[Step]:
        return steps_of(self.expressions, self._sets)


class Chain(NamedTuple):
    """A chain. One that hangs on a hook has ``kind`` (filter, nat, route), ``hook``, ``priority``, ``policy`` and, at
    a hook of devices, the ``devices``."""

    table: Table
    name: str
    rules: Sequence[Rule]
    kind: str = ""
    hook: str = ""
    priority: int = 0
    policy: str = "accept"
    devices: tuple[str, ...] = ()


class Ruleset(NamedTuple):
    """All chains by table and name, the sets of each table, what any rule does (see ``packet_facts``), and the tables
    of nftables.service's configuration, each as "inet filter"."""

    chains: Mapping[tuple[Table, str], Chain] = {}
    sets: Mapping[tuple[str, str], Sets] = {}
    does: frozenset[str] = frozenset()
    configured: frozenset[str] = frozenset()

    def sets_of(self, chain: Chain) -> Sets:
        """The sets that rules of a chain may name."""
        return self.sets.get((chain.table.family, chain.table.name), {})


def named(chain: Chain, rule: Rule | None) -> str:
    """A rule, or without one the policy of its chain, as one line."""
    place = f"{chain.table.family} {chain.table.name} {chain.name}"
    if rule is None:
        return f"{place} policy {chain.policy}"
    counted = chain.table.tool != NFT and rule.packets is not None
    tail = f"({rule.packets} packets)" if counted else f"(handle {rule.handle})"
    return f"{place} {rule.text} {tail}"


def owner(rules: Ruleset, chain: Chain, rule: Rule | None) -> str:
    """Whose a rule or a policy looks like, "" when it may be anybody's."""
    place = f"{chain.table.name} {chain.name}"
    mine = _looks_like(f"{place} {rule.text}" if rule else place)
    if mine:
        return mine
    if f"{chain.table.family} {chain.table.name}" in rules.configured and chain.table.tool == NFT:
        return SERVICE
    if rule is not None:
        return ""
    # Who makes chains of its own in a table sets its policies, too; but not libvirt.
    others = {_looks_like(name) for table, name in rules.chains if table == chain.table} - {"", "libvirt"}
    return " or ".join(sorted(others))


def _looks_like(text: str) -> str:
    return next((name for name, words in OWNERS if words.search(text)), "")


def remedy(chain: Chain, rule: Rule | None) -> str:
    """The command that takes a rule or a policy back."""
    tool, family, table = chain.table
    if tool == NFT:
        where = f"{family} {table} {shlex.quote(chain.name)}"
        if rule is None:
            return f"nft 'add chain {where} {{ policy accept; }}'"
        return f"nft delete rule {where} handle {rule.handle}"
    command = tool if family == "ip" else tool.replace("ip", "ip6", 1)
    if rule is None:
        return f"{command} -t {table} -P {chain.name} ACCEPT"
    return f"{command} -t {table} -D {shlex.quote(chain.name)} {rule.text}"
