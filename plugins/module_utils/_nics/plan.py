# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The planner for a guest's NICs: the live and the persistent config each get what they lack. Pure."""

from __future__ import annotations

import copy
import itertools
import uuid

from .._schema.interface import INTERFACE, UNTYPED, complete_interface, typed
from .._values.nic_steps import (
    Around,
    Attach,
    Change,
    DesiredNics,
    Detach,
    NicPlan,
    NicStep,
    Passage,
    PlannedNic,
    Redefine,
)
from .._values.observed import ObservedGuest
from .._values.steps import Item
from .._xml.codec import Element, write_xml
from .._xml.diff import Change as Difference
from .._xml.diff import differences
from .._xml.fields import Spec
from .._xml.overlay import overlay
from .claims import conflicts, crowded
from .live import findable, in_place, own
from .nics import SCOPES, Nic, alias_of, choose, interfaces, label, mac_of, nics_of, render, source_of, spec_of
from .port import reconnects

EFFECT = {"live": "live", "saved": "next_start"}


def scopes_of(apply: str, guest: ObservedGuest) -> tuple[tuple[str, ...], str]:
    """The definitions that a task is about, and what speaks against that."""
    existing = tuple(scope for scope in SCOPES if getattr(guest, scope))
    if apply == "live_and_config":
        return existing, ""
    scope, wrong = {
        "live": ("live", "the guest does not run"),
        "config": ("saved", "the guest is transient and has no persistent config"),
    }[apply]
    return (scope,), "" if scope in existing else f"apply is {apply}, but {wrong}"


class _Planner:
    """Collects the steps for one guest."""

    def __init__(self, desired: DesiredNics, guest: ObservedGuest, around: Around | None) -> None:
        self.desired, self.guest, self.around = desired, guest, around
        self.scopes, problem = scopes_of(desired.apply, guest)
        self.problems = [*desired.problems, *filter(None, [problem])]
        self.elements = {"live": interfaces(guest.declared or guest.live), "saved": interfaces(guest.saved)}
        # Taps where libvirt has them first, then changes; the old ones go when the new ones are there.
        self.steps: dict[str, list[tuple[int, NicStep]]] = {scope: [] for scope in SCOPES}
        # The interfaces of each definition as they will be, None for those that go.
        self.after: dict[str, list[Element | None]] = {scope: list(found) for scope, found in self.elements.items()}
        self.whole = False
        self.reconnects = reconnects(guest)
        self.passages: list[Passage] = []
        self.taken = set(around.macs) if around else set()
        self.networks = around.networks if around else {}

    def add(self, scope: str, rank: int, *steps: NicStep) -> None:
        """More steps in a definition."""
        self.steps[scope] += [(rank, step) for step in steps]

    # ---- one NIC ----

    def absent(self, nic: Nic) -> None:
        """A NIC that is not wanted."""
        for scope in self.scopes:
            have = getattr(nic, scope)
            if have is not None:
                self.passages.append(Passage(scope, have, None))
                gone = Item(path_of(have), have, None, EFFECT[scope])
                self.after[scope][nic.place(scope)] = None
                self.add(scope, 2, self._detach(nic, scope, (gone,)))

    def present(self, want: Spec, nic: Nic | None) -> PlannedNic:
        """A NIC that is wanted."""
        nic, generated, count = nic or Nic(), False, len(self.steps["live"])
        after: dict[str, Spec | None] = {scope: getattr(nic, scope) for scope in SCOPES}
        if not (nic.specs or mac_of(want)):
            generated, want = True, {**want, "mac": {**want.get("mac", {}), "address": self._mac(want)}}
        for scope in self.scopes:
            have = after[scope]
            if have is None:
                after[scope] = self._attach(nic, scope, want)
            else:
                after[scope] = self._change(nic, scope, have, want)
        if nic.live is not None and "live" in self.scopes:
            self.add("live", -1, *filter(None, [self.reconnects[nic.live_at]]))
        anew = any(isinstance(step, Attach) for _rank, step in self.steps["live"][count:])
        moved = source_of(nic.live or {}) != source_of(after["live"] or {})
        return PlannedNic(after["live"], after["saved"], generated, anew or moved)

    def _attach(self, nic: Nic, scope: str, want: Spec) -> Spec:
        """Where it is in the other definition only, it becomes what it is there; each has places of its own."""
        there = nic.saved if nic.saved is not None else own(nic.live or {}, self.networks)
        other = {name: value for name, value in there.items() if name != "address"}
        made = render(other)
        wanted = complete_interface(want, other) if other else typed(want)
        overlay(made, INTERFACE, other, wanted)
        if not (other or "type" in wanted):
            self.problems.append(f"{label(want)} is not there, and a new NIC {UNTYPED}")
        spec = spec_of(made)
        self.after[scope].append(made)
        self.passages.append(Passage(scope, None, spec))
        item = Item(path_of(spec), None, spec, EFFECT[scope])
        self.add(scope, 1, Attach(self.guest.name, (item,), write_xml(made), scope))
        return spec

    def _change(self, nic: Nic, scope: str, have: Spec, want: Spec) -> Spec:
        """In place where libvirt can, else unplugged and reattached."""
        # What the network adds is its own only where none is wanted of the NIC.
        asked = [name for name in have if name not in want or want[name]]
        base = own(have, self.networks, asked) if scope == "live" else have
        before, target = render(base), render(base)
        overlay(target, INTERFACE, base, complete_interface(want, base))
        changes = differences(before, target, INTERFACE, base)
        if not changes:
            return have
        spec = spec_of(target)
        self.passages.append(Passage(scope, have, spec))
        items = tuple(_item(path_of(have), change, scope) for change in changes)
        if scope == "saved":
            # What libvirt would not find again has to be changed with the whole definition.
            self.whole = self.whole or not findable(changes)
            edited = self._edited(nic, scope, want, anew=not findable(changes))
            self.add(scope, 0, Change(self.guest.name, items, edited, scope))
            return spec
        stuck = [change.path for change in changes if not in_place(change.path, have, spec, self.around)]
        if not stuck:
            self.add(scope, 0, Change(self.guest.name, items, self._edited(nic, scope, want), scope))
        elif not self.desired.replace:
            self.problems.append(
                f"{', '.join(stuck)} of {label(have)} cannot change while the guest runs: replace=true unplugs the NIC "
                "and reattaches it, apply=config leaves it to the next start of the guest"
            )
        else:
            gone = Item(path_of(have), have, None, EFFECT[scope])
            xml = self._edited(nic, scope, want, anew=True)
            self.add(scope, 0, self._detach(nic, scope, (gone,)), Attach(self.guest.name, items, xml, scope))
        return spec

    def _edited(self, nic: Nic, scope: str, want: Spec, anew: bool = False) -> str:
        """The <interface> that libvirt has, with what is wanted laid over it."""
        edited = copy.deepcopy(self.elements[scope][nic.place(scope)])
        have = spec_of(edited)
        overlay(edited, INTERFACE, have, complete_interface(want, have))
        self.after[scope][nic.place(scope)] = plugged_anew(edited, have) if anew else edited
        return write_xml(edited)

    def _detach(self, nic: Nic, scope: str, items: tuple[Item, ...]) -> Detach:
        return detach_step(self.guest, items, scope, nic.place(scope), self.desired.unplug_timeout)

    def ordered(self, scope: str) -> list[NicStep]:
        """The steps in a definition; what one NIC takes, the other has given up by then."""
        before, after, steps = self.elements[scope], self.after[scope], self.steps[scope]
        self.problems += conflicts(getattr(self.guest, scope), before, after) if steps else []
        exchange = crowded(before, after)
        if scope == "saved" and (self.whole or exchange):
            parts = tuple(step for _rank, step in sorted(steps, key=lambda ranked: ranked[0]))
            there, wanted = (tuple(write_xml(one) for one in found if one is not None) for found in (before, after))
            return [Redefine(self.guest.name, parts, there, wanted)]  # type: ignore[arg-type]
        first = {id(step) for _rank, step in steps if exchange and isinstance(step, Detach)}
        return [step for _rank, step in sorted(steps, key=lambda ranked: (id(ranked[1]) not in first, ranked[0]))]

    def _mac(self, want: Spec) -> str:
        """A MAC address of this guest's own, the same whenever it is asked for."""
        for number in itertools.count():
            name = f"{alias_of(want)} {source_of(want)} {number}"
            digits = uuid.uuid5(uuid.UUID(self.guest.uuid), name).hex
            mac = f"52:54:00:{digits[:2]}:{digits[2:4]}:{digits[4:6]}"
            if mac not in self.taken:
                self.taken.add(mac)
                return mac
        raise AssertionError


def plan_nics(desired: DesiredNics, guest: ObservedGuest, around: Around | None) -> NicPlan:
    """The plan for the NICs of one guest; without ``around`` it tells only whether there is anything to do."""
    planner = _Planner(desired, guest, around)
    nics = nics_of(guest)
    wanted = desired.nics
    choice = choose(wanted, nics)
    planner.problems += choice.problems
    planned: list[PlannedNic] = []
    if not planner.problems:
        for one, nic in zip(wanted, choice.nics):
            if one.present:
                planned.append(planner.present(one.spec, nic))
            elif nic is not None:
                planner.absent(nic)
        for nic in nics if desired.exclusive else []:
            if nic not in choice.nics:
                planner.absent(nic)
    steps = [*planner.ordered("live"), *planner.ordered("saved")]
    problems = tuple(dict.fromkeys(planner.problems))
    return NicPlan(guest.name, tuple(steps), tuple(planner.passages), tuple(planned), problems)


def path_of(spec: Spec) -> str:
    """Where a NIC stands in the results of a task."""
    return f"nics[{mac_of(spec)}]"


def _item(path: str, change: Difference, scope: str) -> Item:
    return Item(f"{path}.{change.path}", change.before, change.after, EFFECT[scope])


def detach_step(guest: ObservedGuest, items: tuple[Item, ...], scope: str, place: int, seconds: float) -> Detach:
    """The step that takes an <interface> away."""
    # As everybody reads it: what is declared of a running guest has no aliases (libvirt 7.0).
    element = interfaces(getattr(guest, scope))[place]
    alias = element.find("alias")
    name = "" if alias is None else alias.get("name", "")
    return Detach(guest.name, items, write_xml(element), scope, name, seconds)


def plugged_anew(element: Element, have: Spec) -> Element:
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
