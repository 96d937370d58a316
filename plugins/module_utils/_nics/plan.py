# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The planner for a guest's NICs: the live and the persistent config each get what they lack. Pure.

``_Planner.settle`` decides what is done to a NIC in either of them, ``Phase`` in which order.
"""

from __future__ import annotations

import copy
import itertools
import uuid
from collections.abc import Sequence
from enum import IntEnum
from operator import itemgetter

from .._schema.interface import INTERFACE, UNTYPED, complete_interface, typed
from .._values.nic_steps import (
    Around,
    Attach,
    Change,
    DesiredNics,
    Detach,
    NicChange,
    NicPlan,
    NicStep,
    OneNicStep,
    PlannedNic,
    Redefine,
)
from .._values.observed import ObservedGuest
from .._values.steps import Item
from .._xml.codec import Element
from .._xml.definition import Definition
from .._xml.diff import Change as Difference
from .._xml.diff import differences
from .._xml.fields import Spec
from .._xml.overlay import overlay
from .claims import conflicts, crowded
from .live import findable, in_place, own
from .nics import SCOPES, Nic, alias_of, choose, interfaces, label, mac_of, nics_of, render, source_of, spec_of
from .port import reconnects

EFFECT = {"live": "live", "saved": "next_start"}
# The only definition that a task is about, and why a guest may not have it.
_ONLY = {
    "live": ("live", "the guest does not run"),
    "config": ("saved", "the guest is transient and has no persistent config"),
}


class Phase(IntEnum):
    """When a step is taken, among those in the same definition."""

    RECONNECT = 0  # taps are where libvirt has them before it changes them
    CHANGE = 1
    ATTACH = 2
    DETACH = 3  # old NICs go when the new ones are there


class _Definition:
    """One definition of a guest: its interfaces as they are and as they will be, None for those that go, and the steps
    from the ones to the others. ``whole``: they take a new definition."""

    def __init__(self, scope: str, guest: ObservedGuest) -> None:
        self.scope, self.guest, self.whole = scope, guest, False
        self.before = interfaces(guest.as_declared(scope))
        self.after: list[Element | None] = [*self.before]
        self.steps: list[tuple[Phase, OneNicStep]] = []

    def add(self, phase: Phase, *steps: OneNicStep) -> None:
        """More steps."""
        self.steps += [(phase, step) for step in steps]

    def edited(self, place: int, want: Spec, reattach: bool) -> Definition:
        """The <interface> that libvirt has, with what is wanted laid over it."""
        edited = copy.deepcopy(self.before[place])
        have = spec_of(edited)
        overlay(edited, INTERFACE, have, complete_interface(want, have))
        self.after[place] = reattached(edited, have) if reattach else edited
        return Definition(tree=edited)

    def ordered(self) -> Sequence[NicStep]:
        """The steps in their order. Where one NIC takes what another one has, that one gives it up first."""
        ordered = [step for _phase, step in sorted(self.steps, key=itemgetter(0))]
        exchange = crowded(self.before, self.after)
        if self.scope == "saved" and (self.whole or exchange):
            base, wanted = (
                tuple(Definition(tree=one) for one in side if one is not None) for side in (self.before, self.after)
            )
            return [Redefine(self.guest.name, tuple(ordered), base, wanted)]
        return sorted(ordered, key=lambda step: not (exchange and isinstance(step, Detach)))


class _Planner:
    """Collects the steps for one guest."""

    def __init__(self, desired: DesiredNics, guest: ObservedGuest, around: Around | None) -> None:
        self.desired, self.guest, self.around = desired, guest, around
        self.live, self.saved = (_Definition(scope, guest) for scope in SCOPES)
        only, lack = _ONLY.get(desired.apply, ("", ""))
        self.chosen = [one for one in (self.live, self.saved) if guest.config(one.scope) and only in ("", one.scope)]
        self.problems = [*desired.problems]
        if only and not self.chosen:
            self.problems.append(f"apply is {desired.apply}, but {lack}")
        self.reconnects = reconnects(guest)
        self.nic_changes: list[NicChange] = []
        self.taken = set(around.macs) if around else set()
        self.networks = around.networks if around else {}

    def present(self, want: Spec, nic: Nic) -> PlannedNic:
        """A NIC that is wanted; one that is nowhere yet has no specs."""
        generated, count = not (nic.specs or mac_of(want)), len(self.live.steps)
        if generated:
            want = {**want, "mac": {**want.get("mac", {}), "address": self._mac(want)}}
        after = {scope: nic.spec(scope) for scope in SCOPES}
        after.update({there.scope: self.settle(there, nic, want) for there in self.chosen})
        if nic.live is not None and self.live in self.chosen:
            self.live.add(Phase.RECONNECT, *filter(None, [self.reconnects[nic.live_at]]))
        reattach = any(isinstance(step, Attach) for _phase, step in self.live.steps[count:])
        moved = source_of(nic.live or {}) != source_of(after["live"] or {})
        return PlannedNic(after["live"], after["saved"], generated, reattach or moved)

    def settle(self, there: _Definition, nic: Nic, want: Spec | None) -> Spec | None:
        """Adds the steps for a NIC in one definition: the first case decides. Returns what it is there afterwards."""
        guest, scope, have, place = self.guest, there.scope, nic.spec(there.scope), nic.place(there.scope)
        made, changes = self._wanted(scope, have, nic, want)
        if not changes and (have is None) == (want is None):
            return have
        spec = None if made is None else spec_of(made)
        self.nic_changes.append(NicChange(scope, have, spec))
        path, effect, seconds = path_of(have or spec or {}), EFFECT[scope], self.desired.unplug_timeout
        parts = tuple(Item(f"{path}.{one.path}", one.before, one.after, effect) for one in changes)
        stuck = [one.path for one in changes if not self._is_able(scope, one, have or {}, spec or {})]
        if have is None:  # plugged in, as it is in the other definition
            there.after.append(made)
            there.add(Phase.ATTACH, Attach(guest.name, (Item(path, None, spec, effect),), Definition(tree=made), scope))
        elif want is None:  # taken away
            there.after[place] = None
            there.add(Phase.DETACH, detach_step(guest, (Item(path, have, None, effect),), scope, place, seconds))
        elif not stuck:  # changed in place
            there.add(Phase.CHANGE, Change(guest.name, parts, there.edited(place, want, False), scope))
        elif scope == "saved":  # changed with the whole definition: libvirt would not find the NIC again
            there.whole = True
            there.add(Phase.CHANGE, Change(guest.name, parts, there.edited(place, want, True), scope))
        elif self.desired.replace:  # unplugged and reattached, which its guest notices
            gone = detach_step(guest, (Item(path, have, None, effect),), scope, place, seconds)
            there.add(Phase.CHANGE, gone, Attach(guest.name, parts, there.edited(place, want, True), scope))
        else:  # refused
            self.problems.append(
                f"{', '.join(stuck)} of {label(have)} cannot change while the guest runs: replace=true unplugs the NIC "
                "and reattaches it, apply=config leaves it to the next start of the guest"
            )
        return spec

    def _wanted(
        self, scope: str, have: Spec | None, nic: Nic, want: Spec | None
    ) -> tuple[Element | None, list[Difference]]:
        """The <interface> that a NIC is to be in a definition, None where it goes; and what differs from what it is."""
        if want is None:
            return None, []
        if have is None:
            return self._like_the_other(nic, want), []
        # What the network adds is its own only where none is wanted of the NIC.
        asked = [name for name in have if name not in want or want[name]]
        base = own(have, self.networks, asked) if scope == "live" else have
        before, made = render(base), render(base)
        overlay(made, INTERFACE, base, complete_interface(want, base))
        return made, differences(before, made, INTERFACE, base)

    def _like_the_other(self, nic: Nic, want: Spec) -> Element:
        """A NIC that is in the other definition only becomes what it is there; each has places of its own."""
        there = nic.saved if nic.saved is not None else own(nic.live or {}, self.networks)
        other = {name: value for name, value in there.items() if name != "address"}
        made, wanted = render(other), complete_interface(want, other) if other else typed(want)
        overlay(made, INTERFACE, other, wanted)
        if not (other or "type" in wanted):
            self.problems.append(f"{label(want)} is not there, and a new NIC {UNTYPED}")
        return made

    def _is_able(self, scope: str, change: Difference, have: Spec, want: Spec) -> bool:
        """Whether libvirt makes a change in place: while the guest runs, or where it finds the NIC again."""
        return in_place(change.path, have, want, self.around) if scope == "live" else findable([change])

    def _mac(self, want: Spec) -> str:
        """A MAC address of this guest's own, the same whenever it is asked for."""
        names = (f"{alias_of(want)} {source_of(want)} {number}" for number in itertools.count())
        digits = (uuid.uuid5(uuid.UUID(self.guest.uuid), name).hex for name in names)
        macs = (f"52:54:00:{one[:2]}:{one[2:4]}:{one[4:6]}" for one in digits)
        mac = next(one for one in macs if one not in self.taken)
        self.taken.add(mac)
        return mac


def plan_nics(desired: DesiredNics, guest: ObservedGuest, around: Around | None) -> NicPlan:
    """The plan for the NICs of one guest; without ``around`` it says only whether there is anything to do."""
    planner, nics = _Planner(desired, guest, around), nics_of(guest)
    choice = choose(desired.nics, nics)
    planner.problems += choice.problems
    planned: list[PlannedNic] = []
    wanted = [(one.spec if one.present else None, nic or Nic()) for one, nic in zip(desired.nics, choice.nics)]
    wanted += [(None, nic) for nic in nics if desired.exclusive and nic not in choice.nics]
    for want, nic in [] if planner.problems else wanted:
        if want is not None:
            planned.append(planner.present(want, nic))
        for there in planner.chosen if want is None else ():
            planner.settle(there, nic, None)
    steps: list[NicStep] = []
    for there in (planner.live, planner.saved):
        steps += there.ordered()
        planner.problems += conflicts(guest.config(there.scope), there.before, there.after) if there.steps else []
    problems = tuple(dict.fromkeys(planner.problems))
    return NicPlan(guest.name, tuple(steps), tuple(planner.nic_changes), tuple(planned), problems)


def path_of(spec: Spec) -> str:
    """Where a NIC stands in the results of a task."""
    return f"nics[{mac_of(spec)}]"


def detach_step(guest: ObservedGuest, items: tuple[Item, ...], scope: str, place: int, seconds: float) -> Detach:
    """The step that takes an <interface> away."""
    # As everybody reads it: what is declared of a running guest has no aliases (libvirt 7.0).
    element = interfaces(guest.config(scope))[place]
    alias = element.find("alias")
    name = "" if alias is None else alias.get("name", "")
    return Detach(guest.name, items, Definition(tree=element), scope, name, seconds)


def reattached(element: Element, have: Spec) -> Element:
    """A NIC as it is reattached: at its place in the guest, unless another model may need another sort of place,
    and with new names for what libvirt named."""
    spec = spec_of(element)
    for option, keep in (("alias", alias_of(spec)), ("target", "dev" in spec.get("target", {}))):
        child = element.find(option)
        if child is not None and not keep:
            element.remove(child)
    address = element.find("address")
    if address is not None and spec.get("model") != have.get("model") and spec.get("address") == have.get("address"):
        element.remove(address)
    return element
