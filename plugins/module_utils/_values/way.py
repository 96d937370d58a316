# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way of a packet: its hops, the packet as the firewall sees it, and what the kernel was asked. No behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from .host_facts import NONE


class Packet(NamedTuple):
    """One packet on its way, as the hypervisor's firewall sees it.

    ``inbound`` is the device that it comes in by, "" when the hypervisor itself sends it; ``outbound`` the one that it
    leaves by, "" when it is for the hypervisor itself; ``port_in`` and ``port_out`` are the bridge's ports. ``message``
    is ICMP's type in nft's words; ``reverse`` whether the route to the source leads back by ``inbound`` (None: not
    looked up).
    """

    version: int
    source: str
    destination: str
    protocol: str
    source_port: int = 0
    port: int = 0
    inbound: str = ""
    outbound: str = ""
    port_in: str = ""
    port_out: str = ""
    source_mac: str = ""
    destination_mac: str = ""
    state: str = "new"
    message: str = "echo-request"
    reverse: bool | None = None


class Verdict(NamedTuple):
    """What the rules at one hook do to a packet; ``passes`` is None when that cannot be said, ``unknown`` says why.

    ``rule`` is the one that decides, as its tool prints it, ``owner`` who made it ("" when that cannot be seen),
    ``remedy`` the command that takes it back; ``translated``: whether NAT applies.
    """

    passes: bool | None
    rule: str = ""
    owner: str = ""
    remedy: str = ""
    translated: bool = False
    unknown: str = ""


class Question(NamedTuple):
    """What a packet of a guest's NIC is for: dhcp, dns, gateway or outside, over IP of one ``version``; ``source`` is
    the guest's address, "" while it has none, ``destination`` the other end's."""

    name: str
    version: int
    source: str
    destination: str


class Hop(NamedTuple):
    """One place on the way: ``verdict`` is passes, ends or unknown (not looked at); ``evidence`` what was seen, ``code``
    that of the finding where the way ends, ``remedy`` what to do there."""

    name: str
    verdict: str
    evidence: str = ""
    code: str = ""
    remedy: str = ""


class Way(NamedTuple):
    """The way of a NIC's packet for a question, up to where it ends; ``domain`` and ``mac`` are "" for a guest that
    any address of the network could have."""

    network: str
    domain: str
    mac: str
    question: Question
    hops: tuple[Hop, ...]


class Answer(NamedTuple):
    """What the kernel says of a route: what ``ip -json route get`` prints, or its ``error``."""

    route: Mapping[str, Any] = NONE
    error: str = ""
