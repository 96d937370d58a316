# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The locks of networks and guests. Only those who may change libvirt can take one, and the kernel frees it with its
process.

A lock is a locked file in a folder that others cannot even open. Root makes the folder beside libvirt's socket. Others
make one where everybody may, with the group of the socket: the kernel gives that group to nobody else's folder. Who
takes a lock takes it in all folders that he trusts, so any two who trust the same folder exclude each other.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import stat
import time
import uuid
from collections.abc import Iterator, Sequence
from typing import Callable, NamedTuple
from urllib.parse import parse_qs, urlsplit

from .._errors.errors import LockedError

FOLDER = "virtfleet.network"
SYSTEM = "/run/libvirt"
# Where everybody may make folders that nobody else can remove; more than one, as distributions differ.
SHARED = ("/run/lock", "/dev/shm", "/tmp")  # noqa: S108 - only folders with an owner and a group that are trusted count
POLL = 0.05  # seconds


class Reach(NamedTuple):
    """Among whom a lock holds: those who mean the same by ``text``, and may write to ``beside`` or belong to ``group``
    (0: nobody but root and the user himself)."""

    text: str
    beside: str = ""
    group: int = 0


def reach_of(uri: str) -> Reach:
    """The reach of locks on the networks and guests of a libvirt URI, in the form that libvirt itself gives it."""
    parts = urlsplit(uri)
    transport, socket = parts.scheme.partition("+")[2], parse_qs(parts.query).get("socket", [""])[0]
    if parts.netloc or transport not in ("", "unix") or parts.scheme == "test":
        return Reach(f"{parts.scheme.partition('+')[0]}://{parts.netloc.rpartition('@')[2].lower()}{parts.path}")
    if parts.path == "/session":
        return Reach("session")
    beside = os.path.dirname(socket) or SYSTEM  # noqa: PTH120 - a URI's text
    return Reach("system", beside, _group(socket, beside))


def _group(socket: str, beside: str) -> int:
    """The group whose members may write to libvirt, 0 where the socket does not decide (polkit does)."""
    for name in (socket, *(f"{beside}/{daemon}-sock" for daemon in ("libvirt", "virtqemud", "virtnetworkd"))):
        with contextlib.suppress(OSError):
            found = os.stat(name)  # noqa: PTH116
            return 0 if found.st_mode & stat.S_IWOTH or not found.st_mode & stat.S_IWGRP else found.st_gid
    return 0


@contextlib.contextmanager
def locked(
    reach: Reach, things: Sequence[tuple[str, str]], seconds: float, pause: Callable[[float], object] = time.sleep
) -> Iterator[None]:
    """Holds things, each a kind and a name, against all within reach; raises LockedError after so many seconds."""
    end = time.monotonic() + seconds
    while True:
        with contextlib.ExitStack() as held:
            folders = _folders(reach)
            for kind, name in sorted(set(things)):
                # no network's name has "/", so a guest's lock is never that of a network.
                place = hashlib.sha256("\0".join((reach.text, kind, name)).encode()).hexdigest()
                for folder in folders:
                    lock = _take(f"{kind} {name!r}", f"{folder}/{place}", (end, seconds), pause)
                    held.callback(os.close, lock)
            # Somebody may have made a folder since: whoever looks last sees the other's.
            if _folders(reach) == folders:
                yield
                return


def _folders(reach: Reach) -> list[str]:
    """The folders that count, in one order for all; the one beside the socket, or else one, is made if it can be."""
    if reach.beside:
        _make(f"{reach.beside}/{FOLDER}", reach.group)
    for place in SHARED:
        if found := _trusted(reach):
            return found
        _make(f"{place}/{FOLDER}.{uuid.uuid4().hex}", reach.group)
    if found := _trusted(reach):
        return found
    places = ", ".join(filter(None, (reach.beside, *SHARED)))
    raise LockedError(f"Cannot take a lock: no folder for it can be made in any of {places}; make one writable")


def _make(path: str, group: int) -> None:
    """Makes a folder for those of a group, who are the only ones that can give it that group."""
    with contextlib.suppress(OSError):
        with contextlib.suppress(FileExistsError):
            os.mkdir(path, 0o700)  # noqa: PTH102
        there = os.lstat(path)
        if group and stat.S_ISDIR(there.st_mode) and there.st_uid == os.geteuid() and there.st_gid != group:
            for place in (path, *(f"{path}/{name}" for name in os.listdir(path))):  # noqa: PTH208
                os.chown(place, -1, group, follow_symlinks=False)
            os.chmod(path, 0o2770)  # noqa: PTH101,S103


def _trusted(reach: Reach) -> list[str]:
    paths = [f"{reach.beside}/{FOLDER}"] if reach.beside else []
    for place in SHARED:
        with contextlib.suppress(OSError):
            paths += [f"{place}/{name}" for name in os.listdir(place) if name.startswith(f"{FOLDER}.")]  # noqa: PTH208
    return sorted(path for path in paths if _is_trusted(path, reach.group))


def _is_trusted(path: str, group: int) -> bool:
    try:
        found = os.lstat(path)
    except OSError:
        return False
    closed = stat.S_ISDIR(found.st_mode) and not found.st_mode & stat.S_IRWXO
    ours = found.st_uid in (0, os.geteuid()) or bool(group and found.st_gid == group)
    return closed and ours and os.access(path, os.W_OK | os.X_OK)


def _take(what: str, path: str, until: tuple[float, float], pause: Callable[[float], object]) -> int:
    """The file of a lock, locked."""
    end, seconds = until
    while True:
        file = _opened(what, path)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_at(file, path):
                _sign(file)
                return file
        except BlockingIOError:
            if time.monotonic() >= end:
                holder = _holder(file)
                os.close(file)
                raise LockedError(
                    f"Cannot change {what}: {holder} has been changing it for more than {seconds:g} seconds; "
                    "wait for it, end it, or raise lock_timeout"
                ) from None
            pause(min(POLL, max(0.0, end - time.monotonic())))
        os.close(file)


def _opened(what: str, path: str) -> int:
    mask = os.umask(stat.S_IRWXO)  # others of the group must be able to lock it, too
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o660)
    except OSError as error:
        raise LockedError(f"Cannot lock {what}: {path}: {error.strerror}") from None
    finally:
        os.umask(mask)


def _is_at(file: int, path: str) -> bool:
    """Whether nobody has removed the file between opening and locking it."""
    with contextlib.suppress(OSError):
        return os.path.samestat(os.fstat(file), os.stat(path))  # noqa: PTH116
    return False


def _sign(file: int) -> None:
    """Writes into a lock's file whose it is."""
    with contextlib.suppress(OSError):  # a full disk must not keep anybody from taking a lock
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()} {_namespace()}".encode(), 0)


def _holder(file: int) -> str:
    """Who holds a lock, by what he has written into its file."""
    signed = re.fullmatch(r"(\d+) (\S*)", os.pread(file, 100, 0).decode("ascii", "replace"))
    if not signed:
        return "another process"
    return f"process {signed[1]}" + ("" if signed[2] == _namespace() else " of another container")


def _namespace() -> str:
    """The container, as far as process numbers go."""
    with contextlib.suppress(OSError):
        return os.readlink("/proc/self/ns/pid")  # noqa: PTH115
    return ""
