# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Approves the plan for a network, or refuses it with every problem. What is wrong already, and not by this task, is no
reason to refuse it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .._errors.errors import Caution, InvalidNetworkError
from .._values.host import Host
from .._values.outcome import Outcome, Plan
from .._values.steps import Define, RemoveBridge, Start, Step
from .._values.surroundings import Surroundings
from .._xml.fields import Spec
from .checks import contradictions
from .conflicts import UNCHECKED_HOST, Findings, conflicts, named_alike, refusals, stale_bridge
from .dhcp_checks import guessed
from .needs import needs
from .remarks import new_remarks
from .schema_advice import Advice, advice
from .target import objections


class _Verdict(NamedTuple):
    """What one kind of check says against a plan, and of it."""

    problems: Sequence[str]
    warnings: Sequence[str] = ()
    unchecked: Sequence[str] = ()


def approved(host: Host, outcome: Outcome, around: Surroundings) -> Plan:
    """The plan with its warnings and what was not checked. Raises InvalidNetworkError with every problem."""
    desired, plan, observed, _after = outcome
    against = objections(desired, observed, plan.targets)
    if not desired.present or not (plan.steps or plan.restart_required or against or desired.restarted):
        return plan
    after = plan.after.spec
    definition = _definition(outcome, after, around)
    surroundings = _surroundings(outcome, after, around)
    hindrances = _hindrances(host, outcome, after, around)
    problems = [*against, *definition.problems]
    for verdict in (surroundings, hindrances):
        problems += [problem for problem in verdict.problems if problem not in problems]
    schema = Advice([], [], []) if problems else advice(host, plan.after, observed.saved)
    problems += schema.problems
    if problems:
        raise InvalidNetworkError(desired.name, problems)
    warnings = [*definition.warnings, *schema.warnings, *surroundings.warnings]
    named = [f"Network {desired.name!r}: {warning}" for warning in warnings]
    return _unobstructed(outcome, around).with_notes(named, [*hindrances.unchecked, *schema.unchecked])


def _definition(outcome: Outcome, after: Spec, around: Surroundings) -> _Verdict:
    """What is wrong or odd about what was asked for and the definition that it leads to."""
    desired, plan, observed, _after = outcome
    new, uuid = new_remarks(desired, observed, plan, around.version), observed.saved.spec.get("uuid")
    problems = [*contradictions(desired.spec), *(remark for remark in new if not isinstance(remark, Caution))]
    problems += guessed(plan.after, observed.saved) if not desired.xml else []
    if uuid not in (None, after.get("uuid")):
        problems.append(f"uuid of an existing network cannot change from {uuid}: delete the network first")
    return _Verdict(problems, [remark for remark in new if isinstance(remark, Caution)])


def _surroundings(outcome: Outcome, after: Spec, around: Surroundings) -> _Verdict:
    """What other networks and devices of the host are in the way, and were not so far."""
    desired, _plan, observed, _after = outcome
    active = observed.active if desired.active is None else desired.active
    found, known = conflicts(after, observed, active, around), Findings([], [])
    # At a start everything counts: until then it did no harm.
    if observed.saved and not (active and not observed.active):
        known = conflicts(observed.saved.spec, observed, observed.active, around)
    return _Verdict(
        [problem for problem in found.problems if problem not in known.problems],
        [warning for warning in found.warnings if warning not in known.warnings],
    )


def _hindrances(host: Host, outcome: Outcome, after: Spec, around: Surroundings) -> _Verdict:
    """What keeps libvirt from doing this, however long it has been so, and what was not checked."""
    _desired, plan, observed, _after = outcome
    starts = any(isinstance(step, Start) for step in plan.steps)
    defines = any(isinstance(step, Define) for step in plan.steps)
    refused = list(dict.fromkeys(named_alike(after, around.networks))) if defines else []
    stale = stale_bridge(observed, around.devices or {})
    left = around.devices[stale].addresses if around.devices and stale else ()
    # Who has the same address is in the way as a network, or gives it up in this task.
    held = {*around.held, *(address.partition("/")[0] for address in left)}
    lack = host.lacks(needs(after, held, starts))
    if around.devices is None or lack is None:
        return _Verdict(refused, unchecked=[UNCHECKED_HOST])
    if starts:
        refused += refusals(after, observed, around.devices)
    return _Verdict([*refused, *lack.problems], unchecked=lack.unchecked)


def _unobstructed(outcome: Outcome, around: Surroundings) -> Plan:
    """The plan that first removes what a killed daemon left behind, where it starts the network."""
    desired, plan, observed, _after = outcome
    active = observed.active if desired.active is None else desired.active
    stale = stale_bridge(observed, around.devices or {}) if active else ""
    return plan._replace(steps=without_stale_bridge(plan.steps, plan.network, stale)) if stale else plan


def without_stale_bridge(steps: Sequence[Step], network: str, bridge: str) -> tuple[Step, ...]:
    """The steps with one that removes a bridge before the network starts."""
    place = next((index for index, step in enumerate(steps) if isinstance(step, Start)), len(steps))
    return (*steps[:place], RemoveBridge(network, bridge), *steps[place:])
