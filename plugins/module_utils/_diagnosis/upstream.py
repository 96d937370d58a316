# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom a network's dnsmasq asks for names outside, and whether the hypervisor reaches one of them."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator

from .._values.host_facts import HostFacts
from .._values.way import Hop, Kernel, Lookup, Packet
from .routes import decision
from .trip import Trip, ends, passes, unknown

DNS, HIGH = 53, 40000
EVERYWHERE = ("0.0.0.0", "::", "*")  # read, not bound
OUT, BACK = ("output", "postrouting", "egress"), ("ingress", "prerouting", "input")


def upstreams(network: str, host: HostFacts | None, kernel: Kernel) -> tuple[str, ...] | None:
    """The servers that a network's dnsmasq asks: those of its configuration, else the hypervisor's own; None where it
    asks nobody on purpose, or that cannot be read."""
    server = host.servers.get(network) if host else None
    if server is None or not server.pid or server.options is None or kernel.resolvers is None:
        return None
    lines = server.options.splitlines()
    own = [line.partition("=")[2].partition("#")[0] for line in lines if line.startswith("server=")]
    if own or "no-resolv" in lines:
        return tuple(one for one in own if _is_address(one)) or None
    return kernel.resolvers


def deaf(servers: Iterable[str], host: HostFacts) -> frozenset[str]:
    """Those of these servers on the hypervisor itself where nobody listens."""
    listens = {one.address for one in host.sockets if (one.protocol, one.port) == ("udp", DNS)}
    here = (one for one in servers if ipaddress.ip_address(one).is_loopback)
    return frozenset(one for one in here if not listens & {one, *EVERYWHERE})


def lookups(trip: Trip) -> list[Lookup]:
    """The routes to these servers."""
    return [Lookup(ipaddress.ip_address(one).version, one, "") for one in trip.who.upstreams or ()]


def upstream(trip: Trip) -> Hop:
    """Whether dnsmasq reaches one of those whom it asks."""
    why = []
    for lookup in lookups(trip):
        lost = next(_lost(trip, lookup), None)
        if lost is None:
            return passes("upstream", "", f"dnsmasq asks {lookup.destination}")
        why.append(lost)
    if trip.firewall is None and not all(remedy for _text, remedy in why):
        return unknown("upstream", "", "the firewall cannot be read")
    reasons = "; ".join(text for text, _remedy in why) or "/etc/resolv.conf of the hypervisor names no server"
    remedy = next((remedy for _text, remedy in why if remedy), "")
    return ends("upstream", "", "dns_upstream", f"dnsmasq has nobody to ask for names outside: {reasons}", remedy)


def _lost(trip: Trip, lookup: Lookup) -> Iterator[tuple[str, str]]:
    """Why a server is not reached, and what to do about it."""
    server = lookup.destination
    if server in trip.who.deaf:
        yield f"nobody listens at {server}", ""
        return
    answer = trip.answer(lookup)
    if answer is None:
        return
    if answer.error:
        found = decision(trip.kernel, lookup)
        yield f"{server} has no route ({found.what or answer.error})", found.remedy
        return
    device, via = str(answer.route.get("dev", "")), str(answer.route.get("gateway", server))
    states = [one.get("state", ()) for one in trip.kernel.neighbours if (one["dst"], one.get("dev")) == (via, device)]
    if any("FAILED" in state for state in states):
        yield f"{via} does not answer on {device}", ""
    yield from _dropped(trip, lookup, device, str(answer.route.get("prefsrc", "")))


def _dropped(trip: Trip, lookup: Lookup, device: str, source: str) -> Iterator[tuple[str, str]]:
    if trip.firewall is None or not source:
        return
    asked = Packet(lookup.version, source, lookup.destination, "udp", HIGH, DNS, outbound=device)
    heard = Packet(lookup.version, lookup.destination, source, "udp", DNS, HIGH, inbound=device, state="established")
    for hooks, packet in ((OUT, asked), (BACK, heard)):
        for _hook, verdict, _packet in trip.firewall.followed(hooks, packet):
            if verdict.passes is False:
                yield f"the firewall drops the questions to {lookup.destination}: {verdict.rule}", verdict.remedy
                return


def _is_address(text: str) -> bool:
    try:
        return bool(ipaddress.ip_address(text))
    except ValueError:
        return False
