# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rule of a firewall does, in the words of nft's JSON, as steps: tests, changes, and ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .conditions import Sets, Test, canonical, holder, reader, test_of
from .packet_facts import ABSENT, CONNMARKING, MARKING, REDIRECTING, UNTRACKING, Facts

ACCEPT, DROP, RETURN, JUMP, GOTO, CONTINUE, TRANSLATE, UNKNOWN = (
    "accept drop return jump goto continue translate unknown".split()
)
VERDICTS = (ACCEPT, DROP, RETURN, JUMP, GOTO, CONTINUE)
# They count, log, or change what decides nothing.
PASSIVE = frozenset(("counter", "log", "comment", "dup", "flow", "last", "ct helper", "ct timeout", "ct expectation"))
PASSIVE_TARGETS = frozenset(
    "LOG NFLOG ULOG TRACE CHECKSUM TCPMSS CLASSIFY TOS DSCP TTL HL AUDIT ECN SET TEE SECMARK CONNSECMARK TCPOPTSTRIP"
    " RATEEST LED IDLETIMER log nflog".split()
)
# What translating changes; behind it, nothing is known of these fields.
SOURCE, DESTINATION = (" saddr", " sport"), (" daddr", " dport", "daddr type", "pkttype", "ct status")
ANOTHERS = (*SOURCE, *DESTINATION)
TRANSLATIONS = {
    "masquerade": SOURCE,
    "snat": SOURCE,
    **dict.fromkeys(("dnat", "redirect", "tproxy"), DESTINATION),  # tproxy: a program of the hypervisor takes it
}
REJECTED_LAYERS = {"icmp": "ip version", "icmpv6": "ip6 version", "tcp reset": "tcp sport"}


class Action(NamedTuple):
    """What happens to a packet: ``kind`` is one of the words above, ``chain`` where a jump leads, or who takes it of
    whom nobody knows what he does; ``changes`` are the fields that are another's then."""

    kind: str
    chain: str = ""
    changes: tuple[str, ...] = ()


class Choice(NamedTuple):
    """What may happen to a packet: one action when it is certain, else each that is possible."""

    actions: tuple[Action, ...]


class Change(NamedTuple):
    """A field that gets another value, None when nobody knows which."""

    key: str
    read: Callable[[Facts], Any]


class Step(NamedTuple):
    """One expression of a rule: what it ``asks`` for, and one of a test, a change or a choice."""

    asks: str
    test: Test | None = None
    change: Change | None = None
    choose: Callable[[Facts], Choice] | None = None


def steps_of(expressions: Sequence[Mapping[str, Any]], sets: Sets) -> list[Step]:
    """The steps of a rule; an expression that cannot be read is one that may hold or not."""
    steps: list[Step] = []
    for expression in expressions:
        kind, body = next(iter(expression.items()))
        try:
            steps += _steps(kind, body, sets)
        except (AttributeError, KeyError, TypeError, ValueError):
            steps.append(_unknown(kind))
    return steps


def deeds(expressions: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What of a rule changes what other rules ask for."""
    for expression in expressions:
        for kind, body in expression.items():
            marked = reader(body["key"])[0] if kind == "mangle" else ""
            unread = kind == "xt" and "MARK" in str(body)
            if marked == "meta mark" or unread:
                yield MARKING
            if marked == "ct mark" or unread:
                yield CONNMARKING
            if kind == "notrack":
                yield UNTRACKING
            if kind in ("dnat", "redirect"):
                yield REDIRECTING


def _unknown(asks: str) -> Step:
    return Step(asks, test=lambda _facts: None)


def _certainly(action: Action) -> Step:
    choice = Choice((action,))
    return Step(action.kind, choose=lambda _facts: choice)


def _steps(kind: str, body: Any, sets: Sets) -> list[Step]:
    if kind == "match":
        return [Step(_asks(body), test=test_of(body, sets))]
    if kind in VERDICTS:
        return [_certainly(_action(kind, body))]
    if kind == "fwd":  # to another device, past all that comes behind
        return [_certainly(Action(DROP))]
    if kind == "reject":
        return [*_layer(body), _certainly(Action(DROP))]
    if kind in TRANSLATIONS:
        family = body.get("family") if isinstance(body, dict) else None
        of_family = [_present(f"{family} version")] if family else []
        return [*of_family, _certainly(Action(TRANSLATE, changes=TRANSLATIONS[kind]))]
    if kind == "vmap":
        return [_mapped(body, sets)]
    if kind in ("mangle", "notrack"):
        return _changed(kind, body)
    if kind == "xt":
        return _foreign(body)
    if (kind == "set" and not body.get("stmt")) or kind in PASSIVE:
        return []
    return [_certainly(Action(UNKNOWN, kind))] if kind in ("queue", "synproxy") else [_unknown(kind)]


def _asks(match: Mapping[str, Any]) -> str:
    right = match["right"]
    return reader(match["left"])[0] + (f" {right}" if isinstance(right, str) and right.startswith("@") else "")


def _action(kind: str, body: Any) -> Action:
    return Action(kind, body["target"] if body else "")


def _present(key: str) -> Step:
    """A packet without this field is none that the statement is for: nft leaves that out of what it lists."""
    return Step(key, test=lambda facts: facts.get(key) is not ABSENT)


def _layer(reject: Any) -> list[Step]:
    key = REJECTED_LAYERS.get((reject or {}).get("type", ""))
    return [_present(key)] if key else []


def _mapped(body: Mapping[str, Any], sets: Sets) -> Step:
    """A verdict for each value of a field."""
    key, read = reader(body["key"])
    data = body["data"]
    pairs = data["set"] if isinstance(data, dict) else sets.get(data[1:])
    if pairs is None:
        return _unknown(f"{key} {data}")
    last = sorted(pairs, key=lambda pair: pair[0] == "*")  # stands for all that is not in the map
    table = [(holder(key, one, sets), _action(*next(iter(end.items())))) for one, end in last]
    every = Choice((*(action for _holds, action in table), Action(CONTINUE)))

    def choose(facts: Facts) -> Choice:
        value = read(facts)
        if value is ABSENT:
            return Choice((Action(CONTINUE),))
        answers = [] if value is None else [(holds(value), action) for holds, action in table]
        if value is None or any(answer is None for answer, _action in answers):
            return every
        return Choice((next((action for answer, action in answers if answer), Action(CONTINUE)),))

    return Step(key, choose=choose)


def _changed(kind: str, body: Any) -> list[Step]:
    if kind == "notrack":
        return [Step(kind, change=Change("ct state", lambda _facts: frozenset({"untracked"})))]
    key, value = reader(body["key"])[0], body["value"]
    constant = canonical(key, value)
    return [Step(key, change=Change(key, reader(value)[1] if isinstance(value, dict) else lambda _facts: constant))]


def _foreign(body: Any) -> list[Step]:
    """An extension of iptables, of which nft knows no more than the name."""
    name = (body or {}).get("name", "xt")
    if (body or {}).get("type") != "target":
        return [_unknown(name)]
    if name.endswith("MARK"):
        return [Step(name, change=Change(key, lambda _facts: None)) for key in ("meta mark", "ct mark")]
    return [] if name in PASSIVE_TARGETS else [_certainly(Action(UNKNOWN, name))]
