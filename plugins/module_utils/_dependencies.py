# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several networks in one task: what each finds around it once the others are done, and which of them goes first."""

from __future__ import annotations

from collections.abc import Sequence
from graphlib import CycleError, TopologicalSorter

from ansible_collections.virtfleet.network.plugins.module_utils._conflicts import bridges, conflicts
from ansible_collections.virtfleet.network.plugins.module_utils._converge import Outcome
from ansible_collections.virtfleet.network.plugins.module_utils._errors import InvalidNetworkError
from ansible_collections.virtfleet.network.plugins.module_utils._state import Observed, Surroundings
from ansible_collections.virtfleet.network.plugins.module_utils._target import spec_of


def surroundings(outcome: Outcome, outcomes: Sequence[Outcome], around: Surroundings) -> Surroundings:
    """What there is around one network when the others of its task are as they shall be. Bridges that these give up are
    none of the host's own."""
    others = [other for other in outcomes if other is not outcome]
    names = {one.desired.name for one in outcomes}
    networks = [network for network in around.networks if network.name not in names]
    networks += [other.after for other in others if other.after.saved]
    busy = [other for other in others if other.before.active]
    given_up = {name for other in busy for name in bridges(other.before) - bridges(other.after)}
    devices = around.devices
    if devices is not None:
        devices = {name: device for name, device in devices.items() if name not in given_up}
    return around._replace(networks=tuple(networks), devices=devices)


def in_order(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """First what others wait for: a network that gives up the bridge, subnet or route that another one takes.

    Raises InvalidNetworkError when two exchange them.
    """
    by_name = {outcome.desired.name: outcome for outcome in outcomes}
    busy = [outcome for outcome in outcomes if outcome.plan.steps]
    waits = {one.desired.name: [other.desired.name for other in busy if _takes(one, other)] for one in outcomes}
    try:
        return [by_name[name] for name in TopologicalSorter(waits).static_order()]
    except CycleError as error:
        names = error.args[1]
        others = ", ".join(repr(name) for name in sorted({*names} - {names[0]}))
        why = f"it exchanges its bridge, subnet or route with {others}, which takes two tasks: free one of them first"
        raise InvalidNetworkError(names[0], [why]) from None


def _takes(one: Outcome, other: Outcome) -> bool:
    """Whether a network takes what another one has and gives up."""
    if one is other or not one.plan.steps or not one.after.saved or other.before == other.after:
        return False
    before, after = _against(one, other.before), _against(one, other.after)
    return any(problem not in after for problem in before)


def _against(one: Outcome, other: Observed) -> list[str]:
    if not other.saved:
        return []
    found = conflicts(spec_of(one.after.saved), one.before, one.after.active, Surroundings((other,)))
    return [*found.problems, *found.warnings]
