# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at everything that a diagnosis needs, and returns what it finds."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from .._values.host import Inspected
from .._values.host_facts import HostFacts, Inspector, Scene
from .._values.mode import is_managed
from .._values.observed import Observed
from .._xml.fields import Spec
from .diagnosis import diagnose, names_of
from .findings import KINDS, describe, sentence
from .services import bridge_of, has_dns, leases_to_all

NOT_HERE = "the hypervisor itself: this task does not run on it"


def check(gateway: Inspected, networks: Sequence[str], domains: Sequence[str], probe: bool) -> dict[str, Any]:
    """What is wrong with these networks and guests, or with all when none is named."""
    guests = gateway.all_guests()
    addresses: dict[str, tuple[str, ...]] = {}
    for guest in guests:
        for mac, known in gateway.addresses(guest.name, False).items() if guest.live else ():
            addresses[mac] = (*addresses.get(mac, ()), *(one.address for one in known))
    scene = Scene(
        {network.name: network for network in gateway.networks()},
        tuple(guests),
        addresses=addresses,
        version=gateway.version(),
    )
    names = [name for name in names_of(scene, networks, domains) if name in scene.networks]
    leases = {name: tuple(lease.ip for lease in gateway.leases(name)) for name in names if scene.networks[name].active}
    look = gateway.look()
    host = _host_facts(look, [scene.networks[name] for name in names], probe) if look else None
    findings = diagnose(scene._replace(leases=leases, host=host), networks, domains)
    words = sorted({word for name in names for word in _words(name, _spec(scene.networks[name]))})
    wrong = any(KINDS[finding.code].severity == "error" for finding in findings)
    return {
        "findings": [describe(finding) for finding in findings],
        "healthy": not findings,
        "log": look.log(words) if look and wrong and words else [],
        "not_looked_at": list(dict.fromkeys(look.unseen)) if look else [NOT_HERE],
    }


def explain(look: Inspector | None, networks: Iterable[Observed], name: str, version: int) -> str:
    """Why a network does not start, as far as it can be seen; "" when it cannot."""
    there = {network.name: network for network in networks}
    if look is None or name not in there:
        return ""
    scene = Scene(there, host=_host_facts(look, [there[name]], False), version=version)
    causes = [one for one in diagnose(scene, [name], []) if KINDS[one.code].severity == "error"]
    return "; ".join(sentence(cause) for cause in causes if cause.code != "network_inactive")


def _spec(network: Observed) -> Spec:
    return (network.live or network.saved).spec


def _words(name: str, spec: Spec) -> list[str]:
    """The words that a daemon's log has for a network."""
    return [name, *filter(None, [bridge_of(spec)]), *(item["address"] for item in spec.get("ips", []))]


def _host_facts(look: Inspector, networks: Collection[Observed], probe: bool) -> HostFacts | None:
    active = {network.name: network.live.spec for network in networks if network.active}
    running = {name: spec for name, spec in active.items() if is_managed(spec)}
    asked = [item["address"] for spec in running.values() if has_dns(spec) for item in spec["ips"]]
    bridges = filter(None, (bridge_of(_spec(network)) for network in networks))
    seen = look.facts(running, bridges, asked)
    served = {name: bridge_of(spec) for name, spec in running.items() if any(map(leases_to_all, spec.get("ips", [])))}
    if seen is None or not served:
        return seen
    if not probe:
        look.unseen.append("whether DHCP answers a discover: nobody asked for it with probe=true")
        return seen
    offers = {name: look.offers(bridge) for name, bridge in served.items() if bridge in seen.devices}
    return seen._replace(offers={name: offer for name, offer in offers.items() if offer is not None})
