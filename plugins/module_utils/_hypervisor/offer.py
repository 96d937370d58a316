# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a DHCP offer says, against what a guest of the network needs."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from .._values.probe import Probe

MASK, ROUTER, DNS = 1, 3, 6  # RFC 2132
PAD, END = 0, 255
ADDRESS, OPTIONS = 58, 282  # where the offered address begins in a frame, and the options behind BOOTP's fields


def wrong(frame: bytes, probe: Probe) -> list[str]:
    """What keeps a guest with this offer from the network's gateway or DNS, each in words."""
    if probe.own_options or len(frame) < OPTIONS:
        return []
    address = ipaddress.ip_address(frame[ADDRESS : ADDRESS + 4])
    own = next((one for one in map(ipaddress.ip_interface, probe.addresses) if address in one.network), None)
    if own is None:
        return [f"the offered address {address} is in none of the network's subnets"]
    told = dict(_options(frame))
    gateway = str(own.ip)
    wanted = {
        "mask": (MASK, str(own.network.netmask)),
        "router": (ROUTER, gateway if 4 in probe.outside else ""),
        "DNS server": (DNS, gateway if probe.dns else ""),
    }
    return [
        f"the offer's {name} is {' and '.join(told.get(code, [])) or 'missing'}, the network's is {right}"
        for name, (code, right) in wanted.items()
        if right and right not in told.get(code, [])
    ]


def _options(frame: bytes) -> Iterator[tuple[int, list[str]]]:
    """The options that hold addresses of IPv4, each with these."""
    at = OPTIONS
    while at + 1 < len(frame) and frame[at] != END:
        if frame[at] == PAD:
            at += 1
            continue
        value = frame[at + 2 : at + 2 + frame[at + 1]]
        if frame[at] in (MASK, ROUTER, DNS):
            yield frame[at], [".".join(map(str, value[i : i + 4])) for i in range(0, len(value), 4)]
        at += 2 + frame[at + 1]
