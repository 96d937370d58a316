# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries out the plans of several things, all or none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Callable, NamedTuple, TypeVar

from .._errors.errors import ApplyError, MeanwhileError, NetworkError

# How often it looks and plans again because of somebody else.
ATTEMPTS = 5
Result = TypeVar("Result")


def _nothing(_tried: list[Any], _error: BaseException) -> str:
    return ""


class Part(NamedTuple):
    """One of the things: its steps, what carries out one of them, what undoes those that were tried because of an
    error, and says how that went, and what else can be said of the error before that."""

    steps: Sequence[Any]
    apply: Callable[[Any], object]
    put_back: Callable[[list[Any], BaseException], str]
    explain: Callable[[list[Any], BaseException], str] = _nothing


def carry_out(parts: Sequence[Part], verify: Callable[[], Result]) -> Result:
    """Carries out all steps and verifies what came of them; on any failure puts all that was touched back."""
    done: list[tuple[Part, list[Any]]] = []
    try:
        for part in parts:
            tried: list[Any] = []
            done.append((part, tried))
            for step in part.steps:
                tried.append(step)
                part.apply(step)
        return verify()
    except BaseException as error:
        if isinstance(error, MeanwhileError):
            done[-1][1].pop()  # the step that found out has done nothing
        why = done[-1][0].explain(done[-1][1], error) if done else ""
        notes = [part.put_back(tried, error) for part, tried in reversed(done) if tried]
        if isinstance(error, MeanwhileError) or not isinstance(error, NetworkError) or not notes:
            raise
        raise ApplyError("; ".join(filter(None, (str(error), why, *notes)))) from error


def again(attempt: Callable[[], Result]) -> Result:
    """Where somebody else, who knows nothing of the lock, changed a network meanwhile, it looks and plans again."""
    for _attempt in range(ATTEMPTS):
        try:
            return attempt()
        except MeanwhileError:
            continue
    return attempt()
