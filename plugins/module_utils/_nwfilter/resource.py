# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network filters as a resource of the conductor: all that is loaded where they are already up to date."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .._values.nwfilters import DesiredFilter, FilterOutcome, ObservedFilter

if TYPE_CHECKING:
    from .._values.host import FilterHost
    from .operations import FilterOperations


class Filters:
    """Wanted network filters."""

    kind = "nwfilter"

    def __init__(self, host: FilterHost, wanted: Sequence[DesiredFilter]) -> None:
        self.host, self.wanted = host, wanted
        self.names = [desired.name for desired in wanted]

    def up_to_date(self) -> list[FilterOutcome] | None:
        """The outcomes where nothing is left to do for all filters, else None."""
        outcomes = [self.quick_plan(desired) for desired in self.wanted]
        return None if any(one.plan.steps or one.desired.problems for one in outcomes) else outcomes

    def quick_plan(self, desired: DesiredFilter) -> FilterOutcome:
        """What is to be done for a filter, as far as the filter alone shows."""
        from .plan import plan_filter

        observed = self.host.observe_nwfilter(desired.name)
        plan = plan_filter(desired, observed)
        return FilterOutcome(desired, plan, observed, observed._replace(definition=plan.after))

    def operations(self, _dry_run: bool) -> FilterOperations:
        """What plans and changes them, in one attempt."""
        from .operations import FilterOperations

        return FilterOperations(self.host, self.wanted, self.quick_plan)


def summary(observed: ObservedFilter) -> dict[str, Any]:
    """A filter's state, and the spec that would change nothing."""
    spec = observed.definition.spec
    return {
        "name": observed.name,
        "state": "present" if observed.definition else "absent",
        "uuid": spec.get("uuid", ""),
        "spec": spec,
    }
