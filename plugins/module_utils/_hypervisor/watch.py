# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the gateway that hears what happens on a hypervisor, for as long as its connection lasts."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import Any, Callable, NamedTuple, Optional

from .gateway import refusals
from .guests import Guests
from .link import open_remote

try:
    import libvirt
except ImportError:  # reported by the glue in Ansible's usual words
    libvirt = None

NETWORK, GUEST = "network", "guest"
# What lifecycle events say that another look does not, by their numbers (virNetworkEventLifecycleType,
# virDomainEventType): only they see a restart between two looks.
WORDS = {NETWORK: {2: "started", 3: "stopped"}, GUEST: {2: "started", 5: "stopped"}}
# The events of each kind, lifecycle first. Not every libvirt has the others.
EVENTS = {
    NETWORK: ("VIR_NETWORK_EVENT_ID_LIFECYCLE", "VIR_NETWORK_EVENT_ID_METADATA_CHANGE"),
    GUEST: (
        "VIR_DOMAIN_EVENT_ID_LIFECYCLE",
        "VIR_DOMAIN_EVENT_ID_DEVICE_ADDED",
        "VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED",
        "VIR_DOMAIN_EVENT_ID_METADATA_CHANGE",
        "VIR_DOMAIN_EVENT_ID_NIC_MAC_CHANGE",
    ),
}


class Hint(NamedTuple):
    """That something happened to a network or guest; ``word`` is started or stopped, "" for everything else."""

    kind: str
    name: str
    word: str = ""


Hear = Callable[[Optional[Hint]], None]


class Watch(Guests):
    """A gateway that hears. Its calls have no deadline and end with the connection, which is never made again: who
    listens has to listen again then."""

    def __init__(self, uri: str) -> None:
        self._close: list[Callable[[], Any]] = []
        super().__init__(uri, readonly=True)

    def _connected(self, readonly: bool, _seconds: float) -> Any:
        return open_remote(self._uri, readonly)

    def listen(self, kinds: tuple[str, ...], hear: Hear) -> None:
        """Has ``hear`` called from now on, in a thread of libvirt's: with a hint, and with None when it is over."""
        with refusals("Cannot listen to libvirt's events"):
            self._conn.registerCloseCallback(lambda *_reason: hear(None), None)
            self._close.append(self._conn.unregisterCloseCallback)
            for kind in kinds:
                self._listen(kind, hear)

    def _listen(self, kind: str, hear: Hear) -> None:
        part = "network" if kind == NETWORK else "domain"
        register = getattr(self._conn, f"{part}EventRegisterAny")
        deregister = getattr(self._conn, f"{part}EventDeregisterAny")

        def report(_conn: Any, thing: Any, event: Any, *more: Any) -> None:
            hear(Hint(kind, thing.name(), WORDS[kind].get(event, "") if more[-1] is lifecycle else ""))

        lifecycle = object()
        for place, name in enumerate(EVENTS[kind]):
            try:
                number = register(None, getattr(libvirt, name), report, lifecycle if place == 0 else None)
                self._close.append(partial(deregister, number))
            except (AttributeError, libvirt.libvirtError):
                if place == 0:
                    raise

    def close(self) -> None:
        """Ends the connection: libvirt keeps one that somebody listens to."""
        for end in (*reversed(self._close), self._conn.close):
            with contextlib.suppress(libvirt.libvirtError):
                end()
