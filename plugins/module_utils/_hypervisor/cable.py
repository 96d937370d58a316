# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cable that is plugged into a bridge: at its other end is a client in a network namespace of its own.

The namespace belongs to this process: when that ends, however it ends, the kernel removes the cable.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from . import command as _command
from . import host as _host

NAME = "vfp"  # what the names of its devices begin with
MAC = "02:76:66"  # what its MAC begins with: locally administered
NEWNS, NEWNET = 0x20000, 0x40000000
WORKERS = 16  # more than there are questions
# A bridge with STP lets a new port speak after 4.
PORT_SECONDS = 5.0
FORWARDING, IFF_UP = "3", 1
# In the client's namespace: it takes no router's word, and does not wait until its addresses are certain to be its own.
SETTINGS = {
    "conf/default/disable_ipv6": "0",
    "conf/default/accept_ra": "0",
    "conf/default/accept_dad": "0",
    "conf/default/router_solicitations": "0",
    # what it says of the groups that it listens to is said at once, and once
    "conf/default/mldv2_unsolicited_report_interval": "1",
    "mld_qrv": "1",
}
_LIBC = ctypes.CDLL(None, use_errno=True)
Returned = TypeVar("Returned")


def libc(function: str, *arguments: Any) -> None:
    """Calls a function of the C library that returns 0; raises OSError when it fails."""
    if getattr(_LIBC, function)(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), function)


def apart(function: Callable[[], Returned], namespaces: int) -> Returned:
    """What a function returns in a thread with new namespaces, which end with it."""

    def run() -> Returned:
        libc("unshare", namespaces)
        return function()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(run).result()


def ip(*words: str) -> str:
    """What iproute2 prints; raises OSError with its words when it fails."""
    try:
        done = _command.run([_host.IP, *words])
    except subprocess.SubprocessError as error:
        raise OSError(str(error)) from error
    if done.returncode:
        raise OSError((done.stderr.strip().splitlines() or ["it fails"])[0])
    return done.stdout


class Cable:
    """A cable that is plugged into a bridge for a `with`; raises OSError where that cannot be done."""

    def __init__(self, bridge: str) -> None:
        ending = os.urandom(4).hex()
        self.bridge, self.near, self.far = bridge, f"{NAME}{ending}", f"{NAME}far"
        self.mac = ":".join((MAC, *(ending[place : place + 2] for place in (0, 2, 4))))

    def __enter__(self) -> Cable:
        forget(self.bridge)
        mtu = Path("/sys/class/net", self.bridge, "mtu").read_text(encoding="ascii").strip()
        self._namespace = apart(_namespace, NEWNET)
        self._threads = ThreadPoolExecutor(WORKERS, initializer=libc, initargs=("setns", self._namespace, NEWNET))
        try:
            # The highest of MACs: a bridge without one of its own takes its ports' lowest.
            words = ["address", f"fe{self.mac[2:]}", "mtu", mtu, "master", self.bridge, "type", "veth"]
            inside = ["address", self.mac, "mtu", mtu, "netns", f"/proc/{os.getpid()}/fd/{self._namespace}"]
            ip("link", "add", self.near, *words, "peer", "name", self.far, *inside)
            self.inside(ip, "link", "set", self.far, "up")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self._threads.shutdown()
        os.close(self._namespace)
        with contextlib.suppress(OSError):
            ip("link", "delete", self.near)  # the kernel would do it, but later
        forget(self.bridge)

    def plug_in(self) -> None:
        """Has the bridge listen to the cable; returns when it forwards, or does not after the time that STP takes."""
        ip("link", "set", self.near, "addrgenmode", "none", "up")
        state = Path("/sys/class/net", self.near, "brport/state")
        is_up = int(Path("/sys/class/net", self.bridge, "flags").read_text(encoding="ascii"), 16) & IFF_UP
        end = time.monotonic() + (PORT_SECONDS if is_up else 0)
        while state.read_text(encoding="ascii").strip() != FORWARDING and time.monotonic() < end:
            time.sleep(0.02)

    def inside(self, function: Callable[..., Returned], *arguments: Any) -> Returned:
        """What a function returns in the client's namespace."""
        return self.later(function, *arguments).result()

    def later(self, function: Callable[..., Returned], *arguments: Any) -> Future[Returned]:
        """The same, beside what is done meanwhile."""
        return self._threads.submit(function, *arguments)


def _namespace() -> int:
    for name, value in SETTINGS.items():
        with contextlib.suppress(OSError):  # the kernel has no IPv6, or they are read-only
            Path("/proc/sys/net/ipv6", name).write_text(value, encoding="ascii")
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def forget(bridge: str) -> None:
    """Has the kernel forget the clients that it knew behind a bridge, also those of a task that was killed."""
    with contextlib.suppress(OSError, ValueError):
        for entry in json.loads(ip("-j", "neighbour", "show", "dev", bridge) or "[]"):
            if entry.get("lladdr", "").startswith(MAC):
                ip("neighbour", "delete", entry["dst"], "dev", bridge)
