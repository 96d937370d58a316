"""Another process that holds the lock of networks."""

from __future__ import annotations

import contextlib
import subprocess
import sys

HOLD = """
import sys
from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor.gateway import Gateway
with Gateway("test:///default", True).lock([("network", name) for name in sys.argv[1:]], 5):
    print("held", flush=True)
    sys.stdin.read()
"""


def networks(*names):
    """Networks to lock."""
    return [("network", name) for name in names]


@contextlib.contextmanager
def holding(*before):
    """Another process that holds the networks "a" and "b" until its input ends."""
    command = [*before, sys.executable, "-c", HOLD, "b", "a"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()
