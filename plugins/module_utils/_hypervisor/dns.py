# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks a DNS server a real question, from wherever this thread is."""

from __future__ import annotations

import contextlib
import os
import socket
import struct

DNS = 53
SECONDS = 1.0  # for an answer
# version.bind, TXT, class CHAOS: every dnsmasq answers it itself, and forwards nothing.
VERSION = b"\x07version\x04bind\x00" + struct.pack("!HH", 16, 3)


def answers_dns(address: str, port: int = DNS, seconds: float = 2 * SECONDS, stream: bool = False) -> bool:
    """Whether a DNS server answers at an address, over UDP or, as a ``stream``, over TCP; it is asked twice."""
    number = os.urandom(2)
    query = number + struct.pack("!HHHHH", 0x0100, 1, 0, 0, 0) + VERSION
    prefix = struct.pack("!H", len(query)) if stream else b""
    kind = socket.SOCK_STREAM if stream else socket.SOCK_DGRAM
    # A refusal is an answer, too: nobody listens.
    for _again in range(2):
        with contextlib.closing(socket.socket(family_of(address), kind)) as asking, contextlib.suppress(OSError):
            if stream:  # that it ends is said once, not again and again to whom does not answer
                asking.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            asking.settimeout(seconds / 2)
            asking.connect((address, port))
            asking.sendall(prefix + query)
            return asking.recv(512)[len(prefix) :][:2] == number
    return False


def family_of(address: str) -> socket.AddressFamily:
    """The family of the sockets that reach an address."""
    return socket.AF_INET6 if ":" in address else socket.AF_INET
