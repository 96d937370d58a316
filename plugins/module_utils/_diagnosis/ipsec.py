# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hop at the kernel's IPsec policies, which may block packets whatever the firewall says."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping

from .._values.way import Hop, Packet
from .packets import asked, outwards, turned
from .trip import Trip, ends, passes

# The directions of policies that a packet is compared with, in the kernel's order.
HERE, THROUGH, AWAY = ("in",), ("fwd", "out"), ("out",)
SELECTOR = ("src", "dst", "proto", "sport", "dport", "dev")
# Of another word, nobody knows whether a packet is meant.
SAID = {*SELECTOR, "dir", "action", "priority", "ptype", "tmpl", "default"}


def ipsec(trip: Trip) -> list[Hop]:
    """What the policies do to a question and its answer; no hop where there are none."""
    for directions, packet in _packets(trip) if trip.kernel.ipsec else ():
        for way in directions:
            policy = next((one for one in trip.kernel.ipsec if one["dir"] == way and _is_for(one, packet)), None)
            if policy and "default" in policy:
                evidence = f"the IPsec default for {way!r} blocks packets of guests: no policy is for them"
                return [ends("ipsec", "", "ipsec_blocks", evidence, f"ip xfrm policy setdefault {way} accept")]
            why = _why(policy, packet) if policy else ""
            if policy and why:
                text = " ".join(f"{word} {policy[word]}" for word in (*SELECTOR, "dir") if word in policy)
                evidence = f"the IPsec policy {text!r} {why}"
                return [ends("ipsec", "", "ipsec_blocks", evidence, f"ip xfrm policy delete {text}")]
    return [passes("ipsec", "", "no policy blocks it")] if trip.kernel.ipsec else []


def _why(policy: Mapping[str, str], packet: Packet) -> str:
    """Why a policy lets a packet not pass, "" when it does. A guest's own packet has come out of no tunnel."""
    if policy.get("action") == "block":
        return "blocks packets of guests"
    if policy.get("tmpl") and policy["dir"] == "out":
        return f"sends packets of guests into a tunnel that is not there: {policy['tmpl']}"
    if policy.get("tmpl") and packet.state == "new":
        return f"takes packets of guests only out of a tunnel: {policy['tmpl']}"
    return ""


def _packets(trip: Trip) -> Iterator[tuple[tuple[str, ...], Packet]]:
    """The packets of a question with the directions that they go."""
    if trip.question.name == "outside":
        yield from ((THROUGH, one) for packet in outwards(trip) for one in (packet, turned(packet)))
    else:
        yield from (one for packet in asked(trip) for one in ((HERE, packet), (AWAY, turned(packet))))


def _is_for(policy: Mapping[str, str], packet: Packet) -> bool:
    protocol = "ipv6-icmp" if (packet.version, packet.protocol) == (6, "icmp") else packet.protocol
    known = {"proto": protocol, "sport": str(packet.source_port), "dport": str(packet.port), "dev": packet.outbound}
    return (
        {*policy} <= SAID
        and all(policy.get(word, own) == own for word, own in known.items())
        and _is_in(packet.source, policy["src"])
        and _is_in(packet.destination, policy["dst"])
    )


def _is_in(address: str, net: str) -> bool:
    """Whether an address is in a subnet; one of another version of IP is in none."""
    return ipaddress.ip_address(address) in ipaddress.ip_network(net, strict=False)
