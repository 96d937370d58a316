"""Stands before libvirt's Python library on a hypervisor: at one call of a task somebody else acts, or it fails.

LAB_CALLS: which methods count, by name; LAB_AT: at which of these calls; LAB_COMMAND: what somebody else does before
it, in a shell; without a command the call fails in place of doing anything.
"""

import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - it costs less than pathlib
sys.path[:] = [path for path in sys.path if path != HERE]
del sys.modules["libvirt"]

import libvirt

calls = 0


def _refusal():
    error = libvirt.libvirtError("")
    error.err = (libvirt.VIR_ERR_INTERNAL_ERROR, 0, "the test says no", 2, "", None, None, 0, 0)
    return error


def _watch(owner, name):
    real = getattr(owner, name)

    def watched(self, *args):
        global calls  # noqa: PLW0603
        calls += 1
        if calls == int(os.environ["LAB_AT"]):
            if not os.environ.get("LAB_COMMAND"):
                raise _refusal()
            subprocess.run(  # noqa: S602 - what a person would type
                os.environ["LAB_COMMAND"],
                shell=True,
                check=True,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        return real(self, *args)

    setattr(owner, name, watched)


for word in os.environ["LAB_CALLS"].split():
    owners = (libvirt.virConnect, libvirt.virNetwork, libvirt.virDomain)
    _watch(next(owner for owner in owners if hasattr(owner, word)), word)
