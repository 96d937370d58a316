"""Healthy hypervisors of every kind, invented from a seed: networks, what surrounds them, and guests on them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from .random_specs import HOST_BRIDGE, Inventor, Version

Spec = dict[str, Any]
NIC = "<interface type='network'><mac address='{}'/><source network='{}'/><model type='virtio'/>{}</interface>"
DOMAIN = """<domain type='qemu'><name>{}</name><memory unit='MiB'>64</memory><os><type arch='x86_64'>hvm</type></os>
<devices><controller type='usb' model='none'/>{}<memballoon model='none'/></devices></domain>"""


class Healthy(NamedTuple):
    """Networks by their options, the guests as XML, and the neighbours that guests make known by a ping."""

    networks: list[Spec]
    guests: list[str]
    neighbours: list[str]


def ip4(number: int, dhcp: bool = True) -> Spec:
    """A subnet of IPv4."""
    base = f"10.93.{number}"
    ranges = {"dhcp": {"ranges": [{"start": f"{base}.100", "end": f"{base}.199"}]}}
    return {"address": f"{base}.1", "prefix": 24, **(ranges if dhcp else {})}


def ip6(number: int, dhcp: bool = True) -> Spec:
    """A subnet of IPv6."""
    base = f"fd00:93:{number:x}::"
    ranges = {"dhcp": {"ranges": [{"start": f"{base}100", "end": f"{base}1ff"}]}}
    return {"family": "ipv6", "address": f"{base}1", "prefix": 64, **(ranges if dhcp else {})}


def managed(number: int, mode: str = "", **more: Any) -> Spec:
    """A network with a bridge of libvirt's."""
    forward = {"forward": {"mode": mode}} if mode else {}
    return {**forward, "bridge": {"name": f"vf-h{number}"}, "ips": [ip4(number)], **more}


def nat6(number: int, **more: Any) -> Spec:
    """A network with both versions of IP that lead outside."""
    both = {"forward": {"mode": "nat", "nat": {"ipv6": True}}, "ips": [ip4(number), ip6(number)]}
    return managed(number, "nat", **{**both, **more})


GROUPS = [{"name": "red", "default": True}, {"name": "green"}]
SHAPES: dict[str, Callable[[int], Spec]] = {
    "NAT": lambda n: managed(n, "nat"),
    "routed": lambda n: managed(n, "route"),
    "isolated": managed,
    "open": lambda n: managed(n, "open"),
    "a bridge of the hypervisor": lambda _: {"forward": {"mode": "bridge"}, "bridge": {"name": HOST_BRIDGE}},
    "portgroups": lambda n: managed(n, "nat", portgroups=GROUPS),
    "portgroups of a bridge": lambda n: {**SHAPES["a bridge of the hypervisor"](n), "portgroups": GROUPS},
    "IPv6 only": lambda n: managed(n, "nat", ips=[ip6(n)]),
    "IPv6 only, translated": lambda n: nat6(n, ips=[ip6(n)]),
    "IPv6 only, routed": lambda n: managed(n, "route", ips=[ip6(n)]),
    "both, translated": nat6,
    "both, routed": lambda n: managed(n, "route", ips=[ip4(n), ip6(n)]),
    "two subnets": lambda n: managed(n, "nat", ips=[ip4(n), ip4(n + 100, dhcp=False)]),
    "no addresses": lambda n: managed(n, ips=[]),
    "by one device": lambda n: managed(n, "nat", forward={"mode": "nat", "interfaces": [{"dev": "uplink"}]}),
}
ADDED: dict[str, Spec] = {
    "DNS off": {"dns": {"enable": False}},
    "a domain": {"domain": {"name": "one.test", "local_only": True}},
    "large frames": {"mtu": {"size": 9000}},
    "small frames": {"mtu": {"size": 1400}},
    "isolated ports": {"port": {"isolated": True}},
    "IPv6 between guests": {"ipv6": True},
    "options of dnsmasq": {"dnsmasq_options": ["log-queries"]},
}


class Invented:
    """One invented hypervisor."""

    def __init__(self, number: int, version: Version) -> None:
        self._chance, self._number, self._version = random.Random(f"healthy {number}"), number, version

    def hypervisor(self) -> Healthy:
        """All that is on it."""
        shapes = [
            list(SHAPES)[self._number % len(SHAPES)],
            *self._chance.sample(list(SHAPES), self._chance.randint(0, 2)),
        ]
        networks = [self._network(shape, place) for place, shape in enumerate(dict.fromkeys(shapes))]
        if self._chance.random() < 0.3:
            networks.append(Inventor(self._number, self._version, 90).network())
        named = [{"name": f"h{place}", **spec} for place, spec in enumerate(networks)]
        if self._version < (7, 1, 0):  # libvirt 7.0 leaves the bridge at 1500 bytes
            named = [{name: value for name, value in spec.items() if name != "mtu"} for spec in named]
        guests, neighbours = [], list[str]()
        for place in range(self._chance.randint(0, 3)):
            nics = [*self._nics(place, named, neighbours)]
            guests.append(DOMAIN.format(f"guest{place}", "".join(nics)))
        return Healthy(named, guests, neighbours)

    def _network(self, shape: str, place: int) -> Spec:
        spec = SHAPES[shape](place)
        if "ips" not in spec:
            return spec
        for item in spec["ips"]:
            if self._chance.random() < 0.2:
                item.pop("dhcp", None)
        if self._chance.random() < 0.3:
            spec["bridge"] = {**spec["bridge"], "stp": False}
        if spec["ips"] and "family" not in spec["ips"][0] and self._chance.random() < 0.3:
            gateway = spec["ips"][0]["address"][:-1] + "9"
            spec["routes"] = [{"address": f"10.98.{place}.0", "prefix": 24, "gateway": gateway}]
        for name in self._chance.sample(list(ADDED), self._chance.randint(0, 2)):
            spec.update(ADDED[name])
        return spec

    def _nics(self, guest: int, networks: list[Spec], neighbours: list[str]) -> Iterator[str]:
        for number in range(self._chance.randint(0, 2)):
            network = self._chance.choice([one for one in networks if one.get("forward", {}).get("mode") != "private"])
            mac = f"52:54:00:93:{guest:02x}:{number:02x}"
            isolated = "<port isolated='yes'/>" if network.get("port") and self._version >= (6, 1, 0) else ""
            yield NIC.format(mac, network["name"], isolated)
            for item in network.get("ips", [])[:2]:
                end = item["address"][: -len(item["address"].rpartition(":" if "family" in item else ".")[2])]
                neighbours.append(
                    f"neigh replace {end}{60 + 2 * guest + number} lladdr {mac} dev {network['bridge']['name']} "
                    "nud permanent"
                )
