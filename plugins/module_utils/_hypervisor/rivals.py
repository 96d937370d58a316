# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who else stands for a network's gateway: whoever has its address, leases addresses, or is a router.

The bridge asks for itself, and only its ports hear that: no frame of the client passes to them.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from .._values.probe import Probe
from . import probe as _probe
from .fence import leaves_by

ETHERTYPE_IPV6 = 0x86DD
ALL_ROUTERS = "333300000002"  # the MAC address of this group
ROUTER_SECONDS = 0.8  # a router waits for up to 0.5 (RFC 4861, 6.2.6)
LESSOR_SECONDS = 3.5  # dnsmasq pings an address for 3 before it offers it


class Rival(NamedTuple):
    """What others may do that is the gateway's to do, and the MAC addresses of those who do it, each with its port."""

    question: str
    version: int
    does: str
    macs: Future[dict[str, str]]


def rivals(beside: ThreadPoolExecutor, probe: Probe, gateway: str, client: str) -> list[Rival]:
    """Asks on a bridge that no port leads out of, with the MAC address of a client that takes nothing; ``gateway``:
    the bridge's address of IPv4, if it has one. Of IPv6, the kernel asks before it takes an address."""
    if leaves_by(probe.bridge):
        return []
    mac = Path("/sys/class/net", probe.bridge, "address").read_text(encoding="ascii").strip()
    asked = []
    if gateway:
        others = beside.submit(claimants, gateway, probe.bridge, mac)
        asked.append(Rival("owner", 4, f"answers ARP for {gateway}", others))
    if 4 in probe.dhcp:
        others = beside.submit(lessors, probe.bridge, client)
        asked.append(Rival("lessor", 4, "offers addresses by DHCP", others))
    if any(":" in address for address in probe.addresses):
        others = beside.submit(routers, probe.bridge, mac)
        asked.append(Rival("advertiser", 6, "advertises itself as a router", others))
    return asked


def claimants(address: str, bridge: str, mac: str) -> dict[str, str]:
    """The MAC addresses of all others behind a bridge with this MAC address who say that they have an address of IPv4,
    each with its port."""

    def owner(frame: bytes) -> str:
        return _probe.arp_owner(frame, address).replace(mac, "")

    question = _probe.arp_request(address, mac)
    return _all(bridge, _probe.ETHERTYPE_ARP, question, owner, _probe.ARP_SECONDS)


def lessors(bridge: str, client: str) -> dict[str, str]:
    """The same of all who offer addresses of IPv4 to a client."""
    number = os.urandom(4)
    question = _probe.discover(bytes.fromhex(client.replace(":", "")), number)

    def lessor(frame: bytes) -> str:
        return _sender(frame) if _probe.is_offer(frame, number) else ""

    return _all(bridge, _probe.ETHERTYPE_IP, question, lessor, LESSOR_SECONDS)


def routers(bridge: str, mac: str) -> dict[str, str]:
    """The same of all who say that they are a default router of IPv6, from now on."""

    def router(frame: bytes) -> str:
        is_advertisement = frame[20:21] + frame[54:55] == bytes([socket.IPPROTO_ICMPV6, _probe.ROUTER[1]])
        return _sender(frame).replace(mac, "") if is_advertisement and any(frame[60:62]) else ""

    return _all(bridge, ETHERTYPE_IPV6, _solicitation(mac), router, ROUTER_SECONDS)


def _port(mac: str, bridge: str) -> str:
    """The port of a bridge behind which a MAC address was seen, "" for none. linux/if_bridge.h has the table's form."""
    place = Path("/sys/class/net", bridge)
    table = (place / "brforward").read_bytes()
    entries = [table[at : at + 16] for at in range(0, len(table), 16)]
    numbers = {entry[6] + 256 * entry[12] for entry in entries if entry[:6].hex(":") == mac}
    ports = (port for port in place.glob("brif/*/port_no") if int(port.read_text(encoding="ascii"), 0) in numbers)
    return next((port.parent.name for port in ports), "")


def _all(bridge: str, kind: int, question: bytes, who: Callable[[bytes], str], seconds: float) -> dict[str, str]:
    """Everybody who answers a frame, with the port: a bridge with STP forgets it in two seconds when a cable goes."""
    found: dict[str, str] = {}

    def note(frame: bytes) -> None:
        mac = who(frame)
        if mac and mac not in found:
            found[mac] = _port(mac, bridge)

    _probe.raw(bridge, kind, question, note, seconds)
    return found


def _sender(frame: bytes) -> str:
    return frame[6:12].hex(":")


def _solicitation(mac: str) -> bytes:
    """The question for routers as a frame, from nobody's address (RFC 4861, 4.1)."""
    bare = struct.pack("!BBHI", _probe.ROUTER[0], 0, 0, 0)
    places = bytes(16) + socket.inet_pton(socket.AF_INET6, _probe.ALL_ROUTERS)
    total = _probe.checksum(places + struct.pack("!II", len(bare), socket.IPPROTO_ICMPV6) + bare)
    message = bare[:2] + struct.pack("!H", total) + bare[4:]
    head = struct.pack("!IHBB", 6 << 28, len(message), socket.IPPROTO_ICMPV6, 255)
    return (
        bytes.fromhex(ALL_ROUTERS + mac.replace(":", "")) + struct.pack("!H", ETHERTYPE_IPV6) + head + places + message
    )
