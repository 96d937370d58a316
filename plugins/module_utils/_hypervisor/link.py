# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection to libvirt: every call has a deadline, and the next one after a loss connects again."""

from __future__ import annotations

import contextlib
import errno
import functools
import re
import threading
import time
from functools import partial
from typing import Any, Callable

from .._errors.errors import UnreachableError, remedy
from .calls import Caller, HungCall, pause, stop_if_signalled

try:
    import libvirt
except ImportError:  # reported by the glue in Ansible's usual words
    libvirt = None

# Calls that change nothing, so they can be made again on a new connection.
READS = re.compile(
    "(list|is|get|lookup|networkLookup|nwfilterLookup).*"
    "|name|ID|UUIDString|XMLDesc|autostart|state|DHCPLeases|jobInfo"
    "|interfaceAddresses|interfaceStats"
)
KEEPALIVE = (5, 6)  # seconds between two questions, and how many may stay without an answer: virsh's values
RETRY = 0.2  # seconds between two attempts to connect
# Why nobody can be reached at a socket. libvirt hands errno on from daemon to daemon (virReportSystemError: int1).
NOBODY = (errno.ENOENT, errno.ECONNREFUSED)
RESTART = 10  # seconds in which a daemon that restarts has its socket again; with systemd, it never goes away
REST = 5  # seconds for a call that hung to end, once libvirt answers again
_STARTING = threading.Lock()
SEE = "see systemctl status libvirtd (or virtqemud and virtnetworkd) on the hypervisor"


class Link:
    """A connection, as libvirt's library gives it. A call raises libvirtError when libvirt refuses it, UnreachableError
    when it takes longer than so many ``seconds``, or when the connection breaks and is not back within as many in all.
    A daemon at whose socket nobody listens is waited for only after a break or a change, and not longer than RESTART.
    Of a ``remote`` one the peer may vanish without a word: it is asked every few seconds whether it is there.
    """

    def __init__(self, uri: str, readonly: bool, seconds: float, remote: bool = False) -> None:
        self._open = partial(open_remote if remote else _open, uri, readonly)
        self._seconds = self._patience = self._left = seconds
        self._at_stake = False  # whether there was a change or a break
        self._caller = Caller()
        self._hung: list[Caller] = []
        self._conn: Any = None
        self._why = ""  # what libvirt said when the connection was lost
        self.era = 0  # the number of the connection
        try:
            self._connect(seconds)
        except BaseException:
            self.close()
            raise

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return partial(self.call, lambda: getattr(self._conn, name), f"virConnect.{name}")

    def close(self) -> None:
        """Ends the connection, and what libvirt has started for it."""
        with contextlib.suppress(libvirt.libvirtError, HungCall):
            if self._conn is not None:
                self._caller.call(self._conn.close, min(REST, self._seconds))
        self._abandon()
        for caller in self._hung:
            caller.end()

    def call(self, method: Callable[[], Callable[..., Any]], name: str, *arguments: Any) -> Any:
        """What a method gives, which is asked for when there is a connection."""
        reads = bool(READS.fullmatch(name.partition(".")[2]))
        self._at_stake |= not reads
        while True:
            stop_if_signalled()
            self._reconnect()
            try:
                return self._known(self._bounded(lambda: method()(*arguments), name))
            except libvirt.libvirtError as error:
                if not self._is_lost(error):
                    raise
                self._lose_patience(error)
                self._drop()
                if not reads or self._left <= 0:
                    raise _broken(error) from error
                began = time.monotonic()
                pause(RETRY)
                self._left -= time.monotonic() - began

    def _bounded(self, function: Callable[[], Any], name: str) -> Any:
        try:
            return self._caller.call(function, self._seconds)
        except HungCall:
            self._abandon()
            raise UnreachableError(
                f"libvirt has not answered {name} for {self._seconds:g} seconds, and may still carry it out; {SEE}, or "
                "raise timeout"
            ) from None

    def _known(self, found: Any) -> Any:
        """Objects of libvirt as such whose calls go through here as well."""
        if isinstance(found, list):
            return [self._known(one) for one in found]
        if isinstance(found, libvirt.virNetwork):
            return Remote(self, found, "virNetwork", lambda conn: conn.networkLookupByName(found.name()))
        if isinstance(found, libvirt.virDomain):
            return Remote(self, found, "virDomain", lambda conn: conn.lookupByUUIDString(found.UUIDString()))
        if isinstance(found, libvirt.virNWFilter):
            return Remote(self, found, "virNWFilter", lambda conn: conn.nwfilterLookupByName(found.name()))
        return found

    # ---- connecting ----

    def _connect(self, seconds: float) -> None:
        try:
            self._conn = self._caller.call(self._open, seconds)
        except HungCall:
            self._abandon()
            raise UnreachableError(
                f"libvirt has not answered for {seconds:.3g} seconds; {SEE}, or raise timeout"
            ) from None
        self.era += 1

    def _reconnect(self) -> None:
        """Connects again after a loss, if there is time left for that."""
        while self._conn is None:
            began = time.monotonic()
            if self._left <= 0:
                raise UnreachableError(
                    f"libvirt has not come back within {self._patience:g} seconds; {remedy(self._why) or SEE}"
                )
            try:
                self._connect(self._left)
                for caller in self._hung:
                    caller.end(REST)  # what it was asked for is either done then, or was lost with its connection
            except libvirt.libvirtError as error:
                self._lose_patience(error)
                time.sleep(RETRY)
            finally:
                self._left -= time.monotonic() - began

    def _lose_patience(self, error: Any) -> None:
        """Remembers why it is lost, and waits less where nobody listens."""
        self._at_stake, self._why = True, str(error.get_error_message())
        if error.get_int1() in NOBODY and self._patience > RESTART:
            self._left -= self._patience - RESTART
            self._patience = RESTART

    def _is_lost(self, error: Any) -> bool:
        """Whether the connection is, or one that libvirt's daemons have among each other, and not just missing."""
        if error.get_int1() in NOBODY and not self._at_stake:
            return False
        if error.get_error_domain() == libvirt.VIR_FROM_RPC and error.get_error_code() != libvirt.VIR_ERR_NO_SUPPORT:
            return True
        return not self._bounded(self._conn.isAlive, "virConnect.isAlive")

    def _drop(self) -> None:
        with contextlib.suppress(libvirt.libvirtError):
            self._bounded(self._conn.close, "virConnect.close")
        self._conn = None

    def _abandon(self) -> None:
        """Leaves a connection that hangs alone: Python would close it at its end, and hang as well."""
        if self._conn is not None:
            self._conn._o = None
        self._conn = None
        self._hung.append(self._caller)
        self._caller = Caller()


class Remote:
    """A network, guest or filter of a connection, which ``find`` finds again on another one."""

    def __init__(self, link: Link, real: Any, kind: str, find: Callable[[Any], Any]) -> None:
        self._link, self._real, self._kind, self._find, self._era = link, real, kind, find, link.era

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return partial(self._link.call, partial(self._method, name), f"{self._kind}.{name}")

    def _method(self, name: str) -> Any:
        if self._era != self._link.era:
            self._real, self._era = self._find(self._link._conn), self._link.era
        return getattr(self._real, name)


def _open(uri: str, readonly: bool) -> Any:
    return libvirt.openReadOnly(uri) if readonly else libvirt.open(uri)


def open_remote(uri: str, readonly: bool) -> Any:
    """A connection of libvirt's library, which notices within half a minute that its peer is gone."""
    _run_events()
    conn = _open(uri, readonly)
    with contextlib.suppress(libvirt.libvirtError):  # a driver or a daemon that has no keepalive
        conn.setKeepAlive(*KEEPALIVE)
    return conn


def _run_events() -> None:
    """Runs the event loop, in which libvirt's library counts missing answers, once a process."""
    with _STARTING:  # connections may be opened side by side
        _event_loop()


@functools.cache
def _event_loop() -> None:
    libvirt.virEventRegisterDefaultImpl()

    def run() -> None:
        while True:
            libvirt.virEventRunDefaultImpl()

    threading.Thread(target=run, daemon=True).start()


def _broken(error: Any) -> UnreachableError:
    text = str(error.get_error_message())
    return UnreachableError(f"the connection broke (libvirt says {text!r}); {remedy(text) or SEE}")


def live_xml(domain: Any) -> str:
    """The definition that a guest runs with, "" while it does not run."""
    text = str(domain.XMLDesc())
    return text if is_live(text) else ""


def is_live(text: str) -> bool:
    """Whether libvirt wrote it of a running guest: of one that stops meanwhile, it gives the persistent config, which
    has no id."""
    return bool(re.match(r"<domain\b[^>]*\sid=", text))


def saved_xml(network: Any) -> str:
    """The persistent definition of a network, or the one that it runs with where it has no other."""
    try:
        return str(network.XMLDesc(libvirt.VIR_NETWORK_XML_INACTIVE))
    except libvirt.libvirtError:
        return str(network.XMLDesc())  # the test driver knows no flag here
