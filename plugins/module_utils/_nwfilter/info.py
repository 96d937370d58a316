# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What users read about network filters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .._values.nwfilters import DesiredFilter, FilterUse, ObservedFilter
from .._xml.definition import ABSENT, Definition
from .plan import plan_filter
from .references import OWN, Filters, lacking, referred
from .resource import summary
from .uses import uses

if TYPE_CHECKING:
    from .._values.host import FilterHost


def nwfilters(gateway: FilterHost, names: Sequence[str]) -> list[dict[str, Any]]:
    """Everything about the named filters, or about all when no name is given; names of none are left out."""
    there = {one.name: one for one in gateway.nwfilters() or ()}
    specs = {name: one.definition.spec for name, one in there.items()}
    found, packaged = uses(gateway.all_guests()), gateway.packaged_nwfilters()
    wanted = dict.fromkeys(names) if names else there
    return [
        {**_everything(there[name], specs, found), "packaged": _is_as(packaged.get(name, ABSENT), there[name])}
        for name in wanted
        if name in there
    ]


def _is_as(definition: Definition, observed: ObservedFilter) -> bool:
    """Whether a definition would change nothing of a filter."""
    return bool(definition) and not plan_filter(DesiredFilter(observed.name, xml=definition), observed).steps


def _everything(observed: ObservedFilter, filters: Filters, found: Sequence[FilterUse]) -> dict[str, Any]:
    name = observed.name
    mine = [one for one in found if one.nwfilter == name]
    return {
        **summary(observed),
        "xml": observed.definition.text,
        "parameters": lacking(filters, name, {OWN: "", "CTRL_IP_LEARNING": "none"}),
        "referred_by": sorted(other for other, spec in filters.items() if name in referred(spec)),
        "nics": [
            {
                "domain": guest,
                "mac": mac,
                "live": any((one.guest, one.mac, one.scope) == (guest, mac, "live") for one in mine),
                "saved": any((one.guest, one.mac, one.scope) == (guest, mac, "saved") for one in mine),
            }
            for guest, mac in dict.fromkeys((one.guest, one.mac) for one in mine)
        ],
    }
