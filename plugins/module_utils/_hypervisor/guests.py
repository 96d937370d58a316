# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the gateway that is about guests: their definitions, their devices, what they have for addresses."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from .._errors.errors import MeanwhileError, UnplugError, VerifyError
from .._schema.nwfilter import FilterDefinition
from .._values.connection import Seen
from .._values.nwfilters import DefineFilter, FilterStep, ObservedFilter
from .._values.observed import ObservedGuest
from .._xml.definition import ABSENT, Definition
from . import host as _host
from .calls import pause
from .gateway import Gateway, refusals
from .link import live_xml

if TYPE_CHECKING:
    from .._values.nic_steps import Detach, NicStep, Redefine

try:
    import libvirt
except ImportError:  # reported by the glue in Ansible's usual words
    libvirt = None


POLL = 0.1  # seconds


class Address(NamedTuple):
    """An address of a NIC; ``source`` is lease, agent or arp; ``prefix`` is 0 where it is unknown."""

    address: str
    prefix: int
    source: str


class Known(NamedTuple):
    """An address that a NIC has; a lease is another one when it ends at another time (0: no lease)."""

    mac: str
    address: str
    expires: int


class Guests(Gateway):
    """A gateway that knows guests as well."""

    def observe_guest(self, name: str) -> ObservedGuest:
        """A guest as it is, empty when there is none."""
        with refusals(f"Cannot look up guest {name!r}"):
            try:
                return self._observed(self._conn.lookupByName(name))
            except libvirt.libvirtError as error:
                if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
                    return ObservedGuest(name)
                raise

    def all_guests(self) -> list[ObservedGuest]:
        """All guests, without those that vanish meanwhile, ordered by name."""
        with refusals("Cannot list the guests"):
            found = []
            for domain in self._conn.listAllDomains():
                try:
                    found.append(self._observed(domain))
                except libvirt.libvirtError as error:
                    if error.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
                        raise
            return sorted(found, key=lambda one: one.name)

    def driver(self) -> str:
        """libvirt's driver for guests, like QEMU."""
        with refusals("Cannot read libvirt's driver"):
            return str(self._conn.getType())

    def nwfilters(self) -> list[ObservedFilter] | None:
        """All network filters, without those that vanish meanwhile, ordered by name; None where libvirt does not list
        them."""
        try:
            names = sorted(one.name() for one in self._conn.listAllNWFilters())
        except libvirt.libvirtError:
            return None
        return [one for one in map(self.observe_nwfilter, names) if one.definition]

    def packaged_nwfilters(self) -> dict[str, FilterDefinition]:
        """Network filters as libvirt's package has them, none where that is not to be seen from here."""
        from .packaged import nwfilters

        return nwfilters() if self._is_here() else {}

    def observe_nwfilter(self, name: str) -> ObservedFilter:
        """A network filter as it is, empty when there is none."""
        with refusals(f"Cannot look up network filter {name!r}"):
            try:
                return ObservedFilter(name, FilterDefinition(self._conn.nwfilterLookupByName(name).XMLDesc()))
            except libvirt.libvirtError as error:
                if error.get_error_code() == libvirt.VIR_ERR_NO_NWFILTER:
                    return ObservedFilter(name)
                raise

    def apply_nwfilter(self, step: FilterStep) -> None:
        """Carries out one step. Raises MeanwhileError where a filter is no longer what a definition was made of."""
        base = getattr(step, "base", ABSENT)
        what = f"Cannot {'define' if isinstance(step, DefineFilter) else 'undefine'} network filter {step.nwfilter!r}"
        if base and self.observe_nwfilter(step.nwfilter).definition != base:
            raise MeanwhileError(what)
        with refusals(what):
            if isinstance(step, DefineFilter):
                self._conn.nwfilterDefineXML(step.definition.text)
            else:
                self._conn.nwfilterLookupByName(step.nwfilter).undefine()

    def apply_nic(self, step: NicStep) -> None:
        """Carries out one step, and waits until a running guest has let go of a NIC."""
        from .._values import nic_steps as _nic_steps
        from . import shaping as _shaping

        if isinstance(step, _nic_steps.Reconnect):
            _host.plug_in(step.tap, step.bridge, step.isolated)
            return
        if isinstance(step, _nic_steps.Redefine):
            self._redefine(step)
            return
        if isinstance(step, _nic_steps.Detach) and step.scope == "live":
            self._unplug(step)
            return
        word, call = {
            _nic_steps.Attach: ("attach a NIC to", "attachDeviceFlags"),
            _nic_steps.Change: ("change a NIC of", "updateDeviceFlags"),
            _nic_steps.Detach: ("detach a NIC from", "detachDeviceFlags"),
        }[type(step)]
        flags = libvirt.VIR_DOMAIN_AFFECT_LIVE if step.scope == "live" else libvirt.VIR_DOMAIN_AFFECT_CONFIG
        shapes_anew = isinstance(step, _nic_steps.Change) and step.scope == "live" and self._is_here()
        taps = _taps(self.observe_guest(step.guest).live) if shapes_anew else []
        with _shaping.kept(taps), refusals(f"Cannot {word} guest {step.guest!r}"):
            getattr(self._conn.lookupByName(step.guest), call)(step.interface.text, flags)

    def _redefine(self, step: Redefine) -> None:
        """Defines a guest with other interfaces; when libvirt would change more than that, it stays as it was."""
        from .._values.guest_definition import own_interfaces, redefined, rest

        flags = libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE
        what = f"Cannot define the NICs of guest {step.guest!r}"
        with refusals(what):
            domain = self._conn.lookupByName(step.guest)
            before = Definition(domain.XMLDesc(flags))
            if own_interfaces(before) != step.base:
                raise MeanwhileError(what)
            self._conn.defineXML(redefined(before, step).text)
            if rest(Definition(domain.XMLDesc(flags))) != rest(before):
                self._conn.defineXML(before.text)
                raise VerifyError(f"{what}: libvirt would change more of it than its NICs; use virsh edit")

    def _unplug(self, step: Detach) -> None:
        """Asks a running guest to let go of a NIC, and waits until it has; detachDeviceFlags() would wait for five
        seconds on its own."""
        guest, alias, seconds = step.guest, step.alias, step.seconds
        end = time.monotonic() + seconds
        with refusals(f"Cannot detach a NIC from guest {guest!r}"):
            try:
                self._conn.lookupByName(guest).detachDeviceAlias(alias, libvirt.VIR_DOMAIN_AFFECT_LIVE)
            except libvirt.libvirtError as error:
                # An earlier task has asked already (qmp_device_del of QEMU), or it is gone meanwhile.
                asked = "already in the process of unplug" in str(error)
                if not asked and alias in _aliases(self.observe_guest(guest).live):
                    raise
        while alias in _aliases(self.observe_guest(guest).live):
            if time.monotonic() >= end:
                raise UnplugError(
                    f"Cannot detach NIC {alias!r} from guest {guest!r}: the guest did not let go of it within "
                    f"{seconds:g} seconds, and may still do so; see whether it runs, is not paused and supports hot "
                    "unplugging, raise unplug_timeout, or use apply=config and restart it"
                )
            pause(POLL)

    def addresses(self, guest: str, agent: bool) -> dict[str, list[Address]]:
        """The addresses of a running guest's NICs by MAC address; only the ``agent`` knows those from elsewhere, and
        libvirt asks it only for those who may write."""
        found: dict[str, list[Address]] = {}
        with contextlib.suppress(libvirt.libvirtError):  # it is gone meanwhile
            domain = self._conn.lookupByName(guest)
            for source in ("lease", "arp", *(["agent"] if agent else [])):
                collect_addresses(domain, source, found)
        return found

    def known_addresses(self, guest: str, networks: Iterable[str]) -> set[Known]:
        """What is known before a change, so that what is new can be found later."""
        found = {
            Known(lease.mac, lease.ip, lease.expires)
            for network in networks
            for lease in self.leases(network)
            if lease.expires  # one for ever never looks new
        }
        for mac, addresses in self.addresses(guest, True).items():
            found |= {Known(mac, one.address, 0) for one in addresses if one.source != "lease"}
        return found

    def wait_for_address(
        self, guest: str, mac: str, network: str, seconds: float, known: Collection[Known]
    ) -> tuple[Address, float] | None:
        """The first address of a NIC that was not known before, and the seconds until it was there, else None."""
        began = time.monotonic()
        while True:
            leases = self.leases(network) if network else []
            for lease in leases:
                if lease.mac == mac and Known(mac, lease.ip, lease.expires) not in known:
                    return Address(lease.ip, lease.prefix, "lease"), time.monotonic() - began
            for one in self.addresses(guest, True).get(mac, []):
                # Every NIC gives itself a link-local one.
                local = one.address.lower().startswith("fe80:")
                if one.source != "lease" and not local and Known(mac, one.address, 0) not in known:
                    return one, time.monotonic() - began
            if time.monotonic() - began >= seconds:
                return None
            pause(POLL)

    def counters(self, guest: str, tap: str) -> dict[str, int]:
        """What a tap of a running guest has seen, from the guest's point of view; empty where nobody counts."""
        names = [f"{way}_{what}" for way in ("rx", "tx") for what in ("bytes", "packets", "errors", "drops")]
        with contextlib.suppress(libvirt.libvirtError):
            counted = self._conn.lookupByName(guest).interfaceStats(tap)
            return {name: int(value) for name, value in zip(names, counted) if value >= 0}
        return {}

    def _observed(self, domain: Any) -> ObservedGuest:
        persistent, live = bool(domain.isPersistent()), Definition(live_xml(domain))
        declared = ABSENT
        if live:
            # Without what networks contribute; libvirt gives it only to those who may write.
            with contextlib.suppress(libvirt.libvirtError):
                declared = Definition(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_MIGRATABLE))
        return ObservedGuest(
            domain.name(),
            domain.UUIDString(),
            Definition(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)) if persistent else ABSENT,
            live,
            declared,
            _seen(live) if live and self._is_here() else {},
        )


def collect_addresses(domain: Any, source: str, found: dict[str, list[Address]]) -> None:
    """Adds what a source (lease, arp or agent) knows of a running guest's NICs, by their MAC address."""
    number = getattr(libvirt, f"VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_{source.upper()}")
    # There is no agent, or the guest has stopped meanwhile.
    with contextlib.suppress(libvirt.libvirtError):
        for device in domain.interfaceAddresses(number).values():
            places = found.setdefault(str(device["hwaddr"] or "").lower(), [])
            places += [Address(one["addr"], int(one["prefix"]), source) for one in device["addrs"] or []]


def _aliases(live: Definition) -> set[str]:
    found = live.tree.iterfind("devices/interface/alias") if live else ()
    return {alias.get("name", "") for alias in found}


def _taps(live: Definition) -> list[str]:
    found = live.tree.iterfind("devices/interface/target[@dev]") if live else ()
    return [target.get("dev", "") for target in found]


def _seen(live: Definition) -> dict[str, Seen]:
    """The taps of a running guest, and the bridges that libvirt has them on, as the kernel sees them."""
    interfaces = live.tree.findall("devices/interface")
    ends = ((one.find(tag), name) for one in interfaces for tag, name in (("target", "dev"), ("source", "bridge")))
    names = {str(end.get(name, "")) for end, name in ends if end is not None}
    found = {name: _host.seen(name) for name in names - {""}}
    return {name: seen for name, seen in found.items() if seen is not None}
