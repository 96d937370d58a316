# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a network lost by a change although the plan leaves it: an update of one thing makes libvirt forget another."""

from __future__ import annotations

from collections.abc import Iterator

from .._errors.errors import LostError, VerifyError
from .._values.observed import Observed
from .._values.outcome import Plan
from .._values.steps import Start
from .._xml.diff import Change, compare


def verify(plan: Plan, before: Observed, after: Observed, left: list[str]) -> None:
    """Raises VerifyError where something is left to do, or the persistent or the live config lost something. What
    they have more than foreseen is not looked at: libvirt generates some of it, and another program may add entries at
    the same time. ``left``: where something is left to do."""
    lost = [change for change in _unforeseen(plan, before, after) if change.before is not None]
    paths = ", ".join(dict.fromkeys([*left, *(change.path for change in lost)]))
    if paths:
        beyond = any(change.row is None or not change.row.live for change in lost)
        raise (LostError if beyond else VerifyError)(
            f"Cannot bring network {after.name!r} to the wanted state: libvirt took the change without an error "
            f"but {'did not keep' if left else 'lost'} {paths}"
        )


def _unforeseen(plan: Plan, before: Observed, after: Observed) -> Iterator[Change]:
    if after.persistent and plan.after:  # else it is deleted, or only runs
        yield from compare(plan.after, after.saved)
    if not after.active:
        return
    if any(isinstance(step, Start) for step in plan.steps):
        yield from compare(plan.after or before.saved, after.live)
    elif before.active:
        planned = {item.path for step in plan.steps for item in step.items if item.effect == "live"}
        changes = compare(before.live, after.live)
        yield from (change for change in changes if change.path not in planned)
