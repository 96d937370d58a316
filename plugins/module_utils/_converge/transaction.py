# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the conductor that only a change needs: check everything, carry the plans out, verify, roll back."""

from __future__ import annotations

from collections.abc import Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any, Callable, NamedTuple

from .._errors.errors import ApplyError, MeanwhileError, NetworkError, SeveralError
from .._values.resource import Operations, Resource, World

# How often it plans again after a conflict.
ATTEMPTS = 5


class Part(NamedTuple):
    """One thing of a job: what changes things of its kind, and its outcome."""

    operations: Operations
    outcome: Any

    @property
    def key(self) -> tuple[str, str]:
        """Its kind and name."""
        return self.operations.kind, self.outcome.name


def prepare(job: Sequence[Resource], dry_run: bool) -> list[Part]:
    """The plans for all things, each checked, in the order in which they can be carried out. Raises a NetworkError
    with every problem of all."""
    kinds = [resource.operations(dry_run) for resource in job]
    seen = [operations.observe() for operations in kinds]
    world = World([one for observation in seen for one in observation.leaving])
    parts: list[Part] = []
    errors: list[NetworkError] = []
    for operations, observation in zip(kinds, seen):
        outcomes, wrong, world = operations.plan(observation, world)
        parts += [Part(operations, outcome) for outcome in outcomes]
        errors += wrong
    if errors:
        raise errors[0] if len(errors) == 1 else SeveralError(errors)
    return _in_order(kinds, parts)


def _in_order(kinds: Sequence[Operations], parts: Sequence[Part]) -> list[Part]:
    """First what others wait for. Raises an error when they wait for each other."""
    waiting: dict[tuple[str, str], list[tuple[str, str]]] = {part.key: [] for part in parts}
    for operations in kinds:
        alike = operations.waits([part.outcome for part in parts if part.operations is operations])
        waiting.update({(operations.kind, name): [(operations.kind, one) for one in alike[name]] for name in alike})
    claims = {part.key: part.operations.claims(part.outcome) for part in parts}
    for one, mine in claims.items():
        waiting[one] += [other for other, theirs in claims.items() if other != one and mine.wait_for(theirs)]
    by_key = {part.key: part for part in parts}
    try:
        return [by_key[key] for key in TopologicalSorter(waiting).static_order()]
    except CycleError as error:
        stuck = dict.fromkeys(error.args[1])
    # What comes later in a job can be changed in a task of its own.
    last = [operations for operations in kinds if any(kind == operations.kind for kind, _name in stuck)][-1]
    names = [name for kind, name in stuck if kind == last.kind]
    raise last.deadlock(names, sorted(name for kind, name in stuck if kind != last.kind))


def transact(job: Sequence[Resource], before_apply: Callable[[list[Any]], object]) -> list[Any]:
    """Carries the plans out, verifies that nothing is left to do, and on any failure rolls everything back."""

    def attempt() -> list[Any]:
        parts = prepare(job, False)
        before_apply([part.outcome for part in parts])
        return _carry_out(parts)

    return retry_on_conflict(attempt)


def retry_on_conflict(attempt: Callable[[], list[Any]]) -> list[Any]:
    """Observes and plans again when a program that does not take the lock changes something at the same time."""
    for _attempt in range(ATTEMPTS):
        try:
            return attempt()
        except MeanwhileError:
            continue
    return attempt()


def _carry_out(parts: Sequence[Part]) -> list[Any]:
    """Carries out all steps and verifies the result; on any failure rolls all that was touched back."""
    done: list[tuple[Part, list[Any]]] = []
    try:
        for part in parts:
            tried: list[Any] = []
            done.append((part, tried))
            for step in part.outcome.plan.steps:
                tried.append(step)
                part.operations.apply(part.outcome, step, tried[:-1])
        return _verified(parts)
    except BaseException as error:
        if isinstance(error, MeanwhileError):
            done[-1][1].pop()  # the step that found out has done nothing
        why = [part.operations.explain(tried[-1], error) for part, tried in done[-1:] if tried]
        notes = [_undo(part, tried, error) for part, tried in reversed(done) if tried]
        if isinstance(error, MeanwhileError) or not isinstance(error, NetworkError) or not notes:
            raise
        raise ApplyError("; ".join(filter(None, (str(error), *why, *notes)))) from error


def _verified(parts: Sequence[Part]) -> list[Any]:
    """What became of all things, those first that the others were changed for."""
    after: dict[tuple[str, str], Any] = {}
    for operations in reversed(list(dict.fromkeys(part.operations for part in parts))):
        mine = [part for part in parts if part.operations is operations]
        found = operations.verified([part.outcome for part in mine])
        after.update(zip((part.key for part in mine), found))
    return [after[part.key] for part in parts]


def _undo(part: Part, tried: Sequence[Any], error: BaseException) -> str:
    """Rolls one thing back and says how that went."""
    try:
        return part.operations.undo(part.outcome, tried, error)
    except MeanwhileError:
        raise
    except NetworkError as failure:
        subject, definition, guests = part.operations.remains(part.outcome)
        disconnected = f"; guests that may be disconnected: {', '.join(guests)}" if guests else ""
        next_run = "run the task again when libvirt answers, it does the rest"
        was = f"its definition was: {definition!r}"
        return f"{subject} could not be rolled back ({failure}){disconnected}; {next_run}; {was}"
