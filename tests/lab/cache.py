"""Where the lab keeps what is dear to make (roots, the guest's kernel), and how one process at a time makes it."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .unavailable import LabUnavailable

PROGRESS_SECONDS = 10


def cache_dir() -> Path:
    """Return the cache's folder: $VIRTFLEET_LAB_CACHE, else /var/cache/virtfleet-lab; made when missing."""
    folder = Path(os.environ.get("VIRTFLEET_LAB_CACHE", "/var/cache/virtfleet-lab")).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def locked(name: str) -> Iterator[int]:
    """Hold the cache's lock `name`, waiting for whoever has it; yields the lock's file descriptor.

    A builder that inherits the descriptor keeps the lock even when the process that started it is killed.
    """
    with (cache_dir() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock.fileno()


def build(what: str, command: Sequence[str], log: Path, lock: int) -> None:
    """Run a long command, with its output in `log` and a line of progress on stderr every ten seconds.

    Raises LabUnavailable, naming the log, when the command fails or does not exist.
    """
    began = time.monotonic()
    with log.open("wb") as output:
        try:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, pass_fds=[lock]
            )
        except FileNotFoundError as error:
            raise LabUnavailable(f"{what} cannot be made: {error.filename} is not installed") from error
        while _still_runs(process):
            print(f"{what}: {time.monotonic() - began:.0f} s: {_last_line(log)}", file=sys.stderr, flush=True)
    if process.returncode:
        raise LabUnavailable(f"{what} cannot be made: {_last_line(log)} (exit {process.returncode}, log: {log})")
    print(f"{what}: made in {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)


def _still_runs(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(PROGRESS_SECONDS)
    except subprocess.TimeoutExpired:
        return True
    return False


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").split("\n")
    return next((line.strip()[:100] for line in reversed(lines) if line.strip()), "no output")
