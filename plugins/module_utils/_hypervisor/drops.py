# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel does with the packets that come in by a device: where it drops them, and for which reason.

It counts on the kernel's tracepoints, read through perf: that ends with this process, and nobody else sees it.
"""

from __future__ import annotations

import bisect
import contextlib
import ctypes
import fcntl
import functools
import mmap
import os
import platform
import re
import struct
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from .cable import NEWNS, apart, libc

# perf_event_open has no function in the C library; its number depends on the processor.
CALLS = {"x86_64": 298, "aarch64": 241, "riscv64": 241, "ppc64le": 319, "s390x": 331}
EVENTS = Path("/sys/kernel/tracing/events")
ARRIVES, DROPPED, CONSUMED = "net/netif_receive_skb", "skb/kfree_skb", "skb/consume_skb"
TRACEPOINT, EVERY_ONE, TIME_AND_RAW = 2, 1, 1 << 2 | 1 << 10
SAMPLE = 9
AT_ONCE = 1_000_000  # nanoseconds
SET_OUTPUT, SET_FILTER = 0x2405, 0x40082406
PAGES = 64  # for the events of a processor, read at the end
HEAD = 1024  # where the kernel says how much it has written, in the page before them
PRIVATE = 1 << 18 | 1 << 14  # of mount: also what is below


class Fate(NamedTuple):
    """What became of a packet: the ``device`` that it came in by last, the kernel's function that let go of it, and the
    kernel's ``reason`` if it dropped it. ``place`` is "" where it did neither drop nor take it at once; ``protocol`` is
    known of what it drops."""

    device: str
    place: str = ""
    reason: str = ""
    dropped: bool = False
    protocol: int = 0


class Format(NamedTuple):
    """How an event is written down: its number, where each field begins, and the names of reasons."""

    number: int
    fields: dict[str, int]
    reasons: dict[int, str]


class Drops:
    """Watches for a `with` what comes in by these devices and, from there, by the other ones."""

    def __init__(self, devices: Collection[str], others: Collection[str]) -> None:
        self._devices = devices
        self._open = contextlib.ExitStack()
        self._rings: list[mmap.mmap] = []
        self._formats: dict[str, Format] = {}
        self.unseen = ""  # why nothing can be watched
        self._filter = " || ".join(f'name == "{name}"' for name in (*devices, *others))

    def __enter__(self) -> Drops:
        try:
            self._formats = _read() if EVENTS.exists() else apart(_mounted, NEWNS)
            self._rings = [ring for processor in range(os.cpu_count() or 1) for ring in self._ring(processor)]
        except OSError as error:
            self.unseen = str(error)
        return self

    def __exit__(self, *_error: object) -> None:
        self._open.close()

    def _ring(self, processor: int) -> Iterator[mmap.mmap]:
        first = -1
        for name, layout in self._formats.items():
            try:
                number = _perf(layout.number, processor)
            except OSError:
                if first >= 0 or processor == 0:
                    raise
                return  # the processor is off
            self._open.callback(os.close, number)
            if name == ARRIVES:
                fcntl.ioctl(number, SET_FILTER, self._filter.encode() + b"\0")
            if first >= 0:
                fcntl.ioctl(number, SET_OUTPUT, first)
                continue
            first = number
            yield self._open.enter_context(mmap.mmap(number, (PAGES + 1) * mmap.PAGESIZE))

    def fates(self) -> list[Fate]:
        """What became of each packet so far, in the order of their ends."""
        names = {layout.number: name for name, layout in self._formats.items()}
        under_way: dict[int, tuple[int, str]] = {}
        ended: list[tuple[int, Fate]] = []
        for time, raw in sorted(record for ring in self._rings for record in _records(ring)):
            name = names[struct.unpack_from("H", raw)[0]]
            fields = self._formats[name].fields
            (packet,) = struct.unpack_from("Q", raw, fields["skbaddr"])
            if name == ARRIVES:
                device = _text(raw, fields["name"])
                if device in self._devices or packet in under_way:
                    under_way[packet] = (time, device)
            elif packet in under_way:
                arrived, device = under_way.pop(packet)
                (place,) = struct.unpack_from("Q", raw, fields["location"]) if "location" in fields else (0,)
                if name == DROPPED:
                    ended.append((place, self._dropped(device, raw)))
                else:  # later, it is another's in the same place of the memory, or somebody has read it
                    ended.append((place if time - arrived < AT_ONCE else 0, Fate(device)))
        places = _functions({place for place, _fate in ended})
        lasting = [Fate(device) for _time, device in under_way.values()]
        return [fate._replace(place=places.get(place, "?") if place else "") for place, fate in ended] + lasting

    def _dropped(self, device: str, raw: bytes) -> Fate:
        layout, reason = self._formats[DROPPED], ""
        (protocol,) = struct.unpack_from("H", raw, layout.fields["protocol"])
        if "reason" in layout.fields:  # since Linux 5.17
            (number,) = struct.unpack_from("I", raw, layout.fields["reason"])
            reason = layout.reasons.get(number, str(number))
        return Fate(device, "", reason, True, protocol)


def _read() -> dict[str, Format]:
    found = {}
    for name in (ARRIVES, DROPPED, CONSUMED):
        text = Path(EVENTS, name, "format").read_text(encoding="ascii")
        fields = {
            name: int(place) for name, place in re.findall(r"field:[^;]*?(\w+)(?:\[\d*\])?;\s*offset:(\d+);", text)
        }
        reasons = {int(number, 0): word for number, word in re.findall(r'\{ (\w+), "(\w+)" \}', text)}
        number = re.search(r"^ID: (\d+)", text, re.MULTILINE)
        found[name] = Format(int(number[1]) if number else 0, fields, reasons)
    return found


def _mounted() -> dict[str, Format]:
    """The same where nobody has mounted the file system that holds it: in this thread's own view of the mounts."""
    libc("mount", None, b"/", None, ctypes.c_ulong(PRIVATE), None)
    libc("mount", b"tracefs", bytes(EVENTS.parent), b"tracefs", ctypes.c_ulong(0), None)
    return _read()


def _perf(event: int, processor: int) -> int:
    call = CALLS.get(platform.machine())
    if call is None:
        raise OSError(f"perf is not known on {platform.machine()}")
    attributes = struct.pack("IIQQQQQIIQ", TRACEPOINT, 64, event, EVERY_ONE, TIME_AND_RAW, 0, 0, 0, 0, 0)
    close_on_exec = 8
    numbers = (ctypes.c_long(one) for one in (-1, processor, -1, close_on_exec))
    number = int(ctypes.CDLL(None, use_errno=True).syscall(ctypes.c_long(call), attributes, *numbers))
    if number < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), "perf_event_open")
    return number


def _records(ring: mmap.mmap) -> Iterator[tuple[int, bytes]]:
    """The time and the text of each event. Once it is full, the kernel adds no more."""
    (head,) = struct.unpack_from("Q", ring, HEAD)
    data, place = ring[mmap.PAGESIZE :], 0
    while place < head:
        kind, _misc, size = struct.unpack_from("IHH", data, place)
        if kind == SAMPLE:
            time, length = struct.unpack_from("QI", data, place + 8)
            yield time, data[place + 20 : place + 20 + length]
        place += size


def _text(raw: bytes, place: int) -> str:
    (where,) = struct.unpack_from("I", raw, place)
    return raw[where & 0xFFFF :][: where >> 16].split(b"\0")[0].decode("ascii", "replace")


def _functions(places: Collection[int]) -> dict[int, str]:
    """The kernel's function at each of these places, as far as it says."""
    found: dict[int, str] = {}
    known = _symbols() if places else ()
    for one in places:
        before = bisect.bisect(known, (one, "~")) - 1
        if before >= 0 and known[before][0]:
            found[one] = known[before][1].partition(".")[0]
    return found


@functools.lru_cache(maxsize=1)
def _symbols() -> tuple[tuple[int, str], ...]:
    with contextlib.suppress(OSError):
        lines = Path("/proc/kallsyms").read_text(encoding="ascii").splitlines()
        every = (line.split() for line in lines)
        return tuple(sorted((int(words[0], 16), words[2]) for words in every if words[1] in "tT"))
    return ()
