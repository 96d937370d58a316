"""A process that the lab started, known by pid and start time, so that a pid used again is never mistaken for it."""

from __future__ import annotations

import errno
import os
import select
import signal
from dataclasses import dataclass
from pathlib import Path

KILL_SECONDS = 20
# There is no such process, or a thread has the number now: Linux says that in another way since 6.15.
GONE = (errno.ESRCH, errno.ENOENT, errno.EINVAL)


@dataclass(frozen=True)
class Process:
    """Pid 1 of a lab machine as this machine sees it: when it ends, everything in its namespaces has ended."""

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> Process:
        """Describe a process that runs now; FileNotFoundError when there is none."""
        return cls(pid, _start_time(pid))

    @classmethod
    def read(cls, record: Path) -> Process:
        """Read back what write() wrote."""
        pid, started = record.read_text().split()
        return cls(int(pid), int(started))

    def write(self, record: Path) -> None:
        """Write the process down for a later `down` or `shell` of another run."""
        record.write_text(f"{self.pid} {self.started}\n")

    def alive(self) -> bool:
        """Return whether this very process still runs."""
        try:
            return _start_time(self.pid) == self.started
        except (FileNotFoundError, ProcessLookupError):
            return False

    def kill(self) -> None:
        """End the process and with it all of its namespaces; returns when they are gone, TimeoutError if they stay."""
        try:
            handle = os.pidfd_open(self.pid)
        except OSError as error:
            if error.errno in GONE:
                return
            raise
        try:
            if not self.alive():
                return
            signal.pidfd_send_signal(handle, signal.SIGKILL)
            end = select.poll()
            end.register(handle)
            if not end.poll(KILL_SECONDS * 1000):
                raise TimeoutError(f"process {self.pid} does not end")
        finally:
            os.close(handle)

    def enter(self, *command: str) -> list[str]:
        """Return the command line that runs a command in the namespaces and the root of this process."""
        return ["nsenter", "--target", str(self.pid), "--mount", "--net", "--uts", "--ipc", "--pid", "--", *command]

    def enter_net(self, *command: str) -> list[str]:
        """Return the command line that runs one of this machine's own commands in the network of this process."""
        return ["nsenter", "--target", str(self.pid), "--net", "--", *command]


def _start_time(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[19])
