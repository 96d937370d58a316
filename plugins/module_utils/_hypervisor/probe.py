# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks a network's gateway and DHCP a real question, from wherever this thread is."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
import time
from collections.abc import Callable
from typing import Any

from .cable import ip
from .dns import SECONDS, family_of

ETHERTYPE_IP, ETHERTYPE_ARP = 0x0800, 0x0806
EVERYONE = b"\xff" * 6
REQUEST, REPLY = 1, 2  # of BOOTP, RFC 951, and of ARP
DISCOVER = 1  # of DHCP
SOLICIT, ADVERTISE = 1, 2  # of DHCPv6
AGAIN_SECONDS = 4.0  # dnsmasq pings an address for 3 before it offers it
# Echo request and reply: of ICMP, and of ICMPv6; solicitation and advertisement of a router.
ECHO = {4: (8, 0), 6: (128, 129)}
ROUTER = (133, 134)
ALL_ROUTERS, ALL_SERVERS = "ff02::2", "ff02::1:2"
HTTPS = 443
ARP_SECONDS = 0.3


def echoes(address: str, seconds: float) -> bool:
    """Whether an echo request is answered."""
    return _icmp(ECHO[6 if ":" in address else 4], os.urandom(4), (address, 0), seconds)


def advertises(device: str, seconds: float) -> bool:
    """Whether a router of IPv6 answers a solicitation."""
    return _icmp(ROUTER, b"\0" * 4, (ALL_ROUTERS, 0, 0, socket.if_nametoindex(device)), seconds)


def resolves(address: str, device: str, seconds: float) -> bool:
    """Whether somebody says which MAC has an address behind a device."""
    echoes(address, seconds)
    entries = json.loads(ip("-j", "neighbour", "show", "to", address, "dev", device) or "[]")
    return any("lladdr" in entry for entry in entries)


def is_free(address: str, device: str, mac: str) -> bool:
    """Whether nobody on a cable has an address of IPv4 (a probe, RFC 5227)."""
    question = arp_request(address, mac)
    return not raw(device, ETHERTYPE_ARP, question, lambda frame: arp_owner(frame, address), ARP_SECONDS)


def arp_request(address: str, mac: str) -> bytes:
    """The question for the owner of an address of IPv4 as a frame."""
    mine = bytes.fromhex(mac.replace(":", ""))
    head = EVERYONE + mine + struct.pack("!HHHBBH", ETHERTYPE_ARP, 1, ETHERTYPE_IP, 6, 4, REQUEST)
    return head + mine + b"\0" * 10 + socket.inet_aton(address)


def arp_owner(frame: bytes, address: str) -> str:
    """Who says in an answer of ARP that it has an address, "" in any other frame."""
    is_answer = frame[20:22] + frame[28:32] == struct.pack("!H", REPLY) + socket.inet_aton(address)
    return frame[22:28].hex(":") if is_answer else ""


def sends(address: str, seconds: float) -> None:
    """Sends the first packet of a connection, to which there is no answer, and waits for so long until it is there."""
    with contextlib.closing(socket.socket(family_of(address), socket.SOCK_STREAM)) as asking:
        asking.setblocking(False)
        asking.connect_ex((address, HTTPS))
        time.sleep(min(seconds, SECONDS / 4))


def offers(device: str, mac: str, kept: list[bytes], seconds: float) -> bool:
    """Whether somebody offers an address of IPv4 to a client on a cable, which does not take it; the offer is ``kept``
    as a frame."""
    number = os.urandom(4)
    question = discover(bytes.fromhex(mac.replace(":", "")), number)
    kept.clear()

    def is_it(frame: bytes) -> bool:
        kept.extend([frame] if is_offer(frame, number) else [])
        return bool(kept)

    return raw(device, ETHERTYPE_IP, question, is_it, seconds)


def is_offer(frame: bytes, number: bytes) -> bool:
    """Whether a frame answers the DHCP discover with a number."""
    # The reply's UDP payload stands behind 14 bytes of Ethernet, 20 of IP, 8 of UDP.
    return frame[42:43] + frame[46:50] == bytes([REPLY]) + number


def offers6(device: str, mac: str, seconds: float) -> bool:
    """Whether a server of DHCPv6 answers a client on a cable, which does not take what it offers."""
    number = os.urandom(3)
    client = struct.pack("!HHHH", 1, 10, 3, 1) + bytes.fromhex(mac.replace(":", ""))
    question = bytes([SOLICIT]) + number + client + struct.pack("!HHIIIHHH", 3, 12, 1, 0, 0, 8, 2, 0)
    with contextlib.closing(socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)) as asking:
        asking.bind(("::", 546))
        place = (ALL_SERVERS, 547, 0, socket.if_nametoindex(device))
        wanted = bytes([ADVERTISE]) + number
        return _heard(asking, lambda: asking.sendto(question, place), lambda reply: reply[:4] == wanted, seconds)


def _icmp(kinds: tuple[int, int], body: bytes, place: tuple[Any, ...], seconds: float) -> bool:
    asked, answered = kinds
    family = family_of(place[0])
    version, protocol = (6, socket.IPPROTO_ICMPV6) if family == socket.AF_INET6 else (4, socket.IPPROTO_ICMP)
    bare = struct.pack("!BBH", asked, 0, 0) + body
    question = bare[:2] + struct.pack("!H", checksum(bare)) + bare[4:]  # of ICMPv6, the kernel computes it
    with contextlib.closing(socket.socket(family, socket.SOCK_RAW, protocol)) as asking:
        if version == 6:
            asking.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)

        def is_it(reply: bytes) -> bool:
            message = reply[(reply[0] & 15) * 4 :] if version == 4 else reply
            return message[0] == answered and (answered == ROUTER[1] or message[4:8] == body)

        return _heard(asking, lambda: asking.sendto(question, place), is_it, seconds)


def raw(device: str, kind: int, question: bytes, is_it: Callable[[bytes], object], seconds: float) -> bool:
    """Whether a frame of this kind comes that answers a question, which is a frame as well."""
    with contextlib.closing(socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(kind))) as asking:
        asking.bind((device, kind))
        return _heard(asking, lambda: asking.send(question), is_it, seconds)


def _heard(asking: socket.socket, send: Callable[[], object], is_it: Callable[[bytes], object], seconds: float) -> bool:
    """Whether the answer comes in this time; the question is sent again after a while."""
    end = time.monotonic() + seconds
    with contextlib.suppress(OSError):
        while time.monotonic() < end:
            again = min(end, time.monotonic() + AGAIN_SECONDS)
            send()
            while time.monotonic() < again:
                asking.settimeout(max(0.01, again - time.monotonic()))
                with contextlib.suppress(socket.timeout):
                    if is_it(asking.recv(2048)):
                        return True
    return False


def checksum(data: bytes) -> int:
    """The Internet's, RFC 1071."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


def discover(mac: bytes, number: bytes) -> bytes:
    """A DHCP discover as a frame; an offer to it is not kept (RFC 2131, 3.1)."""
    head = struct.pack("!BBBB4sHHIIII16s192x", REQUEST, 1, 6, 0, number, 0, 0x8000, 0, 0, 0, 0, mac.ljust(16, b"\0"))
    body = head + bytes([99, 130, 83, 99, 53, 1, DISCOVER, 255])
    udp = struct.pack("!HHHH", 68, 67, 8 + len(body), 0) + body
    fields = (0x45, 0, 20 + len(udp), 0, 0, 64, socket.IPPROTO_UDP)
    places = (b"\0" * 4, b"\xff" * 4)
    total = checksum(struct.pack("!BBHHHBBH4s4s", *fields, 0, *places))
    ip_header = struct.pack("!BBHHHBBH4s4s", *fields, total, *places)
    return EVERYONE + mac + struct.pack("!H", ETHERTYPE_IP) + ip_header + udp
