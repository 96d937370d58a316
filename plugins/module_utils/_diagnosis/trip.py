# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One question of one NIC, with all that its hops are judged by, and the words for a hop."""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from .._values.host_facts import NONE
from .._values.way import Answer, Hop, Kernel, Lookup, Question
from .._xml.fields import Spec
from .firewall import Firewall

Link = Mapping[str, Any]
# Anybody's addresses behind the default route; nothing is sent to them.
OUTSIDE = {
    4: ("185.199.108.153", "151.101.1.140", "104.16.132.229", "23.192.228.80"),
    6: ("2a00:1450:4001:81b::200e", "2606:4700::6810:84e5", "2a04:4e42::396"),
}


class Walker(NamedTuple):
    """Who walks: a NIC of a guest with its ``tap`` and ``mac``, or with neither any guest of the network.

    ``upstreams`` are those whom the network's dnsmasq asks (None: that is not looked at), ``deaf`` those of them that
    do not listen.
    """

    network: str
    spec: Spec
    bridge: str
    domain: str = ""
    mac: str = ""
    tap: str = ""
    nic: Mapping[str, Any] = NONE
    addresses: tuple[str, ...] = ()
    upstreams: tuple[str, ...] | None = None
    deaf: frozenset[str] = frozenset()


class Trip(NamedTuple):
    """A question on its way; ``peer`` is who is asked where that is another guest; ``firewall`` is None where it cannot
    be read, ``lost_rules`` says which ones of libvirt's are missing. ``beyond`` is the device that its packets would
    leave by where the kernel has no route for them."""

    who: Walker
    question: Question
    kernel: Kernel
    peer: Walker | None = None
    firewall: Firewall | None = None
    lost_rules: str = ""
    beyond: str = ""

    @property
    def version(self) -> int:
        """The version of IP."""
        return self.question.version

    def link(self, device: str) -> Link:
        """What the kernel says of a device, empty when there is none."""
        return self.kernel.links.get(device, NONE)

    def port(self, device: str) -> Link:
        """What the bridge says of a port."""
        found: Link = self.link(device).get("linkinfo", {}).get("info_slave_data", {})
        return found

    def answer(self, lookup: Lookup) -> Answer | None:
        """What the kernel says of a route, None when it was not asked."""
        return self.kernel.answers.get(lookup)

    @property
    def out(self) -> Lookup:
        """The packet's own route."""
        return Lookup(self.version, self.question.destination, self.question.source, self.who.bridge)

    @property
    def back(self) -> Lookup:
        """The route of what the hypervisor itself answers."""
        gateway = gateway_of(self.who.spec, self.version)
        return Lookup(self.version, self.question.source, gateway)

    @property
    def uplink(self) -> str:
        """The device that the packet leaves by."""
        answer = self.answer(self.out)
        return str(answer.route.get("dev", "")) if answer and answer.route.get("type") != "local" else ""

    def is_home(self, device: str) -> bool:
        """Whether packets of guests that are led to a device come back."""
        return device == self.who.bridge or "LOOPBACK" in self.link(device).get("flags", ())

    @property
    def reply(self) -> Lookup | None:
        """The route of what comes back from outside, None while nobody knows where that comes in."""
        if not self.uplink:
            return None
        return Lookup(self.version, self.question.source, self.question.destination, self.uplink)


def passes(place: str, device: str = "", evidence: str = "") -> Hop:
    """A hop that lets the packet pass."""
    return Hop(place, device, "passes", evidence)


def unknown(place: str, device: str, why: str) -> Hop:
    """A hop that was not looked at."""
    return Hop(place, device, "unknown", why)


def ends(place: str, device: str, code: str, evidence: str, remedy: str = "") -> Hop:
    """A hop where the way ends; without a remedy, the code's own is right."""
    return Hop(place, device, "ends", evidence, code, remedy)


def gateway_of(spec: Spec, version: int) -> str:
    """The hypervisor's own address on a network, "" when it has none there."""
    addresses = (str(item["address"]) for item in spec.get("ips", []))
    return next((one for one in addresses if ipaddress.ip_address(one).version == version), "")


def outside(routes: Iterable[Mapping[str, Any]], version: int) -> str:
    """An address outside that no route covers more closely than another."""
    nets = [destination(route, version) for route in routes]

    def covered(address: str) -> int:
        place = ipaddress.ip_address(address)
        return max((net.prefixlen for net in nets if place in net), default=0)

    return min(OUTSIDE[version], key=covered)


@functools.lru_cache(maxsize=65536)
def _net(text: str) -> Any:
    return ipaddress.ip_network(text, strict=False)


def destination(route: Mapping[str, Any], version: int) -> Any:
    """The subnet that a route leads to."""
    to = str(route["dst"])
    every = "0.0.0.0/0" if version == 4 else "::/0"
    return _net(every if to in ("default", "all") else to)


def within(address: str, route: Mapping[str, Any], version: int) -> bool:
    """Whether a route leads to an address."""
    return ipaddress.ip_address(address) in destination(route, version)
