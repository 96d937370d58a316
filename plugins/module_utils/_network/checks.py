# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a definition by itself, each as a sentence with its reason; the rules are libvirt's own.

Read in libvirt 9.0 (network_conf.c, bridge_driver.c networkValidate, virsocketaddr.c), later relaxations as noted.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any

from .._errors.errors import Caution
from .._schema.network import NETWORK
from .._schema.shared import subnet
from .._values import check
from .._values.check import Checks, Context
from .._values.mode import is_managed, mode
from .._xml.codec import read_xml
from .._xml.fields import Key, Rows, Spec
from .._xml.validity import missing, newer
from . import dhcp_checks, dns_checks
from .dhcp_checks import range_problems

CHECKS = Checks()
# Options that only a network with a bridge of libvirt's own can have.
_OWN_BRIDGE_ONLY = ("ips", "mac", "domain", "mtu", "routes")
_DEVICES = ("pf", "interfaces", "addresses")  # of forward: what guests use directly
# What a network of each mode needs, and how to set it: libvirt takes one without a bridge or device, and no guest can
# use it.
_NEEDS = {
    "nat": "an address in ips: set subnet, or nat_network_subnet of the role nat_network",
    "route": "an address in ips: set subnet, or routed_network_subnet of the role routed_network",
    "open": "an address in ips: set subnet, or network_subnet of the role network",
    "bridge": "bridge.name or forward.interfaces: name a bridge that the hypervisor has (the role host_bridge makes"
    " one), or a device for guests to use",
    **dict.fromkeys(("private", "vepa", "passthrough"), "forward.interfaces: name a device for guests to use"),
    "hostdev": "forward.addresses or forward.pf: name virtual functions for guests to use, or the device that has them",
}
SMALLEST_MTU = 68  # of a bridge in Linux (ETH_MIN_MTU)
# Bytes of a name: libvirt writes NAME.xml.new, and for dnsmasq NAME.hostsfile.new (7.0 to 12.8).
LONGEST_NAME, LONGEST_SERVED = 247, 245
# Lists that libvirt refuses with two entries of a name. Those of <ip> are compared with their subnets.
_ONCE = ("interfaces", "addresses", "portgroups")


def remarks(spec: Spec, version: int) -> list[str]:
    """Everything to say about a network's definition for a libvirt of that version (9000000 is 9.0.0): what is wrong,
    and as Caution what is only odd."""
    return check.remarks((*CHECKS, *dns_checks.CHECKS, *dhcp_checks.CHECKS), spec, Context(version))


def problems(spec: Spec, version: int) -> list[str]:
    """Everything that is wrong with a network's definition."""
    return check.problems(remarks(spec, version))


@CHECKS
def _too_new(spec: Spec, context: Context) -> Iterator[str]:
    yield from newer(NETWORK, spec, context.version)


@CHECKS
def _incomplete(spec: Spec, _context: Context) -> Iterator[str]:
    if spec:  # of a network that does not exist, nothing is missing
        yield from missing(NETWORK, spec)


@CHECKS
def _repeated(spec: Spec, _context: Context) -> Iterator[str]:
    yield from _twice(NETWORK, spec, "")


def _twice(rows: Rows, spec: Spec, path: str) -> Iterator[str]:
    """Two entries of a list that look alike; in most lists libvirt and dnsmasq take both."""
    for row in rows:
        seen: set[Key] = set()
        for _index, item in row.inside(spec.get(row.option)):
            key = row.key(item)
            if row.option != "ips" and key in seen and any(part is not None for part in key):
                problem = f"{path}{row.option} lists {', '.join(str(part) for part in key if part is not None)} twice"
                yield problem if row.option in _ONCE else Caution(problem)
            seen.add(key)
            yield from _twice(row.rows, item, f"{path}{row.option}{f'[{key[0]}]' if key else ''}.")


@CHECKS
def _sizes(spec: Spec, _context: Context) -> Iterator[str]:
    size = spec.get("mtu", {}).get("size", 0)
    if isinstance(size, int) and 0 < size < SMALLEST_MTU:
        yield f"mtu.size {size} is too small: the kernel takes {SMALLEST_MTU} to 65535"
    longest = LONGEST_SERVED if spec.get("ips") else LONGEST_NAME
    name = str(spec.get("name", "")).encode("utf-8", "replace")
    if len(name) > longest:
        yield f"name has {len(name)} bytes, and the files that libvirt names after the network have room for {longest}"


@CHECKS
def _unusable(spec: Spec, context: Context) -> Iterator[str]:
    now, forward, name = mode(spec), spec.get("forward", {}), spec.get("bridge", {}).get("name")
    devices = name or any(forward.get(option) for option in _DEVICES)
    # Since libvirt 10.8.0 an open network needs no address.
    needed = now in _NEEDS and not (now == "open" and context.since("10.8.0"))
    if needed and not (spec.get("ips") if is_managed(spec) else devices):
        yield f"forward.mode {now} needs {_NEEDS[now]}"


@CHECKS
def _forward(spec: Spec, context: Context) -> Iterator[str]:
    now, forward = mode(spec), spec.get("forward", {})
    interfaces = forward.get("interfaces", [])
    if is_managed(spec):
        if len(interfaces) > 1:
            yield f"forward.interfaces may list one interface in mode {now}"
        if now == "open" and interfaces:
            yield "forward.dev is not possible in mode open"
    for name, only in (("nat", "nat"), ("addresses", "hostdev"), ("managed", "hostdev")):
        if forward.get(name) and now != only:
            yield f"forward.{name} is only possible in mode {only}, not in {now}"
    yield from _nat(forward.get("nat", {}), context)
    if now == "hostdev" and interfaces:
        yield "forward.interfaces are not possible in mode hostdev: list PCI addresses or a pf"
    if sum(bool(forward.get(name)) for name in _DEVICES) > 1:
        yield "forward may have only one of dev or interfaces, pf, and addresses"


def _nat(nat: Spec, context: Context) -> Iterator[str]:
    address, port = nat.get("address", {}), nat.get("port", {})
    start, end = port.get("start", 1024), port.get("end", 65535)
    if isinstance(start, int) and isinstance(end, int) and start > end:
        yield "forward.nat.port has its start above its end"
    if "start" in address and "end" in address:
        yield from range_problems("forward.nat.address", address["start"], address["end"], context)


@CHECKS
def _foreign_bridge(spec: Spec, _context: Context) -> Iterator[str]:
    now, bridge = mode(spec), spec.get("bridge", {})
    if is_managed(spec):
        return
    for name in _OWN_BRIDGE_ONLY:
        if spec.get(name):
            empty = "[]" if isinstance(spec[name], list) else "{}"
            yield f"{name} is not possible in forward.mode {now}: take it away with {name}: {empty}"
    for name in ("txts", "hosts", "srvs"):
        if spec.get("dns", {}).get(name):
            yield f"dns.{name} are not possible in forward.mode {now}: take them away with dns: {{}}"
    for name in ("stp", "delay", "zone", *(() if now == "bridge" else ("name", "mac_table_manager"))):
        if name in bridge and (name != "delay" or bridge[name]):
            yield f"bridge.{name} is not possible in forward.mode {now}"
    if now == "bridge" and bridge.get("name") and any(spec["forward"].get(name) for name in ("interfaces", "pf")):
        yield "forward.mode bridge takes a bridge.name or a forward device, not both"


def _with_groups(spec: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """What may have a vlan, a virtualport and a bandwidth, each with the path to it: the network and its portgroups."""
    return [("", spec), *((f"portgroups[{group.get('name')}].", group) for group in spec.get("portgroups", []))]


@CHECKS
def _bandwidth(spec: Spec, _context: Context) -> Iterator[str]:
    allowed = is_managed(spec) or (mode(spec) == "bridge" and spec.get("bridge", {}).get("name"))
    for place, holder in _with_groups(spec):
        path, rates = f"{place}bandwidth", holder.get("bandwidth", {})
        if rates and not allowed:
            yield f"{path} is not possible in forward.mode {mode(spec)} without a bridge"
        for direction, rate in rates.items():
            if "floor" in rate:
                yield f"{path}.{direction}.floor is only possible on a guest's NIC, not on a network"
            elif "average" not in rate:
                yield f"{path}.{direction} needs average"


@CHECKS
def _vlan(spec: Spec, context: Context) -> Iterator[str]:
    """Who may tag: SR-IOV and Open vSwitch; since libvirt 11.0.0 also what uses a bridge of the host (seen in 11.3)."""
    now, own, groups = mode(spec), spec.get("virtualport", {}), spec.get("portgroups", [])
    types = ("openvswitch", None) if context.since("11.0.0") else ("openvswitch",)
    base = now in ("hostdev", "passthrough") or (now == "bridge" and own.get("type") in types)
    defaults = [group for group in groups if group.get("default")]
    if len(defaults) > 1:
        yield "portgroups may have one default, not " + ", ".join(str(group.get("name")) for group in defaults)
    tagged = [] if base or defaults or not spec.get("vlan") else [""]
    for path, group in _with_groups(spec)[1:]:
        port = group.get("virtualport")
        able = base if port is None else now == "bridge" and port.get("type") == "openvswitch"
        if (spec.get("vlan") or group.get("vlan")) and not able:
            tagged.append(path)
    for path in tagged:
        yield f"{path}vlan needs forward.mode hostdev or passthrough, Open vSwitch, or libvirt 11.0.0 and mode bridge"
    for path, holder in _with_groups(spec):
        if sum("native_mode" in tag for tag in holder.get("vlan", {}).get("tags", [])) > 1:
            yield f"{path}vlan may have one tag with native_mode"


def contradictions(wanted: Mapping[str, Any]) -> Iterator[str]:
    """What a user asks for that libvirt reads otherwise, so that it does not show in the definition any more."""
    for path, holder in _with_groups(wanted):
        vlan = holder.get("vlan", {})
        tags = vlan.get("tags", [])
        if vlan.get("trunk") is False and (len(tags) > 1 or any("native_mode" in tag for tag in tags)):
            yield f"{path}vlan.trunk cannot be false with several tags or a native one"


PORT_PARAMETERS = {
    "802.1Qbg": ("managerid", "typeid", "typeidversion", "instanceid"),
    "802.1Qbh": ("profileid",),
    "openvswitch": ("profileid", "interfaceid"),
    "midonet": ("interfaceid",),
}


@CHECKS
def _virtualport(spec: Spec, _context: Context) -> Iterator[str]:
    for path, holder in _with_groups(spec):
        port = holder.get("virtualport", {})
        allowed = PORT_PARAMETERS.get(port.get("type", ""))
        for name in port.get("parameters", {}):
            if allowed is not None and name not in allowed:
                yield f"{path}virtualport of type {port['type']} has no parameter {name}"


@CHECKS
def _routes(spec: Spec, _context: Context) -> Iterator[str]:
    nets = [net for net in map(subnet, spec.get("ips", [])) if net is not None]
    for route in spec.get("routes", []):
        name = f"routes[{route.get('address')}]"
        try:
            destination = ipaddress.ip_network(f"{route['address']}/{route['prefix']}")
            gateway = ipaddress.ip_address(route["gateway"])
        except (KeyError, ValueError):
            if "address" in route and "gateway" in route:
                yield f"{name} must be the address of a network with its prefix"
            continue
        if gateway.version != destination.version:
            yield f"{name} has a gateway of the other family: {gateway}"
        elif not any(gateway in net for net in nets):
            yield f"{name} has gateway {gateway}, which is in no subnet of this network"


@CHECKS
def _metadata(spec: Spec, _context: Context) -> Iterator[str]:
    names: list[Any] = []
    for child in read_xml(f"<x>{spec.get('metadata', '')}</x>"):
        space = str(child.tag).rpartition("}")[0]
        if not space or space in names:
            yield f"metadata needs a namespace of its own for each element, or libvirt drops it: {child.tag}"
        names.append(space)
