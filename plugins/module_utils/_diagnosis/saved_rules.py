# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What iptables-save prints, in the words of nft's JSON."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from .ipsets import IpSet, member
from .ruleset import Chain, Rule, Table
from .saved_targets import ALL_BITS, Expression, Words, payload, target

# Where the tables' chains hang: priorities, and the kind of chain that is not "filter".
PRIORITIES = {"raw": -300, "mangle": -150, "nat": -100, "filter": 0, "security": 50}
HOOKS = ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING")
COUNTED = re.compile(r"\[(\d+):\d+\] ")

# What is known of a rule so far: the family, the sets of ipset, and the options that others depend on.
Known = dict[str, Any]
# Extensions that have nothing but the options below; of another one, nobody knows what it asks for.
EXTENSIONS = frozenset(
    "tcp udp icmp icmp6 conntrack state multiport iprange addrtype pkttype mac mark connmark comment physdev length ttl"
    " hl dscp policy set".split()
)


def chains_of(text: str, tool: str, family: str, sets: Mapping[str, IpSet]) -> list[Chain]:
    """The chains of all tables in what iptables-save has printed, with the ``sets`` of ipset that rules may name."""
    chains: list[Chain] = []
    for part in re.split(r"^\*", text, flags=re.MULTILINE)[1:]:
        name, _newline, body = part.partition("\n")
        chains += _table(Table(tool, family, name.strip()), body.splitlines(), sets)
    return chains


def _table(table: Table, lines: Sequence[str], sets: Mapping[str, IpSet]) -> Iterator[Chain]:
    heads = [line[1:].split()[:2] for line in lines if line.startswith(":")]
    own = {name for name, _policy in heads}
    rules: dict[str, list[Rule]] = {name: [] for name in own}
    for line in lines:
        counted = COUNTED.match(line)
        words = _split(line[counted.end() :] if counted else line)
        if words[:1] == ["-A"]:
            text = line.partition(f"-A {words[1]} ")[2]
            expressions = _read(words[2:], table.family, own, sets)
            rules[words[1]].append(Rule(text, expressions, packets=int(counted[1]) if counted else None))
    for name, policy in heads:
        hangs = policy != "-" and name in HOOKS
        priority = PRIORITIES.get(table.name, 0)
        if table.name == "nat" and name in ("INPUT", "POSTROUTING"):
            priority = 100
        kind = "nat" if table.name == "nat" else "filter"
        hook = (kind, name.lower(), priority, policy.lower()) if hangs else ()
        yield Chain(table, name, rules[name], *hook)


def _split(line: str) -> list[str]:
    return shlex.split(line) if '"' in line or "\\" in line else line.split()


def _read(words: Words, family: str, chains: Collection[str], sets: Mapping[str, IpSet]) -> list[Expression]:
    try:
        return list(_expressions(words, {"family": family, "sets": sets}, chains))
    except (IndexError, KeyError, ValueError):
        return [{"xt": {"type": kind, "name": "what cannot be read"}} for kind in ("match", "target")]


def _expressions(words: Words, place: Known, chains: Collection[str]) -> Iterator[Expression]:
    """A rule's expressions, and its target's."""
    end = next((at for at, word in enumerate(words) if word in ("-j", "-g")), len(words))
    known = {"-p": "", "-m": "", "--dir": "", **place}
    at = 0
    while at < end:
        negated = words[at] == "!"
        option = words[at + negated]
        at += 1 + negated
        taken, reads = OPTIONS.get(option, (0, _strange))
        given = words[at : at + taken]
        at += taken
        if option in known:
            known[option] = given[0]
        yield from _negated(reads(option, given, known), negated)
    if end < len(words):
        yield from target(words[end], words[end + 1 :], chains)


def _negated(found: Expression | None, negated: bool) -> list[Expression]:
    if found and negated and "match" in found:
        opposite = {"==": "!=", "in": "!in"}[found["match"]["op"]]
        return [{"match": {**found["match"], "op": opposite}}]
    return [] if found is None else [found]


# ---- what a rule asks for ----


def _match(left: Expression, right: Any, compare: str = "==") -> Expression:
    return {"match": {"op": compare, "left": left, "right": right}}


def _strange(option: str, _given: Words, known: Known) -> Expression:
    return {"xt": {"type": "match", "name": f"-m {known['-m']}" if option == "-m" else option}}


def _extension(option: str, given: Words, known: Known) -> Expression | None:
    return None if given[0] in EXTENSIONS else _strange(option, (), known)


def _ignored(_option: str, _given: Words, _known: Known) -> None:
    return None


def _address(option: str, given: Words, known: Known) -> Expression:
    address, _slash, width = given[0].partition("/")
    right: Any = {"prefix": {"addr": address, "len": int(width)}} if width.isdecimal() else address
    left = payload(known["family"], {"-s": "saddr", "-d": "daddr"}[option])
    return _match(left, right) if not width or width.isdecimal() else _strange(option, given, known)


def _device(option: str, given: Words, _known: Known) -> Expression:
    name = f"{given[0][:-1]}*" if given[0].endswith("+") else given[0]
    return _match({"meta": {"key": {"-i": "iifname", "-o": "oifname"}[option]}}, name)


def _protocol(_option: str, given: Words, _known: Known) -> Expression:
    return _match({"meta": {"key": "l4proto"}}, int(given[0]) if given[0].isdecimal() else given[0])


def _number(text: str) -> Any:
    low, colon, high = text.partition(":")
    return {"range": [int(low, 0), int(high, 0)]} if colon else int(low, 0)


def _ports(option: str, given: Words, known: Known) -> Expression:
    left = payload(known["-p"] if known["-p"] in ("tcp", "udp") else "th", option.strip("-").rstrip("s"))
    return _match(left, {"set": [_number(one) for one in given[0].split(",")]})


def _icmp(option: str, given: Words, known: Known) -> Expression | None:
    if given[0] in ("any", "255"):
        return None
    kind, slash, _code = given[0].partition("/")
    if slash or not kind.isdecimal():
        return _strange(option, given, known)
    return _match(payload({"ip": "icmp", "ip6": "icmpv6"}[known["family"]], "type"), int(kind))


def _flags(_option: str, given: Words, _known: Known) -> Expression:
    every = ["fin", "syn", "rst", "psh", "ack", "urg"]
    mask, set_ = ([] if one == "NONE" else every if one == "ALL" else one.lower().split(",") for one in given)
    return _match({"&": [payload("tcp", "flags"), mask]}, set_)


def _states(option: str, given: Words, known: Known) -> Expression:
    states = given[0].lower().split(",")
    of_nat = {"dnat", "snat"} & {*states}
    if of_nat and len(of_nat) < len(states):
        return _strange(option, given, known)
    return _match({"ct": {"key": "status" if of_nat else "state"}}, states, "in")


def _between(option: str, given: Words, known: Known) -> Expression:
    field = {"--src-range": "saddr", "--dst-range": "daddr"}[option]
    return _match(payload(known["family"], field), {"range": given[0].split("-")})


def _type(option: str, given: Words, known: Known) -> Expression:
    flag, types = {"--src-type": "saddr", "--dst-type": "daddr"}[option], given[0].lower().split(",")
    if known["family"] == "ip6":
        # There, a local address is a unicast one, too, and several types are one condition each.
        types = {"unicast": ["unicast", "local"]}.get(types[0], types) if len(types) == 1 else []
    return (
        _match({"fib": {"result": "type", "flags": [flag]}}, {"set": types}) if types else _strange(option, (), known)
    )


def _marked(_option: str, given: Words, known: Known) -> Expression:
    value, _slash, mask = given[0].partition("/")
    left = {"ct" if known["-m"] == "connmark" else "meta": {"key": "mark"}}
    return _match({"&": [left, int(mask or "-1", 0) & ALL_BITS]}, int(value, 0))


def _meta(option: str, given: Words, _known: Known) -> Expression:
    return _match({"meta": {"key": {"--pkt-type": "pkttype"}[option]}}, given[0])


def _mac(_option: str, given: Words, _known: Known) -> Expression:
    return _match(payload("ether", "saddr"), given[0].lower())


def _length(_option: str, given: Words, _known: Known) -> Expression:
    return _match({"meta": {"key": "length"}}, _number(given[0]))


def _lives(option: str, given: Words, known: Known) -> Expression:
    left = payload(known["family"], {"ip": "ttl", "ip6": "hoplimit"}[known["family"]])
    return _match(left, int(given[0]), {"lt": "<", "gt": ">", "eq": "=="}[option.rpartition("-")[2]])


def _service(_option: str, given: Words, known: Known) -> Expression:
    return _match(payload(known["family"], "dscp"), int(given[0], 0))


def _tunnel(option: str, given: Words, known: Known) -> Expression | None:
    """Whether a packet has come out of a tunnel of IPsec; into which one it goes, only the kernel's policies say."""
    if option == "--dir":
        return None
    if known["--dir"] != "in":
        return _strange("--pol", given, known)
    return _match({"meta": {"key": "secpath"}}, given[0] == "ipsec")


def _member(_option: str, given: Words, known: Known) -> Expression:
    found = known["sets"].get(given[0])
    asks = member(found, given[1], known["family"]) if found else None
    return asks or {"xt": {"type": "match", "name": f"the set {given[0]} of ipset"}}


def _port_of_bridge(option: str, given: Words, _known: Known) -> Expression:
    field = {"--physdev-in": "inname", "--physdev-out": "outname", "--physdev-is-bridged": "bridged"}[option]
    return _match(payload("physdev", field), given[0].replace("+", "*") if given else 1)


Reads = Callable[[str, Words, Known], Any]
OPTIONS: dict[str, tuple[int, Reads]] = {
    **dict.fromkeys(("-s", "-d"), (1, _address)),
    **dict.fromkeys(("-i", "-o"), (1, _device)),
    "-p": (1, _protocol),
    "-m": (1, _extension),
    "--comment": (1, _ignored),
    **dict.fromkeys(("--sport", "--dport", "--sports", "--dports"), (1, _ports)),
    **dict.fromkeys(("--icmp-type", "--icmpv6-type"), (1, _icmp)),
    "--tcp-flags": (2, _flags),
    **dict.fromkeys(("--state", "--ctstate"), (1, _states)),
    **dict.fromkeys(("--src-range", "--dst-range"), (1, _between)),
    **dict.fromkeys(("--src-type", "--dst-type"), (1, _type)),
    "--pkt-type": (1, _meta),
    "--length": (1, _length),
    **{f"--{word}-{order}": (1, _lives) for word in ("ttl", "hl") for order in ("lt", "gt", "eq")},
    "--mac-source": (1, _mac),
    "--dscp": (1, _service),
    "--match-set": (2, _member),
    **dict.fromkeys(("--dir", "--pol"), (1, _tunnel)),
    "--mark": (1, _marked),
    **dict.fromkeys(("--physdev-in", "--physdev-out"), (1, _port_of_bridge)),
    "--physdev-is-bridged": (0, _port_of_bridge),
}
