# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client on a cable of its own: what it asks a network, and what becomes of each question. No behaviour."""

from __future__ import annotations

from typing import NamedTuple


class Probe(NamedTuple):
    """What a client on ``bridge`` asks.

    ``addresses`` are the network's, with their prefix: the first of each version of IP is asked. ``dhcp`` and
    ``outside`` are the versions whose addresses are leased, and that are forwarded to the outside. ``guests`` are the
    addresses of a guest behind the bridge's ``port``. The client takes none of the addresses in ``taken``. With
    ``own_options`` the definition says itself what DHCP offers.
    """

    bridge: str
    addresses: tuple[str, ...] = ()
    dhcp: tuple[int, ...] = ()
    dns: bool = False
    outside: tuple[int, ...] = ()
    guests: tuple[str, ...] = ()
    port: str = ""
    taken: frozenset[str] = frozenset()
    own_options: bool = False


class Evidence(NamedTuple):
    """What became of a question that nobody answers, the strongest first.

    ``kind`` is one of

    - rule: a rule, or the policy, of nftables (and of iptables on top of it) drops it; ``handle`` is 0 for a policy
    - claim: another one with this ``mac``, behind the port ``device``, does what is the gateway's to do
    - offer: what DHCP offers does not fit the network
    - counter: a rule of iptables-legacy that drops has counted one packet more
    - drop: the kernel drops it for a ``reason`` of its own, in its function ``place``, after it came in by ``device``
    - port: the port of another guest does not forward
    - end: the same function takes it and does not answer
    - route, neighbour: the kernel has no way for it, or back, or sends the answer to another MAC
    - seen: it came in by ``device``, and nothing drops it: who it is for does not answer
    - nothing: it did not get as far as the bridge

    ``text`` says it in the words of the kernel's tools.
    """

    kind: str
    text: str
    family: str = ""
    table: str = ""
    chain: str = ""
    handle: int = 0
    reason: str = ""
    place: str = ""
    device: str = ""
    mac: str = ""


class Reply(NamedTuple):
    """What became of a question over IP of one ``version``: ``answered`` is None where it was not asked, and ``why``
    says so.

    The questions: dhcp (a discover, or a solicit), offer (what it was answered), router (a solicitation of IPv6),
    neighbour (the gateway's MAC), owner (who else has its address), lessor (who else leases addresses), advertiser (who
    else is a default router), gateway (an echo request), dns and dns_tcp, guest (another guest's MAC), outside (a
    packet to the default route, answered when it gets as far as it may).
    """

    question: str
    version: int
    answered: bool | None
    why: str = ""
    evidence: tuple[Evidence, ...] = ()
