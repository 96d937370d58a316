# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the conductor needs of a hypervisor: the protocols that the gateway keeps, and fakes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from .._xml.definition import Definition
    from .nic_steps import NicStep
    from .nwfilters import FilterStep, ObservedFilter
    from .observed import Device, Guest, Observed, ObservedGuest
    from .surroundings import Lack, Need
    from .way import KernelInspector


class Host(Protocol):
    """What the conductor needs of a hypervisor; Gateway and the host's own devices together, or a fake."""

    def observe(self, name: str) -> Observed:
        """A network as it is."""

    def guests(self) -> Mapping[str, tuple[Guest, ...]]:
        """Who uses which network, by the network's name."""

    def networks(self) -> list[Observed]:
        """All networks."""

    def version(self) -> int:
        """libvirt's version."""

    def api_version(self) -> int:
        """The libvirt version whose calls can be made."""

    def apply(self, step: Any) -> None:
        """Carries out one step."""

    def lock(self, things: Sequence[tuple[str, str]], seconds: float) -> AbstractContextManager[None]:
        """Holds networks and guests, each by its kind and name, against other tasks."""

    def devices(self) -> dict[str, Device] | None:
        """The hypervisor's devices, None when they cannot be seen from here."""

    def lacks(self, needs: Sequence[Need]) -> Lack | None:
        """What the hypervisor lacks of what a network needs, None when it cannot be seen from here."""

    def leases(self, name: str) -> list[Any]:
        """The DHCP leases of a running network."""

    def look(self) -> Any:
        """What looks at the hypervisor for a diagnosis, None when it cannot be seen from here."""

    def schema_errors(self, definition: Definition) -> list[str] | None:
        """What the hypervisor's schema says against a definition, None when there is none here."""

    def parsed(self, definition: Definition) -> Definition | None:
        """A definition as libvirt's parser keeps it, None where it cannot be asked; raises LibvirtError."""


class FilterHost(Protocol):
    """What the conductor needs of a hypervisor for network filters; the gateway, or a fake."""

    def observe_nwfilter(self, name: str) -> ObservedFilter:
        """A filter as it is."""

    def nwfilters(self) -> list[ObservedFilter] | None:
        """All filters, None where libvirt does not list them."""

    def packaged_nwfilters(self) -> Mapping[str, Definition]:
        """Filters as libvirt's package has them, none where that is not to be seen from here."""

    def apply_nwfilter(self, step: FilterStep) -> None:
        """Carries out one step."""

    def all_guests(self) -> list[ObservedGuest]:
        """All guests."""


class GuestHost(Protocol):
    """What the conductor needs of a hypervisor for guests; the gateway, or a fake."""

    def observe_guest(self, name: str) -> ObservedGuest:
        """A guest as it is."""

    def all_guests(self) -> list[ObservedGuest]:
        """All guests."""

    def networks(self) -> list[Observed]:
        """All networks."""

    def devices(self) -> dict[str, Device] | None:
        """The hypervisor's devices, None when they cannot be seen from here."""

    def version(self) -> int:
        """libvirt's version."""

    def driver(self) -> str:
        """libvirt's driver for guests, like QEMU."""

    def nwfilters(self) -> list[ObservedFilter] | None:
        """All network filters, None where libvirt does not list them."""

    def apply_nic(self, step: NicStep) -> None:
        """Carries out one step."""

    def lock(self, things: Sequence[tuple[str, str]], seconds: float) -> AbstractContextManager[None]:
        """Holds networks and guests, each by its kind and name, against other tasks."""


class Hypervisor(Host, GuestHost, FilterHost, Protocol):
    """A host, its guests and network filters."""


class Inspected(Hypervisor, Protocol):
    """A hypervisor that reports and diagnoses are made of."""

    def addresses(self, guest: str, agent: bool) -> dict[str, list[Any]]:
        """The addresses that a running guest's NICs have, by their MAC address."""

    def counters(self, guest: str, tap: str) -> dict[str, int]:
        """What went through a tap."""


class Examined(Protocol):
    """A hypervisor that is diagnosed; ``down`` is why libvirt does not answer ("": it does), ``remedy`` what to do."""

    down: str
    remedy: str

    def networks(self) -> list[Observed]:
        """All networks."""

    def all_guests(self) -> list[ObservedGuest]:
        """All guests."""

    def addresses(self, guest: str, agent: bool) -> dict[str, list[Any]]:
        """The addresses that a running guest's NICs have, by their MAC address."""

    def leases(self, name: str) -> list[Any]:
        """The DHCP leases of a running network."""

    def version(self) -> int:
        """libvirt's version."""

    def nwfilters(self) -> list[ObservedFilter] | None:
        """All network filters, None where libvirt does not list them."""

    def look(self) -> KernelInspector | None:
        """What looks at the hypervisor and asks its kernel, None when it cannot be seen from here."""


class Audited(Inspected, Examined, Protocol):
    """A hypervisor that an audit looks at."""

    def look(self) -> KernelInspector | None:
        """What looks at the hypervisor and asks its kernel, None when it cannot be seen from here."""
