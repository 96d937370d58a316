# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the conductor that only a change needs: check everything, carry the plans out, verify, put back."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Callable

from .._errors.errors import (
    Caution,
    InUseError,
    InvalidNetworkError,
    InvalidNicsError,
    LibvirtError,
    LostError,
    MeanwhileError,
    NetworkError,
    SeveralError,
    StoppedError,
    VerifyError,
)
from .._network.checks import contradictions
from .._network.conflicts import UNCHECKED_HOST, Findings, conflicts, named_alike, refusals, stale_bridge
from .._network.dhcp_checks import guessed
from .._network.live import took_effect
from .._network.loss import verify
from .._network.needs import needs
from .._network.order import in_order, surroundings, waits
from .._network.plan import changed_paths, plan_network, plan_restore
from .._network.remarks import new_remarks
from .._network.schema_advice import Advice, advice
from .._network.target import objections, spec_of
from .._schema.network import NETWORK
from .._values.desired import Desired, Policy
from .._values.host import Host
from .._values.observed import Device, Observed
from .._values.outcome import Outcome, Plan
from .._values.steps import Define, RemoveBridge, Start, Step, Update, report, updates
from .._values.surroundings import Surroundings
from .._xml.codec import parse, read_xml
from .._xml.fields import Spec
from .together import Part, again, carry_out


def prepare(host: Host, wanted: Sequence[Desired], policy: Policy) -> list[Outcome]:
    """The plans for all networks, each checked, in the order in which they can be carried out. Raises a NetworkError
    with every problem of every network."""
    outcomes, errors = planned(host, wanted, observe(host, wanted), policy, host.devices())
    refuse(errors)
    by_name = {outcome.desired.name: outcome for outcome in outcomes}
    return [by_name[name] for name in in_order(waits(outcomes))]


def planned(
    host: Host,
    wanted: Sequence[Desired],
    there: Sequence[Observed],
    policy: Policy,
    devices: dict[str, Device] | None,
) -> tuple[list[Outcome], list[NetworkError]]:
    """The plans for networks that are as they are there, each checked, and what is wrong."""
    networks, version = tuple(host.networks()), host.api_version()
    held = tuple(item.get("address", "") for one in networks for item in spec_of(one.live).get("ips", []))
    around = Surroundings(networks, devices, host.version(), held)
    outcomes: list[Outcome] = []
    errors: list[NetworkError] = []
    for desired, observed in zip(wanted, there):
        with collected(errors):
            plan = plan_network(desired, observed, policy, version)
            outcomes.append(Outcome(desired, plan, observed, _foreseen(desired, observed, plan)))
    checked = []
    for outcome in outcomes:
        with collected(errors):
            checked.append(outcome._replace(plan=_checked(host, outcome, surroundings(outcome, outcomes, around))))
    return checked, errors


def refuse(errors: Sequence[NetworkError]) -> None:
    """Raises everything that is wrong as one error."""
    if errors:
        raise errors[0] if len(errors) == 1 else SeveralError(errors)


def observe(host: Host, wanted: Sequence[Desired]) -> list[Observed]:
    """The networks as they are, with their guests."""
    users = host.guests()
    return [host.observe(desired.name)._replace(guests=users.get(desired.name, ())) for desired in wanted]


@contextlib.contextmanager
def collected(errors: list[NetworkError]) -> Iterator[None]:
    """Keeps what is wrong with one of several things."""
    try:
        yield
    except (InvalidNetworkError, InvalidNicsError, InUseError) as error:
        errors.append(error)


def _foreseen(desired: Desired, observed: Observed, plan: Plan) -> Observed:
    """How the network would be after the plan, as far as that can be told."""
    if not desired.present:
        return Observed(desired.name)
    active = observed.active if desired.active is None else desired.active
    starts = any(isinstance(step, Start) for step in plan.steps)
    return observed._replace(
        saved=plan.after,
        live=(plan.after if starts else observed.live) if active else "",
        autostart=observed.autostart if desired.autostart is None else desired.autostart,
        persistent=observed.persistent or desired.edit is None,
    )


def _checked(host: Host, outcome: Outcome, around: Surroundings) -> Plan:
    """The plan with what a user shall know. What is wrong already, and not by this task, is no reason to refuse it."""
    desired, plan, observed, _after = outcome
    against = objections(desired, observed)
    if not desired.present or not (plan.steps or plan.restart_required or against or desired.bounce):
        return plan
    after, before = parse(read_xml(plan.after or "<network/>"), NETWORK), spec_of(observed.saved)
    new = new_remarks(desired, observed, plan, around.version)
    found = [*against, *contradictions(desired.spec), *(remark for remark in new if not isinstance(remark, Caution))]
    found += guessed(plan.after, observed.saved) if not desired.xml else []
    if before.get("uuid") not in (None, after.get("uuid")):
        found.append(f"uuid of an existing network cannot change from {before['uuid']}: delete the network first")
    active = observed.active if desired.active is None else desired.active
    findings = conflicts(after, observed, active, around)
    # At a start everything counts: until then it did no harm.
    starts = active and not observed.active
    known = conflicts(before, observed, observed.active, around) if observed.saved and not starts else Findings([], [])
    found += [problem for problem in findings.problems if problem not in known.problems]
    hindered, unchecked = _hindrances(host, plan, observed, after, around)
    found += [problem for problem in hindered if problem not in found]
    schema = Advice([], [], []) if found else advice(host, plan.after, observed.saved)
    found += schema.problems
    if found:
        raise InvalidNetworkError(desired.name, found)
    if findings.stale_bridge:
        plan = plan._replace(steps=_without_stale_bridge(plan.steps, plan.network, findings.stale_bridge))
    warnings = [*(remark for remark in new if isinstance(remark, Caution)), *schema.warnings]
    warnings += [warning for warning in findings.warnings if warning not in known.warnings]
    told = [f"Network {desired.name!r}: {warning}" for warning in warnings]
    return plan.with_notes(told, [*unchecked, *schema.unchecked])


def _hindrances(
    host: Host, plan: Plan, observed: Observed, after: Spec, around: Surroundings
) -> tuple[list[str], list[str]]:
    """What keeps libvirt from doing this, however long it has been so, and what was not checked."""
    starts = any(isinstance(step, Start) for step in plan.steps)
    defines = any(isinstance(step, Define) for step in plan.steps)
    refused = list(dict.fromkeys(named_alike(after, around.networks))) if defines else []
    stale = stale_bridge(observed, around.devices or {})
    left = around.devices[stale].addresses if around.devices and stale else ()
    # Who has the same address is in the way as a network, or gives it up in this task.
    held = {*around.held, *(address.partition("/")[0] for address in left)}
    lack = host.lacks(needs(after, held, starts))
    if around.devices is None or lack is None:
        return refused, [UNCHECKED_HOST]
    if starts:
        refused += refusals(after, observed, around.devices)
    return [*refused, *lack.problems], lack.unchecked


def _without_stale_bridge(steps: Sequence[Step], network: str, bridge: str) -> tuple[Step, ...]:
    place = next((index for index, step in enumerate(steps) if isinstance(step, Start)), len(steps))
    return (*steps[:place], RemoveBridge(network, bridge), *steps[place:])


def transact(
    host: Host, wanted: Sequence[Desired], policy: Policy, about_to: Callable[[list[Outcome]], object]
) -> list[Outcome]:
    """Carries the plans out, verifies that nothing is left to do, and on any failure puts every network back."""

    def attempt() -> list[Outcome]:
        outcomes = prepare(host, wanted, policy)
        about_to(outcomes)
        return carry_out([part_of(host, one) for one in outcomes], lambda: verified(host, policy, outcomes))

    return again(attempt)


def part_of(host: Host, outcome: Outcome) -> Part:
    """A network's plan, to be carried out together with others."""
    return Part(outcome.plan.steps, host.apply, partial(_put_back, host, outcome), partial(_why, host))


def verified(host: Host, policy: Policy, outcomes: Sequence[Outcome]) -> list[Outcome]:
    """What has become of the networks. Raises VerifyError where something is left to do."""
    after = observe(host, [outcome.desired for outcome in outcomes])
    return [_verified(host, policy, *pair) for pair in zip(outcomes, after)]


def _why(host: Host, tried: list[Step], error: BaseException) -> str:
    """What a diagnosis says of a network that libvirt could not start."""
    if not (isinstance(error, LibvirtError) and tried and isinstance(tried[-1], Start)):
        return ""
    from .._diagnosis.check import explain

    with contextlib.suppress(NetworkError):
        return explain(host.look(), host.networks(), tried[-1].network, host.version())
    return ""


def _verified(host: Host, policy: Policy, outcome: Outcome, after: Observed) -> Outcome:
    if not outcome.plan.steps:
        return outcome
    desired = outcome.desired._replace(bounce=False)
    left = report(plan_network(desired, after, policy, host.api_version()).steps)
    verify(outcome.plan, outcome.before, after, [row["path"] for row in left])
    return outcome._replace(after=after)


def _put_back(host: Host, outcome: Outcome, tried: list[Step], error: BaseException) -> str:
    """Restores one network and says how that went."""
    before = outcome.before
    try:
        single = outcome.desired.edit and all(map(updates, tried))
        if single and not isinstance(error, LostError):
            return _take_back(host, before, tried, error)
        version, now = host.api_version(), observe(host, [outcome.desired])[0]
        steps = _way_back(host, before, now, plan_restore(before, now, version))
        for step in steps:
            host.apply(step)
        left = plan_restore(before, observe(host, [outcome.desired])[0], version)
    except MeanwhileError:
        raise
    except NetworkError as failure:
        return _not_put_back(before, failure)
    if left:
        paths = ", ".join(dict.fromkeys(row["path"] for row in report(left)))
        return f"network {before.name!r} could not be put back entirely ({paths} differ)"
    what = "put back as it was" if before.saved else "removed again"
    note = f"network {before.name!r} was {what if steps else 'not changed'}"
    cleared = any(isinstance(step, RemoveBridge) for step in tried[:-1])
    return f"{note}, but the bridge that a killed daemon left behind is gone" if cleared else note


def _way_back(host: Host, before: Observed, now: Observed, steps: Sequence[Step]) -> Sequence[Step]:
    """The steps without what stands in their way: bridges of a daemon that has died in the middle of the task."""
    devices = {} if now.active else host.devices() or {}
    for bridge in {stale_bridge(one._replace(live=""), devices) for one in (before, now)} - {""}:
        steps = _without_stale_bridge(steps, before.name, bridge)
    return steps


def _not_put_back(before: Observed, failure: NetworkError) -> str:
    guests = ", ".join(guest.name for guest in before.guests or () if guest.running)
    cut_off = f"; guests that may be disconnected: {guests}" if guests else ""
    next_run = "run the task again when libvirt answers, it does the rest"
    return (
        f"network {before.name!r} could not be put back ({failure}){cut_off}; {next_run}; its definition was: "
        f"{before.saved!r}"
    )


def _take_back(host: Host, before: Observed, tried: list[Step], error: BaseException) -> str:
    """Takes single entries back one by one, so that those of somebody else stay."""
    undo = [step for step in reversed(tried) if isinstance(step, (Define, Update))]
    # libvirt can refuse a call, and can also carry it out and fail afterwards.
    if isinstance(error, (LibvirtError, StoppedError)) and not took_effect(undo[0], host.observe(before.name)):
        undo.pop(0)
    for part in (part for step in undo for part in reversed(updates(step))):
        host.apply(part.inverse())
    if isinstance(error, LibvirtError) and changed_paths(before, host.observe(before.name)):
        raise MeanwhileError(f"{error}; somebody else changes network {before.name!r} at the same time") from error
    left = changed_paths(before, host.observe(before.name)) if isinstance(error, VerifyError) else ()
    note = f"network {before.name!r} was put back as it was"
    return f"{note}, but for what somebody else may have changed ({', '.join(sorted(left))})" if left else note
