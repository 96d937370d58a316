# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What libvirt and the kernel have: networks, guests and devices. No behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from .._xml.definition import ABSENT, Definition
from .connection import Seen


class Nic(NamedTuple):
    """A running guest's NIC on a network.

    ``alias`` is libvirt's name for it in the guest, ``device`` its end on the host; ``state`` is connected, link_down
    (as its user set it), parked (moved aside for a restart), disconnected (by a restart without replug), broken (its
    device is gone or has no carrier), or unknown where that cannot be found out; ``why`` says it in words.
    """

    mac: str
    alias: str = ""
    device: str = ""
    state: str = "connected"
    why: str = ""


class Guest(NamedTuple):
    """A guest with NICs on a network; ``running`` also when it is paused. ``nics`` says more, of a guest that runs.

    ``by_bridge``: whether one of these NICs names the network's bridge and not the network. ``later``: whether it runs,
    but is on the network with its next start only; it counts as one that does not run.
    """

    name: str
    running: bool
    macs: tuple[str, ...]
    nics: tuple[Nic, ...] = ()
    by_bridge: bool = False
    later: bool = False


class ObservedGuest(NamedTuple):
    """A guest as libvirt knows it.

    ``saved``: the definition that its next start uses (absent when it only runs); ``live``: what runs (absent when it
    does not); ``declared``: that without what its networks contribute (absent where one may only read); ``devices``:
    the taps of what runs, and the bridges that libvirt has them on, as the kernel sees them (empty where it cannot be
    seen).
    """

    name: str
    uuid: str = ""
    saved: Definition = ABSENT
    live: Definition = ABSENT
    declared: Definition = ABSENT
    devices: Mapping[str, Seen] = MappingProxyType({})

    @property
    def exists(self) -> bool:
        """Whether there is such a guest."""
        return bool(self.uuid)

    def config(self, scope: str) -> Definition:
        """Its live or persistent config."""
        return {"live": self.live, "saved": self.saved}[scope]

    def as_declared(self, scope: str) -> Definition:
        """The same as it was declared, where libvirt shows that."""
        return (self.declared if scope == "live" else ABSENT) or self.config(scope)


class Observed(NamedTuple):
    """A network as libvirt knows it.

    ``saved``: the definition that the next start uses (absent when there is no such network; of a transient network
    its live one in the form for saving); ``live``: what runs (absent when inactive); ``guests``: None when not asked;
    ``parking``: whether the network is there on which NICs wait for a restart of this one.
    """

    name: str
    saved: Definition = ABSENT
    live: Definition = ABSENT
    autostart: bool = False
    persistent: bool = False
    guests: tuple[Guest, ...] | None = None
    parking: bool = False

    @property
    def active(self) -> bool:
        """Whether the network runs."""
        return bool(self.live)


class Device(NamedTuple):
    """A network device of the host; ``ports``: name to whether it has a carrier; ``addresses``: with prefix; ``names``:
    its other names; ``routes``: the IPv4 destinations that the host's main table reaches through it."""

    bridge: bool
    mac: str
    ports: dict[str, bool]
    addresses: tuple[str, ...]
    names: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
