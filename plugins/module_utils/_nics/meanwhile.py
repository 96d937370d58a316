# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What other programs change of a guest's NICs while a plan for them is carried out. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from .._values.nic_steps import NicStep, Reconnect, Redefine
from .._values.observed import ObservedGuest
from .._xml.codec import write_xml
from .._xml.definition import Definition
from .nics import interfaces, mac_of, spec_of


def touched(steps: Iterable[NicStep]) -> set[str]:
    """The MAC addresses of the NICs that steps change."""
    return {mac_of(spec_of(one.tree)) for step in steps for one in _written(step)}


def _written(step: NicStep) -> Collection[Definition]:
    if isinstance(step, Redefine):
        return {*step.base} ^ {*step.interfaces}
    return () if isinstance(step, Reconnect) else (step.interface,)


def has_changed(before: ObservedGuest, now: ObservedGuest, scope: str, own: Collection[str]) -> bool:
    """Whether NICs differ in a definition from what a plan was made for, but for its ``own`` ones. A guest that no
    longer has the definition is for libvirt to refuse."""
    return bool(now.config(scope)) and _base(before, scope, own) != _base(now, scope, own)


def _base(guest: ObservedGuest, scope: str, own: Collection[str]) -> list[object]:
    """What a plan for a definition rests on. Of running NICs that is what was declared of them: everything else changes
    with their networks, in the same task too."""
    theirs = ((one, spec_of(one)) for one in interfaces(guest.as_declared(scope)))
    return [spec if scope == "live" else write_xml(one) for one, spec in theirs if mac_of(spec) not in own]
