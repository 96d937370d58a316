# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a definition in its surroundings: the other networks, and the host where we can look at it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from .._errors.readable import some
from .._schema.shared import Subnet, subnet
from .._values.mode import is_managed, mode
from .._values.observed import Device, Observed
from .._values.surroundings import Surroundings
from .._xml.fields import Spec

UNCHECKED_HOST = (
    "the hypervisor's own addresses, bridges and interfaces were not checked, because this task does not run on it"
)
KERNEL_NAMES = ("all", "default")
SMALLEST_IPV6 = 1280
# What a route cannot be at the same time, by the list that it stands in.
_ROUTED = {"a route": "routes", "the subnet": "ips"}


class Findings(NamedTuple):
    """``problems`` forbid the change, ``warnings`` do not, ``stale_bridge`` is one that may be removed."""

    problems: list[str]
    warnings: list[str]
    stale_bridge: str = ""


def conflicts(spec: Spec, observed: Observed, active: bool, around: Surroundings) -> Findings:
    """What stands in the way of a network's spec; what only matters while it runs is a warning when it is not to."""
    problems: list[str] = []
    hard, soft = taken(spec, around.networks, active)
    soft += _names(spec, around.networks)
    stale = ""
    if around.devices is not None:
        devices, stale = around.devices, stale_bridge(observed, around.devices)
        own = bridges(observed) | {stale}
        problems += taken_device(spec, own, devices)
        (problems if active else soft).extend(impossible(spec))
        when_active = [*missing_bridge(spec, devices), *host_addresses(spec, own, around)]
        known = [*hard, *when_active]
        when_active += [text for net, text in routed(spec, own, devices) if not any(f" {net} " in one for one in known)]
        (problems if active else soft).extend(when_active)
    return Findings([*hard, *problems], soft, stale if active and not observed.active else "")


def _specs(network: Observed) -> list[Spec]:
    return [one.spec for one in dict.fromkeys((network.saved, network.live)) if one]


def refusals(spec: Spec, observed: Observed, devices: dict[str, Device]) -> list[str]:
    """Why libvirt or the kernel would refuse to start the network, also where it runs and is only started again."""
    own = bridges(observed) | {stale_bridge(observed, devices)}
    # All that libvirt touches of a bridge of the host (networkStartNetworkBridge).
    touched = spec.get("bandwidth") or spec.get("bridge", {}).get("mac_table_manager")
    missing = missing_bridge(spec, devices) if touched else []
    return [
        *impossible(spec),
        *taken_device(spec, own, devices),
        *missing,
        *(text for _net, text in routed(spec, own, devices)),
    ]


def bridges(network: Observed) -> set[str]:
    """The bridge that libvirt has made for a running network; one of the host's own that it uses is none."""
    spec = network.live.spec
    return {str(spec.get("bridge", {}).get("name", ""))} if network.active and is_managed(spec) else set()


def nets(spec: Spec, name: str = "ips") -> list[Subnet]:
    """The subnets of a network's addresses, or of its routes."""
    return [net for net in map(subnet, spec.get(name, [])) if net is not None]


def overlap(one: Subnet, other: Subnet) -> bool:
    """Whether two subnets share an address."""
    return one.version == other.version and one.overlaps(other)


def taken(spec: Spec, networks: Sequence[Observed], active: bool) -> tuple[list[str], list[str]]:
    """Subnets, routes and bridge names that another network has; two that never run at once may share a subnet."""
    hard: list[str] = list(named_alike(spec, networks))
    soft: list[str] = []
    for other in networks:
        for there in _specs(other):
            both = active and (other.active or other.autostart)
            (hard if both else soft).extend(f"{claim} of network {other.name!r}" for claim in claims(spec, there))
    return list(dict.fromkeys(hard)), list(dict.fromkeys(soft))


def named_alike(spec: Spec, networks: Sequence[Observed]) -> Iterator[str]:
    """What libvirt refuses at each define, also of what it has already (networkBridgeNameValidate)."""
    bridge, uuid = spec.get("bridge", {}).get("name"), spec.get("uuid")
    for other in networks:
        for there in _specs(other):
            if is_managed(spec) and bridge and bridge == there.get("bridge", {}).get("name"):
                yield f"bridge.name {bridge} is the bridge of network {other.name!r}"
            if uuid and uuid == there.get("uuid"):
                yield f"uuid {uuid} is the uuid of network {other.name!r}"


def claims(spec: Spec, there: Spec) -> Iterator[str]:
    """What both would add to the host's routing table; libvirt refuses a route that is there already (7.0, 9.0)."""
    for one in nets(spec):
        yield from (f"subnet {one} overlaps {net}" for net in nets(there) if overlap(one, net))
    yield from (f"subnet {one} is also a route" for one in nets(spec) if one in nets(there, "routes"))
    for one in nets(spec, "routes"):
        yield from (f"route {one} is also {what}" for what, name in _ROUTED.items() if one in nets(there, name))


def _names(spec: Spec, networks: Sequence[Observed]) -> Iterator[str]:
    """Names that mean something else in other networks of the same domain, as each has a DNS of its own."""
    domain, mine = spec.get("domain", {}), _named(spec)
    if not domain.get("name"):
        return
    others = {other.name: (other.live or other.saved).spec for other in networks}
    same = {name: there for name, there in others.items() if there.get("domain", {}).get("name") == domain["name"]}
    local = [name for name, there in same.items() if domain.get("local_only") and there["domain"].get("local_only")]
    if local:
        yield (
            f"domain {domain['name']} is local to {_listed('network', local)} as well, and guests of one do not find "
            "those of the other by name"
        )
    differing: dict[str, list[str]] = {}
    for name, theirs in ((name, _named(there)) for name, there in same.items()):
        differing[name] = [one for one in mine if theirs.get(one, mine[one]) != mine[one]]
    known = list(dict.fromkeys(one for names in differing.values() for one in names))
    if known:
        where = _listed("network", [name for name, names in differing.items() if names])
        yield f"dns.hosts {some(known)} has another address in {where} of the same domain"


def _listed(what: str, names: Sequence[str]) -> str:
    return f"{what}{'s' if len(names) > 1 else ''} {some([repr(name) for name in names])}"


def _named(spec: Spec) -> dict[str, set[str]]:
    """The names in a network's DNS with their addresses."""
    found: dict[str, set[str]] = {}
    for host in spec.get("dns", {}).get("hosts", []):
        for name in host.get("hostnames", []):
            found.setdefault(str(name), set()).add(str(host.get("ip")))
    return found


def host_addresses(spec: Spec, own: set[str], around: Surroundings) -> Iterator[str]:
    """The host would no longer reach what stands behind its own address. Networks' bridges are reported as networks."""
    skip = own.union(*(bridges(network) for network in around.networks))
    for name, device in (around.devices or {}).items():
        for address in () if name in skip else device.addresses:
            net = ipaddress.ip_interface(address).network
            for one in nets(spec):
                if overlap(one, net):
                    yield f"subnet {one} overlaps {address}, the hypervisor's own address on {name}"
            if net in nets(spec, "routes"):
                yield f"route {net} is the subnet of {address}, the hypervisor's own address on {name}"


def routed(spec: Spec, own: set[str], devices: dict[str, Device]) -> Iterator[tuple[Subnet, str]]:
    """What the host has a route to already: libvirt refuses the same one (networkCheckRouteCollision), and no other."""
    there = {
        ipaddress.ip_network(to): name for name, device in devices.items() if name not in own for to in device.routes
    }
    for what, option in (("subnet", "ips"), ("route", "routes")):
        for net in nets(spec, option):
            if net in there:
                yield net, f"{what} {net} is a route of the hypervisor already, through {there[net]}"


def taken_device(spec: Spec, own: set[str], devices: dict[str, Device]) -> list[str]:
    """Whether the bridge that libvirt is to make has the name of another device."""
    name = spec.get("bridge", {}).get("name", "")
    named = {other: device for device, one in devices.items() for other in (device, *one.names)}
    if not is_managed(spec) or name not in named or named[name] in own:
        return []
    return [f"bridge.name {name} is an interface of the hypervisor already: choose another name"]


def impossible(spec: Spec) -> Iterator[str]:
    """What the kernel refuses of any bridge (seen with 6.1): the names are those of its settings for all devices."""
    name, size = spec.get("bridge", {}).get("name"), spec.get("mtu", {}).get("size", SMALLEST_IPV6)
    if is_managed(spec) and name in KERNEL_NAMES:
        yield f"bridge.name {name} is a name that the kernel keeps for itself: choose another name"
    if isinstance(size, int) and size < SMALLEST_IPV6 and any(net.version == 6 for net in nets(spec)):
        yield f"mtu.size {size} is too small for the IPv6 addresses in ips, which need {SMALLEST_IPV6}"


def missing_bridge(spec: Spec, devices: dict[str, Device]) -> list[str]:
    """What is wrong with the bridge of the host that a network needs."""
    name = spec.get("bridge", {}).get("name", "")
    if mode(spec) != "bridge" or not name:
        return []
    device: Device | None = devices.get(name)
    if device is None:
        missing = f"the host bridge {name} does not exist: create it first, with the host's NIC as its port"
        return [f"{missing} (role host_bridge)"]
    if not device.bridge and spec.get("virtualport", {}).get("type") != "openvswitch":
        return [f"bridge.name {name} is an interface of the hypervisor, but no bridge"]
    return []


def stale_bridge(observed: Observed, devices: dict[str, Device]) -> str:
    """The bridge that a daemon left behind when it was killed in a start or stop of this network, or "".

    Certain: this network's persistent config names it and libvirt calls the network inactive, it has the MAC address
    that libvirt generated for that definition, and no port but taps without a process (libvirt 9.0).
    """
    saved = observed.saved.spec
    name = saved.get("bridge", {}).get("name", "")
    device = devices.get(name)
    if observed.active or device is None or not is_managed(saved):
        return ""
    ours = device.bridge and device.mac == saved.get("mac", {}).get("address") and not any(device.ports.values())
    return name if ours else ""
