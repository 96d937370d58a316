# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at everything that a diagnosis needs, walks the ways of packets, and returns what it finds."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from .._errors.errors import DefinitionError, LibvirtError
from .._nwfilter.references import filters_after
from .._nwfilter.uses import uses
from .._values.host import Examined
from .._values.host_facts import HostFacts, Scene
from .._values.observed import Observed
from .._values.probe import Probe, Reply
from .._values.way import KernelInspector, Way
from . import way as _way
from .client import offered, probes, unasked
from .diagnosis import diagnose, looked_at_of, names_of, plugged_nics
from .findings import KINDS, Finding, describe, ranked
from .kinds import RESTART_DAEMON
from .scenery import sight, spec_of_one, words
from .trip import Trip
from .walkers import trips as asked_of
from .way_state import reported

Replies = Mapping[str, tuple[Reply, ...]]
# What a client on a bridge is answered; raises OSError where none can be plugged in.
Ask = Callable[[Probe], tuple[Reply, ...]]
# Who does not answer, when the packets of that question end before: at the hypervisor's routes, or its firewall.
ANSWERS = {"dns_silent": "dns", "dhcp_silent": "dhcp"}
HERE = ("address", "route", "input", "route back", "output")
AWAY = ("route", "uplink", "next hop")  # where dnsmasq's own questions end, too
NOT_HERE = "the hypervisor itself: this task does not run on it"


def check(gateway: Examined, networks: Sequence[str], domains: Sequence[str], ask: Ask | None = None) -> dict[str, Any]:
    """What is wrong with these networks and guests, or with all when none is named. Clients ask the networks where
    ``ask`` is given: what asks is much, and an audit never does."""
    scene, broken = _scene(gateway)
    names = [name for name in names_of(scene, networks, domains) if name in scene.networks]
    unseen: list[str] = []
    leases = {name: _leases(gateway, name, unseen) for name in names if scene.networks[name].active}
    look = gateway.look()
    host = sight(look, [scene.networks[name] for name in names]) if look else None
    scene = scene._replace(leases=leases, host=host)
    ways: list[Way] = []
    if look is None:
        findings = diagnose(scene, networks, domains)
    else:
        nics = looked_at_of(plugged_nics(scene), networks, domains)
        trips = asked_of(scene, look.kernel(), names, nics)
        replies = _asked(look, trips, scene, ask)
        findings = diagnose(_with_offers(scene, replies), networks, domains)
        said = {one.network for one in findings if one.code == "firewall_rules_missing"}
        lost = {one for one in _way.lost_rules(trips, scene.version) if one.network not in said}
        findings = ranked({*findings, *lost})
        ways = _walked(look, trips, findings, replies)
        findings = _together(findings, ways)
    if broken:
        findings = _with_broken(findings, broken, all_of=not networks and not domains)
    if gateway.down:
        findings = ranked({*findings, Finding("libvirt_down", "", gateway.down, remedy=gateway.remedy)})
    findings = [_by_daemon(finding, host) for finding in findings]
    named = sorted({word for name in names for word in words(name, spec_of_one(scene.networks[name]))})
    wrong = any(KINDS[finding.code].severity == "error" for finding in findings)
    return {
        "findings": [describe(finding) for finding in findings],
        "healthy": not findings,
        "way": [reported(way) for way in _way.telling(ways, domains)],
        "log": look.log(named) if look and wrong and named else [],
        "not_looked_at": list(dict.fromkeys([*unseen, *(look.unseen if look else [NOT_HERE])])),
    }


def _with_broken(findings: list[Finding], broken: Mapping[str, str], *, all_of: bool) -> list[Finding]:
    """All findings, where networks are there that nobody can read."""
    missed = {one.network for one in findings}
    told = {Finding("definition_broken", name, why) for name, why in broken.items() if all_of or name in missed}
    return ranked({one for one in findings if one.network not in broken} | told)


def _scene(gateway: Examined) -> tuple[Scene, dict[str, str]]:
    """What libvirt knows, and why nobody can read the definitions of other networks, by their names."""
    guests = gateway.all_guests()
    addresses: dict[str, tuple[str, ...]] = {}
    for guest in guests:
        for mac, known in gateway.addresses(guest.name, False).items() if guest.live else ():
            addresses[mac] = (*addresses.get(mac, ()), *(one.address for one in known))
    networks: dict[str, Observed] = {}
    broken: dict[str, str] = {}
    for network in gateway.networks():
        try:
            _read = [definition.tree for definition in (network.saved, network.live) if definition]
            networks[network.name] = network
        except DefinitionError as error:
            broken[network.name] = f"libvirt gives a definition of network {network.name!r} that {error.why}"
    filters = filters_after(gateway.nwfilters(), {}) if uses(guests) else None
    scene = Scene(networks, tuple(guests), addresses=addresses, version=gateway.version(), filters=filters)
    return scene, broken


def _leases(gateway: Examined, network: str, unseen: list[str]) -> tuple[str, ...]:
    """The addresses that a network has leased, none where libvirt cannot read them."""
    try:
        return tuple(lease.ip for lease in gateway.leases(network))
    except LibvirtError as error:
        if error.is_down:
            raise
        unseen.append(f"the leases of network {network!r}: {error}")
        return ()


def _asked(look: KernelInspector, trips: Sequence[Trip], scene: Scene, ask: Ask | None) -> Replies:
    """What a client on each network is answered, by the network's name."""
    asked = probes(trips, scene)
    if ask is None:
        if any(one.dhcp for one in asked.values()):
            look.unseen.append("whether DHCP answers a discover: nobody asked for it with probe=true")
        return {}
    replies = {name: _answers(look, ask, one) for name, one in asked.items()}
    look.unseen += [text for name, heard in replies.items() for text in unasked(heard, asked[name].bridge)]
    return replies


def _answers(look: KernelInspector, ask: Ask, probe: Probe) -> tuple[Reply, ...]:
    try:
        return ask(probe)
    except OSError as error:
        look.unseen.append(f"what {probe.bridge} answers: no client can be plugged into it: {error}")
        return ()


def _with_offers(scene: Scene, replies: Replies) -> Scene:
    offers = {name: offered(heard) for name, heard in replies.items()}
    known = {name: offer for name, offer in offers.items() if offer is not None}
    return scene if scene.host is None else scene._replace(host=scene.host._replace(offers=known))


def _walked(
    look: KernelInspector,
    trips: Sequence[Trip],
    findings: Collection[Finding],
    replies: Replies,
) -> list[Way]:
    """The ways, for which the kernel is asked twice: what comes back from outside comes in where the first goes out."""
    answers = look.lookups(_way.lookups(trips))
    trips = _way.answered(trips, answers)
    trips = _way.answered(trips, {**answers, **look.lookups(_way.replies(trips))})
    return [_way.walk(trip, findings, replies.get(trip.who.network, ())) for trip in trips]


def _by_daemon(finding: Finding, host: HostFacts | None) -> Finding:
    """With the very command, where it is libvirt's daemon that is to be restarted."""
    if host is None or not host.daemon or finding.remedy or not KINDS[finding.code].remedy.startswith(RESTART_DAEMON):
        return finding
    return finding._replace(remedy=f"systemctl restart {host.daemon}")


def _together(findings: Collection[Finding], ways: Sequence[Way]) -> list[Finding]:
    """All findings; what a way that ends explains is not said beside it."""
    walked = _way.found_on(ways, findings)
    broken = {one.network for one in walked if KINDS[one.code].severity == "error"}
    lost = {way.network for way in ways if way.question.name == "outside" and _way.ends_at(way) in AWAY}
    said = [one.evidence for one in walked if one.code != "dns_upstream"]
    rules = {one: one.evidence.rpartition(": ")[2] for one in walked if one.code == "dns_upstream"}
    walked -= {one for one, rule in rules.items() if one.network in lost or any(rule in evidence for evidence in said)}
    ended = [(way, hop) for way in ways for hop in way.hops if not way.mac and hop.verdict == "ends"]
    cut = {(way.network, way.question.name) for way, hop in ended if hop.place in HERE}
    explained = {
        one
        for one in findings
        if (one.code == "no_address" and one.network in broken) or (one.network, ANSWERS.get(one.code)) in cut
    }
    return ranked({*findings} - explained | walked)
