# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks as a resource of the conductor, where they change: observe, plan, apply, verify, roll back."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Callable

from .._errors.collected import collected
from .._errors.errors import LibvirtError, LostError, NetworkError
from .._values.desired import Desired, Policy
from .._values.host import Host
from .._values.observed import Device, Observed
from .._values.outcome import Outcome, Plan
from .._values.resource import Claims, Draft, Leaving, Observation, Remains, World
from .._values.steps import Park, RemoveBridge, Start, Step, Stop, report, updates
from .._values.surroundings import Surroundings
from .._xml.definition import ABSENT
from .approval import approved, without_stale_bridge
from .conflicts import bridges, stale_bridge
from .loss import verify
from .order import deadlock, surroundings, waits
from .plan import plan_network, plan_restore
from .target import build
from .undo import roll_back_entries

BRIDGE = Device(True, "", {}, ())


class NetworkOperations:
    """What changes networks."""

    kind = "network"

    def __init__(
        self,
        host: Host,
        wanted: Sequence[Desired],
        policy: Policy,
        bridges_to_come: Sequence[str],
        explain: Callable[[Host, str], str],
    ) -> None:
        self.host, self.wanted, self.policy = host, wanted, policy
        self._to_come, self._explain = bridges_to_come, explain
        self._names = [desired.name for desired in wanted]

    def observe(self) -> Observation:
        """The networks as they are, with their guests."""
        return Observation(self._observed(self._names))

    def _observed(self, names: Sequence[str]) -> list[Observed]:
        users = self.host.guests()
        return [self.host.observe(name)._replace(guests=users.get(name, ())) for name in names]

    def plan(self, seen: Observation, world: World) -> Draft:
        """The plans for all networks, each checked, every problem, and the networks and bridges afterwards."""
        host, errors = self.host, list[NetworkError]()
        devices = host.devices()
        if devices is not None:
            devices = {**dict.fromkeys(self._to_come, BRIDGE), **devices}
        existing, version = tuple(host.networks()), host.api_version()
        held = tuple(item.get("address", "") for one in existing for item in one.live.spec.get("ips", []))
        around = Surroundings(existing, devices, host.version(), held)
        outcomes: list[Outcome] = []
        for desired, observed in zip(self.wanted, (_left(one, world.leaving) for one in seen.things)):
            with collected(errors):
                plan = plan_network(desired, observed, self.policy, version)
                outcomes.append(Outcome(desired, plan, observed, _foreseen(desired, observed, plan)))
        good: list[Outcome] = []
        for outcome in outcomes:
            with collected(errors):
                plan = approved(host, outcome, surroundings(outcome, outcomes, around))
                good.append(outcome._replace(plan=plan))
        return Draft(good, errors, self._world(good, world))

    def _world(self, outcomes: Sequence[Outcome], world: World) -> World:
        """What NICs find once the networks are as they will be."""
        made = {name for one in outcomes if one.after.active for name in bridges(one.after)}
        given_up = {name for one in outcomes if one.before.active for name in bridges(one.before)} - made
        there = {one.name: _as_nics_see(one) for one in outcomes if one.after.saved}
        return world._replace(
            networks={**dict.fromkeys(self._names), **there},
            removed=frozenset(one.name for one in self.wanted if not one.present),
            bridges=[*(name for name in self._to_come if name not in given_up), *sorted(made)],
            bridges_removed=frozenset(given_up),
        )

    def waits(self, outcomes: Sequence[Outcome]) -> Mapping[str, Sequence[str]]:
        """Which networks wait for which others."""
        return waits(outcomes)

    def claims(self, outcome: Outcome) -> Claims:
        """A network that changes makes itself and its bridge; before it stops, NICs leave it."""
        if not outcome.plan.steps:
            return Claims()
        stops = any(isinstance(step, (Stop, Park)) for step in outcome.plan.steps)
        before, after = ({outcome.name, *bridges(one)} for one in (outcome.before, outcome.after))
        return Claims(makes=frozenset(after), empties=frozenset(before if stops else ()))

    def deadlock(self, names: Sequence[str], _others: Sequence[str]) -> NetworkError:
        """The error for networks that wait for each other."""
        return deadlock(names)

    def apply(self, _outcome: Outcome, step: Step, _earlier: Sequence[Step]) -> None:
        """Carries out one step."""
        self.host.apply(step)

    def verified(self, outcomes: Sequence[Outcome]) -> list[Outcome]:
        """What became of the networks. Raises VerifyError where something is left to do."""
        after = self._observed([outcome.name for outcome in outcomes])
        return [self._verified(*pair) for pair in zip(outcomes, after)]

    def _verified(self, outcome: Outcome, after: Observed) -> Outcome:
        if not outcome.plan.steps:
            return outcome
        desired = outcome.desired._replace(restarted=False)
        left = report(plan_network(desired, after, self.policy, self.host.api_version()).steps)
        verify(outcome.plan, outcome.before, after, [row["path"] for row in left])
        return outcome._replace(after=after)

    def explain(self, step: Step, error: BaseException) -> str:
        """Why libvirt could not start a network."""
        if isinstance(error, LibvirtError) and isinstance(step, Start):
            with contextlib.suppress(NetworkError):
                return self._explain(self.host, step.network)
        return ""

    def undo(self, outcome: Outcome, tried: Sequence[Step], error: BaseException) -> str:
        """Restores one network and says how that went."""
        before = outcome.before
        if outcome.desired.edit and all(map(updates, tried)) and not isinstance(error, LostError):
            with contextlib.suppress(LibvirtError):  # one that shares a key cannot be added to a running network again
                return roll_back_entries(self.host, before, tried, error)
        version, (now,) = self.host.api_version(), self._observed([outcome.name])
        steps = self._way_back(before, now, plan_restore(before, now, version))
        for step in steps:
            self.host.apply(step)
        left = plan_restore(before, self._observed([outcome.name])[0], version)
        if left:
            paths = ", ".join(dict.fromkeys(row["path"] for row in report(left)))
            return f"network {before.name!r} could not be rolled back entirely ({paths} differ)"
        what = "rolled back" if before.saved else "removed again"
        note = f"network {before.name!r} was {what if steps else 'not changed'}"
        cleared = any(isinstance(step, RemoveBridge) for step in tried[:-1])
        return f"{note}, but the bridge that a killed daemon left behind is gone" if cleared else note

    def _way_back(self, before: Observed, now: Observed, steps: Sequence[Step]) -> Sequence[Step]:
        """The steps without obstacles: bridges of a daemon that has died in the middle of the task."""
        devices = {} if now.active else self.host.devices() or {}
        for bridge in {stale_bridge(one._replace(live=ABSENT), devices) for one in (before, now)} - {""}:
            steps = without_stale_bridge(steps, before.name, bridge)
        return steps

    def remains(self, outcome: Outcome) -> Remains:
        """What a user needs when a network could not be restored."""
        before = outcome.before
        guests = [guest.name for guest in before.guests or () if guest.running]
        return Remains(f"network {before.name!r}", before.saved.text, guests)


def _left(network: Observed, leaving: Sequence[Leaving]) -> Observed:
    """A network as it is, without the NICs that leave it."""
    places = {network.name, *bridges(network)}
    gone = {(one.scope, one.guest, one.mac) for one in leaving if places & one.places}
    if not gone:
        return network
    guests = []
    for guest in network.guests or ():
        scope = "live" if guest.running else "saved"
        macs = tuple(mac for mac in guest.macs if (scope, guest.name, mac) not in gone)
        if macs or not guest.macs:
            staying = tuple(nic for nic in guest.nics if nic.mac in macs)
            guests.append(guest._replace(macs=macs, nics=staying))
    return network._replace(guests=tuple(guests))


def _foreseen(desired: Desired, observed: Observed, plan: Plan) -> Observed:
    """How the network would be after the plan, as far as that is known."""
    if not desired.present:
        return Observed(desired.name)
    active = observed.active if desired.active is None else desired.active
    starts = any(isinstance(step, Start) for step in plan.steps)
    return observed._replace(
        saved=plan.after,
        live=(plan.after if starts else observed.live) if active else ABSENT,
        autostart=observed.autostart if desired.autostart is None else desired.autostart,
        persistent=observed.persistent or desired.edit is None,
    )


def _as_nics_see(outcome: Outcome) -> Observed:
    """A network afterwards, with what an active one takes without a restart."""
    after = outcome.after
    if not outcome.plan.steps or after.live != outcome.before.live or not after.live:
        return after
    target = outcome.plan.targets.live
    if outcome.plan.restart_required:  # but for portgroups, which never wait for one
        groups = {name: value for name, value in outcome.desired.spec.items() if name == "portgroups"}
        target = build(outcome.desired._replace(xml=ABSENT, spec=groups), after.live, outcome.before.saved)
    return after._replace(live=target.definition)
