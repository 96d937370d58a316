# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What filters refer to: each other, and parameters. Pure.

In libvirt 9.0: virNWFilterDetermineMissingVarsRec, virNWFilterInstantiateFilterUpdate.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from .._schema.nwfilter import PROTOCOLS
from .._values.nwfilters import ObservedFilter
from .._xml.fields import Spec
from .._xml.packet_kinds import variable_of

Filters = Mapping[str, Spec]
# What every NIC has without a parameter.
OWN = "MAC"
# libvirt finds the address out by what the guest sends, where nobody gives it and nothing else is missing.
LEARNED, LEARNING = "IP", "CTRL_IP_LEARNING"


def filters_after(
    there: Sequence[ObservedFilter] | None, changed: Mapping[str, Mapping[str, Any] | None]
) -> dict[str, Spec] | None:
    """The specs of all filters by name once some of them have changed; None where nobody lists them."""
    if there is None:
        return None
    specs = {**{one.name: one.definition.spec for one in there}, **changed}
    return {name: dict(spec) for name, spec in specs.items() if spec is not None}


def referred(spec: Spec) -> list[str]:
    """The names of the filters that a filter refers to."""
    return [str(one.get("filter", "")) for one in spec.get("filterrefs", [])]


def reached(filters: Filters, name: str) -> set[str]:
    """A filter with all that it refers to, also over others, as far as they are there."""
    found, ahead = set[str](), [name]
    while ahead:
        one = ahead.pop()
        if one in filters and one not in found:
            found.add(one)
            ahead += referred(filters[one])
    return found


def dangling(filters: Filters, name: str) -> list[str]:
    """What a filter refers to, also over others, and is not there."""
    there = reached(filters, name)
    return sorted({other for one in there for other in referred(filters[one]) if other not in filters})


def is_in_loop(filters: Filters, name: str) -> bool:
    """Whether a filter refers to itself, also over others."""
    return any(name in reached(filters, other) for other in referred(filters.get(name, {})))


def lacking(filters: Filters, name: str, given: Mapping[str, str]) -> list[str]:
    """The parameters that a filter needs and a NIC does not give."""
    missing = set(_wanting(filters, name, {OWN, *given}, ()))
    learned = missing == {LEARNED} and given.get(LEARNING, "any") != "none"
    return [] if learned else sorted(missing)


def _wanting(filters: Filters, name: str, given: Collection[str], above: tuple[str, ...]) -> Iterator[str]:
    spec = filters.get(name, {})
    yield from (one for one in variables(spec) if one not in given)
    for reference in spec.get("filterrefs", []):
        other = reference.get("filter", "")
        if other not in (name, *above):
            more = (one.get("name", "") for one in reference.get("parameters", []))
            yield from _wanting(filters, other, {*given, *more}, (*above, name))


def variables(spec: Spec) -> list[str]:
    """The parameters that the rules of a filter itself name, each once."""
    values: Iterator[Any] = (
        value
        for rule in spec.get("rules", [])
        for protocol in PROTOCOLS
        for value in rule.get(protocol.option, {}).values()
    )
    return sorted({variable_of(value) for value in values} - {""})
