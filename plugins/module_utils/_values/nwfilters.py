# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wanted of network filters, the steps to it, the plan that they make, and what uses a filter. No behaviour but
how it reads."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, Union

from .._xml.definition import ABSENT, Definition
from .steps import Item


class DesiredFilter(NamedTuple):
    """A network filter as it is wanted: a spec to lay over what exists, or with ``xml`` a whole definition."""

    name: str
    present: bool = True
    spec: Mapping[str, Any] = MappingProxyType({})
    xml: Definition = ABSENT
    problems: tuple[str, ...] = ()


class ObservedFilter(NamedTuple):
    """A network filter as libvirt knows it; its definition is absent where there is none."""

    name: str
    definition: Definition = ABSENT


class FilterUse(NamedTuple):
    """A NIC that refers to a network filter, in the live or the persistent config of its guest, with the parameters
    that it gives, by their names."""

    guest: str
    mac: str
    scope: str
    nwfilter: str
    parameters: Mapping[str, str] = MappingProxyType({})


class DefineFilter(NamedTuple):
    """Save a definition, where there is ``base`` (absent: whatever there is); running guests get it at once."""

    nwfilter: str
    items: tuple[Item, ...]
    definition: Definition
    base: Definition = ABSENT


class UndefineFilter(NamedTuple):
    """Forget a filter."""

    nwfilter: str
    items: tuple[Item, ...] = (Item("state", "present", "absent", "live"),)


FilterStep = Union[DefineFilter, UndefineFilter]
_ACTIONS = {DefineFilter: "define", UndefineFilter: "undefine"}


class FilterPlan(NamedTuple):
    """The steps from what is to what is wanted; ``guests`` run with NICs that the change takes effect for."""

    nwfilter: str
    steps: tuple[FilterStep, ...] = ()
    before: Definition = ABSENT
    after: Definition = ABSENT
    guests: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()

    def rows(self) -> list[dict[str, Any]]:
        """The steps as users see them."""
        guests = list(self.guests)
        return [
            {"nwfilter": step.nwfilter, "action": _ACTIONS[type(step)], **item._asdict(), "guests": guests}
            for step in self.steps
            for item in step.items
        ]


class FilterOutcome(NamedTuple):
    """What became of a network filter: what was wanted, the plan that was (or would be) carried out, and how the filter
    was before and is then."""

    desired: DesiredFilter
    plan: FilterPlan
    before: ObservedFilter
    after: ObservedFilter

    @property
    def name(self) -> str:
        """The filter's."""
        return self.desired.name
