# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client on a cable of its own asks a network all that a guest asks it; what nobody answers is traced.

Nothing of it is left behind, also when this process is killed, and nothing of it leaves the hypervisor.
"""

from __future__ import annotations

import contextlib
import functools
import ipaddress
import itertools
import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, Union

from .._values.probe import Evidence, Probe, Reply
from . import dns as _dns
from . import probe as _probe
from .cable import Cable, ip
from .counters import counted, counters
from .drops import Drops
from .evidence import of_end, of_kernel, of_port, of_routes
from .fence import Fence, leaves_by
from .nft import Nft
from .offer import wrong
from .rivals import rivals

Network = Union[ipaddress.IPv4Interface, ipaddress.IPv6Interface]
# A root server of DNS: whoever routes the outside routes it, and nothing gets there.
OUTSIDE = {4: "198.41.0.4", 6: "2001:503:ba3e::2:30"}
SECONDS = 9.0  # for all of it, where the hypervisor is not busy
DHCP_SECONDS = 8.0  # dnsmasq pings an address for 3 before it offers it, a bridge with STP is deaf for 4
TRACED_SECONDS = 0.25
CANDIDATES = 8


class Side(NamedTuple):
    """What the client knows of IP of one version: the network's address, its own ("" if none is free), a guest's."""

    version: int
    gateway: str
    own: str
    guest: str


class Question(NamedTuple):
    """What asks a question and waits for the answer: for so long, the first time."""

    name: str
    version: int
    asks: Callable[..., bool]
    needs_gateway: bool = False
    seconds: float = _dns.SECONDS


def ask(probe: Probe) -> tuple[Reply, ...]:
    """What becomes of each question that a client on a bridge asks; raises OSError where none can be plugged in."""
    end = time.monotonic() + SECONDS
    with contextlib.ExitStack() as opened:
        cable = opened.enter_context(Cable(probe.bridge))
        fence = _fence(opened, cable, probe)
        cable.plug_in()
        return tuple(_Client(cable, fence, probe, end).replies())


def _fence(opened: contextlib.ExitStack, cable: Cable, probe: Probe) -> Fence | None:
    """The fence around a cable; None where there is no nftables, and nothing that has to be stopped either."""
    with contextlib.suppress(OSError):
        fence = Fence(opened.enter_context(Nft()), cable, probe.port)
        if fence.has_bridge:
            return fence
    port = leaves_by(probe.bridge)
    if port:
        raise OSError(
            f"{port} is a port of it, and without nftables nothing stops what would leave the hypervisor there"
        )
    return None


class _Client:
    """The client while it asks."""

    def __init__(self, cable: Cable, fence: Fence | None, probe: Probe, end: float) -> None:
        self._cable, self._fence, self._probe, self._end = cable, fence, probe, end
        networks: dict[int, Network] = {}
        for network in map(ipaddress.ip_interface, probe.addresses):
            networks.setdefault(network.version, network)
        guests: dict[int, str] = {ipaddress.ip_address(guest).version: guest for guest in probe.guests}
        self._sides = {
            version: Side(version, str(network.ip), self._own(network), guests.get(version, ""))
            for version, network in networks.items()
        }
        sources = {side.version: side.own for side in self._sides.values() if side.own}
        outside = {version: OUTSIDE[version] for version in probe.outside if version in sources}
        self._offer: list[bytes] = []
        self._outside = outside if fence and fence.stop(sources, outside) else {}

    def _own(self, network: Network) -> str:
        """An address of the network that the client has from now on; "" where none is free."""
        hosts = _candidates(network, self._probe.taken)
        if network.version == 4:
            asked = [self._cable.later(_probe.is_free, host, self._cable.far, self._cable.mac) for host in hosts]
            hosts = [host for host, is_free in zip(hosts, asked) if is_free.result()]
        if not hosts:
            return ""
        words = ["dev", self._cable.far, *(["nodad"] if network.version == 6 else [])]
        self._cable.inside(ip, "address", "add", f"{hosts[0]}/{network.network.prefixlen}", *words)
        self._cable.inside(ip, f"-{network.version}", "route", "add", "default", "via", str(network.ip))
        return hosts[0]

    def replies(self) -> Iterator[Reply]:
        """What becomes of each question, and who else answers for the gateway."""
        with ThreadPoolExecutor() as beside:
            gateway = self._sides[4].gateway if 4 in self._sides else ""
            asked = rivals(beside, self._probe, gateway, self._cable.mac)
            yield from self._own_replies()
            for problem in wrong(self._offer[0], self._probe) if self._offer else []:
                yield Reply("offer", 4, False, "", (Evidence("offer", problem),))
            for name, version, does, others in asked:
                for other, port in sorted(others.result().items()):
                    claim = Evidence("claim", f"{other} {does}", device=port, mac=other)
                    yield Reply(name, version, False, "", (claim,))

    def _own_replies(self) -> Iterator[Reply]:
        """Questions are asked all at once, and those that nobody answers once more, one by one."""
        asked = [(one, self._cable.later(_answers, one, one.seconds)) for one in self._questions()]
        asked.sort(key=lambda pair: pair[0].seconds)  # who waits long comes last
        unresolved = set()
        for one, answer in asked:
            if one.needs_gateway and not answer.result() and one.version in unresolved:
                yield Reply(one.name, one.version, None, "the gateway does not say its MAC")
                continue
            reply = Reply(one.name, one.version, True) if answer.result() else self._traced(one)
            unresolved |= {one.version} if one.name == "neighbour" and not reply.answered else set()
            yield reply
        for version in self._probe.outside:
            if version not in self._outside:
                yield Reply(
                    "outside", version, None, "nftables, which keeps it on the hypervisor, is missing or refuses"
                )
        for side in self._sides.values():
            if not side.own:
                yield Reply("neighbour", side.version, None, "the network has no address left for a client")

    def _questions(self) -> Iterator[Question]:
        far, mac = self._cable.far, self._cable.mac
        for version in self._probe.dhcp:
            offers = functools.partial(_probe.offers, far, mac, self._offer)
            asks = offers if version == 4 else functools.partial(_probe.offers6, far, mac)
            yield Question("dhcp", version, asks, seconds=DHCP_SECONDS)
        for version, gateway, own, guest in self._sides.values():
            if version == 6:
                yield Question("router", 6, functools.partial(_probe.advertises, far))
            if own:
                yield Question("neighbour", version, functools.partial(_probe.resolves, gateway, far))
                yield from self._of_gateway(version, gateway)
            if own and guest:
                yield Question("guest", version, functools.partial(_probe.resolves, guest, far))

    def _of_gateway(self, version: int, gateway: str) -> Iterator[Question]:
        yield Question("gateway", version, functools.partial(_probe.echoes, gateway), True)
        if self._probe.dns:
            yield Question("dns", version, functools.partial(_dns.answers_dns, gateway, _dns.DNS), True)
            yield Question(
                "dns_tcp", version, functools.partial(_dns.answers_dns, gateway, _dns.DNS, stream=True), True
            )
        if self._fence and version in self._outside:
            asks = functools.partial(_leaves, self._fence, self._outside[version])
            yield Question("outside", version, asks, True)

    def _traced(self, one: Question) -> Reply:
        if time.monotonic() > self._end:
            return Reply(one.name, one.version, False, "there was no time left to trace it")
        with contextlib.ExitStack() as opened:
            self._start_over(one)
            rules = opened.enter_context(self._fence.traced(self._ours())) if self._fence else list
            ports = [self._cable.near, *([self._probe.port] if one.name == "guest" else [])]
            drops = opened.enter_context(Drops(ports, [self._probe.bridge]))
            before = counters(one.version)
            answered = self._cable.inside(_answers, one, TRACED_SECONDS)
            if answered:
                return Reply(one.name, one.version, True)
            fates = drops.fates()
            if one.name == "neighbour":
                self._insist(one.version)
            dropping = [*rules(), *counted(one.version, before, counters(one.version))]
            found = [*dropping, *of_kernel(one.version, drops.fates(), bool(dropping))]
        found += of_port(self._probe.port) if one.name == "guest" else [] if dropping else self._of_routes(one)
        return Reply(one.name, one.version, False, drops.unseen, tuple(found) or (of_end(fates, self._probe.bridge),))

    def _start_over(self, one: Question) -> None:
        """Has the hypervisor ask again for the client's MAC, and the client for what it could not get so far."""
        if not one.needs_gateway:
            self._cable.inside(ip, "neighbour", "flush", "dev", self._cable.far)
        for side in self._sides.values():
            with contextlib.suppress(OSError):
                ip("neighbour", "flush", "to", side.own, "dev", self._probe.bridge)

    def _insist(self, version: int) -> None:
        """Sends a gateway that does not say its MAC something else: both may be dropped for the same reason."""
        gateway = self._sides[version].gateway
        mac = Path("/sys/class/net", self._probe.bridge, "address").read_text(encoding="ascii").strip()
        entry = ("neighbour", "replace", gateway, "lladdr", mac, "dev", self._cable.far, "nud", "stale")
        with contextlib.suppress(OSError):
            self._cable.inside(ip, *entry)
            self._cable.inside(_probe.echoes, gateway, TRACED_SECONDS)

    def _of_routes(self, one: Question) -> list[Evidence]:
        side, bridge = self._sides.get(one.version), self._probe.bridge
        if not side or not side.own or not (one.needs_gateway or one.name == "neighbour"):
            return []
        ways = [["get", side.own, "from", side.gateway]]
        if one.name == "outside":
            ways = [["get", self._outside[one.version], "from", side.own, "iif", bridge], ["get", side.own]]
        return list(of_routes(bridge, side.own, self._cable.mac, ways))

    def _ours(self) -> list[bytes]:
        addresses = [ipaddress.ip_address(side.own).packed for side in self._sides.values() if side.own]
        return [bytes.fromhex(self._cable.mac.replace(":", "")), *addresses]


def _answers(one: Question, seconds: float) -> bool:
    with contextlib.suppress(OSError):  # it cannot even be asked
        return one.asks(seconds)
    return False


def _leaves(fence: Fence, destination: str, seconds: float) -> bool:
    """Whether a packet to the outside gets as far as it may; in the client's namespace."""
    before = fence.stopped(destination)
    _probe.sends(destination, seconds)
    return fence.stopped(destination) > before


def _candidates(network: Network, taken: Collection[str]) -> list[str]:
    """Addresses that the client may take: of IPv4 the last of the network, of IPv6 any."""
    subnet, taken = network.network, {str(network.ip), *taken}
    hosts = subnet.num_addresses - 2
    places: Iterable[int] = range(hosts, 0, -1)
    if network.version == 6 and hosts > 0:
        places = (int.from_bytes(os.urandom(16), "big") % hosts + 1 for _again in range(CANDIDATES))
    free = (str(subnet.network_address + place) for place in places)
    return list(itertools.islice((host for host in free if host not in taken), CANDIDATES))
