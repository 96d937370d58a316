# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with guests' NICs and with their networks, the cause first."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterator
from typing import NamedTuple

from .._network.conflicts import nets
from .._nics.nics import interfaces, mac_of, nics_of, spec_of, tap_of
from .._nics.verdict import verdict
from .._values.host_facts import Scene
from .._values.mode import is_managed
from .._values.observed import ObservedGuest
from .._values.parking import parking_of
from .._xml.fields import Spec
from .findings import KINDS, Finding, ranked
from .networks import network_findings
from .nic_filters import broken as broken_filters
from .refusals import refusal
from .services import bridge_of, has_dhcp, version_of


class Plugged(NamedTuple):
    """A NIC of a running guest with its tap; ``network`` is the one it belongs on, ``parked`` whether it waits."""

    domain: str
    spec: Spec
    tap: str
    network: str
    parked: bool

    @property
    def mac(self) -> str:
        """Its MAC address."""
        return mac_of(self.spec)


def diagnose(scene: Scene, networks: Collection[str], domains: Collection[str]) -> list[Finding]:
    """Everything wrong with these networks and their NICs, and with these guests and their networks; with all when none
    is named."""
    plugged = plugged_nics(scene)
    looked_at = looked_at_of(plugged, networks, domains)
    found: set[Finding] = set()
    for name in _names(scene, looked_at, networks, domains):
        if name in scene.networks:
            found |= set(network_findings(scene.networks[name], scene))
        elif name in networks:
            found.add(Finding("network_missing", name, f"there is no network {name!r}"))
    found |= {finding for domain in domains for finding in _guest(domain, scene)}
    broken = {finding.network for finding in found if KINDS[finding.code].severity == "error"}
    found |= {finding for nic in looked_at for finding in _nic(nic, scene, broken)}
    found |= {finding for nic in looked_at for finding in broken_filters(nic.domain, nic.spec, scene)}
    found |= {finding for nic in looked_at for finding in _refused(nic, scene)}
    found |= set(_duplicates(looked_at, plugged))
    refused = {(one.domain, one.mac) for one in found if one.code == "dhcp_refused"}
    found -= {one for one in found if one.code == "no_address" and (one.domain, one.mac) in refused}
    return ranked(found)


def names_of(scene: Scene, networks: Collection[str], domains: Collection[str]) -> list[str]:
    """The networks to look at: those that are named, those of the named guests' NICs; when nothing is named, all but
    those that are off on purpose: they neither run, nor start with the hypervisor, nor does a guest use them."""
    return _names(scene, looked_at_of(plugged_nics(scene), networks, domains), networks, domains)


def _names(
    scene: Scene, looked_at: Collection[Plugged], networks: Collection[str], domains: Collection[str]
) -> list[str]:
    used = {nic.network for nic in looked_at if nic.network}
    on = {name for name, network in scene.networks.items() if network.active or network.autostart}
    every = set() if networks or domains else on - {*_parking(scene)}
    return sorted({*every, *networks, *used})


def _parking(scene: Scene) -> dict[str, str]:
    """The networks where NICs wait, each with the one that they wait for."""
    return {parking_of(name).network: name for name in scene.networks}


def looked_at_of(plugged: list[Plugged], networks: Collection[str], domains: Collection[str]) -> list[Plugged]:
    """The NICs to look at: all when neither networks nor guests are named."""
    every = not networks and not domains
    return [nic for nic in plugged if every or nic.network in networks or nic.domain in domains]


def plugged_nics(scene: Scene) -> list[Plugged]:
    """The NICs of all running guests."""
    return [nic for guest in scene.guests for nic in _plugged(guest, scene)]


def _plugged(guest: ObservedGuest, scene: Scene) -> Iterator[Plugged]:
    waits = _parking(scene)
    elements = interfaces(guest.live)
    for nic in nics_of(guest):
        if nic.live is not None:
            name = str(nic.live.get("source", {}).get("network", ""))
            yield Plugged(guest.name, nic.live, tap_of(elements[nic.live_at]), waits.get(name, name), name in waits)


def _guest(name: str, scene: Scene) -> Iterator[Finding]:
    guest = next((guest for guest in scene.guests if guest.name == name), None)
    if guest is None:
        yield Finding("guest_missing", "", f"there is no guest {name!r}", name)
    elif not guest.live:
        yield Finding("guest_stopped", "", f"guest {name!r} does not run", name)
        for nic in interfaces(guest.saved):
            yield from broken_filters(name, spec_of(nic), scene)
    elif not interfaces(guest.live):
        yield Finding("guest_without_nic", "", f"guest {name!r} has no <interface>", name)


def _nic(nic: Plugged, scene: Scene, broken: Collection[str]) -> Iterator[Finding]:
    """What is wrong with one NIC; what its network explains is not said again."""

    def found(code: str, evidence: str, remedy: str = "") -> Finding:
        return Finding(code, nic.network, evidence, nic.domain, nic.mac, remedy)

    label = f"NIC {nic.mac} of guest {nic.domain!r}"
    network = scene.networks.get(nic.network)
    if nic.parked:
        yield found("nic_parked", f"{label} is on {parking_of(nic.network).network!r}")
        return
    if nic.network and network is None:
        yield found("network_missing", f"{label} is on network {nic.network!r}, which is not there")
        return
    if nic.spec.get("link", {}).get("state") == "down":
        yield found("nic_link_down", f"the link of {label} is set down")
        return
    if network is not None and not network.active:
        return
    if scene.host is not None and nic.tap in scene.host.down:
        yield found("nic_tap_down", f"the tap {nic.tap} of {label} is set down", f"ip link set dev {nic.tap} up")
        return
    devices = None if scene.host is None else scene.host.devices
    seen = verdict(nic.spec, nic.tap, scene.networks, devices)
    spec = {} if network is None else network.live.spec
    if seen.connected is False:
        if not spec or devices is None or bridge_of(spec) in devices:
            yield found("nic_disconnected", f"{label}: {seen.reason}")
    elif network is not None and is_managed(spec) and nic.network not in broken:
        yield from (found(*what) for what in _addressed(label, nic.mac, spec, scene))


def _addressed(label: str, mac: str, spec: Spec, scene: Scene) -> Iterator[tuple[str, str]]:
    neighbours = () if scene.host is None else scene.host.neighbours
    known = {ipaddress.ip_address(text) for text in scene.addresses.get(mac, ())}
    known |= {ipaddress.ip_address(address) for owner, address in neighbours if owner == mac}
    known = {address for address in known if not address.is_link_local}
    own = nets(spec)
    strange = sorted(str(address) for address in known if own and not any(address in net for net in own))
    if strange:
        yield "address_outside", f"{label} uses {', '.join(strange)}, its network has {', '.join(map(str, own))}"
    elif not known and any(map(has_dhcp, spec.get("ips", []))):
        kept = [
            host.get("ip")
            for item in spec["ips"]
            for host in item.get("dhcp", {}).get("hosts", [])
            if host.get("mac") == mac
        ]
        yield (
            "no_address",
            f"{label} has no lease{f' of the reserved {kept[0]}' if kept else ''}, and no neighbour knows it",
        )


def _refused(nic: Plugged, scene: Scene) -> Iterator[Finding]:
    """What has the network's dnsmasq lease nothing to a NIC; what it leases nobody for is its network's."""
    network, server = scene.networks.get(nic.network), scene.host and scene.host.servers.get(nic.network)
    spec = network.live.spec if network and network.active else {}
    line = refusal(spec, server, nic.mac) if any(map(_leases, spec.get("ips", []))) else ""
    if line and not refusal(spec, server):
        evidence = f"NIC {nic.mac} of guest {nic.domain!r} is leased nothing: {line}"
        yield Finding("dhcp_refused", nic.network, evidence, nic.domain, nic.mac)


def _leases(item: Spec) -> bool:
    return has_dhcp(item) and version_of(item) == 4


def _duplicates(looked_at: Collection[Plugged], plugged: Collection[Plugged]) -> Iterator[Finding]:
    for nic in looked_at:
        same = [other for other in plugged if nic.network and (other.network, other.mac) == (nic.network, nic.mac)]
        if len(same) > 1:
            owners = ", ".join(sorted({other.domain for other in same}))
            evidence = f"{len(same)} NICs on network {nic.network!r} have {nic.mac}, in guests {owners}"
            yield Finding("mac_duplicate", nic.network, evidence, "", nic.mac)
