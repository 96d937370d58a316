"""A lab: hypervisors that live and die together, in a folder of their own under /run/vfl.

Nothing else of the real machine is written to, and no two labs share a name, a path or a network.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from . import cgroup
from .full import Full
from .hypervisor import Hypervisor
from .machine import Site
from .process import Process
from .requirement import check
from .root import DISTURBED, FULL, HOST, MODULAR, full_modular, root
from .ssh import admit, make_keys, write_access
from .unavailable import LabUnavailable

LABS = Path("/run/vfl")  # short: a path of a unix socket has at most 107 characters
STANDING = "standing"  # the file that marks a lab without an owner
NAME = re.compile(r"[a-z][a-z0-9-]{0,19}")


class Lab:
    """The hypervisors of one test run or demonstration, and how to reach them.

    A lab dies with the process that made it, however that ends. A standing lab stays until `down`, or until the process
    `owner` ends.
    """

    def __init__(self, name: str | None = None, *, standing: bool = False, owner: int | None = None) -> None:
        """Make the lab's folder and keys, and sweep away what dead labs left.

        Raises LabUnavailable when this machine lacks what a lab needs, ValueError for a name that is not a short
        lower-case word, FileExistsError when a lab of that name lives.
        """
        if lacks := check():
            raise LabUnavailable("this machine lacks\n" + "\n".join(lacks))
        self.name = _checked(name or f"l{secrets.token_hex(4)}")
        self.folder = LABS / self.name
        self.inventory = self.folder / "inventory.yml"
        self.hypervisors: dict[str, Hypervisor] = {}
        self.machines: dict[str, Full] = {}
        with _labs_locked():
            _sweep()
            if self.folder.exists():
                raise FileExistsError(f"there is a lab {self.name!r}; end it first, or choose another name")
            self.folder.mkdir(mode=0o700)
            self._lock = (self.folder / "lock").open("w")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        owner = owner if standing else os.getpid()
        self._owner = None if owner is None else os.pidfd_open(owner)
        self._site = Site(self.folder, self._lock.fileno(), self._owner)
        if standing:
            (self.folder / STANDING).touch()
        make_keys(self.folder)
        self._write_access()

    def __enter__(self) -> Lab:
        """Return the lab itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the lab down."""
        self.stop()

    def start(self, name: str, root: str = HOST) -> Hypervisor:
        """Start one hypervisor; see start_all()."""
        return self.start_all({name: root})[name]

    def start_all(self, roots: Mapping[str, str]) -> dict[str, Hypervisor]:
        """Start hypervisors side by side, each name on its root ("host", "bullseye", ...), and return them by name.

        Raises LabUnavailable when a root is not available, RuntimeError when a hypervisor does not start.
        """
        lowers = {name: root(kind) for name, kind in roots.items()}
        with ThreadPoolExecutor(max_workers=max(4, os.cpu_count() or 1)) as pool:
            started = list(pool.map(self._start, lowers, lowers.values()))
        hypervisors = dict(zip(lowers, started))
        self.hypervisors.update(hypervisors)
        self._write_access()
        return hypervisors

    def start_full(self, name: str, suite: str, provider: str = "networkd", *, dhcp: bool = False) -> Full:
        """Start a full machine of a Debian suite, whose eth0 `provider` manages; see Full.

        One of the suite "modular" has libvirt's several daemons with their units, none of which is enabled; one of
        "disturbed-bookworm" has libvirt, and apt has what disturbs it there.
        Raises LabUnavailable when the root or a control group is not available, RuntimeError when it does not start.
        """
        kind = suite if suite.startswith(DISTURBED) else f"{FULL}{suite}"
        lower = full_modular() if suite == MODULAR else root(kind)
        machine = Full(self._site, _checked(name), lower, provider, dhcp=dhcp)
        self.machines[name] = machine
        self._write_access()
        return machine

    def stop(self) -> None:
        """End every machine of the lab and remove its folder; a second call does nothing."""
        if self._lock.closed:
            return
        for machine in (*self.hypervisors.values(), *self.machines.values()):
            machine.stop()
        _end(self.folder)  # what a failed start left as well
        self._lock.close()
        if self._owner is not None:
            os.close(self._owner)

    def _write_access(self) -> None:
        write_access(self.folder, self.hypervisors.values(), self.machines.values())

    def _start(self, name: str, lower: Path) -> Hypervisor:
        hypervisor = Hypervisor(self._site, _checked(name), lower)
        for machine in (hypervisor, hypervisor.world):
            admit(self.folder, machine)
        return hypervisor


def living() -> dict[str, list[str]]:
    """Return the names of the machines of every lab that lives, by the lab's name."""
    labs = {}
    for folder in sorted(LABS.glob("*/")):
        records = sorted(folder.glob("*/pid"))
        machines = [record.parent.name for record in records if Process.read(record).alive()]
        if machines:
            labs[folder.name] = machines
    return labs


def standing_labs() -> list[str]:
    """Return the names of the labs that stand until they are taken down."""
    return sorted(mark.parent.name for mark in LABS.glob(f"*/{STANDING}"))


def visit(name: str) -> dict[str, Hypervisor]:
    """Return the hypervisors of a standing lab by name; ValueError when there is none of that name.

    What the visitor starts there ends with it.
    """
    if name not in standing_labs():
        raise ValueError(f"no standing lab {name!r}")
    folder = LABS / name
    for record in folder.glob("*/pid"):
        if not Process.read(record).alive():  # an earlier visitor's
            shutil.rmtree(record.parent)
    site = Site(folder, os.open(folder / "lock", os.O_RDONLY), os.pidfd_open(os.getpid()))
    worlds = sorted(folder.glob("*-world/pid"))
    return {host: Hypervisor.found(site, host) for host in (path.parent.name.removesuffix("-world") for path in worlds)}


def take_down(name: str) -> None:
    """End a standing lab; ValueError when there is none of that name (a lab that has an owner is never touched)."""
    if name not in standing_labs():
        raise ValueError(f"no standing lab {name!r}")
    _end(LABS / name)


def _end(folder: Path) -> None:
    """End every machine whose record is in a lab's folder, then remove the folder."""
    with _labs_locked():  # so that no other lab sweeps the folder meanwhile
        for record in folder.glob("*/pid"):
            Process.read(record).kill()
        _forget(folder)


def _sweep() -> None:
    """Remove the folders of labs that nobody holds the lock of any more: neither an owner nor a machine lives."""
    for folder in LABS.glob("*/"):
        with (folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            _forget(folder)


def _forget(folder: Path) -> None:
    cgroup.remove(folder.name)
    shutil.rmtree(folder)


@contextmanager
def _labs_locked() -> Iterator[None]:
    LABS.mkdir(mode=0o700, exist_ok=True)
    with (LABS / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _checked(name: str) -> str:
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a name of at most 20 lower-case letters, digits and dashes")
    return name
