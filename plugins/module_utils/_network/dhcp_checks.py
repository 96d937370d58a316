# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the addresses, ranges and reservations of a network."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any

from .._errors.errors import Caution
from .._schema.shared import Subnet, subnet
from .._values.check import Checks, Context
from .._xml.definition import Definition
from .._xml.fields import Spec

CHECKS = Checks()
# What no interface of a host can use, although the kernel takes the IPv4 ones: this network, loopback, multicast, and
# what is reserved. IPv4 addresses in IPv6 are refused by dnsmasq (2.90) or by the kernel.
_UNUSABLE = [ipaddress.ip_network(net) for net in ("0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/3")]
_UNUSABLE += [ipaddress.ip_network(net) for net in ("::/127", "::ffff:0:0/96", "ff00::/8")]
# Since then libvirt counts a range's addresses, before it compared their first 16 bits (virSocketAddrGetRange: the old
# rule is in 9.0, the new one was seen in 11.3).
COUNTED_RANGES = "11.3.0"
# 7.0 wants a letter at the beginning of a reservation's name (virNetworkDHCPHostDefParseXML), 9.0 takes a digit; those
# between were not seen, and decide for themselves.
DIGITS_FIRST = "7.1.0"


@CHECKS
def dhcp_problems(spec: Spec, context: Context) -> Iterator[str]:
    """Everything wrong with the ``ips`` of a network's spec, as sentences."""
    nets: list[tuple[str, Subnet]] = []
    served: dict[int, str] = {}
    for item in spec.get("ips", []):
        net = subnet(item)
        if net is None:
            if _read(item.get("address")):
                yield f"ips[{item['address']}] has a prefix that does not fit: {item.get('prefix')}"
            continue
        name = f"ips[{item['address']}/{net.prefixlen}]"
        yield from _address(name, item, net)
        if item.get("local_ptr") and spec.get("dns", {}).get("enable") is not False:
            yield from _local_ptr(name, net)
        for other, placed in nets:
            if name == other:
                yield f"{name} is listed twice"
            elif net.version == placed.version and net.overlaps(placed):
                yield Caution(f"{name} overlaps {other} of the same network")
        nets.append((name, net))
        dhcp = item.get("dhcp", {})
        if dhcp.get("ranges") or dhcp.get("hosts"):
            if net.version in served:
                yield f"{name} has DHCP, and so has {served[net.version]}: one subnet of each family can have it"
            served[net.version] = name
        yield from _dhcp(name, item, dhcp, net, context)


def guessed(wanted: Definition, saved: Definition) -> list[str]:
    """New addresses of a definition without prefix and netmask: libvirt guesses, for IPv4 by the classes of 1981."""
    there = set(_unclear(saved))
    return [
        f"ips[{address}] needs a prefix: write address: {address}/PREFIX, or give prefix or netmask"
        for address in _unclear(wanted)
        if address not in there
    ]


def _unclear(definition: Definition) -> list[str]:
    ips = definition.tree.findall("ip") if definition else []
    return [ip.get("address") for ip in ips if ip.get("address") and not {"prefix", "netmask"}.intersection(ip.attrib)]


def _address(name: str, item: Spec, net: Subnet) -> Iterator[str]:
    if item.get("family", "ipv4") != f"ipv{net.version}":
        yield f"{name} is not an address of family {item.get('family', 'ipv4')}"
    address = ipaddress.ip_address(item["address"])
    if net.version == 4 and net.prefixlen < 31 and address in (net.network_address, net.broadcast_address):
        yield f"{name} is the address of the network itself or its broadcast address, not of the host in it"
    if any(address.version == unusable.version and address in unusable for unusable in _UNUSABLE):
        yield f"{name} is an address that no interface can use"
    elif not net.prefixlen:
        yield f"{name} is a subnet of all addresses: the host would send everything to the network"
    if net.version == 6 and item.get("tftp"):
        yield f"{name} is IPv6, which libvirt serves no tftp on"


def _local_ptr(name: str, net: Subnet) -> Iterator[str]:
    step = 8 if net.version == 4 else 4
    if net.prefixlen % step or net.prefixlen in (0, net.max_prefixlen):
        yield f"{name} cannot have local_ptr: DNS delegates IPv{net.version} subnets in steps of {step} bits only"


def _dhcp(name: str, item: Spec, dhcp: Spec, net: Subnet, context: Context) -> Iterator[str]:
    ranges = [_range(name, entry, net, context) for entry in dhcp.get("ranges", [])]
    for index, (low, high, found) in enumerate(ranges):
        yield from found
        for other_low, other_high, _found in ranges[:index]:
            if None not in (low, high, other_low, other_high) and low <= other_high and other_low <= high:
                yield Caution(f"{name} has DHCP ranges that cross: {low}-{high} and {other_low}-{other_high}")
    yield from _hosts(name, item, dhcp.get("hosts", []), net, context)
    if dhcp.get("bootp"):
        if net.version == 6:
            yield f"{name} is IPv6, which libvirt serves no bootp on"
        elif not dhcp.get("ranges") and not dhcp.get("hosts"):
            yield f"{name} has bootp without DHCP ranges or hosts, which libvirt drops"
    for entry in (*dhcp.get("ranges", []), *dhcp.get("hosts", [])):
        lease = entry.get("lease", {})
        expiry, unit = lease.get("expiry", 0), lease.get("unit", "minutes")
        seconds = expiry * {"seconds": 1, "hours": 3600}.get(unit, 60) if isinstance(expiry, int) else 0
        if 0 < seconds < 120:
            # dnsmasq's own minimum, enforced by libvirt.
            yield f"{name} has a DHCP lease time of {seconds} seconds, below the minimum of 2 minutes"


def _range(name: str, entry: Spec, net: Subnet, context: Context) -> tuple[Any, Any, list[str]]:
    low, high = _read(entry.get("start")), _read(entry.get("end"))
    if low is None or high is None:
        return None, None, []
    text = f"{name} has a DHCP range {low}-{high}"
    if low.version != net.version or high.version != net.version or low not in net or high not in net:
        return None, None, [f"{text} outside its subnet {net}"]
    if net.version == 4 and (low == net.network_address or high == net.broadcast_address):
        return low, high, [f"{text} that holds the network's own or its broadcast address"]
    return low, high, list(range_problems(f"{name} dhcp.ranges", entry["start"], entry["end"], context))


def range_problems(name: str, start: str, end: str, context: Context) -> Iterator[str]:
    """What libvirt refuses in any range of addresses."""
    low, high = _read(start), _read(end)
    if low is None or high is None or low.version != high.version:
        return
    if low > high:
        yield f"{name} {low}-{high} has its start above its end"
    elif int(high) - int(low) > 65535:
        yield f"{name} {low}-{high} is too large for libvirt: it may have 65,536 addresses"
    elif int(low) >> 16 != int(high) >> 16 and not context.since(COUNTED_RANGES):
        yield f"{name} {low}-{high} is too large for libvirt: all but the last 16 bits must be alike"


def _hosts(name: str, item: Spec, hosts: list[Spec], net: Subnet, context: Context) -> Iterator[str]:
    taken: dict[tuple[str, Any], Spec] = {}
    for host in hosts:
        label = f"{name} has a {reservation(host)}"
        yield from _identity(label, host, net)
        if context.before(DIGITS_FIRST) and host.get("name", "")[:1].isdigit():
            yield f"{label} with name {host['name']}, which libvirt 7.0 wants to begin with a letter"
        yield from outside(label, item, host, net)
        for field in ("mac", "id", "ip", "name"):
            if field in host and taken.setdefault((field, host[field]), host) is not host:
                yield Caution(f"{label} with {field} {host[field]}, which another reservation has too")


def reservation(host: Spec) -> str:
    """What to call a reservation."""
    return f"reservation for {next(filter(None, map(host.get, ('mac', 'id', 'name', 'ip'))), 'nobody')}"


def _identity(label: str, host: Spec, net: Subnet) -> Iterator[str]:
    if net.version == 6 and "mac" in host:
        yield f"{label} by MAC address, which DHCPv6 does not know: use id or name"
    elif not any(name in host for name in (("id", "name") if net.version == 6 else ("mac", "name"))):
        yield f"{label} that needs {'id' if net.version == 6 else 'mac'} or name"


def outside(label: str, item: Spec, host: Spec, net: Subnet) -> Iterator[str]:
    """Why a reservation's address cannot be given in the subnet that it belongs to."""
    address = _read(host.get("ip"))
    if address is None:
        return
    if address.version != net.version or address not in net:
        yield Caution(f"{label} at {address}, outside the subnet {net}: dnsmasq does not use it")
    elif str(address) == item["address"]:
        yield Caution(f"{label} at {address}, which is the network's own address: dnsmasq does not use it")
    elif net.version == 4 and net.prefixlen < 31 and address in (net.network_address, net.broadcast_address):
        yield f"{label} at {address}, the address of the network itself or its broadcast address"


def _read(text: str | None) -> Any:
    try:
        return None if text is None else ipaddress.ip_address(text)
    except ValueError:
        return None
