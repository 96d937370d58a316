# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a network, from what was seen of the hypervisor."""

from __future__ import annotations

import ipaddress
import shlex
from collections.abc import Iterator
from typing import Any

from .._errors.errors import Caution
from .._network.checks import remarks
from .._network.conflicts import (
    SMALLEST_IPV6,
    bridges,
    claims,
    host_addresses,
    missing_bridge,
    nets,
    overlap,
    stale_bridge,
    taken_device,
)
from .._network.dhcp_checks import outside, reservation
from .._network.target import pending
from .._schema.shared import subnet
from .._values.host_facts import HostFacts, Scene
from .._values.mode import is_managed, mode
from .._values.observed import Observed
from .._values.surroundings import Surroundings
from .._xml.fields import Spec
from .findings import Finding
from .ports import DNS, Seen, port_followed, port_taken
from .services import DHCP, bridge_of, firewall, has_dhcp, has_dns, server, version_of

OUTWARDS = ("nat", "route", "open")


def network_findings(network: Observed, scene: Scene) -> list[Finding]:
    """Everything wrong with one network that there is."""
    spec = (network.live or network.saved).spec
    found = list(_definition(network.saved.spec, scene))
    full = dict(_exhausted(spec, scene.leases.get(network.name, ()))) if network.active else {}
    if scene.host is not None:
        found += _around(network, spec, scene, scene.host)
        running = _running(network, spec, scene.host, 4 in full)
        found += running if network.active else port_taken(_ports(spec), scene.host)
        found += [] if network.active or found else port_followed(_ports(spec), scene.host)
    if not network.active and not found:
        found.append(("network_inactive", f"network {network.name!r} does not run, and nothing seen hinders its start"))
    found += (("range_exhausted", evidence) for evidence in full.values())
    return [Finding(code, network.name, seen, "", "", *remedy) for code, seen, *remedy in (*found, *_kept(network))]


# ---- the persistent config ----


def _definition(spec: Spec, scene: Scene) -> Seen:
    apart = list(_reservations(spec))
    known = {evidence for _code, evidence in apart}
    yield from apart
    for text in remarks(spec, scene.version):
        if text not in known:
            yield "definition_odd" if isinstance(text, Caution) else "definition_invalid", text


def _reservations(spec: Spec) -> Seen:
    for item in spec.get("ips", []):
        net = subnet(item)
        if net is None:
            continue
        for host in item.get("dhcp", {}).get("hosts", []):
            label = f"ips[{item['address']}/{net.prefixlen}] has a {reservation(host)}"
            yield from (("reservation_outside", text) for text in outside(label, item, host, net))


def _kept(network: Observed) -> Seen:
    if not network.persistent:
        yield "transient", f"network {network.name!r} runs without a persistent config"
        return
    paths = ", ".join(dict.fromkeys(change.path for change in pending(network.live, network.saved)))
    if paths:
        yield "restart_pending", f"the persistent config of network {network.name!r} differs in {paths}"
    if not network.autostart:
        yield "autostart_off", f"network {network.name!r} is not marked for autostart"


# ---- what is around ----


def _around(network: Observed, spec: Spec, scene: Scene, host: HostFacts) -> Seen:
    stale = stale_bridge(network, host.devices)
    if stale:
        yield "bridge_left_behind", f"bridge {stale} is there, with the network's MAC address and no guest on it"
    own = {stale} | bridges(network)
    for text in taken_device(spec, own, host.devices):
        yield from _held("bridge_taken", text, bridge_of(spec), host)
    yield from _host_bridge(spec, host)
    others = [other for other in scene.networks.values() if other.active and other.name != network.name]
    overlaps = list(_overlaps(spec, own, others, host))
    if overlaps:
        yield "subnet_overlap", "; ".join(overlaps)
    for interface in spec.get("forward", {}).get("interfaces", []):
        device = interface.get("dev", "")
        if device not in host.devices:
            yield "uplink_missing", f"forward device {device} is not there"
        elif device in host.down:
            yield "uplink_missing", f"forward device {device} is set down", f"ip link set dev {device} up"


def _host_bridge(spec: Spec, host: HostFacts) -> Seen:
    name = bridge_of(spec)
    missing = missing_bridge(spec, host.devices)
    yield from (("host_bridge_missing", text) for text in missing)
    if mode(spec) != "bridge" or missing or name not in host.devices:
        return
    if name in host.down:
        yield "host_bridge_down", f"bridge {name} is set down", f"ip link set dev {name} up"
    elif all(port.startswith(("vnet", "tap")) for port in host.devices[name].ports):
        yield "host_bridge_alone", f"bridge {name} has no port but those of guests"


def _overlaps(spec: Spec, own: set[str], others: list[Observed], host: HostFacts) -> Iterator[str]:
    for other in others:
        yield from (f"{claim} of network {other.name!r}" for claim in claims(spec, other.live.spec))
    around = Surroundings(tuple(others), host.devices)
    yield from host_addresses(spec, own, around)
    # Routes of an address are its device's; these are the ones that somebody has set, or a routing daemon.
    mine = own.union(*(bridges(other) for other in others))
    for route in host.routes:
        if route.device in mine or not route.device:
            continue
        net = ipaddress.ip_network(route.destination)
        device = host.devices.get(route.device)
        placed = {ipaddress.ip_interface(address).network for address in device.addresses} if device else set()
        if net.prefixlen and net not in placed:
            for one in nets(spec):
                if overlap(one, net) and net.prefixlen >= one.prefixlen:  # a wider one is not taken for guests
                    yield f"subnet {one} overlaps the hypervisor's route to {net} through {route.device}"


def _ports(spec: Spec) -> set[int]:
    """The ports that a network's dnsmasq binds at its start."""
    dhcp = {DHCP[4] for item in spec.get("ips", []) if has_dhcp(item) and version_of(item) == 4}
    return dhcp | ({DNS} if has_dns(spec) else set())


# ---- what runs ----


def _running(network: Observed, spec: Spec, host: HostFacts, full: bool) -> Seen:
    if not is_managed(spec):
        return
    name, lost = bridge_of(spec), set[str]()
    device = host.devices.get(name)
    if device is None:
        yield "bridge_missing", f"there is no device {name}"
    else:
        down = name in host.down
        if down:
            yield "bridge_down", f"bridge {name} is set down"
        there = {ipaddress.ip_interface(address).ip for address in device.addresses}
        wanted = {ipaddress.ip_address(item["address"]) for item in spec.get("ips", [])}
        # The kernel takes the IPv6 addresses from a device that is set down, or too small for them.
        lost = {str(address) for address in wanted - there}
        without = down or name in host.narrow
        taken = sorted(str(address) for address in wanted - there if not (without and address.version == 6))
        if taken:
            off = f"net.ipv6.conf.{name}.disable_ipv6"
            why = f": {off} is 1" if host.settings.get(off) == "1" else ""
            yield from _held("address_missing", f"bridge {name} lacks {', '.join(taken)}{why}", name, host)
    yield from server(network.name, spec, host, gone=device is None, lost=lost, full=full)
    yield from _outwards(spec, host)
    yield from firewall(spec, host)


def _held(code: str, evidence: str, name: str, host: HostFacts) -> Seen:
    """A finding about a bridge, which NetworkManager may have taken over."""
    connection = host.connections.get(name)
    if connection is None:
        yield code, evidence
        return
    remedy = f"nmcli connection modify {shlex.quote(connection)} connection.autoconnect no; then restart the network"
    yield code, f"{evidence}; NetworkManager has put its connection {connection!r} on {name}", remedy


def _outwards(spec: Spec, host: HostFacts) -> Seen:
    if mode(spec) not in OUTWARDS:
        return
    versions = {version_of(item) for item in spec.get("ips", [])}
    for version in sorted(versions):
        names = [f"net.ipv{version}.conf.{where}.forwarding" for where in ("all", bridge_of(spec))]
        off = next((name for name in names if host.settings.get(name) == "0"), "")
        if off:
            yield "forwarding_off", f"{off} is 0", f"sysctl -w {off}=1"
    every = [route for route in host.routes if route.destination.endswith("/0")]
    lost = versions - {ipaddress.ip_network(route.destination).version for route in every}
    narrow = next((route.device for route in every if route.device in host.narrow), "")
    if 6 in lost and narrow:  # the kernel takes its addresses and routes of IPv6
        size = host.narrow[narrow]
        evidence = f"{narrow} takes packets of {size} bytes, IPv6 is gone from it: that needs {SMALLEST_IPV6}"
        remedy = f"ip link set dev {narrow} mtu 1500; then restore its addresses and routes of IPv6"
        yield "mtu_small", evidence, remedy
        lost -= {6}
    masked = {4} | ({6} if spec.get("forward", {}).get("nat", {}).get("ipv6") else set())
    for version in sorted(lost & masked):
        yield "no_default_route", f"the hypervisor has no default route of IPv{version}"


def _exhausted(spec: Spec, leased: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    """The versions of IP of which every address to lease is taken, and what was seen."""
    for item in spec.get("ips", []):
        dhcp = item.get("dhcp", {})
        ends: list[tuple[Any, Any]] = [
            (ipaddress.ip_address(entry["start"]), ipaddress.ip_address(entry["end"]))
            for entry in dhcp.get("ranges", [])
        ]
        given = {*leased, *(host["ip"] for host in dhcp.get("hosts", []) if host.get("ip"))}
        taken = [
            address
            for address in map(ipaddress.ip_address, given)
            if any(low.version == address.version and low <= address <= high for low, high in ends)
        ]
        if ends and len(taken) >= sum(int(high) - int(low) + 1 for low, high in ends):
            places = ", ".join(f"{low}-{high}" for low, high in ends)
            yield version_of(item), f"all {len(taken)} addresses of {places} are leased or reserved"
