# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps that make those NICs of a guest what they were that other steps have changed. Pure."""

from __future__ import annotations

import copy
from collections.abc import Collection, Sequence

from .._schema.interface import INTERFACE
from .._values.guest_definition import boots, own_interfaces
from .._values.nic_steps import Around, Attach, Change, NicStep, Redefine
from .._values.observed import ObservedGuest
from .._values.steps import Item
from .._xml.definition import ABSENT, Definition
from .._xml.diff import differences
from .live import in_place
from .meanwhile import touched
from .nics import interfaces, mac_of, pair, render, spec_of
from .plan import EFFECT, detach_step, path_of, reattached
from .port import reconnects


def plan_back(
    before: ObservedGuest, now: ObservedGuest, around: Around, seconds: float, tried: Sequence[NicStep]
) -> list[NicStep]:
    """The steps that undo the tried ones: what another program has changed of other NICs stays."""
    own = {scope: touched(one for one in tried if one.scope == scope) for scope in {one.scope for one in tried}}
    steps: list[NicStep] = []
    # A guest that has stopped meanwhile has no live config to bring back.
    if now.live and "live" in own:
        # What a failed change has moved is where libvirt has it first, else it cannot be moved back.
        steps += [one for one in reconnects(now) if one and before.devices.get(one.tap) != now.devices.get(one.tap)]
        steps += _live_back(before, now, around, seconds, own["live"])
    return steps + (_saved_back(before, now, own["saved"]) if now.saved and "saved" in own else [])


def _live_back(
    before: ObservedGuest, now: ObservedGuest, around: Around, seconds: float, own: Collection[str]
) -> list[NicStep]:
    olds, news = (interfaces(one.as_declared("live")) for one in (before, now))
    gone: list[NicStep] = []
    back: list[NicStep] = []
    for nic in pair([spec_of(one) for one in news], [spec_of(one) for one in olds]):
        old, new = nic.saved, nic.live
        changed = differences(render(new), render(old), INTERFACE) if old is not None and new is not None else []
        same = old is not None and new is not None and not changed
        if same or not any(mac_of(spec) in own for spec in nic.specs):
            continue
        items = (Item(path_of(nic.specs[0]), new, old, EFFECT["live"]),)
        if changed and all(in_place(change.path, new or {}, old or {}, around) for change in changed):
            back.append(Change(now.name, items, Definition(tree=olds[nic.saved_at]), "live"))
            continue
        if new is not None:
            gone.append(detach_step(now, items, "live", nic.live_at, seconds))
        if old is not None:
            made = Definition(tree=reattached(copy.deepcopy(olds[nic.saved_at]), old))
            back.append(Attach(now.name, items, made, "live"))
    return [*gone, *back]


def _saved_back(before: ObservedGuest, now: ObservedGuest, own: Collection[str]) -> list[NicStep]:
    """All at once, in the order that they had."""
    old, new = before.saved, now.saved
    there = [mac_of(spec_of(one)) for one in interfaces(old)]
    found = [(mac_of(spec_of(one.tree)), one) for one in own_interfaces(new)]
    back = [(mac, one) for mac, one in zip(there, own_interfaces(old)) if mac in own]
    back += [(mac, one) for mac, one in found if mac not in own]
    back.sort(key=lambda one: there.index(one[0]) if one[0] in there else len(there))
    wanted = tuple(one for _mac, one in back)
    if (wanted, boots(old)) == (own_interfaces(new), boots(new)):
        return []
    item = Item("nics", None, None, EFFECT["saved"])
    part = Change(now.name, (item,), ABSENT, "saved")
    return [Redefine(now.name, (part,), own_interfaces(new), wanted, boots(old))]
