# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the conductor for networks and NICs that only a change needs: what of both waits for which other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Callable

from .._errors.errors import NetworkError
from .._network.conflicts import bridges
from .._network.order import GUEST, in_order, waits
from .._network.target import build
from .._nics.nics import mac_of, source_of
from .._values.desired import Policy
from .._values.host import Hypervisor
from .._values.nic_steps import Around, NicOutcome, Passage
from .._values.observed import Device, Observed
from .._values.outcome import Outcome
from .._values.steps import Park, Stop
from .._values.topology import Outcomes, Wanted
from .._xml.codec import write_xml
from .._xml.fields import Spec
from .nics import glance, macs_of
from .nics import part_of as part_of_guest
from .nics import prepare as prepare_nics
from .nics import verified as verified_nics
from .together import again, carry_out
from .transaction import collected, observe, part_of, planned, refuse, verified

BRIDGE = Device(True, "", {}, ())


def prepare(host: Hypervisor, wanted: Wanted, policy: Policy, to_come: Sequence[str] = ()) -> Outcomes:
    """The plans for all networks and guests, each checked, in the order in which they can be carried out, on a host
    that has these bridges in any case. Raises a NetworkError with every problem of all."""
    errors: list[NetworkError] = []
    first: list[NicOutcome] = []
    for one in wanted.guests:
        with collected(errors):
            first.append(glance(host, one))
    there = [_left(network, first) for network in observe(host, wanted.networks)]
    devices = host.devices()
    if devices is not None:
        devices = {**dict.fromkeys(to_come, BRIDGE), **devices}
    outcomes, wrong = planned(host, wanted.networks, there, policy, devices)
    around = _around(host, wanted, outcomes, devices) if first else None
    nics = _planned(around, first, errors) if around else []
    refuse([*wrong, *errors])
    return _in_order(outcomes, nics)


def _planned(around: Around, first: Sequence[NicOutcome], errors: list[NetworkError]) -> list[NicOutcome]:
    """The plans for guests, each checked, for networks as they shall be."""
    nics: list[NicOutcome] = []
    for outcome in first:
        with collected(errors):
            nics.append(prepare_nics(outcome.desired, outcome.before, around))
            planned_macs = {mac_of(nic.saved or nic.live or {}): outcome.desired.guest for nic in nics[-1].plan.nics}
            around = around._replace(macs={**planned_macs, **around.macs})
    return nics


# ---- NICs that leave a network ----


def _moves(passage: Passage) -> bool:
    """Whether a NIC leaves where it is."""
    before, after = passage.before, passage.after
    return before is not None and (after is None or source_of(before) != source_of(after))


def _leavers(network: Observed, nics: Sequence[NicOutcome], scope: str = "live") -> set[tuple[str, str]]:
    """The NICs, by the guest and the MAC address, that this task takes off a network, in one of their definitions."""
    places = {network.name, *bridges(network)}
    return {
        (one.desired.guest, mac_of(passage.before or {}))
        for one in nics
        for passage in filter(_moves, one.plan.passages)
        if passage.scope == scope and places & set(_places(passage.before))
    }


def _places(nic: Spec | None) -> list[str]:
    """The network and the bridge that a NIC names."""
    source = (nic or {}).get("source", {})
    return [source[name] for name in ("network", "bridge") if source.get(name)]


def _left(network: Observed, nics: Sequence[NicOutcome]) -> Observed:
    """A network as it is, without the NICs that leave it."""
    gone = {True: _leavers(network, nics), False: _leavers(network, nics, "saved")}
    guests = []
    for guest in network.guests or ():
        macs = tuple(mac for mac in guest.macs if (guest.name, mac) not in gone[guest.running])
        if macs or not guest.macs:
            staying = tuple(nic for nic in guest.nics if nic.mac in macs)
            guests.append(guest._replace(macs=macs, nics=staying))
    return network._replace(guests=tuple(guests))


# ---- what NICs find ----


def _around(host: Hypervisor, wanted: Wanted, outcomes: Sequence[Outcome], devices: dict[str, Device] | None) -> Around:
    """What there is around NICs once the networks are as they shall be."""
    names = {one.name for one in wanted.networks}
    networks = {one.name: one for one in host.networks() if one.name not in names}
    networks.update({one.desired.name: _as_nics_see(one) for one in outcomes if one.after.saved})
    if devices is not None:
        made = {name for one in outcomes if one.after.active for name in bridges(one.after)}
        given_up = {name for one in outcomes if one.before.active for name in bridges(one.before)} - made
        kept = {name: device for name, device in devices.items() if name not in given_up}
        devices = {**dict.fromkeys(made, BRIDGE), **kept}
    gone = {one.name for one in wanted.networks if not one.present}
    return Around(networks, devices, host.version(), macs_of(host.all_guests()), gone, host.filters(), host.driver())


def _as_nics_see(outcome: Outcome) -> Observed:
    """A network afterwards, with what a running one takes without a restart."""
    after = outcome.after
    if not outcome.plan.steps or after.live != outcome.before.live or not after.live:
        return after
    desired = outcome.desired
    if outcome.plan.restart_required:  # but for portgroups, which never wait for one
        groups = {name: value for name, value in desired.spec.items() if name == "portgroups"}
        desired = desired._replace(xml="", spec=groups)
    return after._replace(live=write_xml(build(desired, after.live, outcome.before.saved)[0]))


# ---- in order, all or none ----


def _in_order(outcomes: Sequence[Outcome], nics: Sequence[NicOutcome]) -> Outcomes:
    """First what others wait for. NICs wait for networks that they go to, networks for those that they get rid of."""
    waiting = waits(outcomes)
    busy = [one for one in outcomes if one.plan.steps]
    for one in nics:
        places = {place for passage in one.plan.passages for place in _places(passage.after)}
        waiting[GUEST + one.desired.guest] = [
            network.desired.name for network in busy if places & {network.desired.name, *bridges(network.after)}
        ]
        for network in busy:
            stops = any(isinstance(step, (Stop, Park)) for step in network.plan.steps)
            if stops and _leavers(network.before, [one]):
                waiting[network.desired.name].append(GUEST + one.desired.guest)
    by_name: dict[str, Outcome | NicOutcome] = {one.desired.name: one for one in outcomes}
    by_name.update({GUEST + one.desired.guest: one for one in nics})
    return [by_name[name] for name in in_order(waiting)]


def transact(host: Hypervisor, wanted: Wanted, policy: Policy, about_to: Callable[[list[Outcome]], object]) -> Outcomes:
    """Carries the plans out, verifies that nothing is left to do, and on any failure puts everything back."""

    def attempt() -> Outcomes:
        order = prepare(host, wanted, policy)
        networks = [one for one in order if isinstance(one, Outcome)]
        guests = [one for one in order if isinstance(one, NicOutcome)]
        about_to(networks)

        def verify() -> Outcomes:
            verified_nics(host, guests)
            after = {one.desired.name: one for one in verified(host, policy, networks)}
            return [after[one.desired.name] if isinstance(one, Outcome) else one for one in order]

        parts = [part_of(host, one) if isinstance(one, Outcome) else part_of_guest(host, one) for one in order]
        return carry_out(parts, verify)

    return again(attempt)
