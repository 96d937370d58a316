# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the gateway that lists all guests for an inventory, with as few calls for each as libvirt allows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from .._values.observed import Guest, Observed, ObservedGuest
from .._xml.definition import ABSENT, Definition
from .gateway import refusals
from .guests import Address, Guests, collect_addresses
from .link import is_live

try:
    import libvirt
except ImportError:  # reported by the glue in Ansible's usual words
    libvirt = None

# By their numbers in libvirt (virDomainState).
STATES = ("nostate", "running", "blocked", "paused", "shutdown", "shutoff", "crashed", "pmsuspended")


class Listed(NamedTuple):
    """A guest of a list: how it runs, or else how it is saved; its state in libvirt's words; the addresses of its NICs
    by their MAC address, which the guest itself has said."""

    guest: ObservedGuest
    state: str
    addresses: Mapping[str, Sequence[Address]]


class Listing(Guests):
    """A gateway that lists guests."""

    def listed(self, sources: Sequence[str]) -> list[Listed]:
        """All guests, without those that vanish meanwhile; ``sources`` are asked for addresses: arp, agent."""
        with refusals("Cannot list the guests"):
            found = []
            for domain in self._conn.listAllDomains():
                try:
                    found.append(_listed(domain, sources))
                except libvirt.libvirtError as error:
                    if error.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
                        raise
            return found

    def users(self, networks: Iterable[Observed], guests: Iterable[ObservedGuest]) -> dict[str, tuple[Guest, ...]]:
        """Which of these guests use which of these networks, by the network's name."""
        from .users import Users

        with refusals("Cannot list the ports of the networks"):
            return Users(self._conn, self._is_here()).among(networks, guests)

    def neighbours(self) -> tuple[tuple[str, str], ...]:
        """The MAC and the IP address of each neighbour, none where this is not the hypervisor."""
        inspector = self.look()
        return inspector.neighbours() if inspector else ()


def _listed(domain: Any, sources: Sequence[str]) -> Listed:
    state = domain.state()[0]
    word = STATES[state] if state < len(STATES) else STATES[0]
    definition = Definition(domain.XMLDesc())
    runs = is_live(definition.text)
    live, saved = (definition, ABSENT) if runs else (ABSENT, definition)
    addresses: dict[str, list[Address]] = {}
    for source in sources if runs else ():
        collect_addresses(domain, source, addresses)
    return Listed(ObservedGuest(domain.name(), domain.UUIDString(), saved, live), word, addresses)
