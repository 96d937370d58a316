"""Frames with one packet each, each with a mark of its own in the payload."""

from __future__ import annotations

import ipaddress
import socket
import struct

from ansible_collections.virtfleet.network.plugins.module_utils._diagnosis.packet_facts import ICMP_TYPES
from ansible_collections.virtfleet.network.plugins.module_utils._values.way import Packet

NUMBERS = {("tcp", 4): 6, ("udp", 4): 17, ("icmp", 4): 1, ("tcp", 6): 6, ("udp", 6): 17, ("icmp", 6): 58}


def mark(number: int) -> bytes:
    """Return what stands in the payload of frame `number`."""
    return b"vf-%08d!" % number


def frame(packet: Packet, number: int) -> bytes:
    """Return a packet as a frame of Ethernet: TCP's first segment, a datagram, or an echo request."""
    source, destination = (ipaddress.ip_address(one).packed for one in (packet.source, packet.destination))
    protocol = NUMBERS[packet.protocol, packet.version]
    body = _body(packet, number)
    pseudo = source + destination + struct.pack("!II", len(body), protocol)
    at = {"tcp": 16, "udp": 6, "icmp": 2}[packet.protocol]
    total = _checksum(body if protocol == 1 else pseudo + body)
    body = body[:at] + struct.pack("!H", total) + body[at + 2 :]
    if packet.version == 4:
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), number & 0xFFFF, 0, 64, protocol, 0)
        total = _checksum(head + source + destination)
        head = head[:10] + struct.pack("!H", total) + source + destination
    else:
        head = struct.pack("!IHBB", 6 << 28, len(body), protocol, 64) + source + destination
    macs = bytes.fromhex((packet.destination_mac + packet.source_mac).replace(":", ""))
    return macs + struct.pack("!H", {4: 0x0800, 6: 0x86DD}[packet.version]) + head + body


def _body(packet: Packet, number: int) -> bytes:
    payload = mark(number)
    if packet.protocol == "icmp":
        kind = ICMP_TYPES[{4: "icmp", 6: "icmpv6"}[packet.version]][packet.message]
        return struct.pack("!BBHHH", kind, 0, 0, packet.source_port, 1) + payload
    ports = struct.pack("!HH", packet.source_port, packet.port)
    if packet.protocol == "udp":
        return ports + struct.pack("!HH", 8 + len(payload), 0) + payload
    return ports + struct.pack("!IIBBHHH", number, 0, 0x50, 2, 1024, 0, 0) + payload


def _checksum(data: bytes) -> int:
    total = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def listeners() -> list[socket.socket]:
    """Return sockets that get all packets that reach this network namespace itself, behind its firewall."""
    kinds = [(socket.AF_INET, (1, 6, 17)), (socket.AF_INET6, (6, 17, 58))]
    return [socket.socket(family, socket.SOCK_RAW, number) for family, numbers in kinds for number in numbers]


def cable(device: str) -> socket.socket:
    """Return a socket with all that comes in by a device, before its firewall."""
    # ETH_P_ALL
    end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    end.bind((device, 3))
    return end
