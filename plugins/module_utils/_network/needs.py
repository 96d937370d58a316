# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a network needs of the hypervisor besides devices and routes, so that libvirt takes and starts it. Pure.

Read in libvirt 9.0 (networkStartNetworkVirtual, networkCreateInterfacePool, networkValidate).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterator

from .._values.mode import has_firewall, is_managed, mode
from .._values.surroundings import Need
from .._xml.fields import Spec

DNS, TFTP, DHCP = 53, 69, {4: 67, 6: 547}
ANYWHERE = {4: "0.0.0.0", 6: "::"}  # dnsmasq binds DHCP there


def needs(spec: Spec, held: Collection[str], starts: bool) -> list[Need]:
    """What libvirt needs for this definition, at its start too; ``held`` are the addresses at which the dnsmasq of a
    network listens until then."""
    places = map(_pci, spec.get("forward", {}).get("addresses", []))
    found = [Need("vf", (place,)) for place in places if place]
    return [*found, *dict.fromkeys(_at_start(spec, held))] if starts else found


def _at_start(spec: Spec, held: Collection[str]) -> Iterator[Need]:
    forward, zone = spec.get("forward", {}), spec.get("bridge", {}).get("zone")
    if not is_managed(spec):
        if "dev" in forward.get("pf", {}):
            yield Need("vfs", (forward["pf"]["dev"], mode(spec)))
        return
    if spec.get("ips"):
        yield Need("dnsmasq", tuple(spec.get("dnsmasq_options", ())))
    if zone and has_firewall(spec):
        yield Need("zone", (zone,))
    if any(_version(item) == 6 for item in spec.get("ips", [])):
        yield Need("ipv6")
        yield from [Need("forwarding")] if mode(spec) else []
    for item in spec.get("ips", []):
        mine = item.get("address") in held
        yield from _ports(item, spec.get("dns", {}).get("enable") is not False and not mine, mine)


def _ports(item: Spec, dns: bool, held: bool) -> Iterator[Need]:
    address, dhcp = str(item.get("address", "")), item.get("dhcp", {})
    for protocol in ("udp", "tcp") if dns else ():
        yield Need("port", (protocol, address, str(DNS)))
    if item.get("tftp", {}).get("root"):
        yield Need("tftp", (item["tftp"]["root"],))
        yield from [] if held else [Need("port", ("udp", address, str(TFTP)))]
    version = _version(item)
    if version and (dhcp.get("ranges") or dhcp.get("hosts")):
        yield Need("port", ("udp", ANYWHERE[version], str(DHCP[version])))


def _version(item: Spec) -> int:
    """The family of an <ip>, 0 where it has no address, which is reported as a wrong value."""
    try:
        return ipaddress.ip_address(str(item.get("address"))).version
    except ValueError:
        return 0


def _pci(address: Spec) -> str:
    """A PCI address as sysfs spells it, "" where it is none."""
    try:
        numbers = [int(str(address.get(name, 0)), 0) for name in ("domain", "bus", "slot", "function")]
    except ValueError:  # reported as a wrong value
        return ""
    domain, bus, slot, function = numbers
    return f"{domain:04x}:{bus:02x}:{slot:02x}.{function:x}"
