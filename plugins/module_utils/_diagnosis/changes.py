# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What rules of a firewall do to packets that they let pass, so that those do not arrive, or no answer does."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterator, Mapping

from .._values.way import Deed, Hop, Packet, Verdict
from .firewall import ADDRESS, Firewall
from .packets import ARRIVES, BACK, LEAVES, THROUGH, outwards, turned
from .statements import TRANSLATE
from .trip import Trip, ends

# The fields that a rule may set: to whom a packet goes, from whom it seems to come, and how far it gets.
LED = ("ip daddr", "ip6 daddr", "ether daddr", *(f"{protocol} dport" for protocol in ("th", "tcp", "udp")))
GIVEN = ("ip saddr", "ip6 saddr")
TIMES, ZONE, UNTRACKED = ("ip ttl", "ip6 hoplimit"), "ct zone", frozenset({"untracked"})


def untracking(deeds: Mapping[str, Deed]) -> list[Deed]:
    """What keeps a packet's connection from being tracked."""
    return [deed for key, deed in deeds.items() if key == "ct state" and deed.value == UNTRACKED]


def _deeds(trip: Trip, hooks: tuple[str, ...], packet: Packet, fields: Collection[str]) -> Iterator[Deed]:
    """What rules at these hooks do to fields of a packet, as far as it is known."""
    for _hook, verdict, _at in trip.firewall.followed(hooks, packet) if trip.firewall else ():
        yield from (deed for key, deed in verdict.deeds.items() if key in fields and deed.value is not None)


def foreign(trip: Trip) -> Iterator[Hop]:
    """A rule that gives packets an address to which answers do not come back; libvirt's are those of the definition."""
    own = {str(one.get("local", "")) for link in trip.kernel.links.values() for one in link.get("addr_info", ())}
    for packet in outwards(trip):
        translated = [*_deeds(trip, LEAVES, packet, (TRANSLATE,))][-1:]
        for deed in (*translated, *_deeds(trip, LEAVES, packet, GIVEN)):
            address = str(ipaddress.ip_address(deed.value)) if isinstance(deed.value, int) else deed.value
            if ADDRESS.match(address) and address not in own and deed.owner != "libvirt":
                evidence = f"packets of guests leave with {address}, which the hypervisor does not have: {deed.rule}"
                yield ends("translation", trip.uplink, "translated_wrongly", evidence, deed.remedy)


def redirected(trip: Trip, place: str, packets: list[Packet], hooks: tuple[str, ...]) -> Hop | None:
    """A rule that leads packets to somebody else than they are for."""
    for packet in packets:
        for deed in (*_deeds(trip, ARRIVES, packet, (TRANSLATE,)), *_deeds(trip, hooks, packet, LED)):
            what = f"{packet.protocol} packets of guests{f' to port {packet.port}' if packet.port else ''}"
            return ends(place, "", "firewall_redirects", f"{what} are led elsewhere: {deed.rule}", deed.remedy)
    return None


def expired(trip: Trip, packets: list[Packet]) -> Hop | None:
    """A rule after which the next router, or the hypervisor itself, drops a packet: it may go no further."""
    for packet in packets:
        for deed in _deeds(trip, THROUGH, packet, TIMES):
            if deed.value in (0, 1):
                evidence = f"packets of guests expire at the next router: {deed.rule}"
                return ends("forward", "", "packets_expire", evidence, deed.remedy)
    return None


def _arrived(firewall: Firewall, hooks: tuple[str, ...], packet: Packet) -> Verdict:
    """The verdict at the last one of these hooks."""
    *_before, (_hook, verdict, _at) = firewall.followed(hooks, packet)
    return verdict


def zoned(trip: Trip, packet: Packet) -> Hop | None:
    """A rule that has connections looked up elsewhere than what comes back."""
    if trip.firewall is None:
        return None
    ways = (ARRIVES, packet), (BACK[:2], turned(packet))
    deeds = [_arrived(trip.firewall, hooks, one).deeds.get(ZONE) for hooks, one in ways]
    out, back = (deed.value if deed else 0 for deed in deeds)
    named = next(filter(None, deeds), None)
    if None in (out, back) or out == back or named is None:
        return None
    evidence = f"guests' connections are in zone {out}, and looked up in zone {back} when an answer comes: {named.rule}"
    return ends("forward back", "", "not_translated", evidence, named.remedy)
