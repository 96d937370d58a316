# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What shapes the traffic of guests' taps in the kernel, which a change that libvirt gives up may leave half done."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from .._errors.errors import ApplyError, LibvirtError, UnreachableError
from . import command as _command

TC = shutil.which("tc", path=_command.PATH) or "tc"
SECONDS = 5


class _Shape(NamedTuple):
    """The queues of a tap, as kind and place, and what tc prints about their rates."""

    queues: tuple[tuple[str, str], ...]
    rates: tuple[str, str]

    @property
    def root(self) -> str:
        """The kind of the queue that all others are in."""
        return next((kind for kind, place in self.queues if place == "root"), "")


@contextlib.contextmanager
def kept(taps: Iterable[str]) -> Iterator[None]:
    """A `with` in which what libvirt refuses leaves taps shaped as they were: it makes one queue after the other, and
    undoes none when the kernel lacks what the next one needs (virNetDevBandwidthSet, 7.0 to 12.8)."""
    before = {tap: _shape(tap) for tap in taps}
    try:
        yield
    except LibvirtError as error:
        # Whether libvirt has carried out a call that it did not answer is unknown.
        if isinstance(error, UnreachableError):
            raise
        left = [tap for tap, shape in before.items() if shape and not _restored(tap, shape)]
        if not left:
            raise
        raise ApplyError(
            f"{error}; the traffic of {', '.join(left)} is shaped otherwise than before: see tc qdisc show dev "
            f"{left[0]}, and unplug and reattach the NIC"
        ) from error


def _tc(*words: str) -> str:
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        return _command.run([TC, *words], seconds=SECONDS).stdout
    return ""


def _shape(tap: str) -> _Shape | None:
    """How a tap is shaped, None where it is unknown."""
    try:
        queues = json.loads(_tc("-json", "qdisc", "show", "dev", tap))
    except ValueError:
        return None
    found = ((one["kind"], "root" if one.get("root") else str(one.get("parent"))) for one in queues)
    return _Shape(tuple(found), (_tc("class", "show", "dev", tap), _tc("filter", "show", "dev", tap, "ingress")))


def _restored(tap: str, before: _Shape) -> bool:
    """Whether a tap is shaped as before, after what can be done for it: rates that it had are not written again."""
    now = _shape(tap)
    if now is None or now == before or any(before.rates):
        return now == before
    if len(now.queues) > len(before.queues):
        _tc("qdisc", "delete", "dev", tap, "ingress")
    if now.root != before.root:
        # Without one of its own, a tap gets the kernel's default.
        command, more = ("replace", ["noqueue"]) if before.root == "noqueue" else ("delete", [])
        _tc("qdisc", command, "dev", tap, "root", *more)
    return _shape(tap) == before
