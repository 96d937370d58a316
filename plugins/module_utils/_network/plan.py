# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The planner: from what is and what is wanted to the steps between them, the least disturbing first. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .._errors.errors import InUseError, InvalidNetworkError
from .._errors.readable import some
from .._schema.network import NetworkDefinition
from .._values.desired import Desired, Policy
from .._values.observed import Guest, Observed
from .._values.outcome import Plan
from .._values.steps import Define, Item, Return, SetAutostart, Start, Step, Stop, Undefine, Update
from .._xml.definition import ABSENT, Definition
from .._xml.diff import Change, compare
from .live import Call, at_once, is_delete, seconds_of, split
from .restart import obstacle, repair, rescue, restart_steps, running_guests
from .target import NOTHING, pending, targets

# Live calls that take longer than this together, in seconds, disturb more than the one stop and start of a network
# without guests, which takes half a second.
WORTH_A_RESTART = 3.0
# So many calls for the persistent config alone, 2 ms each, cost more than the small risk of one definition for all.
CALLS_WORTH_A_DEFINITION = 50


class _Task(NamedTuple):
    """What the planner works with; ``saved`` are the changes of the persistent config."""

    desired: Desired
    observed: Observed
    policy: Policy
    version: int
    plan: Plan
    saved: Sequence[Change]


def plan_network(desired: Desired, observed: Observed, policy: Policy, version: int = 0) -> Plan:
    """The plan for one network. Raises InUseError when it would disconnect guests and the policy does not allow it."""
    if not desired.present:
        return _plan_absent(observed, policy)
    if desired.restarted and policy.restart == "never":
        raise InvalidNetworkError(desired.name, ["state=restarted and restart=never exclude each other"])
    task = _task(desired, observed, policy, version)
    plan = _CASES[observed.active, observed.active if desired.active is None else desired.active](task)
    if desired.autostart not in (None, observed.autostart):
        plan = plan._replace(steps=(*plan.steps, SetAutostart(observed.name, bool(desired.autostart))))
    return plan.with_notes(_bridge_renamed(observed, plan), [])


def _task(desired: Desired, observed: Observed, policy: Policy, version: int) -> _Task:
    aims = targets(desired, observed)
    changes = compare(observed.saved or NOTHING, aims.saved.definition) if aims.saved.differs else []
    saved = changes if changes or observed.persistent else [Change("persistent", False, True)]
    if desired.edit and not observed.persistent:
        saved = []  # entries of a network that only runs go with it
    after = aims.saved.definition if saved and changes else observed.saved
    plan = Plan(observed.name, before=observed.saved, after=after, targets=aims)
    return _Task(desired, observed, policy, version, plan, saved)


def _left_off(task: _Task) -> Plan:
    return task.plan._replace(steps=tuple(_save(task, "next_start")))


def _started(task: _Task) -> Plan:
    observed, plan = task.observed, task.plan
    back = repair(observed, plan.after, task.policy.restart == "replug")
    return plan._replace(steps=(*_save(task, "live"), Start(observed.name), *back))


def _stopped(task: _Task) -> Plan:
    observed = task.observed
    lost, warnings = _lost(task, "live")
    plan = task.plan.with_notes([*warnings, *_left_without(observed, "stopped")], [])
    return plan._replace(steps=(*_save(task, "next_start"), *_stop(observed, task.policy, lost)))


def _changed(task: _Task) -> Plan:
    """What goes live, what needs a restart, and whether it may."""
    desired, observed, live = task.desired, task.observed, task.plan.targets.live.definition
    calls, rest = split(observed.name, observed.live.spec, compare(observed.live, live), task.version)
    restart = "replug" if desired.restarted else task.policy.restart
    # A network that only runs, and whose entries are wanted, would be gone with a stop.
    kept = observed.persistent or not desired.edit
    may = kept and _MAY_RESTART[restart][bool(running_guests(observed))]
    if may and (rest or desired.restarted or _better_restarted(task, calls)):
        return _restarted(task)
    plan = task.plan.with_notes(_waiting(observed, rest, kept) if restart != "never" else [], [])
    steps = (*_save(task, "next_start", calls), *repair(observed, observed.live, restart == "replug"))
    return plan._replace(steps=steps, restart_required=bool(rest))


def _restarted(task: _Task) -> Plan:
    observed, live = task.observed, task.plan.targets.live.definition
    hindered = obstacle(observed, live)
    if hindered:
        raise InUseError(
            f"Cannot restart network {observed.name!r} under running guests ({_names(running_guests(observed))}): "
            f"{hindered}; shut them down, or use restart=never to save the change for the next start"
        )
    lost, warnings = _lost(task, "restart")
    steps = (*_save(task, "restart"), *restart_steps(observed, live, lost))
    return task.plan._replace(steps=steps).with_notes(warnings, [])


# What a network takes that is to be there, by whether it runs and whether it is to run.
_CASES = {
    (False, False): _left_off,  # save
    (False, True): _started,  # save, start, reattach NICs
    (True, False): _stopped,  # save, stop
    (True, True): _changed,  # save and change live, or save and restart, with NICs out of the way
}
# Whether a running network may be restarted, by what the task allows: without running guests on it, and with some.
_MAY_RESTART = {"never": (False, False), "idle": (True, False), "replug": (True, True)}


def _save(task: _Task, effect: str, calls: Sequence[Call] = ()) -> list[Step]:
    """The steps for the persistent config, together with these calls for the live one."""
    observed, plan = task.observed, task.plan
    if task.desired.edit and task.saved:
        own, rest = split(observed.name, observed.saved.spec, task.saved, task.version)
        steps = at_once(own, calls, effect)
        if not rest and len(steps) - len(calls) <= CALLS_WORTH_A_DEFINITION:
            return _whole(task, steps, calls) if len({is_delete(step) for step in steps}) > 1 else [*steps]
    live = {item.path for call in calls for item in call.items}
    items = tuple(
        Item(change.path, change.before, change.after, "live" if change.path in live else effect)
        for change in task.saved
    )
    return [*([Define(observed.name, items, plan.after, observed.saved)] if items else []), *calls]


def _whole(task: _Task, steps: Sequence[Step], live: Sequence[Call]) -> list[Step]:
    """The same with one definition for the whole persistent config. So an entry that is deleted and added again is
    in one of the two definitions with all that it has, even when the task is killed, and the next one takes it from
    there."""
    parts = tuple(
        step._replace(scope="saved", items=step.items if step.scope == "saved" else ())
        for step in steps
        if isinstance(step, Update) and step.scope != "live"
    )
    items = tuple(item for part in parts for item in part.items)
    return [Define(task.observed.name, items, task.plan.after, task.observed.saved, parts), *live]


def _waiting(observed: Observed, rest: Sequence[Change], kept: bool) -> list[str]:
    """A warning of what waits for a restart."""
    guests = running_guests(observed)
    why = (
        f"running guests use it: {_names(guests)}; restart=replug moves their NICs aside and restarts it"
        if guests and kept
        else "it is transient and a stop would delete it; virt_network makes it persistent"
    )
    where = f"Network {observed.name!r} needs a restart for {_paths(rest)} to take effect"
    return [f"{where}, and was left running because {why}"] if rest else []


def _lost(task: _Task, effect: str) -> tuple[tuple[Item, ...], list[str]]:
    """What else of the running network becomes as it is saved once it stops, and a warning of what is lost by that."""
    live, plan = task.observed.live, task.plan
    asked = {change.path for change in (*task.saved, *compare(live, plan.targets.live.definition))}
    more = [change for change in pending(live, plan.after) if change.path not in asked]
    gone = [change for change in more if change.after is None]
    warning = f"Network {plan.network!r} loses what only the running network has: {_paths(gone)}"
    return tuple(Item(one.path, one.before, one.after, effect) for one in more), [warning] * bool(gone)


def _left_without(observed: Observed, what: str) -> list[str]:
    """A warning of guests that need the network for their next start."""
    guests = [guest for guest in observed.guests or () if not guest.running]
    where = (
        f"Network {observed.name!r} is {what}, and guests have NICs on it in their persistent config ({_names(guests)})"
    )
    return [f"{where}: they do not start without it"] if guests else []


def _bridge_renamed(observed: Observed, plan: Plan) -> list[str]:
    """A warning of guests that name the bridge and not the network."""
    before, after = (xml.spec.get("bridge", {}).get("name") for xml in (observed.saved, plan.after))
    guests = [guest for guest in observed.guests or () if guest.by_bridge]
    if not guests or not before or before == after:
        return []
    where = f"Network {observed.name!r} has no longer the bridge {before}, which NICs of guests name ({_names(guests)})"
    return [f"{where}: change their source to the network, with virt_iface"]


def _better_restarted(task: _Task, calls: Sequence[Call]) -> bool:
    """Whether one restart disturbs less than these calls, and brings nothing else about: nothing is lost that only
    runs, nothing takes effect that was saved for the next start on purpose."""
    if seconds_of(calls, task.observed.live.spec) <= WORTH_A_RESTART:
        return False
    saved, live = task.plan.targets
    return task.observed.persistent and not compare(live.definition, saved.definition)


def _plan_absent(observed: Observed, policy: Policy) -> Plan:
    steps: list[Step] = []
    if observed.active:
        steps += _stop(observed, policy)
    elif observed.parking and running_guests(observed):
        raise InUseError(
            f"Cannot delete network {observed.name!r}: since a task was killed, NICs of running guests wait for it "
            f"({_names(running_guests(observed))}); start it once, which plugs them in"
        )
    if observed.persistent:
        steps.append(Undefine(observed.name))
    warnings = _left_without(observed, "deleted") if steps else []
    return Plan(observed.name, tuple(steps), before=observed.saved, warnings=tuple(warnings))


def _stop(observed: Observed, policy: Policy, lost: tuple[Item, ...] = ()) -> list[Step]:
    guests = running_guests(observed)
    if guests and not policy.force:
        raise InUseError(
            f"Cannot stop network {observed.name!r}: running guests use it ({_names(guests)}) and would lose their "
            "connection; shut them down, move their NICs to another network, or say force=true"
        )
    stop = Stop(observed.name)
    return [*repair(observed, observed.live, False), stop._replace(items=(*stop.items, *lost))]


def _names(guests: Sequence[Guest]) -> str:
    return ", ".join(guest.name for guest in guests)


def _paths(changes: Sequence[Change]) -> str:
    return some([change.path for change in changes])


def plan_restore(before: Observed, now: Observed, version: int = 0) -> list[Step]:
    """The steps that bring a network back to what it was: definition, running state and contents, autostart."""
    if not before.saved:
        gone: list[Step] = [Stop(now.name)] if now.active else []
        return gone + ([Undefine(now.name)] if now.persistent else [])
    steps, saved = _restore_live(before, now, version)
    # A live config that was saved on the way holds what libvirt had generated, such as the ports of NAT.
    written = any(isinstance(step, Define) for step in steps) and saved != before.saved
    if before.persistent and (not saved or written or compare(saved, before.saved)):
        steps.append(_back("definition", before, before.saved))
    if not before.persistent and saved:
        steps.append(Undefine(before.name))
    autostart = now.autostart if now.persistent else False
    if before.persistent and autostart != before.autostart:
        steps.append(SetAutostart(before.name, before.autostart))
    moved = any(isinstance(step, Return) for step in steps)
    return [*steps, *(rescue(before, now) if before.active and not moved else [])]


def _restore_live(before: Observed, now: Observed, version: int) -> tuple[list[Step], Definition]:
    """The steps for the running state, and the persistent config after them."""
    saved = now.saved if now.persistent else ABSENT
    if not before.active:
        # A definition must be there before the stop, or a network that is only running would be gone with it.
        keep = [_back("definition", before, before.saved)] if now.active and not saved else []
        return [*keep, *([Stop(now.name)] if now.active else [])], saved or (before.saved if keep else ABSENT)
    if now.active:
        calls, rest = split(now.name, now.live.spec, compare(now.live, before.live), version)
        if not rest:
            return list(calls), saved
    live = NetworkDefinition(tree=before.live.tree)
    again = restart_steps(now, live) if now.active else [Start(before.name)]
    return [_back("live config", before, live), *again], live


def changed_paths(before: Observed, now: Observed) -> set[str]:
    """Where a network's definitions differ from what they were."""
    pairs = ((before.saved, now.saved), (before.live, now.live))
    return {change.path for old, new in pairs for change in compare(old or NOTHING, new or NOTHING)}


def _back(what: str, before: Observed, definition: Definition) -> Define:
    return Define(before.name, (Item(what, "changed", "as before", "live"),), definition)
