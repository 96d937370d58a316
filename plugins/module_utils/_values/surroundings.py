# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a network finds around it, and what it needs of the host. No behaviour."""

from __future__ import annotations

from typing import NamedTuple

from .observed import Device, Observed


class Need(NamedTuple):
    """What a network needs of the host: ``kind`` is port (with protocol, address and number), zone (of firewalld),
    dnsmasq (with options that it takes), tftp (a folder), vfs (of a device with SR-IOV), vf (a PCI address), ipv6, or
    forwarding (of IPv6, beside router advertisements)."""

    kind: str
    values: tuple[str, ...] = ()


class Lack(NamedTuple):
    """What the host lacks of that, in words, and what could not be tried."""

    problems: list[str]
    unchecked: list[str]


class Surroundings(NamedTuple):
    """What else there is: the other networks, the host's devices (None: it cannot be looked at from here), libvirt's
    version as a number like 9000000 for 9.0.0, and the addresses at which the dnsmasq of a network listens now."""

    networks: tuple[Observed, ...] = ()
    devices: dict[str, Device] | None = None
    version: int = 0
    held: tuple[str, ...] = ()
