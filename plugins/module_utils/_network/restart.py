# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans what running guests need to survive a restart, and what helps those that one has disconnected. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from .._values.mode import MANAGED_MODES, mode_of
from .._values.observed import Guest, Nic, Observed
from .._values.parking import parking_network, parking_of
from .._values.steps import Item, Park, Return, Start, Step, Stop
from .._xml.codec import Element
from .._xml.definition import Definition


def running_guests(observed: Observed) -> list[Guest]:
    """The guests that a stop of the network would disconnect."""
    return [guest for guest in observed.guests or () if guest.running]


def restart_steps(observed: Observed, target: Definition, more: tuple[Item, ...] = ()) -> list[Step]:
    """The steps that restart a network with a new definition, with the NICs of running guests out of the way; ``more``
    is what else becomes of it by that."""
    stop = Stop(observed.name, (Item("active", True, False, "restart"),))
    start = Start(observed.name, (Item("active", False, True, "restart"), *more))
    around: list[Step] = [stop, start]
    if not observed.parking and not (running_guests(observed) and _loses_ports(observed.live.tree, target.tree)):
        return around
    parking = parking_of(observed.name).network
    nics = list(_nics(observed))
    aside = tuple(Item(path, observed.name, parking, "restart") for path, nic in nics if nic.state != "parked")
    back = [Item(path, parking, observed.name, "restart") for path, _nic in nics]
    made = parking_network(observed.name, observed.live)
    park = [Park(observed.name, aside, made)] if aside else []
    return [*park, *around, Return(observed.name, tuple(back or [_removal(observed, "restart")]), made)]


def obstacle(observed: Observed, target: Definition) -> str:
    """Why the NICs of running guests cannot get from the network as it runs to the wanted one, "" when they can."""
    before, after = _connection(observed.live.tree), _connection(target.tree)
    if before == after or not running_guests(observed):
        return ""
    return f"a running guest's NIC cannot change from {before} to {after}"


def repair(observed: Observed, live: Definition, all_of_them: bool) -> list[Step]:
    """The step that reattaches what a killed task has parked, and with ``all_of_them`` what was disconnected; ``live``
    is the definition that runs then."""
    parking = parking_of(observed.name).network
    items = [
        Item(path, parking if nic.state == "parked" else "disconnected", observed.name, "live")
        for path, nic in _nics(observed)
        if nic.state == "parked" or (nic.state == "disconnected" and all_of_them)
    ]
    if observed.parking and not items:
        items.append(_removal(observed, "live"))
    return [Return(observed.name, tuple(items), parking_network(observed.name, live))] if items else []


def rescue(before: Observed, now: Observed) -> list[Step]:
    """The step that gives NICs back the connection that they had before, when the network runs as before again."""
    states = {path: nic.state for path, nic in _nics(now)}
    items = tuple(
        Item(path, "disconnected", "as before", "live")
        for path, nic in _nics(before)
        if nic.state != "disconnected" and (not now.active or states.get(path) in ("disconnected", "parked"))
    )
    if not items and now.parking:
        items = (_removal(now, "live"),)
    return [Return(before.name, items, parking_network(before.name, before.live))] if items else []


def _removal(observed: Observed, effect: str) -> Item:
    return Item("parking network", parking_of(observed.name).network, None, effect)


def _nics(observed: Observed) -> Iterator[tuple[str, Nic]]:
    """The NICs of running guests, each with its path: two of one guest may share a MAC address."""
    for guest in running_guests(observed):
        for nic in guest.nics:
            alias = f",{nic.alias}" if guest.macs.count(nic.mac) > 1 else ""
            yield f"guests[{guest.name}].nics[{nic.mac}{alias}]", nic


def _bridge(root: Element) -> str:
    bridge = root.find("bridge")
    return "" if bridge is None else str(bridge.get("name", ""))


def _connection(root: Element) -> str:
    """How a network connects NICs."""
    if mode_of(root) in MANAGED_MODES:
        return "a bridge"
    switched = root.find("virtualport") is not None
    if mode_of(root) == "bridge" and _bridge(root):
        return "a virtual switch" if switched else "a bridge"
    return "SR-IOV" if mode_of(root) == "hostdev" else "macvtap"


def _loses_ports(before: Element, after: Element) -> bool:
    """Whether NICs lose their bridge with a stop: not one of the host's own, if it stays that one."""
    if _connection(before) != "a bridge":
        return False
    return mode_of(before) in MANAGED_MODES or mode_of(after) in MANAGED_MODES or _bridge(before) != _bridge(after)
