# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bridge as it is wanted, and what is wrong with that on a host."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.virtfleet.network.plugins.module_utils._bridge_host import Host

LONGEST = 15


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
        return Ip(
            *(tuple(one for one in self.addresses if _version(one) == version), self.dhcp and version == 4),
            *(tuple(one for one in self.gateways if _version(one) == version),),
            *(tuple(one for one in self.nameservers if _version(one) == version), self.search),
        )


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


def wanted(item: Mapping[str, Any], host: Host) -> Bridge:
    """A bridge from its options; those that are null or missing are not given."""
    options = {name: value for name, value in item.items() if value is not None}
    given = any(name in options for name in ("addresses", "dhcp")) or "vlan" in options
    ip = Ip(
        addresses=tuple(_spelled(one) for one in options.get("addresses", ())),
        dhcp=bool(options.get("dhcp", False)),
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
    for name in (bridge.name, bridge.member):
        if len(name) > LONGEST or not re.fullmatch(r"[A-Za-z][\w.-]*", name):
            yield f"{name} is no name for a device, which has up to {LONGEST} letters, digits, dashes, dots or _"
    yield from _wrong_values(item, bridge)
    yield from _wrong_devices(bridge, host)


def _wrong_values(item: Mapping[str, Any], bridge: Bridge) -> Iterator[str]:
    ip = bridge.ip or Ip()
    if bridge.vlan is not None and not 1 <= bridge.vlan <= 4094:
        yield f"vlan {bridge.vlan} is not from 1 to 4094"
    for name in ("gateway", "gateway_ipv6", "nameservers", "search"):
        if item.get(name) and not ip.addresses and not ip.dhcp:
            yield f"{name} is given without addresses or dhcp"
    yield from _wrong_addresses(item, ip)


def _wrong_addresses(item: Mapping[str, Any], ip: Ip) -> Iterator[str]:
    for address in ip.addresses:
        if not _is(ipaddress.ip_interface, address) or "/" not in address:
            yield f"{address} is no address with a prefix, like 192.0.2.10/24"
    for name, version in (("gateway", 4), ("gateway_ipv6", 6)):
        if item.get(name) and (not _is(ipaddress.ip_address, item[name]) or _version(item[name]) != version):
            yield f"{name} {item[name]} is no address of IPv{version}"
        elif item.get(name) and not ip.dhcp and not _reaches(ip.addresses, item[name]):
            yield f"{name} {item[name]} is in the subnet of no address"
    for address in item.get("nameservers") or ():
        if not _is(ipaddress.ip_address, address):
            yield f"nameserver {address} is no address"


def _wrong_devices(bridge: Bridge, host: Host) -> Iterator[str]:
    port, there, member = host.links.get(bridge.port), host.links.get(bridge.name), host.links.get(bridge.member)
    if port is None:
        others = ", ".join(sorted(link.name for link in host.links.values() if link.name != "lo" and not link.kind))
        yield f"there is no device {bridge.port}; there are {others or 'none'}"
        return
    if port.kind == "bridge":
        yield f"{bridge.port} is a bridge itself; port is a NIC, a bond or a VLAN"
    if there and there.kind != "bridge":
        yield f"there is a device {bridge.name} that is no bridge"
    if bridge.present and member and member.master not in ("", bridge.name):
        yield f"{bridge.member} is in {member.master} already; take it out there"
    source = there if there and there.kind == "bridge" else port
    if bridge.present and bridge.ip is None and not source.addresses:
        yield (
            f"{source.name} has no address that the bridge could have; give addresses, or dhcp: true, or addresses: []"
            " for a bridge without"
        )


def _is(kind: Any, text: str) -> bool:
    try:
        kind(text)
    except ValueError:
        return False
    return True


def _version(text: str) -> int:
    return 6 if ":" in text else 4


def _spelled(text: Any) -> str:
    return str(ipaddress.ip_interface(text)) if _is(ipaddress.ip_interface, text) and "/" in str(text) else str(text)


def _reaches(addresses: Sequence[str], gateway: str) -> bool:
    router = ipaddress.ip_address(gateway)
    nets = [ipaddress.ip_interface(one).network for one in addresses if _is(ipaddress.ip_interface, one)]
    return router.is_link_local or any(router in net for net in nets)
