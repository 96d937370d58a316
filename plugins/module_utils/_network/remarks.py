# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to be said of the definitions that a plan leads to, persistent and live, and was not so before."""

from __future__ import annotations

from collections.abc import Iterator

from .._values.desired import Desired
from .._values.observed import Observed
from .._values.outcome import Plan
from .._values.steps import Start
from .._xml.fields import Spec
from .checks import remarks
from .dnsmasq import line_remarks


def new_remarks(desired: Desired, observed: Observed, plan: Plan, version: int) -> list[str]:
    """What is wrong or odd, and that not by what was so already."""
    found: list[str] = []
    for before, after in _uses(desired, observed, plan):
        old = remarks(before, version) if before else []
        found += [remark for remark in remarks(after, version) if remark not in old]
        found += line_remarks(after, before)
    return list(dict.fromkeys(found))


def _uses(desired: Desired, observed: Observed, plan: Plan) -> Iterator[tuple[Spec, Spec]]:
    """Each definition that will be used, as it is and as it will be."""
    yield observed.saved.spec, plan.after.spec
    goes_on = observed.active and desired.active is not False and not any(isinstance(one, Start) for one in plan.steps)
    # What waits for a restart is not used before. Entries of a network that is not saved have only this definition.
    if goes_on and (desired.edit or not plan.restart_required):
        yield observed.live.spec, plan.targets.live.definition.spec
