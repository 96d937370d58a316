# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of bridges as users write them: each is read by its kind into one spelling, which no file can mistake.

Roles get their variables as they are written, so nothing here relies on an argument specification.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Any

Options = dict[str, Any]

LONGEST = 15
_DEVICE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")
# Names that the kernel's settings, or systemd's files, have for something else (systemd: ifname_valid).
_RESERVED = ("all", "default", "lo")
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_YES, _NO = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


class Wrong(ValueError):
    """A value that is refused: its text is a part of a sentence, after the option's name."""


def shown(value: Any) -> str:
    """A value as a message can show it, whatever it holds."""
    text = ascii(str(value))
    return text if len(text) <= 60 else f"{text[:56]}...'"


def bridge_options(bridges: Any) -> tuple[list[Options], list[str]]:
    """The options of each bridge, those that are null left out, and what is wrong with them."""
    if not isinstance(bridges, (list, tuple)):
        return [], [f"host_bridge_bridges is {_kind(bridges)}, and not a list of bridges with name and port"]
    if not bridges:
        return [], ["host_bridge_bridges is empty: list the bridges, each with name and port"]
    found, problems = [], []
    for number, item in enumerate(bridges, 1):
        if not isinstance(item, Mapping):
            problems.append(f"bridge {number} is {_kind(item)}, and not a dictionary with name and port")
            continue
        options, wrong = _of_one(item)
        name = options.get("name", f"bridge {number}")
        problems += [f"{name}: {one}" for one in wrong]
        found += [] if wrong else [options]
    return found, problems


def target_options(targets: Any) -> tuple[list[str], list[str]]:
    """The addresses that have to answer, and what is wrong with them."""
    try:
        return _each(_address)(() if targets is None else targets), []
    except Wrong as error:
        return [], [f"host_bridge_targets {error}"]


def seconds_option(timeout: Any) -> tuple[int, list[str]]:
    """After how many seconds a change is undone, and what is wrong with that."""
    try:
        return _between(10, 3600)(60 if timeout is None else timeout), []
    except Wrong as error:
        return 0, [f"host_bridge_timeout {error}"]


def _of_one(item: Mapping[Any, Any]) -> tuple[Options, list[str]]:
    given = {name: value for name, value in item.items() if value is not None}
    options: Options = {}
    wrong = [
        f"{shown(name)} is an unknown option; there are {', '.join(_KINDS)}" for name in given if name not in _KINDS
    ]
    wrong += [f"{name} is missing" for name in ("name", "port") if name not in given]
    for name in (name for name in given if name in _KINDS):
        try:
            options[name] = _KINDS[name](given[name])
        except Wrong as error:
            wrong.append(f"{name} {error}")
    return options, wrong


def _kind(value: Any) -> str:
    kinds = ((type(None), "null"), (bool, "a boolean"), (str, "a string"), (Mapping, "a dictionary"))
    names = [name for kind, name in kinds if isinstance(value, kind)]
    return [*names, "a number" if isinstance(value, (int, float)) else "a list"][0]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise Wrong(f"is {_kind(value)}, and not a string")
    return str(value)


def _device(value: Any) -> str:
    text = _text(value)
    if len(text) > LONGEST or not _DEVICE.fullmatch(text) or text in _RESERVED:
        raise Wrong(
            f"{shown(text)} is not a name for a device: up to {LONGEST} letters, digits, dashes, dots or _ of ASCII,"
            " a letter first"
        )
    return text


def _between(lowest: int, highest: int) -> Callable[[Any], int]:
    def number(value: Any) -> int:
        digits = str(value) if isinstance(value, (int, str)) and not isinstance(value, bool) else ""
        if not re.fullmatch(r"[0-9]{1,6}", digits) or not lowest <= int(digits) <= highest:
            raise Wrong(f"{shown(value)} is not from {lowest} to {highest}")
        return int(digits)

    return number


def _boolean(value: Any) -> bool:
    word = str(value).lower() if isinstance(value, (bool, int, str)) else ""
    if word not in (*_YES, *_NO):
        raise Wrong(f"{shown(value)} is neither true nor false")
    return word in _YES


def _state(value: Any) -> str:
    if value not in ("present", "absent"):
        raise Wrong(f"{shown(value)} is neither present nor absent")
    return str(value)


def _address(value: Any, version: int | None = None) -> str:
    """An address that a host can have."""
    kind = f"IPv{version}" if version else "IP"
    try:
        address = ipaddress.ip_address(_text(value))
    except ValueError as error:
        raise Wrong(f"{shown(value)} is not an address of {kind}") from error
    if (version and address.version != version) or "%" in str(value):
        raise Wrong(f"{shown(value)} is not an address of {kind}")
    _usable(address)
    return str(address)


def _usable(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    mapped = isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped
    # is_reserved is most of IPv6, in which only these are taken
    future = address.version == 4 and address.is_reserved
    if address.is_multicast or address.is_unspecified or address.is_loopback or future or mapped:
        raise Wrong(f"{address} is not an address that a host in a network can have")


def _interface(value: Any) -> str:
    """An address with its prefix."""
    text = _text(value)
    try:
        interface = ipaddress.ip_interface(text)
    except ValueError as error:
        raise Wrong(f"{shown(text)} is not an address with a prefix, like 192.0.2.10/24") from error
    if "/" not in text or "%" in text:
        raise Wrong(f"{shown(text)} is not an address with a prefix, like 192.0.2.10/24")
    _usable(interface.ip)
    net = interface.network
    whole = net.version == 4 and net.prefixlen < 31 and interface.ip in (net.network_address, net.broadcast_address)
    if whole or net.prefixlen == 0:
        raise Wrong(f"{interface} is not an address of a host, but that of a whole network")
    return str(interface)


def _domain(value: Any) -> str:
    text = _text(value)
    labels = text[:-1].split(".") if text.endswith(".") else text.split(".")
    if len(text) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise Wrong(
            f"{shown(text)} is no domain name: labels of letters, digits, dashes or _ of ASCII, with dots between"
        )
    return text


def _each(kind: Callable[[Any], str]) -> Callable[[Any], list[str]]:
    def values(value: Any) -> list[str]:
        if not isinstance(value, (list, tuple)):
            raise Wrong(f"is {_kind(value)}, and not a list")
        return [kind(one) for one in value]

    return values


_KINDS: Mapping[str, Callable[[Any], Any]] = {
    "name": _device,
    "port": _device,
    "vlan": _between(1, 4094),
    "stp": _boolean,
    "addresses": _each(_interface),
    "dhcp": _boolean,
    "gateway": lambda value: _address(value, 4),
    "gateway_ipv6": lambda value: _address(value, 6),
    "nameservers": _each(_address),
    "search": _each(_domain),
    "state": _state,
}
