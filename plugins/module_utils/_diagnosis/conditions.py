# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What rules of a firewall compare, in the words of nft's JSON (libnftables-json(5)), as functions of a packet's facts.

The answer is True, False, or None when it cannot be known: a field of which nothing is known, or an expression that
nobody has taught this file.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Optional

from .packet_facts import ABSENT, ICMP_TYPES, Facts, Span, number

Answer = Optional[bool]
Reader = Callable[[Facts], Any]
Test = Callable[[Facts], Answer]
Holds = Callable[[Any], Answer]
Sets = Mapping[str, Sequence[Any]]  # by name: the elements of the sets and maps of a table

ORDER = {"<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge}
BITS = {"&": operator.and_, "|": operator.or_, "^": operator.xor}
FLAGS = ("ct state", "ct status", "tcp flags")
ADDRESSES = ("ip saddr", "ip daddr", "ip6 saddr", "ip6 daddr", "arp saddr ip", "arp daddr ip")
PROTOCOLS = ("meta l4proto", "ip protocol", "ip6 nexthdr")
NAMES: dict[str, dict[Any, Any]] = {
    **{key: {1: "icmp", 6: "tcp", 17: "udp", 58: "ipv6-icmp", "icmpv6": "ipv6-icmp"} for key in PROTOCOLS},
    **{f"{protocol} type": types for protocol, types in ICMP_TYPES.items()},
    "meta pkttype": {"unicast": "host"},
    **{f"{layer} dscp": {0: "cs0"} for layer in ("ip", "ip6")},
}


def test_of(match: Mapping[str, Any], sets: Sets) -> Test:
    """The test that a ``match`` of nft's JSON stands for."""
    key, read = reader(match["left"])
    compare, right = match.get("op", "=="), match["right"]
    wanted = not compare.startswith("!")
    if compare in ORDER or compare.endswith("in"):
        holds = _compared(key, compare, right)
    elif isinstance(right, list) and not wanted and "&" not in match["left"]:
        holds = _unknown  # what "!= a,b" means of bits differs between releases of nft
    else:
        holds = holder(key, right, sets)

    def test(facts: Facts) -> Answer:
        value = read(facts)
        if value is None or value is ABSENT:
            return None if value is None else False
        found = holds(value) if not isinstance(value, Span) else _throughout(holds, value, compare, right)
        return None if found is None else found == wanted

    return test


def _throughout(holds: Holds, span: Span, compare: str, right: Any) -> Answer:
    """Whether all numbers of a span hold, or none does."""
    if compare in ORDER:
        low, high = (holds(end) for end in span)
        return low if low == high else None
    first, last = right["range"] if isinstance(right, dict) and "range" in right else (right, right)
    if not (isinstance(first, int) and isinstance(last, int)):
        return None
    if first <= span.low and span.high <= last:
        return True
    return False if span.high < first or last < span.low else None


def _unknown(_value: Any) -> Answer:
    return None


def _compared(key: str, compare: str, right: Any) -> Holds:
    if compare in ORDER:
        bound, order = canonical(key, right), ORDER[compare]
        return lambda value: order(value, bound) if isinstance(value, int) and isinstance(bound, int) else None
    bits = _bits(right)
    return lambda value: bool(bits & value) if key in FLAGS else None


# ---- the left side ----


def reader(left: Any) -> tuple[str, Reader]:
    """The name of an expression, and what reads its value."""
    kind, body = next(iter(left.items())) if isinstance(left, dict) and left else ("constant", left)
    if kind == "concat":
        parts = [reader(part) for part in body]
        return "concat " + ",".join(key for key, _read in parts), lambda facts: _together(facts, parts)
    if kind in BITS and len(body) == 2:
        key, read = reader(body[0])
        return key, _masked(read, BITS[kind], body[1], key)
    if kind == "constant":
        return kind, lambda _facts: body if isinstance(body, int) else None
    key = _named(kind, body)
    return key, lambda facts: facts.get(key)


def _named(kind: str, body: Any) -> str:
    if kind == "payload" and "protocol" in body:
        return f"{body['protocol']} {body['field']}"
    if kind in ("meta", "ct") and isinstance(body, dict) and "dir" not in body:
        return f"{kind} {body['key']}"
    if kind == "fib":
        flags = body["flags"] if isinstance(body["flags"], list) else [body["flags"]]
        return " ".join(("fib", *(flag for flag in flags if flag != "mark"), body["result"]))
    return f"an expression {kind!r}"


def _together(facts: Facts, parts: Iterable[tuple[str, Reader]]) -> Any:
    values = [read(facts) for _key, read in parts]
    if ABSENT in values:
        return ABSENT
    return None if None in values else tuple(values)


def _masked(read: Reader, bits: Callable[[Any, Any], Any], mask: Any, key: str) -> Reader:
    other = reader(mask)[1] if isinstance(mask, dict) and key not in FLAGS else None
    fixed = canonical(key, mask)

    def masked(facts: Facts) -> Any:
        value, constant = read(facts), other(facts) if other else fixed
        fits = isinstance(value, type(constant)) and isinstance(value, (int, frozenset))
        return bits(value, constant) if fits else (ABSENT if value is ABSENT else None)

    return masked


# ---- the right side ----


def canonical(key: str, raw: Any) -> Any:
    """A constant in the form that facts have."""
    if key in FLAGS:
        return _bits(raw)
    if key in ADDRESSES and isinstance(raw, str):
        return number(raw)
    if isinstance(raw, (bool, dict, list)):
        return raw if isinstance(raw, bool) else None
    return NAMES.get(key, {}).get(raw, raw)


def _bits(raw: Any) -> frozenset[str]:
    if isinstance(raw, dict):
        raw = raw.get("|", raw.get("set", []))
    if isinstance(raw, list):
        return frozenset().union(*map(_bits, raw))
    return frozenset([raw] if raw else [])


def holder(key: str, right: Any, sets: Sets) -> Holds:
    """What says of a value of the field ``key`` whether it equals the right side, or is one of its elements."""
    kind, body = next(iter(right.items())) if isinstance(right, dict) and right else ("", right)
    if kind == "elem":
        return holder(key, body["val"], sets)
    if kind in ("range", "prefix"):
        low, high = _ends(key, kind, body)
        known = isinstance(low, int) and isinstance(high, int)
        return lambda value: low <= value <= high if known and isinstance(value, int) else None
    if kind == "concat":
        keys = key.partition(" ")[2].split(",")
        parts = [holder(one, part, sets) for one, part in zip(keys, body)]
        return lambda value: _every(part(one) for part, one in zip(parts, value))
    if kind == "set" or (isinstance(body, str) and body.startswith("@")):
        elements = body if kind == "set" else sets.get(body[1:])
        return _unknown if elements is None else _among(key, elements, sets)
    return _unknown if (kind or isinstance(right, list)) and key not in FLAGS else _equal(key, right)


def _equal(key: str, right: Any) -> Holds:
    wanted = canonical(key, right)
    if isinstance(wanted, bool) and key.startswith("fib "):
        return lambda value: (value is not False) == wanted
    if wanted == "*":
        return lambda _value: True
    if key.endswith("name") and str(wanted).endswith("*"):
        return lambda value: str(value).startswith(str(wanted)[:-1])
    return lambda value: bool(value == wanted)


def _ends(key: str, kind: str, body: Any) -> tuple[Any, Any]:
    if kind == "range":
        low, high = (canonical(key, end) for end in body)
        return low, high
    low, width = number(body["addr"]), 128 if ":" in body["addr"] else 32
    return low, low | ((1 << (width - body["len"])) - 1)


def _among(key: str, elements: Any, sets: Sets) -> Holds:
    plain = [one for one in elements if not isinstance(one, (dict, list)) and not str(one).endswith("*")]
    exact = frozenset(canonical(key, one) for one in plain)
    others = [holder(key, one, sets) for one in elements if isinstance(one, (dict, list)) or str(one).endswith("*")]

    def among(value: Any) -> Answer:
        return value in exact or _any(other(value) for other in others)

    return among


def _any(answers: Iterable[Answer]) -> Answer:
    unknown = False
    for answer in answers:
        if answer:
            return True
        unknown = unknown or answer is None
    return None if unknown else False


def _every(answers: Iterable[Answer]) -> Answer:
    found = _any(None if answer is None else not answer for answer in answers)
    return None if found is None else not found
