# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is and what shall be: the values that the planner compares. No behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Callable, NamedTuple

from ansible_collections.virtfleet.network.plugins.module_utils._connected import Seen


class Nic(NamedTuple):
    """A running guest's NIC on a network.

    ``alias`` is libvirt's name for it in the guest, ``device`` its end on the host; ``state`` is connected, link_down
    (as its user set it), parked (moved aside for a restart), cut_off (by a restart without care), broken (its device is
    gone or has no carrier), or unknown where it cannot be told; ``why`` says it in words.
    """

    mac: str
    alias: str = ""
    device: str = ""
    state: str = "connected"
    why: str = ""


class Guest(NamedTuple):
    """A guest with NICs on a network; ``running`` also when it is paused. Only of a running one ``nics`` tells more.

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

    ``saved``: the definition that its next start uses ("" when it only runs); ``live``: what runs ("" when it does
    not); ``declared``: that without what its networks contribute ("" where one may only read); ``devices``: the taps
    of what runs, and the bridges that libvirt has them on, as the kernel sees them (empty where it cannot be seen).
    """

    name: str
    uuid: str = ""
    saved: str = ""
    live: str = ""
    declared: str = ""
    devices: Mapping[str, Seen] = MappingProxyType({})

    @property
    def exists(self) -> bool:
        """Whether there is such a guest."""
        return bool(self.uuid)


class Observed(NamedTuple):
    """A network as libvirt knows it.

    ``saved``: the definition that the next start uses ("" when there is no such network; of a transient network
    its live one in the form for saving); ``live``: what runs ("" when inactive); ``guests``: None when not asked;
    ``parking``: whether the network is there on which NICs wait for a restart of this one.
    """

    name: str
    saved: str = ""
    live: str = ""
    autostart: bool = False
    persistent: bool = False
    guests: tuple[Guest, ...] | None = None
    parking: bool = False

    @property
    def active(self) -> bool:
        """Whether the network runs."""
        return bool(self.live)


class Tally(NamedTuple):
    """The entries of a list by what becomes of them, each by what tells it from the others."""

    added: list[str]
    changed: list[str]
    removed: list[str]
    left: list[str]


class Edit(NamedTuple):
    """What is wanted of a network as a spec, what speaks against it, and what becomes of each entry."""

    spec: dict[str, Any]
    problems: list[str]
    tally: Tally


class Desired(NamedTuple):
    """A network as it shall be: a spec to lay over what there is, or with ``xml`` a whole definition.

    With ``edit`` it is a network that is there already, of which the spec depends: it is given the spec of a definition
    of it, and that of the saved one. ``active`` and ``autostart``: None leaves them. ``topology``: who owns the network
    when this makes it, "" for nobody. ``bounce``: it is restarted in any case.
    """

    name: str
    present: bool = True
    spec: Mapping[str, Any] = MappingProxyType({})
    xml: str = ""
    active: bool | None = True
    autostart: bool | None = True
    problems: tuple[str, ...] = ()
    edit: Callable[..., Edit] | None = None
    topology: str = ""
    bounce: bool = False


class Policy(NamedTuple):
    """What a task may cost guests: ``restart`` is never, idle or replug; ``force`` stops a network under guests."""

    restart: str = "idle"
    force: bool = False


class Device(NamedTuple):
    """A network device of the host; ``ports``: name to whether it has a carrier; ``addresses``: with prefix; ``names``:
    its other names; ``routes``: the IPv4 destinations that the host's main table reaches through it."""

    bridge: bool
    mac: str
    ports: dict[str, bool]
    addresses: tuple[str, ...]
    names: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()


class Need(NamedTuple):
    """What a network needs of the host: ``kind`` is port (with protocol, address and number), zone (of firewalld),
    dnsmasq (with options that it takes), tftp (a folder), vfs (of a device with SR-IOV), vf (a PCI address), ipv6, or
    forwarding (of IPv6, beside router advertisements)."""

    kind: str
    values: tuple[str, ...] = ()


class Lack(NamedTuple):
    """What the host lacks of that, in words, and what could not be tried."""

    problems: list[str]
    unchecked: list[str]


class Surroundings(NamedTuple):
    """What else there is: the other networks, the host's devices (None: it cannot be looked at from here), libvirt's
    version as a number like 9000000 for 9.0.0, and the addresses at which the dnsmasq of a network listens now."""

    networks: tuple[Observed, ...] = ()
    devices: dict[str, Device] | None = None
    version: int = 0
    held: tuple[str, ...] = ()


class Plan(NamedTuple):
    """The steps from what is to what shall be, and what a user is told; ``before`` and ``after`` are definitions."""

    network: str
    steps: tuple[Any, ...] = ()
    before: str = ""
    after: str = ""
    restart_required: bool = False
    warnings: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()

    def with_notes(self, warnings: list[str], unchecked: list[str]) -> Plan:
        """The same plan with more to tell."""
        return self._replace(warnings=(*self.warnings, *warnings), unchecked=(*self.unchecked, *unchecked))
