# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the conductor knows of a resource: the protocol that networks and NICs implement, and the values it passes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from .._errors.errors import NetworkError
from .observed import Observed


class Locks(Protocol):
    """What the conductor itself needs of a hypervisor."""

    def lock(self, things: Sequence[tuple[str, str]], seconds: float) -> AbstractContextManager[None]:
        """Holds these things, each by its kind and name, against other tasks."""


class Resource(Protocol):
    """Several wanted things of one kind, with all that a task loads where they are already up to date."""

    kind: str
    names: list[str]

    def up_to_date(self) -> Sequence[Any] | None:
        """The outcomes where certainly nothing is left to do, else None."""

    def operations(self, dry_run: bool, /) -> Operations:
        """What plans and changes them, in one attempt."""


class Operations(Protocol):
    """What plans and changes the things of a resource."""

    kind: str

    def observe(self) -> Observation:
        """The things as they are."""

    def plan(self, seen: Observation, world: World) -> Draft:
        """A checked plan for each of them, every problem, and the world once these plans are carried out."""

    def waits(self, _outcomes: Sequence[Any], /) -> Mapping[str, Sequence[str]]:
        """Which of them wait for which others of the same kind."""
        return {}

    def claims(self, outcome: Any) -> Claims:
        """What the plan takes and gives up, for the order beside things of other kinds."""

    def deadlock(self, names: Sequence[str], others: Sequence[str]) -> NetworkError:
        """The error for these things, and for others of other kinds, that all wait for each other."""

    def apply(self, outcome: Any, step: Any, earlier: Sequence[Any]) -> None:
        """Carries out one step after the earlier ones of the same plan."""

    def verified(self, outcomes: Sequence[Any]) -> Sequence[Any]:
        """What became of them. Raises VerifyError where something is left to do."""

    def explain(self, _step: Any, _error: BaseException, /) -> str:
        """What else can be said of the error of a step, before anything is rolled back."""
        return ""

    def undo(self, outcome: Any, tried: Sequence[Any], error: BaseException) -> str:
        """Rolls the tried steps back and says how that went. Raises MeanwhileError when another look may do."""

    def remains(self, outcome: Any) -> Remains:
        """What a user needs when that fails."""


class Leaving(NamedTuple):
    """A NIC that leaves networks, bridges and network filters (``places``), in the live or the persistent config of its
    guest."""

    guest: str
    mac: str
    scope: str
    places: frozenset[str]


class Observation(NamedTuple):
    """The things as they are, the NICs that leave, and what is wrong already."""

    things: Sequence[Any]
    leaving: Sequence[Leaving] = ()
    errors: Sequence[NetworkError] = ()


class World(NamedTuple):
    """What changes around a resource in the same task: the NICs that leave; networks as they will be, None for those
    that will not; those that are removed; bridges that will be there, and those that will not; filters as networks."""

    leaving: Sequence[Leaving] = ()
    networks: Mapping[str, Observed | None] = MappingProxyType({})
    removed: frozenset[str] = frozenset()
    bridges: Sequence[str] = ()
    bridges_removed: frozenset[str] = frozenset()
    filters: Mapping[str, Mapping[str, Any] | None] = MappingProxyType({})


class Draft(NamedTuple):
    """The outcomes as planned, everything that is wrong, and the world afterwards."""

    outcomes: Sequence[Any]
    errors: Sequence[NetworkError]
    world: World


class Claims(NamedTuple):
    """What a plan makes, needs to be there, leaves, and needs others to have left: names of networks, bridges and
    filters."""

    makes: frozenset[str] = frozenset()
    needs: frozenset[str] = frozenset()
    leaves: frozenset[str] = frozenset()
    empties: frozenset[str] = frozenset()

    def wait_for(self, other: Claims) -> bool:
        """Whether the other plan goes first."""
        return bool(self.needs & other.makes or self.empties & other.leaves)


class Remains(NamedTuple):
    """A thing that could not be rolled back: what to call it, its definition, and guests that may be disconnected."""

    subject: str
    definition: str
    guests: Sequence[str] = ()
