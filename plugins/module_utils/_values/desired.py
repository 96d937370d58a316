# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wanted of networks. No behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Callable, NamedTuple

from .._xml.definition import ABSENT, Definition


class EntryChanges(NamedTuple):
    """The entries of a list by what becomes of them, each by its key."""

    added: list[str]
    changed: list[str]
    removed: list[str]
    left: list[str]


class Edit(NamedTuple):
    """What is wanted of a network as a spec, what speaks against it, and what becomes of each entry."""

    spec: dict[str, Any]
    problems: list[str]
    entry_changes: EntryChanges


class Desired(NamedTuple):
    """A network as it is wanted: a spec to lay over what exists, or with ``xml`` a whole definition.

    With ``edit`` it is a network that is there already, of which the spec depends: it is given the spec of a definition
    of it, and that of the persistent one. ``active`` and ``autostart``: None leaves them. ``topology``: who owns the
    network when this makes it, "" for nobody. ``restarted``: it restarts in any case. ``bridge``: the name of its own
    bridge, where that has none yet.
    """

    name: str
    present: bool = True
    spec: Mapping[str, Any] = MappingProxyType({})
    xml: Definition = ABSENT
    active: bool | None = True
    autostart: bool | None = True
    problems: tuple[str, ...] = ()
    edit: Callable[..., Edit] | None = None
    topology: str = ""
    restarted: bool = False
    bridge: str = ""


class Target(NamedTuple):
    """What a definition of a network is to be, whether it differs from what it is, and what becomes of its entries."""

    definition: Definition = ABSENT
    differs: bool = False
    edit: Edit | None = None


class Targets(NamedTuple):
    """What the persistent config is to be, and the live one of a network that runs."""

    saved: Target = Target()
    live: Target = Target()

    def edits(self, persistent: bool) -> list[Edit]:
        """What becomes of the entries of each config: a network that only runs has one."""
        return [one.edit for one in self[not persistent :] if one.edit]


class Policy(NamedTuple):
    """What a task may cost guests: ``restart`` is never, idle or replug; ``force`` stops a network under guests."""

    restart: str = "idle"
    force: bool = False
