# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way of a packet: its hops, the packet as the firewall sees it, and what the kernel was asked. No behaviour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from .host_facts import NONE, Inspector

NOTHING: Mapping[Any, Any] = NONE


class Deed(NamedTuple):
    """What a rule of the firewall does to a packet that it lets pass: the ``value`` that it gives one of its fields,
    the ``rule``, its ``owner`` and the ``remedy`` as in a verdict."""

    value: Any
    rule: str
    owner: str = ""
    remedy: str = ""


class Packet(NamedTuple):
    """One packet on its way, as the hypervisor's firewall sees it.

    ``inbound`` is the device that it comes in by, "" when the hypervisor itself sends it; ``outbound`` the one that it
    leaves by, "" when it is for the hypervisor itself; ``port_in`` and ``port_out`` are the bridge's ports. ``message``
    is ICMP's type in nft's words; ``reverse`` whether the route to the source leads back by ``inbound`` (None: not
    looked up). ``mark`` is the firewall's (None: not known), ``connmark`` that of its connection; ``followed``: what
    rules have done to the packet is known, as it was followed from where it came in.
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
    mark: int | None = 0
    connmark: int | None = 0
    followed: bool = False


class Verdict(NamedTuple):
    """What the rules at one hook do to a packet; ``passes`` is None when that cannot be said, ``unknown`` says why.

    ``rule`` is the one that decides, as its tool prints it, ``owner`` who made it ("" when that cannot be seen),
    ``remedy`` the command that undoes it; ``insert`` begins one that inserts a rule before it, where it is for all
    packets that no rule accepts; ``translated``: whether NAT applies. ``mark`` is the packet's behind the hook,
    ``connmark`` its connection's, ``deeds`` what else rules do to it, by the field's name.
    """

    passes: bool | None
    rule: str = ""
    owner: str = ""
    remedy: str = ""
    translated: bool = False
    unknown: str = ""
    insert: str = ""
    mark: int | None = 0
    connmark: int | None = 0
    deeds: Mapping[str, Deed] = NONE


class Question(NamedTuple):
    """What a packet of a guest's NIC is for: dhcp, dns, names, gateway, guest or outside, over a ``version`` of IP;
    ``source`` is the guest's address ("" where none is needed), ``destination`` the other end's."""

    name: str
    version: int
    source: str = ""
    destination: str = ""


class Hop(NamedTuple):
    """One place on the way, on ``device`` if it has one: ``verdict`` is passes, ends or unknown (not looked at);
    ``evidence`` is what was seen, ``code`` that of the finding where the way ends, ``remedy`` what to do there."""

    place: str
    device: str
    verdict: str
    evidence: str = ""
    code: str = ""
    remedy: str = ""


class Way(NamedTuple):
    """The way of a NIC's packet for a question; ``domain`` and ``mac`` are "" for any guest of the network."""

    network: str
    domain: str
    mac: str
    question: Question
    hops: tuple[Hop, ...]


class Lookup(NamedTuple):
    """A question for the kernel's routes; ``inbound`` is the device that the packet comes in by, "" when the hypervisor
    itself sends it. ``protocol``, the ports and ``mark`` matter where a policy rule asks for them."""

    version: int
    destination: str
    source: str
    inbound: str = ""
    protocol: str = ""
    port: int = 0
    mark: int = 0
    source_port: int = 0


class Answer(NamedTuple):
    """The kernel's answer: the route as iproute2 prints it, or its ``error``."""

    route: Mapping[str, Any] = NONE
    error: str = ""


class Kernel(NamedTuple):
    """What the kernel says of the network, as iproute2 prints it.

    ``links`` go by name, ``policies`` and ``routes`` (of all tables) by the version of IP, ``vlans`` and ``filters``
    (of what comes in) by the device; ``settings`` are sysctls by name; ``firewall`` is what its tools list, None where
    that may not be read; ``resolvers`` are the servers in /etc/resolv.conf, None where there is none.
    ``ipsec`` are the policies of IPsec, what decides first, each as its words and ``tmpl``, a tunnel that it asks for.
    """

    links: Mapping[str, Mapping[str, Any]]
    policies: Mapping[int, Sequence[Mapping[str, Any]]] = NOTHING
    routes: Mapping[int, Sequence[Mapping[str, Any]]] = NOTHING
    neighbours: Sequence[Mapping[str, Any]] = ()
    forwarding: Sequence[Mapping[str, Any]] = ()
    vlans: Mapping[str, Sequence[Mapping[str, Any]]] = NONE
    queues: Sequence[Mapping[str, Any]] = ()
    filters: Mapping[str, Sequence[Mapping[str, Any]]] = NONE
    settings: Mapping[str, str] = NONE
    firewall: Mapping[str, str] | None = None
    answers: Mapping[Lookup, Answer] = NOTHING
    resolvers: tuple[str, ...] | None = None
    ipsec: Sequence[Mapping[str, str]] = ()


class KernelInspector(Inspector, Protocol):
    """What asks the hypervisor's kernel, too."""

    def kernel(self) -> Kernel | None:
        """What the kernel says of the network, None where it cannot be asked."""

    def lookups(self, asked: Sequence[Lookup]) -> Mapping[Lookup, Answer]:
        """What the kernel answers to these questions for its routes."""
