# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A hypervisor whose libvirt does not answer: what its files say, and how its daemons are."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .._errors.errors import is_denied
from .._schema.network import LiveNetwork, NetworkDefinition
from .._values.observed import Observed, ObservedGuest
from .._xml.codec import read_xml, write_xml
from .._xml.definition import ABSENT, Definition
from . import command as _command
from .kernel import KernelInspector

SAVED = Path("/etc/libvirt/qemu/networks")
RUNNING = Path("/run/libvirt/network")
GUESTS = Path("/run/libvirt/qemu")
SOCKETS = Path("/run/libvirt")
DAEMONS = {"libvirtd": "libvirt", "virtqemud": "virtqemud", "virtnetworkd": "virtnetworkd"}  # and how its socket begins
SECONDS = 1.0
NOBODY = "nobody listens at"
STATES = {errno.ECONNREFUSED: NOBODY, errno.ENOENT: "there is no", errno.EACCES: "one may not use"}


class Files:
    """What can be said of a hypervisor without libvirt, which ``error`` says of itself.

    ``down`` says it in words, ``remedy`` what to do. libvirt's own files are for root alone.
    """

    def __init__(self, error: str) -> None:
        daemons = [name for name in DAEMONS if shutil.which(name, path=_command.PATH)]
        states = {name: _socket(name) for name in daemons}
        units = {name: _unit(name) for name in daemons}
        told = [f"{name}: {state}{units[name]}" for name, state in states.items()]
        self.down = "; ".join([error, *told])
        silent = [name for name, state in states.items() if state.startswith((NOBODY, "there is no"))]
        verb, names = ("start", silent) if silent else ("restart", daemons)
        self.remedy = f"systemctl {verb} {' '.join(names)}" if names else "Install libvirt's daemon."
        if is_denied(error) or any(state.startswith("one may not use") for state in states.values()):
            self.remedy = "Run the task as root, or put its user into the group libvirt."
        self._unseen: list[str] = []

    def networks(self) -> list[Observed]:
        """All networks that have a file."""
        saved = {path.stem: NetworkDefinition(tree=root) for path, root in self._read(SAVED)}
        running = [(path.stem, part) for path, root in self._read(RUNNING) for part in root.findall("network")]
        live = {name: LiveNetwork(write_xml(part)) for name, part in running}
        return [
            Observed(
                name,
                saved.get(name) or live[name],
                live.get(name, ABSENT),
                (SAVED / "autostart" / f"{name}.xml").is_symlink(),
                name in saved,
            )
            for name in sorted({*saved, *live})
        ]

    def all_guests(self) -> list[ObservedGuest]:
        """All guests that run."""
        found = [(path.stem, part) for path, root in self._read(GUESTS) for part in root.findall("domain")]
        return [ObservedGuest(name, live=Definition(tree=part)) for name, part in found]

    def addresses(self, _guest: str, _agent: bool) -> dict[str, list[Any]]:
        """Nobody knows the addresses of guests' NICs."""
        return {}

    def leases(self, _name: str) -> list[Any]:
        """Nobody knows the leases."""
        return []

    def nwfilters(self) -> None:
        """Nobody lists the network filters."""

    def version(self) -> int:
        """Nobody knows the version: any."""
        return 0

    def look(self) -> KernelInspector:
        """What looks at the hypervisor itself."""
        inspector = KernelInspector(self.version())
        inspector.unseen += self._unseen
        return inspector

    def _read(self, folder: Path) -> Iterator[tuple[Path, Any]]:
        try:
            paths = sorted(path for path in map(Path, os.scandir(folder)) if path.suffix == ".xml")
            texts = [(path, path.read_text(encoding="utf-8")) for path in paths]
        except FileNotFoundError:
            return
        except OSError as error:
            self._unseen.append(f"{folder}, since libvirt does not answer: {error.strerror}")
            return
        for path, text in texts:
            with contextlib.suppress(ValueError):
                yield path, read_xml(text)


def _socket(daemon: str) -> str:
    """How a daemon's socket is."""
    path = SOCKETS / f"{DAEMONS[daemon]}-sock-ro"
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as asking:
        asking.settimeout(SECONDS)
        try:
            asking.connect(str(path))
        except OSError as error:
            return f"{STATES.get(error.errno or 0, f'{error.strerror or error}:')} {path}"
    return f"somebody listens at {path}"


def _unit(daemon: str) -> str:
    """How a daemon's unit is, as systemd says it."""
    words = ["systemctl", "show", "--property=ActiveState,SubState", "--value", f"{daemon}.service"]
    try:
        done = _command.run(words)
    except (OSError, subprocess.SubprocessError):
        return ""
    state = " ".join(done.stdout.split())
    return f", unit {daemon}.service is {state}" if state and not done.returncode else ""
