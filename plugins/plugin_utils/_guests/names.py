# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What guests and their groups are called in an inventory, whatever they are called in libvirt. Pure."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

_EXACT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
# What Ansible means by these is not a guest.
RESERVED = frozenset(("all", "ungrouped", "localhost", "127.0.0.1", "::1"))

Guest = Mapping[str, Any]


def group_name(kind: str, value: str) -> str:
    """The name of a group: other characters than letters, digits and underscores are underscores."""
    return re.sub(r"[^A-Za-z0-9_]", "_", f"{kind}_{value}")


def _plain(name: str) -> str:
    return re.sub(r"^[.-]", "_", re.sub(r"[^A-Za-z0-9_.-]", "_", name))


def _short(guest: Guest) -> str:
    """A guest's name; with the beginning of its uuid where characters had to go."""
    name = str(guest["name"])
    return name if _EXACT.fullmatch(name) else f"{_plain(name)}-{guest['uuid'][:8]}"


def _full(guest: Guest) -> str:
    return f"{_short(guest)}.{_plain(guest['hypervisor'])}"


# The first that nobody else has.
_FORMS: tuple[Callable[[Guest], str], ...] = (
    _short,
    _full,
    lambda guest: f"{_full(guest)}-{guest['uuid'][:8]}",
)


def inventory_names(guests: Sequence[Guest], taken: Iterable[str], full: bool) -> dict[int, str]:
    """The name of each guest in the inventory, by its place; ``full``: with its hypervisor's in any case.

    Nobody gets a name that several want, or that a host or group has already.
    """
    used, names = {*taken, *RESERVED}, {}
    left = dict(enumerate(guests))
    for form in _FORMS[int(full) :]:
        wanted = {place: form(guest) for place, guest in left.items()}
        times = Counter(wanted.values())
        fit = {place: name for place, name in wanted.items() if times[name] == 1 and name not in used}
        used.update(wanted.values())
        names.update(fit)
        left = {place: guest for place, guest in left.items() if place not in fit}
    for place, guest in left.items():
        names[place] = next(name for name in _numbered(guest) if name not in used)
        used.add(names[place])
    return names


def _numbered(guest: Guest) -> Iterator[str]:
    """Names of which one is free in the end, like that of a guest that has been copied with its uuid."""
    return (f"{_full(guest)}-{guest['uuid']}-{number}" for number in itertools.count(1))
