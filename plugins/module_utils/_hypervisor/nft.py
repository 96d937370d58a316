# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of nftables that belong to this process, and what the kernel says of packets that are traced.

The library keeps the socket open that owns the tables: when this process ends, however it ends, the kernel removes
them. Kernels before 5.12 and nftables before 0.9.9 do not know owners: there, no table is made.
"""

from __future__ import annotations

import contextlib
import ctypes
import socket
import struct
import threading
from collections.abc import Collection, Iterator
from typing import NamedTuple

from .._values.probe import Evidence

LIBRARY = "libnftables.so.1"
HANDLES = 1 << 3  # of rules, in what is listed
# Numbers of the kernel's: linux/netfilter/nfnetlink.h, nf_tables.h.
NETFILTER, TRACES = 12, 9
POLICY, RULE = 1, 3
TABLE, CHAIN, HANDLE, TYPE, VERDICT, NUMBER, DEFAULT = 1, 2, 3, 4, 5, 6, 16
FAMILIES = {1: "inet", 2: "ip", 3: "arp", 5: "netdev", 7: "bridge", 10: "ip6"}
DROP = 0
BUFFER = 1 << 22


class Nft:
    """nftables' library for a `with`; raises OSError where there is none."""

    def __enter__(self) -> Nft:
        self._library, self._one = ctypes.CDLL(LIBRARY), threading.Lock()
        for function in ("nft_ctx_new", "nft_ctx_get_output_buffer", "nft_ctx_get_error_buffer"):
            getattr(self._library, function).restype = ctypes.c_void_p
        for function in ("nft_ctx_get_output_buffer", "nft_ctx_get_error_buffer"):
            getattr(self._library, function).restype = ctypes.c_char_p
        self._context = ctypes.c_void_p(self._library.nft_ctx_new(0))
        self._library.nft_ctx_output_set_flags(self._context, HANDLES)
        self._library.nft_ctx_buffer_output(self._context)
        self._library.nft_ctx_buffer_error(self._context)
        return self

    def __exit__(self, *_error: object) -> None:
        self._library.nft_ctx_free(self._context)

    def run(self, text: str) -> str:
        """What nft prints; raises OSError with its words when it fails."""
        with self._one:
            failed = self._library.nft_run_cmd_from_buffer(self._context, text.encode())
            output, error = (
                getattr(self._library, f"nft_ctx_get_{which}_buffer")(self._context).decode("utf-8", "replace")
                for which in ("output", "error")
            )
        if failed:
            raise OSError((error.strip().splitlines() or ["nft fails"])[0])
        return str(output)

    def own(self, family: str, name: str, chains: str) -> bool:
        """Whether a table could be made that ends with this process."""
        with contextlib.suppress(OSError):
            self.run(f"table {family} {name} {{ flags owner;\n{chains}\n}}")
            return True
        return False

    def evidence(self, found: Drop) -> Evidence:
        """A drop with its rule as nft lists it, or its chain's policy."""
        where = (found.family, found.table, found.chain)
        rule = "(its text cannot be read)" if found.handle else "policy drop"
        with contextlib.suppress(OSError):
            for line in self.run(f"list chain {' '.join(where)}").splitlines():
                if found.handle and line.endswith(f"# handle {found.handle}"):
                    rule = f"{line.rpartition(' # handle')[0].strip()} (handle {found.handle})"
        return Evidence("rule", f"{' '.join(where)} {rule}", *where, found.handle)


class Drop(NamedTuple):
    """Where a traced packet was dropped; ``handle`` is the rule's, 0 for the chain's policy."""

    family: str
    table: str
    chain: str
    handle: int


class Traces:
    """What the kernel says of traced packets during a `with`."""

    def __enter__(self) -> Traces:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETFILTER)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        self._socket.bind((0, 1 << (TRACES - 1)))
        self._socket.setblocking(False)
        return self

    def __exit__(self, *_error: object) -> None:
        self._socket.close()

    def drops(self, ours: Collection[bytes], table: str) -> list[Drop]:
        """Where packets were dropped in which one of ``ours`` stands (MACs, addresses), but by our own table."""
        found: list[Drop] = []
        mine: set[bytes] = set()
        for message in self._messages():
            values = dict(_attributes(message[20:]))
            number = values.get(NUMBER, b"")
            if any(one in message for one in ours):  # only the first message of each table holds the packet
                mine.add(number)
            if number in mine and _drops(values):
                name, chain = (values[key].rstrip(b"\0").decode() for key in (TABLE, CHAIN))
                handle = int.from_bytes(values.get(HANDLE, b""), "big") if values[TYPE][3] == RULE else 0
                if name != table:
                    found.append(Drop(FAMILIES.get(message[16], str(message[16])), name, chain, handle))
        return list(dict.fromkeys(found))

    def _messages(self) -> Iterator[bytes]:
        with contextlib.suppress(OSError):  # there is nothing more, or there was too much
            while True:
                data = self._socket.recv(1 << 16)
                while len(data) >= 20:
                    (length,) = struct.unpack_from("I", data)
                    yield data[:length]
                    data = data[(length + 3) & ~3 :]


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) >= 4:
        length, kind = struct.unpack_from("HH", data)
        yield kind & 0x3FFF, data[4:length]
        data = data[max(4, (length + 3) & ~3) :]


def _drops(values: dict[int, bytes]) -> bool:
    kind = values.get(TYPE, b"\0" * 4)[3]
    if kind == POLICY:
        return int.from_bytes(values.get(DEFAULT, b"\1"), "big") == DROP
    code = dict(_attributes(values.get(VERDICT, b""))).get(1, b"\1")
    return kind == RULE and int.from_bytes(code, "big") & 0xFF == DROP and code[:1] == b"\0"
