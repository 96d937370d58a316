"""The lock of a network, between processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._errors import LockedError
from ansible_collections.virtfleet.network.plugins.module_utils._gateway import Gateway

HOLD = """
import sys
from ansible_collections.virtfleet.network.plugins.module_utils._gateway import Gateway
with Gateway("test:///default", True).lock(sys.argv[1:], 5):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def gateway():
    """A connection of this process."""
    made = Gateway("test:///default", readonly=True)
    yield made
    made.close()


@pytest.fixture
def holder():
    """Another process that holds the networks "a" and "b" until its input ends."""
    command = [sys.executable, "-c", HOLD, "b", "a"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


@pytest.mark.parametrize("names", [["a"], ["c", "b"], ["b", "a"]])
def test_a_network_is_changed_by_one_process_at_a_time(gateway, holder, names):
    with pytest.raises(LockedError) as refusal, gateway.lock(names, 0.1):
        pass
    assert f"process {holder.pid} has been changing it for more than 0.1 seconds" in str(refusal.value)
    assert "raise lock_timeout" in str(refusal.value)


def test_other_networks_are_free(gateway, holder):
    with gateway.lock(["c", "d"], 0):
        pass


def test_what_was_locked_before_the_one_that_is_taken_is_free_again(gateway, holder):
    with pytest.raises(LockedError), gateway.lock(["a0", "b"], 0):
        pass
    with gateway.lock(["a0"], 0):
        pass


def test_a_lock_goes_with_its_process(gateway, holder):
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with gateway.lock(["a", "b"], 0):
        pass


def test_a_lock_is_waited_for(gateway, holder):
    let_go = []
    release = threading.Timer(0.2, lambda: (let_go.append(True), holder.stdin.close()))
    release.start()
    with gateway.lock(["a"], 30):
        assert let_go


def test_a_lock_holds_against_the_same_process_too(gateway):
    with (
        gateway.lock(["a", "a"], 0),
        pytest.raises(LockedError, match=f"process {os.getpid()} "),
        gateway.lock(["a"], 0),
    ):
        pass


def test_an_error_inside_frees_it(gateway):
    with pytest.raises(KeyError), gateway.lock(["a"], 0):
        raise KeyError
    with gateway.lock(["a"], 0):
        pass
