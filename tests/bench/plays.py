"""Plays to be measured: written, run and timed."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.lab import Lab

BUILD = Path(__file__).parents[2] / ".build"


class Bench:
    """Runs plays on the first hypervisor of a lab."""

    def __init__(self, lab: Lab) -> None:
        self.lab, self.host = lab, lab.hypervisors["hv1"]

    def seconds(self, tasks: list[dict[str, Any]], hosts: str = "hv1", forks: int = 5) -> float:
        """How long a play of these tasks takes, with the start of ansible-playbook."""
        file = self.lab.folder / "bench.yml"
        file.write_text(json.dumps([{"hosts": hosts, "gather_facts": False, "tasks": tasks}]))
        command = [
            sys.executable,
            "-m",
            "ansible",
            "playbook",
            "-i",
            str(self.lab.inventory),
            "-f",
            str(forks),
            str(file),
        ]
        began = time.monotonic()
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(BUILD)},
        )
        if done.returncode:
            sys.exit(f"A measured play failed:\n{done.stdout[-3000:]}{done.stderr[-1000:]}")
        return time.monotonic() - began

    def virsh(self, *commands: str) -> float:
        """How long these virsh commands take, each a process of its own on the hypervisor."""
        began = time.monotonic()
        for command in commands:
            self.host.run(["sh", "-c", f"virsh -q {command} >/dev/null"])
        return time.monotonic() - began


def median(values: list[float]) -> float:
    """The middle one, which one disturbance does not move."""
    return statistics.median(values)


def row(what: str, figure: str, goal: str = "") -> None:
    """Prints one figure, with its goal."""
    print(f"  {what:<66} {figure:>12}  {goal}", flush=True)
