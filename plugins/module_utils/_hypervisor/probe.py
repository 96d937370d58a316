# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks a network's DNS and DHCP a real question."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import subprocess
import time
from pathlib import Path

from . import command as _command
from . import host as _host

SECONDS = 1.0  # for an answer of DNS, twice
DHCP_SECONDS = (
    15.0  # a bridge with STP lets a new port speak after 4, dnsmasq pings an address for 3 before it offers it
)
# version.bind, TXT, class CHAOS: every dnsmasq answers it itself, and forwards nothing.
QUESTION = b"\x07version\x04bind\x00" + struct.pack("!HH", 16, 3)
ETHERTYPE_IP = 0x0800
REQUEST, REPLY = 1, 2  # of BOOTP, RFC 951
DISCOVER = 1  # of DHCP


def answers_dns(address: str, port: int = 53) -> bool:
    """Whether a DNS server answers at an address of this machine's own."""
    number = os.urandom(2)
    query = number + struct.pack("!HHHHH", 0x0100, 1, 0, 0, 0) + QUESTION
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    # A refusal is an answer, too: nobody listens.
    with contextlib.closing(socket.socket(family, socket.SOCK_DGRAM)) as asking, contextlib.suppress(OSError):
        asking.settimeout(SECONDS)
        for _again in range(2):
            with contextlib.suppress(socket.timeout):
                asking.connect((address, port))
                asking.send(query)
                return asking.recv(512)[:2] == number
    return False


def offers_dhcp(bridge: str) -> bool | None:
    """Whether somebody offers an address to a client on a bridge; None when none could be plugged in.

    A cable of its own, which goes with the question, is plugged into the bridge: what the hypervisor itself sends never
    gets to a server on it.
    """
    near, far = (f"vf{os.urandom(4).hex()}" for _end in range(2))
    made = _ip("link", "add", near, "type", "veth", "peer", "name", far)
    try:
        if not made:
            return None
        with contextlib.suppress(OSError):  # the hypervisor must not take an address of its own guests' router
            Path(f"/proc/sys/net/ipv6/conf/{far}/disable_ipv6").write_text("1", encoding="ascii")
        if not (_ip("link", "set", near, "master", bridge, "up") and _ip("link", "set", far, "up")):
            return None
        return _offered(far)
    except OSError:
        return None
    finally:
        if made:
            _ip("link", "delete", near)


def _ip(*words: str) -> bool:
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        return not _command.run([_host.IP, *words]).returncode
    return False


def _offered(device: str) -> bool:
    mac, number = b"\x52\x54\x00" + os.urandom(3), os.urandom(4)
    end = time.monotonic() + DHCP_SECONDS
    with contextlib.closing(socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETHERTYPE_IP))) as asking:
        asking.bind((device, ETHERTYPE_IP))
        asking.settimeout(SECONDS)
        while time.monotonic() < end:
            asking.send(_discover(mac, number))
            with contextlib.suppress(socket.timeout):
                while time.monotonic() < end:
                    # The reply's UDP payload stands behind 14 bytes of Ethernet, 20 of IP, 8 of UDP.
                    reply = asking.recv(2048)[42:]
                    if reply[:1] == bytes([REPLY]) and reply[4:8] == number:
                        return True
    return False


def _discover(mac: bytes, number: bytes) -> bytes:
    """A DHCP discover as a frame; an offer to it is not kept (RFC 2131, 3.1)."""
    head = struct.pack("!BBBB4sHHIIII16s192x", REQUEST, 1, 6, 0, number, 0, 0x8000, 0, 0, 0, 0, mac.ljust(16, b"\0"))
    body = head + bytes([99, 130, 83, 99, 53, 1, DISCOVER, 255])
    udp = struct.pack("!HHHH", 68, 67, 8 + len(body), 0) + body
    fields = (0x45, 0, 20 + len(udp), 0, 0, 64, socket.IPPROTO_UDP)
    everyone = b"\xff" * 4
    bare = struct.pack("!BBHHHBBH4s4s", *fields, 0, b"\0" * 4, everyone)
    total = sum(struct.unpack("!10H", bare))
    total = (total & 0xFFFF) + (total >> 16)
    ip = struct.pack("!BBHHHBBH4s4s", *fields, ~total & 0xFFFF, b"\0" * 4, everyone)
    return b"\xff" * 6 + mac + struct.pack("!H", ETHERTYPE_IP) + ip + udp
