# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a firewall does to a packet at a hook of netfilter: it passes, a rule drops it, or that cannot be known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from .._values.probe import Evidence
from .._values.way import Deed, Packet, Verdict
from .openings import insertion
from .packet_facts import TRACKED, Facts
from .ruleset import Chain, Rule, Ruleset, named, owner, remedy
from .statements import (
    ACCEPT,
    ANOTHERS,
    CONTINUE,
    DROP,
    GOTO,
    JUMP,
    RETURN,
    TRANSLATE,
    TRANSLATIONS,
    UNKNOWN,
    Action,
    Change,
)

# Hooks of IP stand alone ("forward"), those of other families behind their name ("bridge forward", "arp input").
PORTS, DEVICES = ("ingress", "egress"), {"ingress": ("port_in", "inbound"), "egress": ("outbound", "port_out")}
NAT = {"prerouting": -100, "output": -100, "input": 100, "postrouting": 100}  # the kernel's, whatever a chain says
DEPTH = 16
NOT_KNOWN = "a rule asks for {}, which is not known of the packet"


class Ending(NamedTuple):
    """How a packet's way through a chain ends: the rule that says so, None for the policy, and what had to be known of
    the packet but is not ("" when all was); ``taker`` is who takes it of whom nobody knows what he does, ``path`` the
    rules that have led it there."""

    kind: str
    chain: Chain
    rule: Rule | None
    unknown: str = ""
    changes: tuple[str, ...] = ()
    taker: str = ""
    path: tuple[Rule, ...] = ()


def passage(rules: Ruleset, hook: str, packet: Packet, mended: frozenset[str] = frozenset()) -> Verdict:
    """What the rules of all families at one hook do to a packet, in the kernel's order. What is ``mended`` drops none:
    rules, and policies, as a verdict names them, and chains into which a rule is inserted."""
    translated, open_questions, kept = False, list["list[Ending]"](), Verdict(True)
    deeds: dict[str, Deed] = {}
    for device, chains in _hung(rules, hook, packet):
        family, _space, point = hook.rpartition(" ")
        family = "netdev" if point in PORTS else family or {4: "ip", 6: "ip6"}[packet.version]
        at_device = packet._replace(port_in=device, port_out=device) if device else packet
        walk = _Walk(rules, Facts(at_device, family, point, rules.does), mended)
        for chain in chains:
            if chain.kind == "nat" and (packet.state != "new" or translated):
                continue
            endings = walk.endings(chain)
            kinds = {ending.kind for ending in endings}
            if kinds == {DROP}:
                drops = endings[-1]
                verdict = _verdict(rules, drops, passes=False)
                verdict = verdict._replace(insert=insertion(chain, drops.chain, drops.rule, verdict.owner, drops.path))
                if verdict.insert in mended:
                    continue
                return verdict
            if kinds == {TRANSLATE}:
                translated, deeds[TRANSLATE] = True, _translation(rules, endings[-1])
            elif chain.kind == "nat" and kinds == {ACCEPT} and endings[-1].rule:
                kept = _verdict(rules, endings[-1], passes=True)
            if len(kinds) > 1 or UNKNOWN in kinds:
                open_questions.append(endings)
        fields = walk.facts.fields
        packet = packet._replace(mark=fields.get("meta mark"), connmark=fields.get("ct mark", packet.connmark))
        deeds.update({key: _deed(rules, *deed) for key, deed in walk.deeds.items()})
    verdict = _open(rules, open_questions, kept._replace(translated=translated))
    return verdict._replace(mark=packet.mark, connmark=packet.connmark, deeds=deeds)


def blamed(rules: Ruleset, evidence: Evidence) -> tuple[str, Verdict] | None:
    """The hook and the verdict of the rule or policy that has dropped a client's packet; None where it is not listed,
    or by another tool, which knows no handles."""
    place = (evidence.family, evidence.table, evidence.chain)
    for (table, name), chain in rules.chains.items():
        known = [None] if not evidence.handle else [one for one in chain.rules if one.handle == evidence.handle]
        if (table.family, table.name, name) == place and known:
            verdict = _verdict(rules, Ending(DROP, chain, known[0]), passes=False)
            return chain.hook, verdict._replace(insert=insertion(chain, chain, known[0], verdict.owner))
    return None


def _deed(rules: Ruleset, value: Any, chain: Chain, rule: Rule) -> Deed:
    return Deed(value, named(chain, rule), owner(rules, chain, rule), remedy(chain, rule))


def _translation(rules: Ruleset, ending: Ending) -> Deed:
    """What translates a packet; its value is the new address, "" where that is not said."""
    chain, rule = ending.chain, ending.rule
    if rule is None:
        raise ValueError("a policy translates nothing")
    bodies = [body for one in rule.expressions for kind, body in one.items() if kind in TRANSLATIONS]
    (address,) = [str(body.get("addr", "")) for body in bodies if isinstance(body, dict)][:1] or [""]
    return _deed(rules, address, chain, rule)


def _hung(rules: Ruleset, hook: str, packet: Packet) -> Iterator[tuple[str, list[Chain]]]:
    """The chains at a hook in the kernel's order, for a device's own hooks device by device."""
    family, _space, point = hook.rpartition(" ")
    families = (family,) if family else ("netdev", "inet") if point in PORTS else (_version(packet), "inet")
    chains = [chain for chain in rules.chains.values() if chain.hook == point and chain.table.family in families]
    chains.sort(key=lambda chain: NAT.get(point, 0) if chain.kind == "nat" else chain.priority)
    if point not in PORTS:
        yield "", chains
        return
    for device in filter(None, (getattr(packet, name) for name in DEVICES[point])):
        yield device, [chain for chain in chains if any(_is_of(device, name) for name in chain.devices or "*")]


def _version(packet: Packet) -> str:
    return {4: "ip", 6: "ip6"}[packet.version]


def _is_of(device: str, name: str) -> bool:
    return device.startswith(name[:-1]) if name.endswith("*") else device == name


def _verdict(rules: Ruleset, ending: Ending, *, passes: bool | None, unknown: str = "") -> Verdict:
    chain, rule = ending.chain, ending.rule
    return Verdict(passes, named(chain, rule), owner(rules, chain, rule), remedy(chain, rule), unknown=unknown)


def _open(rules: Ruleset, questions: list[list[Ending]], passed: Verdict) -> Verdict:
    """The verdict when nothing drops a packet for certain; else it is that of those that ``passed``."""
    for endings in questions:
        doubtful = next((ending for ending in endings if ending.kind in (DROP, UNKNOWN)), None)
        if doubtful is not None:
            asked = next((ending.unknown for ending in (doubtful, *endings) if ending.unknown), "")
            why = NOT_KNOWN.format(asked) if asked else f"nobody knows what {doubtful.taker} does with it"
            return _verdict(rules, doubtful, passes=None, unknown=why)
    asked = next((ending.unknown for endings in questions for ending in endings if ending.unknown), "")
    text = f"whether it is translated: {NOT_KNOWN.format(asked)}" if asked else ""
    return passed._replace(unknown=text)


class _Walk:
    """One packet's way through the chains of one hook: ``possible`` are the ends that it may have come to before."""

    def __init__(self, rules: Ruleset, facts: Facts, mended: frozenset[str]) -> None:
        self.rules, self.facts, self.mended = rules, facts, mended
        self.possible: list[Ending] = []
        self.deeds: dict[str, tuple[Any, Chain, Rule]] = {}
        self.depth = 0
        self.returned: tuple[Chain, Rule] | None = None  # the last rule that ended a chain for certain

    def endings(self, chain: Chain) -> list[Ending]:
        """All ends that a packet may come to in a chain at the hook; the last one is the one that it comes to unless
        it has come to another."""
        nowhere = chain.hook in PORTS and not chain.devices
        self.possible = [Ending(ACCEPT, chain, None, "the chain's device")] if nowhere else []
        early = chain.hook in ("prerouting", "output") and chain.priority <= TRACKED
        self.facts.tracked = not early
        self.returned = None
        accepts = chain.policy == ACCEPT or self.is_mended(chain, None)
        end = self.run(chain) or (
            Ending(ACCEPT, *(self.returned or (chain, None))) if accepts else Ending(DROP, chain, None)
        )
        found = [*self.possible, end]
        for ending in found:
            self.facts.forget(*ending.changes)
        return found

    def run(self, chain: Chain) -> Ending | None:
        """The end that a packet comes to for certain; None when it leaves the chain, or may do so."""
        left = ""  # what has to be known to say that the packet is still in this chain
        sets = self.rules.sets_of(chain)
        for rule in chain.rules:
            doubt = left
            for step in rule.steps(sets):
                if step.test:
                    answer = step.test(self.facts)
                    if answer is False:
                        break
                    doubt = doubt or ("" if answer else step.asks)
                elif step.change:
                    self.change(step.change, doubt, chain, rule)
                elif step.choose:
                    actions = step.choose(self.facts).actions
                    doubt = doubt or ("" if len(actions) == 1 else step.asks)
                    ends = [self.act(action, chain, rule, doubt) for action in actions]
                    if not doubt and ends[0] is not None:
                        self.returned = (chain, rule) if ends[0].kind == RETURN else None
                        return ends[0] if ends[0].kind != RETURN else None
                    left = left or (doubt if any(end is not None and end.kind == RETURN for end in ends) else "")
        return None

    def act(self, action: Action, chain: Chain, rule: Rule, doubt: str) -> Ending | None:
        """The end that an action of a rule leads to, noted as possible when it is in ``doubt``; None: the next rule."""
        if action.kind == CONTINUE or (action.kind == DROP and self.is_mended(chain, rule)):
            return None
        end: Ending | None = Ending(action.kind, chain, rule, doubt, action.changes, action.chain)
        if action.kind in (JUMP, GOTO):
            end = self.enter(action, chain, rule, doubt)
        if end is not None and end.kind != RETURN and doubt:
            self.possible.append(end._replace(unknown=end.unknown or doubt))
        return end

    def is_mended(self, chain: Chain, rule: Rule | None) -> bool:
        """Whether a rule, or without one the policy, drops nothing."""
        return bool(self.mended) and named(chain, rule) in self.mended

    def enter(self, action: Action, chain: Chain, rule: Rule, doubt: str) -> Ending | None:
        """The end in another chain; after ``goto`` there is no way back into this one."""
        other = self.rules.chains.get((chain.table, action.chain))
        if other is None or self.depth >= DEPTH:
            return Ending(UNKNOWN, chain, rule, f"chain {action.chain}")
        before, self.depth = len(self.possible), self.depth + 1
        end = self.run(other)
        self.depth -= 1
        if doubt:
            self.possible[before:] = [one._replace(unknown=one.unknown or doubt) for one in self.possible[before:]]
        if end is None:
            return Ending(RETURN, chain, rule) if action.kind == GOTO else None
        return end._replace(path=(rule, *end.path))

    def change(self, change: Change, doubt: str, chain: Chain, rule: Rule) -> None:
        """Change a field, or forget it when that is in doubt, or makes it another's packet."""
        value = None if doubt or self.possible else change.read(self.facts)
        self.facts.set(change.key, None if change.key.endswith(ANOTHERS) else value)
        self.deeds[change.key] = value, chain, rule
