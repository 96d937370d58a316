# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The packets that guests send for each question, their answers, and the hooks of the firewall that they pass."""

from __future__ import annotations

from collections.abc import Iterator

from .._values.way import Packet
from .trip import Trip

EVERYBODY, NOBODY, HIGH = "255.255.255.255", "0.0.0.0", 40000  # nothing is bound to the first two
BROADCAST = "ff:ff:ff:ff:ff:ff"
# What a guest sends outwards: a page, a name, an echo.
OUTWARDS = (("tcp", 443), ("udp", 53), ("icmp", 0))
IN = ("ingress", "bridge prerouting", "bridge input", "prerouting", "input")
OUT = ("output", "postrouting", "bridge output", "bridge postrouting", "egress")
THROUGH = ("ingress", "bridge prerouting", "bridge input", "prerouting", "forward", "postrouting", "egress")
ARRIVES, LEAVES = THROUGH[:4], THROUGH[:-1]
BACK = ("ingress", "prerouting", "forward", "postrouting", "bridge output", "bridge postrouting", "egress")
ARP_IN = ("ingress", "bridge prerouting", "bridge input", "arp input")
ARP_OUT = ("arp output", "bridge output", "bridge postrouting", "egress")
BRIDGED = ("ingress", "bridge prerouting", "bridge forward", "bridge postrouting", "egress")
ANSWERS = {"echo-request": "echo-reply", "nd-neighbor-solicit": "nd-neighbor-advert"}


def frame(trip: Trip) -> Packet:
    """A guest's own packet, as far as all questions have it in common."""
    who = trip.who
    link = str(trip.link(who.bridge).get("address", ""))
    question = trip.question
    packet = Packet(trip.version, question.source, question.destination, "udp", HIGH, inbound=who.bridge)
    return packet._replace(port_in=who.tap, source_mac=who.mac, destination_mac=link, reverse=True)


def asked(trip: Trip) -> Iterator[Packet]:
    """The packets of a question for the hypervisor itself."""
    packet, name = frame(trip), trip.question.name
    if name == "dhcp":
        yield packet._replace(
            source=NOBODY, destination=EVERYBODY, source_port=68, port=67, destination_mac=BROADCAST, reverse=None
        )
    elif name == "dns":
        yield from (packet._replace(protocol=protocol, port=53) for protocol in ("udp", "tcp"))
    elif trip.version == 6:
        yield packet._replace(protocol="icmp", message="nd-neighbor-solicit", source_port=0)


def outwards(trip: Trip) -> Iterator[Packet]:
    """What guests send outwards."""
    packet = frame(trip)._replace(outbound=trip.uplink or trip.beyond)
    for protocol, port in OUTWARDS:
        yield packet._replace(protocol=protocol, port=port, source_port=HIGH if port else 0)


def turned(packet: Packet) -> Packet:
    """The answer to a packet."""
    there = packet._replace(
        source=packet.destination,
        destination=packet.source,
        source_port=packet.port,
        port=packet.source_port,
        inbound=packet.outbound,
        outbound=packet.inbound,
    )
    there = there._replace(port_in=packet.port_out, port_out=packet.port_in, state="established")
    there = there._replace(message=ANSWERS.get(packet.message, packet.message))
    if packet.destination == EVERYBODY:
        return there._replace(source="", destination=EVERYBODY, state="new", source_mac="", reverse=None)
    return there._replace(source_mac=packet.destination_mac, destination_mac=packet.source_mac)
