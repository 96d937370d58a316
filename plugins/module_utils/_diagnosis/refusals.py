# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom a network's dnsmasq leases nothing, by the lines of its files and the options of its command."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from .._values.host_facts import Server
from .._xml.fields import Spec

HOST, RANGE, IGNORE, MAC = "dhcp-host=", "dhcp-range=", "dhcp-ignore=", "dhcp-mac="
ADDRESS = re.compile(r"(?:[0-9a-f]{1,2}-)?((?:[0-9a-f]{1,2}|\*)(?::(?:[0-9a-f]{1,2}|\*)){5})")
KNOWN = "known"  # dnsmasq's tag of whom a line of reservations names
TAG, ANY_TAG = (re.compile(f"{form}(!?)(.*)") for form in ("tag:", "(?:tag:|net:|#)?"))
# What refuses everybody; of a bridge the first ones.
EVERYBODY = ("no-dhcp-interface={}", "no-dhcpv4-interface={}", "except-interface={}", "dhcp-lease-max=0")


def refusal(spec: Spec, server: Server | None, mac: str = "") -> str:
    """The line by which dnsmasq leases no address of IPv4 to a MAC address, or without one to anybody whom it does not
    know; "" where it does, or the network's own definition has that line."""
    if server is None or not server.pid or not server.options:
        return ""
    asked = {str(option) for option in spec.get("dnsmasq_options", [])}
    lines = [line.strip() for line in server.options.splitlines()]
    found = next(_refusals(lines, spec["bridge"]["name"], mac.lower()), "")
    return "" if found in asked else found


def _refusals(lines: Sequence[str], bridge: str, mac: str) -> Iterator[str]:
    yield from (line for line in lines if line in {text.format(bridge) for text in EVERYBODY})
    own = _reservation(lines, mac) if mac else ""
    if "ignore" in _fields(own):
        yield own
    tags = {bridge, *([KNOWN] if own else []), *_set_by(own)}
    tags = tags.union(*(_set_by(line) for line in lines if line.startswith(MAC) and mac and _fits(line, mac)))
    # What else sets a tag goes by what a guest says of itself.
    others = {tag for line in lines if not line.startswith((HOST, MAC)) and "=" in line for tag in _set_by(line)}
    for line in lines:
        if line.startswith(IGNORE) and _holds(line, ANY_TAG, tags, others):
            yield line
    ranges = [line for line in lines if line.startswith(RANGE) and "." in line]
    if ranges and not any(_holds(line, TAG, tags, others) is not False for line in ranges):
        yield ranges[0]


def _reservation(lines: Sequence[str], mac: str) -> str:
    """The line of reservations for a MAC address; one that names it comes before one with a wildcard for it, and of
    several the last one."""
    entries = [line for line in reversed(lines) if line.startswith(HOST) or "=" not in line]
    fitting = [line for line in entries if _fits(line, mac)]
    return next((line for line in fitting if mac in line.lower()), next(iter(fitting), ""))


def _fits(line: str, mac: str) -> bool:
    """Whether a line names a MAC address, perhaps with wildcards."""
    if mac not in line.lower() and "*" not in line:
        return False
    named = [found[1].split(":") for field in _fields(line) for found in [ADDRESS.fullmatch(field)] if found]
    return any(all(part in ("*", own) for part, own in zip(one, mac.split(":"))) for one in named)


def _fields(line: str) -> list[str]:
    return [field.strip() for field in line.lower().rpartition("=")[2].split(",")]


def _set_by(line: str) -> list[str]:
    return [field.partition(":")[2] for field in _fields(line) if field.startswith(("set:", "net:"))]


def _holds(line: str, form: re.Pattern[str], tags: set[str], others: set[str]) -> bool | None:
    """Whether all tags that a line asks for are set, or not, as it asks; None where that depends on ``others``."""
    asked = [found.groups() for field in _fields(line) for found in [form.fullmatch(field)] if found]
    if not all((name in tags) != bool(negated) for negated, name in asked if name not in others):
        return False
    return None if any(name in others for _negated, name in asked) else True
