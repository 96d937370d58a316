# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network filters as a resource of the conductor, where they change: observe, plan, apply, verify, roll back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Callable

from .._errors.collected import collected
from .._errors.errors import InvalidFilterError, NetworkError, VerifyError
from .._values.host import FilterHost
from .._values.nwfilters import DesiredFilter, FilterOutcome, FilterStep
from .._values.resource import Claims, Draft, Observation, Operations, Remains, World
from .approval import Scene, approved
from .plan import plan_back, plan_filter
from .references import filters_after, referred
from .uses import place_of, uses


class FilterOperations(Operations):
    """What changes network filters."""

    kind = "nwfilter"

    def __init__(
        self, host: FilterHost, wanted: Sequence[DesiredFilter], quick_plan: Callable[[DesiredFilter], FilterOutcome]
    ) -> None:
        self.host, self.wanted, self._quick_plan = host, wanted, quick_plan

    def observe(self) -> Observation:
        """The filters with what is to be done."""
        return Observation([self._quick_plan(desired) for desired in self.wanted])

    def plan(self, seen: Observation, world: World) -> Draft:
        """The plans for all filters, each checked for the filters as they will be, every problem, and these filters."""
        if not seen.things:
            return Draft([], [], world)
        errors, outcomes = list[NetworkError](), list[FilterOutcome]()
        there = self.host.nwfilters() or ()
        wanted = {one.name: one.plan.after.spec if one.plan.after else None for one in seen.things}
        before, after = filters_after(there, {}) or {}, filters_after(there, wanted) or {}
        scene = Scene(before, after, uses(self.host.all_guests(), world.leaving))
        for one in seen.things:
            with collected(errors):
                plan = approved(one, scene)
                outcomes.append(one._replace(plan=plan))
        return Draft(outcomes, errors, world._replace(filters=wanted))

    def waits(self, outcomes: Sequence[FilterOutcome]) -> Mapping[str, Sequence[str]]:
        """A filter waits for those that it refers to, and for those that cease to refer to it."""
        busy = [one for one in outcomes if one.plan.steps]
        return {
            one.name: [other.name for other in busy if other is not one and _goes_first(other, one)] for one in busy
        }

    def claims(self, outcome: FilterOutcome) -> Claims:
        """NICs wait for a filter that is defined, and leave one before it is deleted."""
        place = frozenset({place_of(outcome.name)} if outcome.plan.steps else ())
        return Claims(makes=place) if outcome.desired.present else Claims(empties=place)

    def deadlock(self, names: Sequence[str], _others: Sequence[str]) -> NetworkError:
        """The error for filters that wait for each other."""
        return InvalidFilterError(names[0], [f"it and {', '.join(names[1:])} wait for each other: change it first"])

    def apply(self, _outcome: FilterOutcome, step: FilterStep, _earlier: Sequence[FilterStep]) -> None:
        """Carries out one step."""
        self.host.apply_nwfilter(step)

    def verified(self, outcomes: Sequence[FilterOutcome]) -> list[FilterOutcome]:
        """What became of the filters. Raises VerifyError where something is left to do."""
        return [self._verified(one) if one.plan.steps else one for one in outcomes]

    def _verified(self, outcome: FilterOutcome) -> FilterOutcome:
        now = self.host.observe_nwfilter(outcome.name)
        left = plan_filter(outcome.desired, now).rows()
        if left:
            paths = ", ".join(dict.fromkeys(row["path"] for row in left))
            raise VerifyError(
                f"Cannot bring network filter {outcome.name!r} to the wanted state: libvirt took the change without an "
                f"error but did not keep {paths}"
            )
        return outcome._replace(after=now)

    def undo(self, outcome: FilterOutcome, _tried: Sequence[FilterStep], _error: BaseException) -> str:
        """Restores one filter and says how that went."""
        before = outcome.before
        steps = plan_back(before, self.host.observe_nwfilter(before.name))
        for step in steps:
            self.host.apply_nwfilter(step)
        if plan_back(before, self.host.observe_nwfilter(before.name)):
            return f"network filter {before.name!r} could not be rolled back entirely"
        what = "rolled back" if before.definition else "removed again"
        return f"network filter {before.name!r} was {what if steps else 'not changed'}"

    def remains(self, outcome: FilterOutcome) -> Remains:
        """What a user needs when a filter could not be restored."""
        return Remains(f"network filter {outcome.name!r}", outcome.before.definition.text)


def _goes_first(other: FilterOutcome, one: FilterOutcome) -> bool:
    """Whether a filter must be changed before another one."""
    made = one.desired.present and other.desired.present and other.name in referred(one.plan.after.spec)
    left = not one.desired.present and one.name in referred(other.plan.before.spec)
    return made or left
