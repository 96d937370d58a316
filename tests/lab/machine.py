"""A machine of the lab: namespaces and a root of its own on this machine's kernel."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .process import Process

if TYPE_CHECKING:
    from typing import Self

# nothing of the caller's environment (virtual environment, locale, proxies) belongs in a machine
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
    "TERM": "dumb",
}


class CommandError(subprocess.CalledProcessError):
    """A command in a machine failed; unlike its base, the text holds what the command printed."""

    def __str__(self) -> str:
        return f"{super().__str__()}\n{self.stdout}{self.stderr}"


@dataclass(frozen=True)
class Site:
    """What machines of one lab share: the lab's folder, its lock, and who must live for them to live.

    `lock` is a descriptor that every machine inherits: the lab is alive as long as anyone holds it. `owner` is the
    pidfd of the owning process, None for a standing lab.
    """

    folder: Path
    lock: int
    owner: int | None


class Machine:
    """Namespaces with a root of their own: nothing done in them touches the real machine."""

    def __init__(self, site: Site, name: str, lower: Path = Path("/")) -> None:
        """Start the machine `name` on the read-only root `lower`; RuntimeError with its log when it does not start."""
        self.site = site
        self.name = name
        self.home = site.folder / name
        for folder in ("run/lock", "run/sshd", "run/lab", "root", "layers"):
            (self.home / folder).mkdir(parents=True)
        self._unshare = self._boot(lower)

    @classmethod
    def found(cls, site: Site, name: str) -> Self:
        """Return a machine that another process has started."""
        machine = cls.__new__(cls)
        machine.site, machine.name, machine.home = site, name, site.folder / name
        machine.process = Process.read(machine.home / "pid")
        return machine

    def _boot(self, lower: Path) -> subprocess.Popen[str]:
        inherited = [fd for fd in (self.site.lock, self.site.owner) if fd is not None]
        owner = "none" if self.site.owner is None else str(self.site.owner)
        apart = ["unshare", "--mount", "--net", "--uts", "--ipc", "--pid", "--fork", "--kill-child", "--"]
        init = [sys.executable, "-I", str(Path(__file__).with_name("init.py")), str(lower), str(self.home), owner]
        with (self.home / "log").open("w") as log:
            unshare = subprocess.Popen(
                [*apart, *init],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd="/",
                pass_fds=inherited,
                start_new_session=True,  # an interrupt at the terminal is the lab's to handle
            )
        assert unshare.stdout is not None
        with unshare.stdout as ready:
            pid = ready.readline()
        if not pid:
            unshare.wait()
            raise RuntimeError(f"{self.name} does not start:\n{(self.home / 'log').read_text()}")
        self.process = Process.of(int(pid))
        self.process.write(self.home / "pid")
        return unshare

    def stop(self) -> None:
        """End the machine and everything in it, and forget its files; a second call does nothing."""
        self.process.kill()
        self._unshare.wait()
        shutil.rmtree(self.home, ignore_errors=True)

    def run(
        self,
        command: Sequence[str],
        *,
        check: bool = True,
        input: str | None = None,  # noqa: A002 - the name that subprocess.run() has for it
        timeout: float = 60,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command as root in the machine, wait for it and return what it printed.

        Raises CommandError when it fails and `check` is set, subprocess.TimeoutExpired after `timeout` seconds.
        """
        done = subprocess.run(
            self.process.enter(*command),
            check=False,
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            capture_output=True,
            text=True,
            env=ENVIRONMENT,
            timeout=timeout,
        )
        if check and done.returncode:
            raise CommandError(done.returncode, list(command), done.stdout, done.stderr)
        return done

    @contextmanager
    def background(self, command: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
        """Run a command in the machine for the length of a `with`; its stdout and stderr are the pipe `stdout`."""
        with subprocess.Popen(
            self.process.enter("sh", "-c", 'echo $$; exec "$@"', "sh", *command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=ENVIRONMENT,
        ) as running:
            assert running.stdout is not None
            inner_pid = running.stdout.readline().strip()
            try:
                yield running
            finally:
                self.run(["kill", inner_pid], check=False)

    def join(self, port: str, other: Machine, other_port: str, mac: str | None = None) -> None:
        """Lay a cable: the interface `port` here, `other_port` (with `mac`) in the other machine."""
        address = ["address", mac] if mac else []
        peer = ["peer", "name", other_port, *address, "netns", str(other.process.pid)]
        subprocess.run(self.process.enter_net("ip", "link", "add", port, "type", "veth", *peer), check=True)
