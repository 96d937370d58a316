# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network filters that exist, as the variables that make them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...module_utils._nwfilter.plan import plan_filter
from ...module_utils._schema.nwfilter import NWFILTER, FilterDefinition
from ...module_utils._values.nwfilters import DesiredFilter, ObservedFilter
from ...module_utils._xml.codec import normalise

# Whole lists also where they are empty: what a rule or a reference is added to later is to be as it was.
LISTS: Mapping[str, Any] = {"filterrefs": [], "rules": []}


def nwfilter_variables(filters: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The options of virt_nwfilter for filters that libvirt's package does not bring, and that it takes. They have no
    uuid, which nobody refers to: a filter that is made again meanwhile gets back what it was."""
    own = [one for one in filters if not one["packaged"]]
    return [_options(one) for one in own if not normalise(NWFILTER, {**one["spec"], "name": one["name"]})[1]]


def _options(one: Mapping[str, Any]) -> dict[str, Any]:
    """Its spec, or the definition where a filter made of the spec has rules and references in another order."""
    whole_spec = {**LISTS, **one["spec"]}
    spec = {row.option: whole_spec[row.option] for row in NWFILTER if row.option in whole_spec and not row.generated}
    name, whole = one["name"], FilterDefinition(one["xml"])
    made = plan_filter(DesiredFilter(name, spec=spec), ObservedFilter(name)).after
    if not plan_filter(DesiredFilter(name, xml=_without_uuid(whole)), ObservedFilter(name, made)).steps:
        return spec
    return {"name": name, "xml": _without_uuid(whole).text}


def _without_uuid(definition: FilterDefinition) -> FilterDefinition:
    """A definition for whichever filter has its name."""
    root = FilterDefinition(definition.text).tree
    for uuid in root.findall("uuid"):
        root.remove(uuid)
    return FilterDefinition(tree=root)
