# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who uses which network, and whether each NIC is really connected: from the guests, the ports and the devices."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any, Callable, NamedTuple

from .._values.connection import Plug, judge
from .._values.mode import MANAGED_MODES, mode_of
from .._values.observed import Guest, Nic, Observed, ObservedGuest
from .._values.parking import parking_of
from .._xml.codec import Element
from .._xml.definition import Definition
from . import host as _host
from .link import live_xml

try:
    import libvirt
except ImportError:  # reported by the glue in Ansible's usual words
    libvirt = None


class Running(NamedTuple):
    """A network as NICs see it: its live config (None when it is inactive), its bridge, and the ids of the ports
    that libvirt counts (None: unknown)."""

    name: str
    definition: Element | None
    bridge: str
    own: bool
    ports: set[str] | None


class Use(NamedTuple):
    """A NIC of a guest as the running guest shows it, with its place among them, and how it is."""

    number: int
    element: Element
    network: str
    nic: Nic
    domain: Any = None


class Users:
    """Looks at the guests' NICs through one connection; ``here``: whether this is the hypervisor itself."""

    def __init__(self, conn: Any, here: bool) -> None:
        self._conn, self._here = conn, here

    def guests(self) -> dict[str, tuple[Guest, ...]]:
        """Who uses which network, by the network's name.

        From the guests' XML: after a plain restart of a network libvirt counts no connections (libvirt 7.0 to 12.8).
        """
        return self._among(self._networks(), self._domains())

    def among(self, networks: Iterable[Observed], guests: Iterable[ObservedGuest]) -> dict[str, tuple[Guest, ...]]:
        """The same of networks and guests as they were observed."""
        found = {}
        for one in networks:
            with contextlib.suppress(libvirt.libvirtError):
                ports = self._conn.networkLookupByName(one.name).listAllPorts if one.active else list
                found[one.name] = _running(one.name, one.live or one.saved, one.active, ports)
        return self._among(found, guests)

    def _among(self, networks: dict[str, Running], guests: Iterable[ObservedGuest]) -> dict[str, tuple[Guest, ...]]:
        users: dict[str, list[Guest]] = {}
        for one in guests:
            mine = _guests(one.name, bool(one.live), self._nics(one.live or one.saved, networks))
            if one.live and one.saved:
                saved = _guests(one.name, False, self._nics(one.saved, networks))
                mine = {**{name: guest._replace(later=True) for name, guest in saved.items()}, **mine}
            for network, guest in mine.items():
                users.setdefault(network, []).append(guest)
        return {network: tuple(sorted(found)) for network, found in users.items()}

    def _domains(self) -> Iterator[ObservedGuest]:
        for domain in self._conn.listAllDomains():
            with contextlib.suppress(libvirt.libvirtError):
                yield ObservedGuest(
                    domain.name(),
                    saved=Definition(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE) if domain.isPersistent() else ""),
                    live=Definition(live_xml(domain)),
                )

    def of(self, network: str) -> list[Use]:
        """The NICs of running guests on one network, also those that are parked for it."""
        networks = self._networks(network)
        found: list[Use] = []
        for domain in self._conn.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE):
            with contextlib.suppress(libvirt.libvirtError):
                live = Definition(live_xml(domain))
                nics = self._nics(live, networks) if live else ()  # it has stopped meanwhile
                found += [use._replace(domain=domain) for use in nics]
        return found

    def _networks(self, only: str = "") -> dict[str, Running]:
        names = (only, parking_of(only).network)
        found = {}
        for network in self._conn.listAllNetworks():
            with contextlib.suppress(libvirt.libvirtError):
                if not only or network.name() in names:
                    found[network.name()] = running(network)
        return found

    def _nics(self, guest: Definition, networks: dict[str, Running]) -> Iterator[Use]:
        """The NICs of a guest on these networks, by the network's name or by that of a bridge of its own."""
        owner = {parking_of(name).network: name for name in networks}
        bridges = {one.bridge: one for one in networks.values() if one.own and one.bridge}
        for number, element in enumerate(guest.tree.iterfind("devices/interface")):
            source = element.find("source")
            if source is None:
                continue
            # A running guest shows the type that a network's NIC has become: bridge on a bridge of the host.
            network = source.get("network")
            there = networks.get(network) if network else bridges.get(source.get("bridge", ""))
            if there:
                nic = self._nic(element, there, there.name in owner)
                yield Use(number, element, owner.get(there.name, there.name), nic)

    def _nic(self, element: Element, there: Running, parked: bool) -> Nic:
        device = _attribute(element, "target", "dev")
        state, why = self._state(element, there, device)
        if parked:
            state, why = "parked", f"it waits on network {there.name!r} for a restart that did not come to its end"
        mac, alias = _attribute(element, "mac", "address"), _attribute(element, "alias", "name")
        return Nic(mac, alias, device, state, why)

    def _state(self, element: Element, there: Running, device: str) -> tuple[str, str]:
        if there.definition is None:
            return judge(Plug(hindrance=f"network {there.name!r} is not active"))
        if element.get("type") == "hostdev":
            return "unknown", "a NIC of type hostdev has nothing on the hypervisor to look at"
        source, counted = element.find("source"), None
        if there.own and there.ports is not None and source.get("network") is not None:
            counted = source.get("portid") in there.ports
        seen = _host.seen(device) if self._here and device else None
        down = _attribute(element, "link", "state") == "down"
        # The taps of Open vSwitch need not be on a bridge that the kernel knows.
        belongs = None if element.find("virtualport") is not None else there.bridge or None
        return judge(Plug(device, belongs, seen, counted, "", down))


def _guests(name: str, runs: bool, uses: Iterable[Use]) -> dict[str, Guest]:
    """A guest by each network that these NICs of it are on."""
    found: dict[str, list[Use]] = {}
    for use in uses:
        found.setdefault(use.network, []).append(use)
    return {
        network: Guest(
            name,
            runs,
            tuple(use.nic.mac for use in mine),
            tuple(use.nic for use in mine) if runs else (),
            any(_attribute(use.element, "source", "network") == "" for use in mine),
        )
        for network, mine in found.items()
    }


def running(network: Any) -> Running:
    """How a network is for NICs."""
    return _running(network.name(), Definition(network.XMLDesc()), bool(network.isActive()), network.listAllPorts)


def _running(name: str, network: Definition, active: bool, ports_of: Callable[[], Iterable[Any]]) -> Running:
    bridge, own = network.tree.find("bridge"), mode_of(network.tree) in MANAGED_MODES
    ports = None
    if own and active:
        with contextlib.suppress(libvirt.libvirtError):  # the test driver has no ports
            ports = {port.UUIDString() for port in ports_of()}
    return Running(name, network.tree if active else None, "" if bridge is None else bridge.get("name", ""), own, ports)


def _attribute(element: Element, tag: str, name: str) -> str:
    child = element.find(tag)
    return "" if child is None else str(child.get(name, ""))
