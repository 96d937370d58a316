# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gateway to libvirt: observes networks, carries out steps, holds the lock."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from .._errors.errors import LibvirtError, UnreachableError
from .._schema.network import LiveNetwork, NetworkDefinition
from .._values.observed import Device, Guest, Observed
from .._values.parking import parking_of
from .._values.surroundings import Lack, Need
from .._xml.definition import ABSENT, Definition
from .calls import pause
from .link import Link, saved_xml

if TYPE_CHECKING:
    from .._values.steps import Step
    from .execution import Execution
    from .look import HostInspector

try:
    import libvirt
except ImportError:  # reported by the glue in Ansible's usual words
    libvirt = None

HAS_LIBVIRT = libvirt is not None
SECONDS = 60  # longer than libvirt itself waits for a guest that does not answer: 30


class Lease(NamedTuple):
    """A DHCP lease; ``expires`` is in seconds since 1970, 0 for ever."""

    mac: str
    ip: str
    prefix: int
    hostname: str
    client_id: str
    expires: int


class Gateway:
    """A connection to one libvirt; every method raises LibvirtError when libvirt refuses."""

    def __init__(self, uri: str, readonly: bool, seconds: float = SECONDS) -> None:
        self._uri = uri
        self._execution: Execution | None = None
        libvirt.registerErrorHandler(lambda _context, _error: None, None)
        with refusals(f"Cannot connect to {uri}"):
            self._conn = self._connected(readonly, seconds)

    def _connected(self, readonly: bool, seconds: float) -> Any:
        return Link(self._uri, readonly, seconds, remote=not (self._uri.startswith("test:") or self._is_here()))

    def close(self) -> None:
        """Ends the connection."""
        self._conn.close()

    def version(self) -> int:
        """libvirt's version on the hypervisor, as a number like 9000000 for 9.0.0."""
        with refusals("Cannot read libvirt's version"):
            return int(self._conn.getLibVersion())

    def api_version(self) -> int:
        """The version of what can be called: the hypervisor's, or that of an older library on this machine."""
        return min(self.version(), int(libvirt.getVersion()))

    def observe(self, name: str) -> Observed:
        """A network as it is, empty when there is none."""
        with refusals(f"Cannot look up network {name!r}"):
            try:
                return _observe(self._conn.networkLookupByName(name))._replace(parking=self._is_parking(name))
            except libvirt.libvirtError as error:
                if error.get_error_code() == libvirt.VIR_ERR_NO_NETWORK:
                    return Observed(name)
                raise

    def names(self) -> list[str]:
        """The names of all networks, in order."""
        with refusals("Cannot list the networks"):
            return sorted(network.name() for network in self._conn.listAllNetworks())

    def networks(self) -> list[Observed]:
        """All networks, without those that vanish meanwhile, ordered by name."""
        with refusals("Cannot list the networks"):
            found = []
            for network in self._conn.listAllNetworks():
                try:
                    found.append(_observe(network))
                except libvirt.libvirtError as error:
                    if error.get_error_code() != libvirt.VIR_ERR_NO_NETWORK:
                        raise
            return sorted(found, key=lambda one: one.name)

    def _is_parking(self, name: str) -> bool:
        """Whether NICs wait for the network, or waited when a task was killed."""
        with contextlib.suppress(libvirt.libvirtError):
            return bool(self._conn.networkLookupByName(parking_of(name).network).isActive())
        return False

    def guests(self) -> dict[str, tuple[Guest, ...]]:
        """Who uses which network, by the network's name, and how their NICs are."""
        from .users import Users

        with refusals("Cannot list the guests"):
            return Users(self._conn, self._is_here()).guests()

    def leases(self, name: str) -> list[Lease]:
        """The DHCP leases of a running network; empty where libvirt serves none or does not know."""
        with refusals(f"Cannot read the leases of network {name!r}"):
            try:
                found = self._conn.networkLookupByName(name).DHCPLeases()
            except libvirt.libvirtError as error:
                # It serves none, does not know, or has vanished meanwhile.
                none = (libvirt.VIR_ERR_OPERATION_INVALID, libvirt.VIR_ERR_NO_SUPPORT, libvirt.VIR_ERR_NO_NETWORK)
                if error.get_error_code() in none:
                    return []
                raise
            return [
                Lease(
                    lease["mac"] or "",
                    lease["ipaddr"],
                    int(lease["prefix"]),
                    lease["hostname"] or "",
                    lease["clientid"] or "",
                    int(lease["expirytime"]),
                )
                for lease in found
            ]

    def devices(self) -> dict[str, Device] | None:
        """The hypervisor's own network devices by name, None when this is not the hypervisor."""
        from . import host as _host

        return _host.devices() if self._is_here() else None

    def lacks(self, needs: Sequence[Need]) -> Lack | None:
        """What the hypervisor lacks of what a network needs, None when this is not the hypervisor."""
        from . import trial as _trial

        return _trial.lacks(needs) if self._is_here() else None

    def look(self) -> HostInspector | None:
        """What looks at the hypervisor itself for a diagnosis, None when this is not the hypervisor."""
        from .look import HostInspector

        return HostInspector(self.version()) if self._is_here() else None

    def schema_errors(self, definition: Definition) -> list[str] | None:
        """What the hypervisor's libvirt schema says against a definition, None when it is not here."""
        from . import host as _host

        return _host.schema_errors(definition) if self._is_here() else None

    def parsed(self, definition: Definition) -> Definition | None:
        """A definition as libvirt's own parser keeps it; None where it cannot be asked. Nothing is defined by it: the
        parser is that of an empty hypervisor of the test driver, in this process."""
        with tempfile.NamedTemporaryFile("w", suffix=".xml") as empty:
            empty.write("<node/>")
            empty.flush()
            try:
                driver = libvirt.open(f"test://{empty.name}")
            except libvirt.libvirtError:
                return None
        with contextlib.closing(driver), refusals("Cannot read the definition"):
            return NetworkDefinition(driver.networkDefineXML(definition.text).XMLDesc())

    def _is_here(self) -> bool:
        return leads_here(self._uri)

    def apply(self, step: Step) -> None:
        """Carries out one step."""
        from .._values.steps import ACTIONS
        from .execution import Execution

        if self._execution is None:
            self._execution = Execution(self._conn, self._is_here())
        with refusals(f"Cannot {ACTIONS[type(step)]} network {step.network!r}"):
            self._execution.carry_out(step)

    def lock(self, things: Sequence[tuple[str, str]], seconds: float) -> AbstractContextManager[None]:
        """Holds networks and guests, each by its kind and name, against every other task within reach; raises
        LockedError after so many seconds."""
        from .lock import locked, reach_of

        return locked(reach_of(str(self._conn.getURI())), things, seconds, pause)


def leads_here(uri: str) -> bool:
    """Whether a URI means this machine: no host, and no socket path, which may lead into another namespace."""
    try:
        parts = urlsplit(uri)
    except ValueError:  # brackets that are no IPv6 address
        return False
    transport = parts.scheme.partition("+")[2]
    return parts.scheme != "test" and not parts.netloc and transport in ("", "unix") and "socket=" not in parts.query


def _observe(network: Any) -> Observed:
    # In this order: of a network that stops meanwhile, libvirt gives the persistent config.
    live, active = LiveNetwork(network.XMLDesc()), bool(network.isActive())
    saved, persistent = NetworkDefinition(saved_xml(network)), bool(network.isPersistent())
    autostart = persistent and bool(network.autostart())
    return Observed(network.name(), saved, live if active else ABSENT, autostart, persistent)


@contextlib.contextmanager
def refusals(what: str) -> Iterator[None]:
    """Turns libvirt's errors into ours."""
    try:
        yield
    except UnreachableError as error:
        raise UnreachableError(f"{what}: {error}") from error
    except libvirt.libvirtError as error:
        raise LibvirtError(what, str(error.get_error_message()), int(error.get_error_code() or 0)) from error
