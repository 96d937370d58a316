# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The NICs of guests as a resource of the conductor: all that is loaded where they are already up to date."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .._errors.errors import InvalidNicsError
from .._values.nic_steps import DesiredNics, NicOutcome

if TYPE_CHECKING:
    from .._values.host import GuestHost
    from .operations import NicOperations


class Nics:
    """Wanted NICs, guest by guest."""

    kind = "guest"

    def __init__(self, host: GuestHost, wanted: Sequence[DesiredNics]) -> None:
        self.host, self.wanted = host, wanted
        self.names = [desired.guest for desired in wanted]

    def up_to_date(self) -> list[NicOutcome] | None:
        """The outcomes where nothing is left to do for all guests, else None."""
        outcomes = [self.quick_plan(desired) for desired in self.wanted]
        return None if any(one.plan.steps or one.plan.problems for one in outcomes) else outcomes

    def quick_plan(self, desired: DesiredNics) -> NicOutcome:
        """Whether there is anything to do for a guest, found out with the least work. Raises InvalidNicsError when
        there is no such guest."""
        from .plan import plan_nics

        guest = self.host.observe_guest(desired.guest)
        if not guest.exists:
            raise InvalidNicsError(desired.guest, [*desired.problems, "there is no such guest: define it first"])
        return NicOutcome(desired, plan_nics(desired, guest, None), guest)

    def operations(self, _dry_run: bool) -> NicOperations:
        """What plans and changes them, in one attempt."""
        from .operations import NicOperations

        return NicOperations(self.host, self.wanted, self.quick_plan)
