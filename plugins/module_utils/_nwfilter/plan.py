# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what is and what is wanted of a network filter to the step between them. Pure."""

from __future__ import annotations

import copy

from .._schema.nwfilter import NWFILTER, FilterDefinition
from .._values.nwfilters import DefineFilter, DesiredFilter, FilterPlan, FilterStep, ObservedFilter, UndefineFilter
from .._values.steps import Item
from .._xml.definition import Definition
from .._xml.diff import Change, compare
from .._xml.overlay import overlay, remembered

NOTHING = FilterDefinition("<filter/>")


def plan_filter(desired: DesiredFilter, observed: ObservedFilter) -> FilterPlan:
    """The plan for one filter."""
    before = observed.definition
    plan = FilterPlan(observed.name, before=before, after=before)
    if not desired.present:
        steps = (UndefineFilter(observed.name),) if before else ()
        return plan._replace(steps=steps, after=Definition())
    after = build(desired, before)
    changes = _changes(before or NOTHING, after)
    if not changes:
        return plan
    items = tuple(Item(one.path, one.before, one.after, "live") for one in changes)
    return plan._replace(steps=(DefineFilter(observed.name, items, after, before),), after=after)


def build(desired: DesiredFilter, base: Definition) -> FilterDefinition:
    """What a definition is to be, made of the one that there is."""
    if desired.xml:
        whole, spec = copy.deepcopy(desired.xml.tree), desired.xml.spec
        overlay(whole, NWFILTER, spec, remembered(NWFILTER, base.spec, spec))
        return FilterDefinition(tree=whole)
    root = copy.deepcopy((base or NOTHING).tree)
    overlay(root, NWFILTER, base.spec, {"name": desired.name, **desired.spec})
    return FilterDefinition(tree=root)


def _changes(before: Definition, after: Definition) -> list[Change]:
    """What differs, also where only rules and references come in another order among each other."""
    found = compare(before, after)
    orders = [[child.tag for child in one.tree if child.tag in ("rule", "filterref")] for one in (before, after)]
    return found if found or orders[0] == orders[1] else [Change("order", orders[0], orders[1])]


def plan_back(before: ObservedFilter, now: ObservedFilter) -> tuple[FilterStep, ...]:
    """The step that brings a filter back to what it was."""
    if not before.definition:
        return (UndefineFilter(before.name),) if now.definition else ()
    if now.definition and not _changes(now.definition, before.definition):
        return ()
    return (DefineFilter(before.name, (Item("definition", "changed", "as before", "live"),), before.definition),)
