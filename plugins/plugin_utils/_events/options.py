# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a source of events: which hypervisors it watches, and how."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from ...module_utils._errors.errors import PlanError
from ...module_utils._hypervisor.watch import GUEST, NETWORK
from .._guests.sources import Source, distinct, given

KINDS = {"networks": NETWORK, "guests": GUEST}
SECONDS = {"interval": 30.0, "timeout": 20.0, "retry": 60.0}
# ansible-rulebook's own, for every source.
_OTHERS = ("eda_feedback_queue",)


class Options(NamedTuple):
    """The hypervisors, what of them is watched, the seconds between two looks at all of it, those that an answer may
    take, and those between two attempts to connect, at most."""

    sources: list[Source]
    kinds: tuple[str, ...]
    interval: float
    timeout: float
    retry: float


def options(arguments: Mapping[str, Any]) -> Options:
    """The options of what a rulebook says; raises PlanError."""
    known = ("hypervisors", "watch", *SECONDS)
    if unknown := sorted(set(arguments) - {*known, *_OTHERS}):
        raise PlanError(f"Cannot watch hypervisors: the source takes {', '.join(known)}, not {', '.join(unknown)}")
    hypervisors, watch = arguments.get("hypervisors"), arguments.get("watch", list(KINDS))
    if not isinstance(hypervisors, list) or not hypervisors:
        raise PlanError("Cannot watch hypervisors: hypervisors must be a list of URIs, like qemu+ssh://root@hv1/system")
    if not isinstance(watch, list) or not watch or [one for one in watch if one not in KINDS]:
        raise PlanError(f"Cannot watch hypervisors: watch must be a list of {' and '.join(KINDS)}, not {watch!r}")
    sources = distinct(given(hypervisors))
    if wrong := [f"{one.name}: {one.wrong}" for one in sources if one.wrong]:
        raise PlanError(f"Cannot watch hypervisors: their URIs cannot be used: {'; '.join(wrong)}")
    return Options(
        sources,
        tuple(kind for name, kind in KINDS.items() if name in watch),
        *(_seconds(arguments, name) for name in SECONDS),
    )


def _seconds(arguments: Mapping[str, Any], name: str) -> float:
    try:
        seconds = float(arguments.get(name, SECONDS[name]))
    except (TypeError, ValueError):
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds > 0):
        raise PlanError(f"Cannot watch hypervisors: {name} must be seconds, more than 0, not {arguments[name]!r}")
    return seconds
