# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The NICs of guests as a resource of the conductor, where they change: observe, plan, apply, verify, roll back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Callable

from .._errors.collected import collected
from .._errors.errors import InvalidNicsError, MeanwhileError, NetworkError, VerifyError
from .._nwfilter.references import filters_after
from .._nwfilter.uses import place_of
from .._values.host import GuestHost
from .._values.nic_steps import Around, DesiredNics, NicChange, NicOutcome, NicStep, report
from .._values.observed import Device, ObservedGuest
from .._values.resource import Claims, Draft, Leaving, Observation, Operations, Remains, World
from .._xml.fields import Spec
from .checks import checked
from .meanwhile import has_changed, touched
from .nics import interfaces, mac_of, source_of, spec_of
from .place import placed
from .plan import plan_nics
from .restore import plan_back

BRIDGE = Device(True, "", {}, ())


class NicOperations(Operations):
    """What changes the NICs of guests."""

    kind = "guest"

    def __init__(
        self, host: GuestHost, wanted: Sequence[DesiredNics], quick_plan: Callable[[DesiredNics], NicOutcome]
    ) -> None:
        self.host, self.wanted, self._quick_plan = host, wanted, quick_plan

    def observe(self) -> Observation:
        """The guests with what is to be done, as far as the guests alone show, and the NICs that leave a network."""
        outcomes: list[NicOutcome] = []
        errors: list[NetworkError] = []
        for desired in self.wanted:
            with collected(errors):
                outcomes.append(self._quick_plan(desired))
        return Observation(outcomes, [nic for one in outcomes for nic in _leaving(one)], errors)

    def plan(self, seen: Observation, world: World) -> Draft:
        """The plans for all guests, each checked, for networks as they will be, and every problem."""
        outcomes, errors = list[NicOutcome](), list(seen.errors)
        if not seen.things:
            return Draft(outcomes, errors, world)
        around = self._around(world, _refer(seen.things))
        for one in seen.things:
            with collected(errors):
                plan = checked(plan_nics(one.desired, one.before, around), around)
                if plan.problems:
                    raise InvalidNicsError(one.name, plan.problems)
                outcomes.append(NicOutcome(one.desired, plan, one.before))
                macs = {mac_of(nic.saved or nic.live or {}): one.name for nic in plan.nics}
                around = around._replace(macs={**macs, **around.macs})
        return Draft(outcomes, errors, world)

    def _around(self, world: World, with_filters: bool = False) -> Around:
        """What exists around NICs once the networks are as they will be, and the filters."""
        host = self.host
        networks = {one.name: one for one in host.networks() if one.name not in world.networks}
        networks.update({name: one for name, one in world.networks.items() if one is not None})
        devices = host.devices()
        if devices is not None:
            kept = {name: device for name, device in devices.items() if name not in world.bridges_removed}
            devices = {**dict.fromkeys(world.bridges, BRIDGE), **kept}
        macs = _macs_of(host.all_guests())
        filters = filters_after(host.nwfilters(), world.filters) if with_filters else None
        return Around(networks, devices, host.version(), macs, world.removed, filters, host.driver())

    def claims(self, outcome: NicOutcome) -> Claims:
        """NICs need the networks, bridges and filters that they have afterwards, and leave those that they have now."""
        afterwards = [nic_change.after for nic_change in outcome.plan.nic_changes]
        needs = {place for nic in afterwards for place in (*_places(nic), *_filters(nic))}
        leaves = {place for one in _leaving(outcome) if one.scope == "live" for place in one.places}
        return Claims(needs=frozenset(needs), leaves=frozenset(leaves))

    def deadlock(self, names: Sequence[str], others: Sequence[str]) -> NetworkError:
        """The error for a guest and networks that wait for each other."""
        networks = ", ".join(map(repr, others))
        why = f"they and the networks {networks} wait for each other, as one network takes what another one gives up"
        return InvalidNicsError(names[0], [f"{why}: move the NICs elsewhere first, in a task of its own"])

    def apply(self, outcome: NicOutcome, step: NicStep, earlier: Sequence[NicStep]) -> None:
        """Carries out one step. Raises MeanwhileError where it finds other NICs than the plan was made for."""
        guest = self.host.observe_guest(step.guest)
        if has_changed(outcome.before, guest, step.scope, touched(one for one in earlier if one.scope == step.scope)):
            raise MeanwhileError(f"Cannot change the NICs of guest {guest.name!r}")
        self.host.apply_nic(placed(step, guest))

    def verified(self, outcomes: Sequence[NicOutcome]) -> list[NicOutcome]:
        """What became of the NICs. Raises VerifyError where something is left to do."""
        changed = [one.desired for one in outcomes if one.plan.steps]
        around = self._around(World()) if changed else None
        for desired in changed:
            plan = plan_nics(desired, self.host.observe_guest(desired.guest), around)
            left = [row["path"] for row in report(plan.steps)] or plan.problems
            if left:
                raise VerifyError(
                    f"Cannot bring the NICs of guest {desired.guest!r} to the wanted state: libvirt took the change "
                    f"without an error but did not keep {', '.join(dict.fromkeys(left))}"
                )
        return list(outcomes)

    def undo(self, outcome: NicOutcome, tried: Sequence[NicStep], _error: BaseException) -> str:
        """Restores the NICs of a guest, in the definitions that were touched, and says how that went."""
        before, name = outcome.before, f"guest {outcome.name!r}"
        try:
            steps = self._way_back(outcome, tried)
            for step in steps:
                self.host.apply_nic(step)
            left = self._way_back(outcome, tried)
        except MeanwhileError as conflict:  # no reason to look again: the first error stays
            raise NetworkError(str(conflict)) from conflict
        if left:
            paths = ", ".join(dict.fromkeys(row["path"] for row in report(left)))
            return f"the NICs of {name} could not be rolled back entirely ({paths} differ)"
        note = f"the NICs of {name} were {'rolled back' if steps else 'not changed'}"
        if before.live and not before.devices:
            note += (
                ", as far as libvirt knows: which bridges their taps are on can only be seen on the hypervisor itself"
            )
        return note

    def _way_back(self, outcome: NicOutcome, tried: Sequence[NicStep]) -> list[NicStep]:
        now, around = self.host.observe_guest(outcome.name), self._around(World())
        return plan_back(outcome.before, now, around, outcome.desired.unplug_timeout, tried)

    def remains(self, outcome: NicOutcome) -> Remains:
        """What a user needs when NICs could not be restored."""
        return Remains(f"the NICs of guest {outcome.name!r}", (outcome.before.saved or outcome.before.live).text)


def _macs_of(guests: Sequence[ObservedGuest]) -> dict[str, str]:
    """Which guest has which MAC address."""
    nics = ((guest.name, one) for guest in guests for config in (guest.saved, guest.live) for one in interfaces(config))
    return {mac_of(spec_of(one)): name for name, one in nics}


def _leaving(outcome: NicOutcome) -> Iterator[Leaving]:
    """The NICs of a guest that leave where they are, or cease to refer to a filter."""
    for nic_change in outcome.plan.nic_changes:
        places = _places(nic_change.before) if _moves(nic_change) else []
        places += [place for place in _filters(nic_change.before) if place not in _filters(nic_change.after)]
        if places:
            yield Leaving(outcome.name, mac_of(nic_change.before or {}), nic_change.scope, frozenset(places))


def _moves(nic_change: NicChange) -> bool:
    before, after = nic_change.before, nic_change.after
    return before is not None and (after is None or source_of(before) != source_of(after))


def _refer(outcomes: Sequence[NicOutcome]) -> bool:
    """Whether a NIC that changes refers to a filter afterwards."""
    return any(_filters(nic_change.after) for one in outcomes for nic_change in one.plan.nic_changes)


def _filters(nic: Spec | None) -> list[str]:
    """The filter that a NIC refers to."""
    name = (nic or {}).get("filterref", {}).get("filter")
    return [place_of(name)] if name else []


def _places(nic: Spec | None) -> list[str]:
    """The network and the bridge that a NIC names."""
    source = (nic or {}).get("source", {})
    return [source[name] for name in ("network", "bridge") if source.get(name)]
