# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was seen of a hypervisor: the values that a diagnosis judges. No behaviour."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from .observed import Device, Observed, ObservedGuest

NONE: Mapping[str, Any] = MappingProxyType({})


class Route(NamedTuple):
    """A route of the hypervisor; ``destination`` is a subnet."""

    destination: str
    device: str


class Socket(NamedTuple):
    """Who listens: ``address`` is 0.0.0.0 or :: for all of a family, ``device`` is "" for any; ``program`` is "" where
    one may not see whose it is."""

    protocol: str
    address: str
    device: str
    port: int
    program: str


class Server(NamedTuple):
    """A network's dnsmasq: its process (0: there is none), and the text of its configuration and of its reservations
    (None: not readable)."""

    pid: int
    options: str | None


class Rule(NamedTuple):
    """A rule of the firewall in iptables' or nftables' words, for IP of one ``version``."""

    version: int
    chain: str
    text: str


class HostFacts(NamedTuple):
    """One look at a hypervisor.

    ``down`` are the devices that are set down, ``narrow`` those too small for IPv6, each with its MTU; ``neighbours``
    the MAC and the address of those it has talked to; ``servers`` and ``offers`` go by the network's name, the latter
    saying whether DHCP answers; ``answers`` says of an address whether DNS does; both only where it was tried.
    ``settings`` are sysctls by name; ``rules`` is None where they cannot be read; ``daemon`` is libvirt's that runs
    networks, "" where that is hidden; ``connections`` are those that NetworkManager has put on devices.
    """

    devices: dict[str, Device]
    down: frozenset[str] = frozenset()
    routes: tuple[Route, ...] = ()
    neighbours: tuple[tuple[str, str], ...] = ()
    sockets: tuple[Socket, ...] = ()
    servers: Mapping[str, Server] = NONE
    settings: Mapping[str, str] = NONE
    rules: tuple[Rule, ...] | None = None
    answers: Mapping[str, bool] = NONE
    offers: Mapping[str, bool] = NONE
    narrow: Mapping[str, int] = NONE
    daemon: str = ""
    connections: Mapping[str, str] = NONE


class Scene(NamedTuple):
    """All that a diagnosis judges.

    ``leases`` are the leased addresses of each running network; ``addresses`` what libvirt knows of a NIC by its
    MAC; ``host`` is None where the task does not run on
    the hypervisor; ``version`` is libvirt's, as a number; ``filters`` are the specs of network filters by name, None
    where nobody refers to one, or libvirt does not list them.
    """

    networks: dict[str, Observed]
    guests: tuple[ObservedGuest, ...] = ()
    leases: Mapping[str, tuple[str, ...]] = NONE
    addresses: Mapping[str, tuple[str, ...]] = NONE
    host: HostFacts | None = None
    version: int = 0
    filters: Mapping[str, dict[str, Any]] | None = None


class Inspector(Protocol):
    """What looks at a hypervisor; ``unseen`` says what it could not look at, and why."""

    unseen: list[str]

    def facts(self, networks: Iterable[str], bridges: Iterable[str], addresses: Iterable[str]) -> HostFacts | None:
        """What is seen there."""

    def log(self, words: Sequence[str]) -> list[str]:
        """What the daemons have logged of these words."""
