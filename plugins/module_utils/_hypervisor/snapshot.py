# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A gateway that asks each thing once: for those who only look at all that there is, so that it is of one moment."""

from __future__ import annotations

import functools

from .._values.observed import Guest, Observed, ObservedGuest
from .._values.parking import parking_of
from .gateway import SECONDS, refusals
from .guests import Guests
from .kernel import KernelInspector
from .users import Users

ONCE = ("networks", "guests", "all_guests", "leases", "addresses", "devices", "version", "nwfilters")


class Snapshot(Guests):
    """A connection through which nothing is changed; it keeps its answers."""

    down = remedy = ""

    def __init__(self, uri: str, readonly: bool, seconds: float = SECONDS) -> None:
        super().__init__(uri, readonly, seconds)
        for name in ONCE:
            setattr(self, name, functools.lru_cache(maxsize=None)(getattr(self, name)))

    def observe(self, name: str) -> Observed:
        """A network as it was seen among all others."""
        there = {network.name: network for network in self.networks()}
        waiting = there.get(parking_of(name).network, Observed(""))
        return there.get(name, Observed(name))._replace(parking=waiting.active)

    def look(self) -> KernelInspector | None:
        """What looks at the hypervisor and asks its kernel, None when this is not the hypervisor."""
        return KernelInspector(self.version()) if self._is_here() else None

    def observe_guest(self, name: str) -> ObservedGuest:
        """A guest as it was seen among all others."""
        return next((guest for guest in self.all_guests() if guest.name == name), ObservedGuest(name))

    def guests(self) -> dict[str, tuple[Guest, ...]]:
        """Who uses which network of those that were seen."""
        with refusals("Cannot list the guests"):
            return Users(self._conn, self._is_here()).among(self.networks(), self.all_guests())
