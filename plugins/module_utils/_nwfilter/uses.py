# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which NICs refer to network filters. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from .._schema.interface import INTERFACE
from .._values.nwfilters import FilterUse
from .._values.observed import ObservedGuest
from .._values.resource import Leaving
from .._xml.codec import parse
from .references import Filters, reached

_ROWS = tuple(row for row in INTERFACE if row.option in ("mac", "filterref"))


def place_of(nwfilter: str) -> str:
    """What a filter is called among the places that NICs are at: no network and no bridge can be called so."""
    return f"nwfilter/{nwfilter}"


def uses(guests: Iterable[ObservedGuest], leaving: Sequence[Leaving] = ()) -> list[FilterUse]:
    """The NICs that refer to filters, without those that cease to."""
    gone = {(one.guest, one.mac, one.scope, place) for one in leaving for place in one.places}
    found = (use for guest in guests for scope in ("live", "saved") for use in _of_guest(guest, scope))
    return [one for one in found if (one.guest, one.mac, one.scope, place_of(one.nwfilter)) not in gone]


def _of_guest(guest: ObservedGuest, scope: str) -> Iterator[FilterUse]:
    config = guest.config(scope)
    for element in config.tree.iterfind("devices/interface[filterref]") if config else ():
        nic = parse(element, _ROWS)
        reference = nic.get("filterref", {})
        parameters = {one.get("name", ""): one.get("value", "") for one in reference.get("parameters", [])}
        mac = nic.get("mac", {}).get("address", "")
        yield FilterUse(guest.name, mac, scope, reference.get("filter", ""), parameters)


def concerned(found: Iterable[FilterUse], name: str, *filters: Filters) -> list[FilterUse]:
    """The NICs whose filter is this one, or leads to it by what filters refer to, before a change or after it."""
    return [one for one in found if any(name in reached(some, one.nwfilter) for some in filters)]


def names(found: Iterable[FilterUse]) -> str:
    """NICs in words, each once."""
    return ", ".join(dict.fromkeys(f"{one.guest} ({one.mac})" for one in found))
