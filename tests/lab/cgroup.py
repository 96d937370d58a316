"""The control groups of full machines: systemd makes its own in one that the lab has made, and they go with the lab."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

from .unavailable import LabUnavailable

GONE_SECONDS = 20


def make(lab: str, machine: str) -> Path:
    """Make the control group of a machine; LabUnavailable when the real machine allows none."""
    group = top(lab) / machine
    try:
        group.mkdir(parents=True)
    except OSError as error:
        raise LabUnavailable(f"no control group can be made for a machine with systemd: {error}") from error
    return group


def remove(lab: str, machine: str = "") -> None:
    """Remove the control groups of a machine, or of a lab, whose processes are dead or about to be."""
    try:
        group = top(lab) / machine
    except LabUnavailable:
        return  # there can be none
    deadline = time.monotonic() + GONE_SECONDS
    for folder, _folders, _files in os.walk(group, topdown=False):
        while True:
            try:
                Path(folder).rmdir()
                break
            except OSError as error:  # the kernel is still at it
                if error.errno != errno.EBUSY or time.monotonic() > deadline:
                    raise
            time.sleep(0.02)


def top(lab: str) -> Path:
    """Return the folder of a lab's control groups, whether it is there or not."""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _device, folder, kind, *_options = line.split()
        if kind == "cgroup2":
            return Path(folder) / f"vfl-{lab}"
    raise LabUnavailable("this machine has no control groups of the second version: mount cgroup2")
