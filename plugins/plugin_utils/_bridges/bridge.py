# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bridge as it is wanted, and what is wrong with that on a host."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .host import Host, Link
from .options import LONGEST

DEFAULT_ROUTE = {4: "0.0.0.0/0", 6: "::/0"}


@dataclass(frozen=True)
class Ip:
    """Addresses and what goes with them."""

    addresses: tuple[str, ...] = ()
    dhcp: bool = False
    gateways: tuple[str, ...] = ()
    nameservers: tuple[str, ...] = ()
    search: tuple[str, ...] = ()

    def of(self, version: int) -> Ip:
        """The same of one version of IP only."""
        addresses, gateways, nameservers = (
            tuple(one for one in given if version_of(one) == version)
            for given in (self.addresses, self.gateways, self.nameservers)
        )
        return Ip(addresses, self.dhcp and version == 4, gateways, nameservers, self.search)

    def is_on(self, link: Link, gateways: Sequence[str]) -> bool:
        """Whether a device with these gateways has them."""
        wanted, known = ({str(ipaddress.ip_interface(one)) for one in of.addresses} for of in (self, link))
        return wanted <= known and (link.leased or not self.dhcp) and set(self.gateways) <= set(gateways)


def version_of(address: str) -> int:
    """The version of IP that an address is of."""
    return 6 if ":" in address else 4


@dataclass(frozen=True)
class Bridge:
    """A bridge with a port; without ``ip`` it has what is configured for its port, or already for itself."""

    name: str
    port: str
    mac: str
    vlan: int | None = None
    stp: bool = False
    present: bool = True
    ip: Ip | None = None

    @property
    def member(self) -> str:
        """The device that is put into the bridge: the port, or a VLAN on it."""
        return f"{self.port}.{self.vlan}" if self.vlan else self.port

    @property
    def devices(self) -> list[str]:
        """What is there for it only: itself, and a VLAN."""
        return [self.name, *([self.member] if self.vlan else [])]

    def is_up_to_date(self, host: Host) -> bool:
        """Whether the host runs it as it is wanted, whatever its files say."""
        there, member = host.links.get(self.name), host.links.get(self.member)
        if there is None or not self.present:
            return there is None and not self.present
        if member is None or member.master != self.name or there.stp != self.stp:
            return False
        return self.ip is None or self.ip.is_on(there, host.gateways.get(self.name, ()))


def wanted(options: Mapping[str, Any], host: Host) -> Bridge:
    """A bridge from its options, as bridge_options reads them."""
    given = any(name in options for name in ("addresses", "dhcp", "vlan"))
    ip = Ip(
        addresses=tuple(options.get("addresses", ())),
        dhcp=options.get("dhcp", False),
        gateways=tuple(options[name] for name in ("gateway", "gateway_ipv6") if name in options),
        nameservers=tuple(options.get("nameservers", ())),
        search=tuple(options.get("search", ())),
    )
    link = host.links.get(options["port"])
    return Bridge(
        name=options["name"],
        port=options["port"],
        mac=link.mac if link else "",
        vlan=options.get("vlan"),
        stp=options.get("stp", False),
        present=options.get("state", "present") == "present",
        ip=ip if given else None,
    )


def problems(items: Sequence[Mapping[str, Any]], host: Host) -> list[str]:
    """Everything that is wrong with the wanted bridges, each of them a part of a sentence."""
    found = [f"{item['name']}: {problem}" for item in items for problem in _of_one(item, host)]
    bridges = [wanted(item, host) for item in items]
    names = [bridge.name for bridge in bridges]
    members = [bridge.member for bridge in bridges if bridge.present]
    found += [f"{name} is listed {names.count(name)} times" for name in sorted(set(names)) if names.count(name) > 1]
    found += [f"{name} is put into several bridges" for name in sorted(set(members)) if members.count(name) > 1]
    return found


def _of_one(item: Mapping[str, Any], host: Host) -> Iterator[str]:
    bridge = wanted(item, host)
    if len(bridge.member) > LONGEST:
        yield f"{bridge.member} has more than the {LONGEST} characters of a device's name"
    if bridge.name in (bridge.port, bridge.member):
        yield f"{bridge.name} is the bridge and its port as well"
    yield from _wrong_values(item, bridge.ip or Ip())
    yield from _wrong_devices(bridge, host)


def _wrong_values(item: Mapping[str, Any], ip: Ip) -> Iterator[str]:
    for name in ("gateway", "gateway_ipv6", "nameservers", "search"):
        if item.get(name) and not ip.addresses and not ip.dhcp:
            yield f"{name} is given without addresses or dhcp"
    for name in ("gateway", "gateway_ipv6"):
        if item.get(name) and not ip.dhcp and not _reaches(ip.addresses, item[name]):
            yield f"{name} {item[name]} is not in any subnet of the addresses"


def _wrong_devices(bridge: Bridge, host: Host) -> Iterator[str]:
    port, there, member = host.links.get(bridge.port), host.links.get(bridge.name), host.links.get(bridge.member)
    if port is None:
        others = ", ".join(sorted(link.name for link in host.links.values() if link.name != "lo" and not link.kind))
        yield f"there is no device {bridge.port}; there are {others or 'none'}"
        return
    if port.kind == "bridge":
        yield f"{bridge.port} is a bridge itself; port is a NIC, a bond or a VLAN"
    if there and there.kind != "bridge":
        yield f"there is a device {bridge.name} that is not a bridge"
    if bridge.present and member and member.master not in ("", bridge.name):
        yield f"{bridge.member} is in {member.master} already; take it out there"
    source = there if there and there.kind == "bridge" else port
    if bridge.present and bridge.ip is None and not source.addresses:
        yield (
            f"{source.name} has no address that the bridge could have; give addresses, or dhcp: true, or addresses: []"
            " for a bridge without"
        )


def _reaches(addresses: Sequence[str], gateway: str) -> bool:
    router = ipaddress.ip_address(gateway)
    nets = [ipaddress.ip_interface(one).network for one in addresses]
    return router.is_link_local or any(router in net for net in nets)
