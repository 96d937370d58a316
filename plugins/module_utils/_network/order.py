# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several networks in one task: what each finds around it once the others are done, and which of them goes first."""

from __future__ import annotations

from collections.abc import Sequence

from .._errors.errors import InvalidNetworkError
from .._values.observed import Observed
from .._values.outcome import Outcome
from .._values.surroundings import Surroundings
from .conflicts import bridges, taken


def surroundings(outcome: Outcome, outcomes: Sequence[Outcome], around: Surroundings) -> Surroundings:
    """What exists around one network when the others of its task are changed. Bridges that these give up are
    none of the host's own."""
    others = [other for other in outcomes if other is not outcome]
    names = {one.desired.name for one in outcomes}
    networks = [network for network in around.networks if network.name not in names]
    networks += [other.after for other in others if other.after.saved]
    busy = [other for other in others if other.before.active]
    given_up = {name for other in busy for name in bridges(other.before) - bridges(other.after)}
    changing = {name for other in busy for name in bridges(other.before) if other.plan.steps}
    devices = around.devices
    if devices is not None:
        devices = {
            # What is routed there afterwards is in the definition.
            name: device._replace(routes=()) if name in changing else device
            for name, device in devices.items()
            if name not in given_up
        }
    return around._replace(networks=tuple(networks), devices=devices)


def waits(outcomes: Sequence[Outcome]) -> dict[str, list[str]]:
    """Which networks wait for which others: for one that gives up the bridge, subnet or route that they take."""
    busy = [outcome for outcome in outcomes if outcome.plan.steps]
    return {one.desired.name: [other.desired.name for other in busy if _takes(one, other)] for one in outcomes}


def deadlock(names: Sequence[str]) -> InvalidNetworkError:
    """The error for networks that wait for each other."""
    others = ", ".join(repr(other) for other in sorted(names) if other != names[0])
    why = f"it exchanges its bridge, subnet or route with {others}, which takes two tasks: free one of them first"
    return InvalidNetworkError(names[0], [why])


def _takes(one: Outcome, other: Outcome) -> bool:
    """Whether a network takes what another one has and gives up."""
    if one is other or not one.plan.steps or not one.after.saved or other.before == other.after:
        return False
    before, after = _against(one, other.before), _against(one, other.after)
    return any(problem not in after for problem in before)


def _against(one: Outcome, other: Observed) -> list[str]:
    if not other.saved:
        return []
    hard, soft = taken(one.after.saved.spec, [other], one.after.active)
    return [*hard, *soft]
