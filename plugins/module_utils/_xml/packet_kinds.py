# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of value in the rules of network filters: parts of packets, each of which may be a variable."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Callable

from . import kinds as kind
from .kinds import Kind

# A variable stands for a parameter: all its values in turn, in step with others of the same @number, or the one at a
# place (virNWFilterVarAccessParse).
VARIABLE = re.compile(r"\$ *([a-zA-Z0-9_]+)(?:\[ *(@?)([0-9]+) *\])? *")
_NONE: Mapping[str, int] = MappingProxyType({})


def variable_of(value: object) -> str:
    """The name of the variable that a value is, "" where it is none."""
    found = VARIABLE.fullmatch(value) if isinstance(value, str) else None
    return found[1] if found else ""


def _or_variable(parse: Callable[[str], str]) -> Kind:
    """A kind whose values may be variables. libvirt writes them without spaces and without [@0]."""

    def checked(text: str) -> str:
        found = VARIABLE.fullmatch(text)
        if found is None:
            return parse(text)
        place = f"[{found[2]}{int(found[3])}]" if found[3] else ""
        return f"${found[1]}" + ("" if place == "[@0]" else place)

    return Kind(checked, str, {"type": "str"})


def _number(high: int, low: int = 0, names: Mapping[str, int] = _NONE) -> Kind:
    """A number in decimal or with 0x, or its name. libvirt writes the name where it knows one."""
    by_name = {name.lower(): number for name, number in names.items()}
    by_number = {number: name for name, number in names.items()}
    words = f", or one of {', '.join(names)}" if names else ""

    def parse(text: str) -> str:
        number = by_name.get(text.lower())
        if number is None and re.fullmatch("[0-9]+|0[xX][0-9a-fA-F]+", text):
            number = int(text, 16 if text[1:2] in ("x", "X") else 10)
        if number is None or not low <= number <= high:
            raise ValueError(f"must be a number from {low} to {high}{words}, or a variable like $NAME")
        return by_number.get(number, str(number))

    return _or_variable(parse)


def _flags(names: Sequence[str]) -> Callable[[str], set[str] | None]:
    """What reads names with commas between them; None where there are others."""

    def read(text: str) -> set[str] | None:
        found = set(text.upper().split(","))
        return found if found <= set(names) else None

    return read


STATES = ("NEW", "ESTABLISHED", "RELATED", "INVALID")
TCP_FLAGS = ("FIN", "SYN", "RST", "PSH", "ACK", "URG")
_read_states, _read_tcp_flags = _flags(STATES), _flags((*TCP_FLAGS, "ALL", "NONE"))


def _states(text: str) -> str:
    found = {"NONE"} if text.upper() == "NONE" else _read_states(text)
    if found is None:
        raise ValueError(f"must be NONE, or of {', '.join(STATES)} with commas between them")
    return ",".join(state for state in (*STATES, "NONE") if state in found)


def _tcp_flags(text: str) -> str:
    parts = [_read_tcp_flags(part) for part in text.split("/")]
    if len(parts) != 2 or None in parts:
        raise ValueError(f"must be two lists like SYN,ACK/SYN, each of {', '.join(TCP_FLAGS)}, or ALL, or NONE")
    return "/".join(_written_flags(part or set()) for part in parts)


def _written_flags(found: set[str]) -> str:
    if "ALL" in found or found >= set(TCP_FLAGS):
        return "ALL"
    return ",".join(flag for flag in TCP_FLAGS if flag in found) or "NONE"


def _ipv6(text: str) -> str:
    try:
        return str(ipaddress.IPv6Address(text))
    except ValueError:
        raise ValueError("must be an IPv6 address, or a variable like $NAME") from None


def _prefix(bits: int, address: Callable[[str], object], example: str) -> Kind:
    """The length of a prefix, or the mask that it stands for: libvirt keeps the length."""

    def parse(text: str) -> str:
        number = int(text) if re.fullmatch("[0-9]{1,3}", text) else _length(address, text, bits)
        if number is None or number > bits:
            raise ValueError(f"must be a number from 0 to {bits}, a mask like {example}, or a variable like $NAME")
        return str(number)

    return _or_variable(parse)


def _length(address: Callable[[str], object], text: str, bits: int) -> int | None:
    """How many bits of a mask are set, None where it is none."""
    try:
        mask = int(address(text))  # type: ignore[call-overload]
    except ValueError:
        return None
    length = bin(mask).count("1")
    return int(length) if mask == (1 << bits) - (1 << (bits - length)) else None


def _mac_mask(text: str) -> str:
    mask = kind.ANY_MAC.parse(text)
    if not re.fullmatch("1*0*", f"{int(mask.replace(':', ''), 16):048b}"):
        raise ValueError("must be a mask like ff:ff:ff:00:00:00")
    return str(mask)


def _chain(text: str) -> str:
    if text != "root" and not re.fullmatch(r"(mac|stp|vlan|r?arp|ipv[46])[a-zA-Z0-9_.:-]*", text):
        raise ValueError("must be root, or begin with mac, stp, vlan, arp, rarp, ipv4 or ipv6")
    if len(text) > 12:
        raise ValueError("must have at most 12 characters")
    return text


def _priority(text: str) -> int:
    if not re.fullmatch("-?[0-9]{1,4}", text) or abs(int(text)) > 1000:
        raise ValueError("must be a whole number from -1000 to 1000")
    return int(text)


def _set_flags(text: str) -> str:
    if not re.fullmatch("(src|dst)(,(src|dst)){0,5}", text.lower()):
        raise ValueError("must be one to six of src and dst with commas between them")
    return text.lower()


def _set_name(text: str) -> str:
    if not re.fullmatch(r"[a-zA-Z0-9_.:+ -]{1,31}", text):
        raise ValueError("must be 1 to 31 letters, digits, spaces and _.:+-, or a variable like $NAME")
    return text


def _comment(text: str) -> str:
    if len(kind.TEXT.parse(text).encode()) > 256:  # libvirt truncates it there (MAX_COMMENT_LENGTH)
        raise ValueError("must have at most 256 bytes")
    return text


def _truth(text: str) -> bool:
    words = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
    if text.lower() not in words:
        raise ValueError("must be true or false")
    return words[text.lower()]


CHAIN = Kind(_chain, str, {"type": "str"})
PRIORITY = Kind(_priority, str, {"type": "int"})
TRUE_FALSE = Kind(_truth, lambda value: "true" if value else "false", {"type": "bool"})
MAC = _or_variable(kind.ANY_MAC.parse)
MAC_MASK = _or_variable(_mac_mask)
IPV4 = _or_variable(kind.IPV4.parse)
IPV6 = _or_variable(_ipv6)
IPV4_MASK = _prefix(32, ipaddress.IPv4Address, "255.255.255.0")
IPV6_MASK = _prefix(128, ipaddress.IPv6Address, "ffff:ffff::")
UINT8, UINT16, UINT32 = (_number(2**bits - 1) for bits in (8, 16, 32))
DSCP, VLAN_ID = _number(63), _number(4095)
ETHER_TYPE = _number(0xFFFF, 0x600, {"arp": 0x806, "rarp": 0x8035, "ipv4": 0x800, "ipv6": 0x86DD, "vlan": 0x8100})
_PROTOCOLS = "icmp:1 igmp:2 tcp:6 udp:17 esp:50 ah:51 icmpv6:58 sctp:132 udplite:136"
IP_PROTOCOL = _number(255, names={name: int(number) for name, number in (one.split(":") for one in _PROTOCOLS.split())})
_OPCODES = "Request Reply Request_Reverse Reply_Reverse DRARP_Request DRARP_Reply DRARP_Error InARP_Request ARP_NAK"
ARP_OPCODE = _number(0xFFFF, names={name: number for number, name in enumerate(_OPCODES.split(), 1)})
STATE = Kind(_states, str, {"type": "str"})
TCP = Kind(_tcp_flags, str, {"type": "str"})
SET_NAME = _or_variable(_set_name)
SET_FLAGS = Kind(_set_flags, str, {"type": "str"})
COMMENT = Kind(_comment, str, {"type": "str"})
