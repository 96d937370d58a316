"""Calls that hang, and signals."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import StoppedError
from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor import calls as _calls
from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor.calls import (
    Caller,
    HungCall,
    pause,
    signals,
)


@pytest.fixture(autouse=True)
def _heeded():
    """Signals mean what they mean by default, whatever has started the tests (nohup, a shell's background job)."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in _calls.SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def caller():
    made = Caller()
    yield made
    made.end()


class Ended:
    """Part of a cycle, as an object of libvirt in a traceback is; `seen` says who has collected it."""

    def __init__(self, seen):
        self.itself, self.seen = self, seen

    def __del__(self):
        self.seen.append(threading.current_thread())


def test_no_garbage_is_collected_between_a_call_and_its_error(caller):
    seen, before = [], gc.get_threshold()

    def fails():
        Ended(seen)
        gc.set_threshold(1)
        return [[number] for number in range(1000)] and len(seen)

    try:
        assert caller.call(fails, 5) == 0
    finally:
        gc.set_threshold(*before)
    assert gc.isenabled()


def test_a_call_gives_what_it_gives(caller):
    assert caller.call(lambda: 1, 5) == 1
    with pytest.raises(KeyError):
        caller.call(lambda: {}["x"], 5)
    assert caller.call(lambda: 2, 5) == 2


def test_a_call_that_hangs_is_left_after_its_seconds(caller):
    go_on, began = threading.Event(), time.monotonic()
    with pytest.raises(HungCall):
        caller.call(go_on.wait, 0.3)
    assert 0.3 <= time.monotonic() - began < 5
    go_on.set()


@pytest.mark.parametrize(
    "command, number",
    [("exec sleep 60", signal.SIGTERM), ("trap '' TERM; while :; do sleep 0.1; done", signal.SIGKILL)],
    ids=["as others", "ignores SIGTERM"],
)
def test_what_a_hanging_call_has_started_ends_with_it(caller, command, number):
    started = []

    def start():
        started.append(subprocess.Popen(["sh", "-c", command]))
        started[0].wait()

    with pytest.raises(HungCall):
        caller.call(start, 0.3)
    caller.end()
    assert started[0].wait(10) == -number


@pytest.mark.parametrize("number", _calls.SIGNALS)
def test_a_signal_stops_the_task_at_its_next_call_once(number):
    with signals():
        signal.raise_signal(number)
        with pytest.raises(StoppedError, match=signal.Signals(number).name):
            pause(0)
        signal.raise_signal(signal.SIGTERM)
        pause(0)  # what has been changed is rolled back
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_a_call_in_progress_is_let_finish(caller):
    with signals():
        assert caller.call(lambda: (signal.raise_signal(signal.SIGTERM), time.sleep(0.2), 7)[2], 5) == 7
        with pytest.raises(StoppedError):
            pause(0)


def test_a_call_that_hangs_is_left_soon_after_a_signal(caller, monkeypatch):
    monkeypatch.setattr(_calls, "GRACE", 0.1)
    go_on = threading.Event()
    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM)).start()
    began = time.monotonic()
    with signals(), pytest.raises(HungCall):
        caller.call(go_on.wait, 60)
    assert time.monotonic() - began < 20
    go_on.set()
    pause(0)  # the next task in this process has got no signal


IGNORING = """
import os, signal
from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor.calls import pause, signals
signal.signal(signal.SIGHUP, signal.SIG_IGN)
with signals():
    os.kill(os.getpid(), signal.SIGHUP)
    pause(0)
print("went on")
"""


def test_what_is_ignored_stays_ignored():
    command = [sys.executable, "-c", IGNORING]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "went on\n"
