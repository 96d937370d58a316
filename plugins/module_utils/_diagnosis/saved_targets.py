# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the rules that iptables-save prints do to packets, in the words of nft's JSON."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

Expression = dict[str, Any]
Words = Sequence[str]
VERDICTS = {"ACCEPT": "accept", "DROP": "drop", "RETURN": "return"}
TRANSLATIONS = {
    **{name: name.lower() for name in ("MASQUERADE", "SNAT", "DNAT", "REDIRECT", "TPROXY")},
    "NETMAP": "dnat",
}
MARK: Expression = {"meta": {"key": "mark"}}
CONNMARK: Expression = {"ct": {"key": "mark"}}
MARKS = {"MARK": MARK, "CONNMARK": CONNMARK}
# What is written, what it comes from, and whose mask is which.
COPIES = {
    "--save-mark": (CONNMARK, "--ctmask", MARK, "--nfmask"),
    "--restore-mark": (MARK, "--nfmask", CONNMARK, "--ctmask"),
}
ALL_BITS = 0xFFFFFFFF


def payload(protocol: str, field: str) -> Expression:
    """A field of a packet."""
    return {"payload": {"protocol": protocol, "field": field}}


def target(option: str, words: Words, chains: Collection[str]) -> Iterator[Expression]:
    """What a rule does whose target these words are."""
    name, given = words[0], words[1:]
    if name in chains:
        yield {"goto" if option == "-g" else "jump": {"target": name}}
    elif name in VERDICTS:
        yield {VERDICTS[name]: None}
    elif name == "REJECT":
        yield {"reject": {"type": "tcp reset"} if "tcp-reset" in given else {}}
    elif name in TRANSLATIONS:
        to = given[given.index("--to-source") + 1] if "--to-source" in given else ""
        yield {TRANSLATIONS[name]: {"addr": to} if to else {}}
    elif given[:1] in (["--ttl-set"], ["--hl-set"]):
        yield _set(payload(*(("ip", "ttl") if name == "TTL" else ("ip6", "hoplimit"))), int(given[1]))
    elif given[:1] == ["--zone"] and given[1].isdecimal():
        yield _set({"ct": {"key": "zone"}}, int(given[1]))
    elif name in MARKS:
        yield _marked(name, given)
    elif "--notrack" in given or name == "NOTRACK":
        yield {"notrack": None}
    elif name != "CT":
        yield {"xt": {"type": "target", "name": name}}


def _marked(name: str, given: Words) -> Expression:
    """A mark of the packet or of its connection that is set, or copied to the other."""
    if given[:1] == ["--set-xmark"]:
        value, mask = (int(part, 0) for part in given[1].split("/"))
        return _set(MARKS[name], {"^": [_bits(MARKS[name], ~mask), value]})
    if given[:1] and given[0] in COPIES:
        masks = dict(zip(given[1::2], given[2::2]))
        to, cleared, source, kept = COPIES[given[0]]
        bits = [int(masks.get(one, "-1"), 0) for one in (cleared, kept)]
        return _set(to, {"^": [_bits(to, ~bits[0]), _bits(source, bits[1])]})
    return {"xt": {"type": "target", "name": name}}


def _bits(left: Expression, mask: int) -> Expression:
    return {"&": [left, mask & ALL_BITS]}


def _set(left: Expression, value: Any) -> Expression:
    return {"mangle": {"key": left, "value": value}}
