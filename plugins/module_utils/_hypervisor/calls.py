# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls that may hang, each with a deadline, and signals, which end a task between two calls."""

from __future__ import annotations

import contextlib
import gc
import os
import queue
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

from .._errors.errors import StoppedError

SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
GRACE = 10  # seconds that a call gets to end after a signal
LOOK = 1.0  # seconds between two looks for a signal
MOMENT = 1.0  # seconds that a process gets to end after SIGTERM

_received: list[int] = []


@contextlib.contextmanager
def signals() -> Iterator[None]:
    """A `with` in which a signal makes the next call raise StoppedError; later ones are ignored, so that what has been
    changed can be rolled back. A signal that is ignored at the beginning stays ignored (nohup)."""
    _received.clear()
    here = threading.current_thread() is threading.main_thread()  # only there can handlers be set
    numbers = [number for number in SIGNALS if here and signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, lambda got, _frame: _received.append(got)) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _received.clear()


def stop_if_signalled() -> None:
    """Raises StoppedError once after a signal."""
    if _received and 0 not in _received:
        _received.append(0)
        raise StoppedError(f"The task was stopped by {signal.Signals(_received[0]).name}")


def pause(seconds: float) -> None:
    """Sleeps, unless the task is to stop."""
    stop_if_signalled()
    time.sleep(seconds)


class HungCall(Exception):
    """A call has not ended in time; it may still do so."""


class Caller:
    """A thread for calls, one after the other."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[Callable[[], Any] | None] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, daemon=True)  # starts with the first call

    def call(self, function: Callable[[], Any], seconds: float) -> Any:
        """What a function returns. Raises what it raises, and HungCall when it takes longer; then no other call can be
        made."""
        self._jobs.put(function)
        if not self._thread.ident:
            self._thread.start()
        end = time.monotonic() + seconds
        while True:
            left = end - time.monotonic()
            with contextlib.suppress(queue.Empty):
                result, error = self._results.get(timeout=max(0.0, min(LOOK, left)))
                if error is not None:
                    raise error
                return result
            if left <= LOOK:
                raise HungCall
            if _received and 0 not in _received:
                end = min(end, time.monotonic() + GRACE)

    def end(self, seconds: float = 0) -> None:
        """Ends the thread, after so many seconds also in the middle of a call: then what it has started, like ssh, is
        ended."""
        if not self._thread.ident:
            return
        self._jobs.put(None)
        self._thread.join(seconds)
        end_started(self._thread)

    def _work(self) -> None:
        while True:
            function = self._jobs.get()
            if function is None:
                return
            try:
                with uncollected():
                    result = function()
                self._results.put((result, None))
            except BaseException as error:  # noqa: BLE001 - it is raised where the call was made
                self._results.put((None, error))


def end_started(thread: threading.Thread) -> None:
    """Ends the processes that a thread has started, like ssh: without them, its call fails."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in _started(thread):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
            thread.join(MOMENT)


def _started(thread: threading.Thread) -> list[int]:
    try:
        found = Path(f"/proc/self/task/{thread.native_id}/children").read_text(encoding="ascii")
    except OSError:  # the thread has ended
        return []
    return [int(pid) for pid in found.split()]


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """A `with` in which Python collects no garbage: one of libvirt in it would, as it ends, have libvirt forget the
    error that is about to be read (virResetLastError at the start of virNetworkFree, and its like)."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()
