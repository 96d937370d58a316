# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The place of a NIC in its guest: the same one in the live and the persistent config, where that is possible.

libvirt chooses one for each, and a NIC at another place is another one for most guests after their next start.
"""

from __future__ import annotations

import copy

from .._values.nic_steps import Attach, NicStep, Redefine
from .._values.observed import ObservedGuest
from .._xml.codec import Element
from .._xml.definition import Definition
from .nics import alias_of, interfaces, mac_of, spec_of

_OTHER = {"live": "saved", "saved": "live"}


def placed(step: NicStep, guest: ObservedGuest) -> NicStep:
    """The step; one that plugs in with the PCI address that the NIC has in the other definition, where that is free."""
    if isinstance(step, Attach) and guest.config(step.scope):
        return step._replace(interface=_placed(step.interface, step.scope, guest))
    if isinstance(step, Redefine):
        return step._replace(interfaces=tuple(_placed(one, step.scope, guest) for one in step.interfaces))
    return step


def _placed(interface: Definition, scope: str, guest: ObservedGuest) -> Definition:
    made = copy.deepcopy(interface.tree)
    twins = [one for one in interfaces(guest.config(_OTHER[scope])) if _are_twins(one, made)]
    address = twins[0].find("address") if len(twins) == 1 else None
    if made.find("address") is not None or address is None or not _is_free(address, guest.config(scope)):
        return interface
    made.append(copy.deepcopy(address))
    return Definition(tree=made)


def _are_twins(one: Element, other: Element) -> bool:
    """Whether they are the same NIC, and of a model that fits the same places."""
    specs = [spec_of(one), spec_of(other)]
    return all(key(specs[0]) == key(specs[1]) for key in (mac_of, alias_of, lambda spec: spec.get("model")))


def _is_free(address: Element, guest: Definition) -> bool:
    root = guest.tree
    if address.get("type") != "pci":
        return False
    place = _place(address)
    taken = {_place(one) for one in root.iterfind("devices/*/address[@type='pci']")}
    buses = {int(one.get("index", "0")) for one in root.iterfind("devices/controller[@type='pci']")}
    return place not in taken and place[1] in buses


def _place(address: Element) -> tuple[int, ...]:
    """Without the function: others of the same slot may not go together."""
    return tuple(int(address.get(name, "0"), 16) for name in ("domain", "bus", "slot"))
