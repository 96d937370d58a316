"""Plays to be measured: written, run and timed."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from tests.lab import Lab

BUILD = Path(__file__).parents[2] / ".build"
# As docs/guides/fleet.md has it: compression of a module takes 0.015 s of a processor.
SSH = "-o ControlMaster=auto -o ControlPersist=10m"


class Cost(NamedTuple):
    """What a run of ansible-playbook takes: seconds, processor seconds of the controller (with its SSH clients) and of
    everything else that happens on this machine meanwhile, and the memory of all of that in MB at its height."""

    seconds: float
    controller: float
    elsewhere: float
    memory: int


class Bench:
    """Runs plays on the first hypervisor of a lab."""

    def __init__(self, lab: Lab) -> None:
        self.lab, self.host = lab, lab.hypervisors["hv1"]

    def seconds(self, tasks: list[dict[str, Any]], hosts: str = "hv1", forks: int = 5) -> float:
        """How long a play of these tasks takes, with the start of ansible-playbook."""
        return self.cost(tasks, hosts, forks).seconds

    def cost(self, tasks: list[dict[str, Any]], hosts: str = "hv1", forks: int = 5, **more: Any) -> Cost:
        """What a play of these tasks takes; ``more``: keywords of the play."""
        file = self.lab.folder / "bench.yml"
        file.write_text(json.dumps([{"hosts": hosts, "gather_facts": False, "tasks": tasks, **more}]))
        return self.run(str(file), "-f", str(forks))

    def run(self, *words: str, **environment: str) -> Cost:
        """What a run of ansible-playbook with these words takes."""
        return self.side_by_side([words], **environment)

    def side_by_side(self, runs: Sequence[Sequence[str]], **environment: str) -> Cost:
        """What several runs of ansible-playbook take that begin at the same time, all together."""
        command = [sys.executable, "-m", "ansible", "playbook", "-i", str(self.lab.inventory)]
        settings = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(BUILD), "ANSIBLE_SSH_ARGS": SSH, **environment}

        def run(words: Sequence[str]) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [*command, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, env=settings
            )

        began, busy, mine = time.monotonic(), _busy(), _children()
        with _height() as memory, ThreadPoolExecutor(len(runs)) as pool:
            ended = list(pool.map(run, runs))
        for done in ended:
            if done.returncode:
                sys.exit(f"A measured play failed:\n{done.stdout[-3000:]}{done.stderr[-1000:]}")
        controller = _children() - mine
        return Cost(time.monotonic() - began, controller, _busy() - busy - controller, max(memory))

    def virsh(self, *commands: str) -> float:
        """How long these virsh commands take, each a process of its own on the hypervisor."""
        began = time.monotonic()
        for command in commands:
            self.host.run(["sh", "-c", f"virsh -q {command} >/dev/null"])
        return time.monotonic() - began


def available() -> int:
    """This machine's free memory in MB."""
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable")) // 1024


def _busy() -> float:
    """Seconds that this machine's processors have worked since its start."""
    user, nice, system, _idle, _iowait, irq, softirq = map(int, Path("/proc/stat").read_text().split()[1:8])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@contextlib.contextmanager
def _height() -> Iterator[list[int]]:
    """Collects how many MB less than at the start are free."""
    seen, before, end = [0], available(), threading.Event()

    def look() -> None:
        while not end.wait(0.1):
            seen.append(before - available())

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield seen
    finally:
        end.set()
        looking.join()


def median(values: list[float]) -> float:
    """The middle one, which one disturbance does not move."""
    return statistics.median(values)


def row(what: str, figure: str, goal: str = "") -> None:
    """Prints one figure, with its goal."""
    print(f"  {what:<66} {figure:>12}  {goal}", flush=True)
