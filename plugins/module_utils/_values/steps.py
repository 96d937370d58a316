# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of a plan, as imperatives. A step says what it does, where, from what to what, and with what effect."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, Union

from .._xml.definition import ABSENT, Definition


class Item(NamedTuple):
    """One thing that a step changes; ``effect`` is live, restart or next_start."""

    path: str
    before: Any
    after: Any
    effect: str


class Undefine(NamedTuple):
    """Forget the persistent config."""

    network: str
    items: tuple[Item, ...] = (Item("state", "present", "absent", "live"),)


class Start(NamedTuple):
    """Start the network."""

    network: str
    items: tuple[Item, ...] = (Item("active", False, True, "live"),)


class Stop(NamedTuple):
    """Stop the network; it costs every running guest on it its connection."""

    network: str
    items: tuple[Item, ...] = (Item("active", True, False, "live"),)


class SetAutostart(NamedTuple):
    """Start the network with the host, or not."""

    network: str
    on: bool

    @property
    def items(self) -> tuple[Item, ...]:
        """The one thing that changes."""
        return (Item("autostart", not self.on, self.on, "live"),)


class Update(NamedTuple):
    """Add or delete one entry (virNetworkUpdate); ``parent`` is the index of its <ip>, ``undo`` the XML that
    undoes the step, where that is another one, ``scope`` the definition that changes: live, saved or both,
    ``early`` whether it is added before others are deleted."""

    network: str
    items: tuple[Item, ...]
    command: str
    section: str
    parent: int
    xml: str
    undo: str = ""
    scope: str = "live"
    early: bool = False

    def inverse(self) -> Update:
        """The step that undoes this one."""
        command = "add" if self.command == "delete" else "delete"
        return self._replace(command=command, xml=self.undo or self.xml, undo=self.xml)


class Define(NamedTuple):
    """Save a definition; ``base`` is the persistent one that it was made from (absent: whatever there is), ``parts``
    are the updates that this stands for: what one of them deletes and another one adds again is never gone."""

    network: str
    items: tuple[Item, ...]
    definition: Definition
    base: Definition = ABSENT
    parts: tuple[Update, ...] = ()


class Describe(NamedTuple):
    """Change the title or description of the running network (virNetworkSetMetadata)."""

    network: str
    items: tuple[Item, ...]
    field: str
    text: str


class RemoveBridge(NamedTuple):
    """Remove a bridge that a killed daemon left behind and nobody owns."""

    network: str
    bridge: str

    @property
    def items(self) -> tuple[Item, ...]:
        """The one thing that changes."""
        return (Item("bridge left behind", self.bridge, None, "live"),)


class Park(NamedTuple):
    """Move the NICs of running guests to the parking network, which is made for it of the definition ``parking``."""

    network: str
    items: tuple[Item, ...]
    parking: Definition


class Return(NamedTuple):
    """Reattach the NICs that are parked or disconnected to the network, and remove the parking network."""

    network: str
    items: tuple[Item, ...]
    parking: Definition


Step = Union[Define, Undefine, Start, Stop, SetAutostart, Update, Describe, RemoveBridge, Park, Return]


ACTIONS = {
    Define: "define",
    Undefine: "undefine",
    Start: "start",
    Stop: "stop",
    SetAutostart: "autostart",
    Update: "update",
    Describe: "describe",
    RemoveBridge: "remove_bridge",
    Park: "park",
    Return: "return",
}


def calls_of(step: Step) -> int:
    """How many calls to libvirt a step takes: one; to move NICs, one for each, and one for the parking network."""
    return len(step.items) + 1 if isinstance(step, (Park, Return)) else 1


def updates(step: Step) -> tuple[Update, ...]:
    """The updates of single entries that a step stands for."""
    return step.parts if isinstance(step, Define) else (step,) if isinstance(step, Update) else ()


def report(steps: Iterable[Step]) -> list[dict[str, Any]]:
    """The steps as users see them in a result: one dictionary for each thing that changes."""
    return [
        {"network": part.network, "action": ACTIONS[type(part)], **item._asdict()}
        for step in steps
        for part in updates(step) or (step,)
        for item in part.items
    ]


def line(row: dict[str, Any]) -> str:
    """One row of a report as text, with the name of the network, guest or filter that it changes."""
    name = next(row[kind] for kind in ("network", "guest", "nwfilter") if kind in row)
    change = f"{row['path']}: {_short(row['before'])} -> {_short(row['after'])}"
    effect = ", ".join([row["effect"], *(f"guest {guest}" for guest in row.get("guests", []))])
    return f"{row['action']} {name}: {change} ({effect})\n"


def _short(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 200 else f"{text[:197]}..."
