# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Approves the plan for a network filter, or refuses it with every problem. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .._errors.errors import InUseError, InvalidFilterError
from .._values.nwfilters import FilterOutcome, FilterPlan, FilterUse
from .checks import contradictions
from .references import Filters, dangling, is_in_loop, lacking, referred
from .uses import concerned, names


class Scene(NamedTuple):
    """What exists around a filter: the filters before the task and after it, and the NICs that refer to one."""

    before: Filters
    after: Filters
    uses: Sequence[FilterUse]


def approved(outcome: FilterOutcome, scene: Scene) -> FilterPlan:
    """The plan with its guests and warnings. Raises InvalidFilterError with every problem,
    InUseError where something refers to a filter that is to be deleted."""
    desired, plan, _before, _after = outcome
    if desired.problems:
        raise InvalidFilterError(desired.name, desired.problems)
    if not plan.steps:
        return plan
    if not desired.present:
        _refuse_use(desired.name, scene)
        return plan
    found = concerned(scene.uses, desired.name, scene.before, scene.after)
    unserved = [(one, lacking(scene.after, one.nwfilter, one.parameters)) for one in found]
    told = {scope: _unserved([one for one in unserved if one[0].scope == scope and one[1]]) for scope in SCOPES}
    problems = [*contradictions(plan.after.spec), *_references(desired.name, scene.after), *told["live"]]
    uuids = [one.spec.get("uuid") for one in (plan.before, plan.after)]
    if uuids[0] and uuids[0] != uuids[1]:
        problems.append(f"uuid of an existing filter cannot change from {uuids[0]}: delete the filter first")
    if problems:
        raise InvalidFilterError(desired.name, problems)
    guests = tuple(sorted({one.guest for one in found if one.scope == "live"}))
    warnings = tuple(f"Network filter {desired.name!r}: {text}" for text in told["saved"])
    return plan._replace(guests=guests, warnings=warnings)


SCOPES = ("live", "saved")


def _refuse_use(name: str, scene: Scene) -> None:
    """libvirt itself refuses only what running guests need."""
    users = [one for one in scene.uses if one.nwfilter == name]
    filters = sorted(other for other, spec in scene.after.items() if name in referred(spec))
    parts = [f"NICs of guests ({names(users)})"] * bool(users) + [f"filters ({', '.join(filters)})"] * bool(filters)
    if parts:
        raise InUseError(
            f"Cannot delete network filter {name!r}: {' and '.join(parts)} refer to it; take the reference away first, "
            "with virt_iface or virt_nwfilter"
        )


def _references(name: str, filters: Filters) -> list[str]:
    found = [f"there is no filter {other!r} to refer to: create it first" for other in dangling(filters, name)]
    loop = "it refers to itself, maybe over other filters: take one of these references away"
    return [*found, *([loop] if is_in_loop(filters, name) else [])]


def _unserved(found: Sequence[tuple[FilterUse, list[str]]]) -> list[str]:
    """NICs without a parameter that their filter then needs."""
    return list(
        dict.fromkeys(
            f"NIC {use.mac} of guest {use.guest!r} refers to filter {use.nwfilter!r} and does not give "
            f"{', '.join(missing)}: give it in filterref.parameters first, with virt_iface"
            for use, missing in found
        )
    )
