# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the gateway that is about guests: their definitions, their devices, what they have for addresses."""

from __future__ import annotations

import contextlib
from typing import Any

from ansible_collections.virtfleet.network.plugins.module_utils._gateway import Gateway, refusals
from ansible_collections.virtfleet.network.plugins.module_utils._state import ObservedGuest

try:
    import libvirt
except ImportError:  # reported by the glue in Ansible's usual words
    libvirt = None


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
            return sorted(found)

    def attach_device(self, guest: str, xml: str, live: bool, saved: bool) -> None:
        """Plugs a device into a running guest, its saved definition or both."""
        with refusals(f"Cannot attach a NIC to guest {guest!r}"):
            self._conn.lookupByName(guest).attachDeviceFlags(xml, _flags(live, saved))

    def update_device(self, guest: str, xml: str, live: bool, saved: bool) -> None:
        """Changes a device in place; it is found by its MAC address, and its PCI address or alias if given."""
        with refusals(f"Cannot change a NIC of guest {guest!r}"):
            self._conn.lookupByName(guest).updateDeviceFlags(xml, _flags(live, saved))

    def detach_device(self, guest: str, xml: str, live: bool, saved: bool) -> None:
        """Takes a device away; a running guest has to let go of it, and may do so later."""
        with refusals(f"Cannot detach a NIC from guest {guest!r}"):
            self._conn.lookupByName(guest).detachDeviceFlags(xml, _flags(live, saved))

    def _observed(self, domain: Any) -> ObservedGuest:
        active, persistent = bool(domain.isActive()), bool(domain.isPersistent())
        declared = ""
        if active:
            # Without what networks contribute; libvirt gives it only to those who may write.
            with contextlib.suppress(libvirt.libvirtError):
                declared = domain.XMLDesc(libvirt.VIR_DOMAIN_XML_MIGRATABLE)
        return ObservedGuest(
            domain.name(),
            domain.UUIDString(),
            domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE) if persistent else "",
            domain.XMLDesc() if active else "",
            declared,
        )


def _flags(live: bool, saved: bool) -> int:
    return (libvirt.VIR_DOMAIN_AFFECT_LIVE if live else 0) | (libvirt.VIR_DOMAIN_AFFECT_CONFIG if saved else 0)
