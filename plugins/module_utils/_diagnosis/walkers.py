# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who walks the ways of packets, and what for: the NICs of guests and any guest of a network, with their questions."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterable, Iterator, Sequence

from .._network.conflicts import nets
from .._values.host_facts import Scene
from .._values.mode import is_managed, mode
from .._values.way import Kernel, Question
from .._xml.fields import Spec
from . import upstream as _upstream
from .diagnosis import Plugged, plugged_nics
from .firewall import Firewall
from .services import bridge_of, has_dns, leases_to_all, version_of
from .trip import Trip, Walker, gateway_of, outside

OUTWARDS = ("nat", "route", "open")


def trips(scene: Scene, kernel: Kernel | None, names: Iterable[str], looked_at: Collection[Plugged]) -> list[Trip]:
    """Every question of the NICs that are looked at on these networks, and of any guest on them; networks that have no
    bridge, or do not run, are left out."""
    found: list[Trip] = []
    if kernel is None:
        return found
    firewall = None if kernel.firewall is None else Firewall(kernel.firewall)
    plugged, asking = plugged_nics(scene), {(nic.domain, nic.mac) for nic in looked_at}
    for name in names:
        network = scene.networks[name]
        spec = network.live.spec if network.active else {}
        bridge = bridge_of(spec)
        if not bridge or not (is_managed(spec) or mode(spec) == "bridge"):
            continue
        nobody = _anybody(name, spec, scene, kernel)
        orphans = _orphans(bridge, scene, kernel)
        walkers = [
            Walker(
                name,
                spec,
                bridge,
                nic.domain,
                nic.mac,
                nic.tap,
                nic.spec,
                tuple(_addresses(nic.mac, spec, scene, orphans)),
            )
            for nic in plugged
            if nic.network == name and not nic.parked
        ]
        for place, who in enumerate((nobody, *walkers)):
            others = walkers if place and len(walkers) > 1 else [nobody]
            peer = others[place % len(others)] if not place or others != [nobody] else None
            if not place or (who.domain, who.mac) in asking:
                found += [Trip(who, question, kernel, peer, firewall) for question in _questions(who, kernel, peer)]
    return found


def _anybody(name: str, spec: Spec, scene: Scene, kernel: Kernel) -> Walker:
    """Any guest that a network could have."""
    asked = _upstream.upstreams(name, scene.host, kernel)
    deaf = _upstream.deaf(asked or (), scene.host) if scene.host else frozenset()
    return Walker(name, spec, bridge_of(spec), addresses=tuple(_free(spec)), upstreams=asked, deaf=deaf)


def _free(spec: Spec) -> Iterator[str]:
    """An address that a guest could have, for each version of IP."""
    for version in (4, 6):
        item = next((one for one in spec.get("ips", []) if version_of(one) == version), None)
        if item is None:
            continue
        ranges = item.get("dhcp", {}).get("ranges", [])
        others = [
            net.network_address + step for net in nets({"ips": [item]}) for step in (2, 3) if net.num_addresses > 4
        ]
        yield from (
            [str(ranges[-1]["end"])] if ranges else [str(one) for one in others if str(one) != item["address"]][:1]
        )


def _addresses(mac: str, spec: Spec, scene: Scene, orphans: Sequence[str]) -> Iterator[str]:
    """The addresses of a NIC in the network's subnets, one for each version of IP: what it has, else what is reserved
    for it, else one of the ``orphans``."""
    neighbours = () if scene.host is None else scene.host.neighbours
    known = [*scene.addresses.get(mac, ()), *(address for owner, address in neighbours if owner == mac)]
    hosts = (host for item in spec.get("ips", []) for host in item.get("dhcp", {}).get("hosts", []))
    known += [host["ip"] for host in hosts if host.get("mac") == mac and host.get("ip")]
    known += orphans
    inside = [one for one in known if any(ipaddress.ip_address(one) in net for net in nets(spec))]
    for version in (4, 6):
        yield from [one for one in inside if ipaddress.ip_address(one).version == version][:1]


def _orphans(bridge: str, scene: Scene, kernel: Kernel) -> list[str]:
    """Addresses for which the hypervisor has fixed a MAC address that nobody has."""
    there = {nic.mac for nic in plugged_nics(scene)} | {one["mac"] for one in kernel.forwarding}
    fixed = [one for one in kernel.neighbours if one.get("dev") == bridge and "PERMANENT" in one.get("state", ())]
    return [one["dst"] for one in fixed if str(one.get("lladdr", "")).lower() not in there]


def _questions(who: Walker, kernel: Kernel, peer: Walker | None) -> Iterator[Question]:
    spec = who.spec
    if mode(spec) == "bridge" and who.tap:
        yield Question("wire", 4)
    leases = any(map(leases_to_all, spec.get("ips", [])))
    if leases:
        yield Question("dhcp", 4)
    for source in who.addresses:
        version = ipaddress.ip_address(source).version
        gateway = gateway_of(spec, version)
        if has_dns(spec):
            yield Question("dns", version, source, gateway)
        yield Question("gateway", version, source, gateway)
        if mode(spec) in OUTWARDS and (version == 4 or _leads(kernel, spec)):
            yield Question("outside", version, source, outside(kernel.routes.get(version, ()), version))
    if peer is not None:
        yield Question("guest", 4, *(who.addresses[:1] or ("",)), *(peer.addresses[:1] or ("",)))
    if who.upstreams is not None and mode(spec) in OUTWARDS:
        yield Question("names", 4)


def _leads(kernel: Kernel, spec: Spec) -> bool:
    """Whether IPv6 leads anywhere: by NAT it is meant to, without only where the hypervisor has a default route."""
    routes = kernel.routes.get(6, ())
    asked = spec.get("forward", {}).get("nat", {}).get("ipv6")
    return bool(asked) or any(one["dst"] == "default" and one.get("type", "unicast") == "unicast" for one in routes)
