# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is planned for a network, and what became of it. No behaviour."""

from __future__ import annotations

from typing import Any, NamedTuple

from .._xml.definition import ABSENT, Definition
from .desired import Desired, Targets
from .observed import Observed


class Plan(NamedTuple):
    """The steps from what is to what is wanted, and what a user reads; ``before`` and ``after`` are the persistent
    config."""

    network: str
    steps: tuple[Any, ...] = ()
    before: Definition = ABSENT
    after: Definition = ABSENT
    restart_required: bool = False
    warnings: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()
    targets: Targets = Targets()

    def rows(self) -> list[dict[str, Any]]:
        """The steps as users see them."""
        if not self.steps:
            return []
        from .steps import report

        return report(self.steps)

    def with_notes(self, warnings: list[str], unchecked: list[str]) -> Plan:
        """The same plan with more to report."""
        return self._replace(warnings=(*self.warnings, *warnings), unchecked=(*self.unchecked, *unchecked))


class Outcome(NamedTuple):
    """What became of one network: what was wanted, the plan that was (or would be) carried out, and how it is then."""

    desired: Desired
    plan: Plan
    before: Observed
    after: Observed

    @property
    def name(self) -> str:
        """The network's."""
        return self.desired.name
