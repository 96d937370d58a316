# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How networks are, compared with what was asked: one row for each field that differs, with all three values."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from .._network.target import objections, pending, targets
from .._values.desired import Desired, Targets
from .._values.observed import Guest, Observed
from .._values.parking import parking_of
from .._xml.diff import compare

NOT_SHOWN = "not shown"
SIDES = ("asked", "saved", "running", "live")


class AuditRow(NamedTuple):
    """One line of an audit.

    ``state`` is as_asked, differs, missing, unwanted (it is not wanted), unknown (nobody asked for it),
    restart_pending, disconnected or invalid. ``path`` is the field, with what was asked and what the persistent and
    the live config have; None where there is none. ``nwfilter`` is the network filter that a row is about.
    """

    network: str
    state: str
    path: str = ""
    asked: Any = None
    saved: Any = None
    running: Any = None
    domain: str = ""
    mac: str = ""
    nwfilter: str = ""


def network_rows(wanted: Collection[Desired], networks: Mapping[str, Observed]) -> list[AuditRow]:
    """The rows of all networks: of those that are asked for, and of those that nobody asked for."""
    rows = [row for desired in wanted for row in _asked(desired, networks.get(desired.name, Observed(desired.name)))]
    known = {desired.name for desired in wanted} | {parking_of(name).network for name in networks}
    rows += [AuditRow(name, "unknown") for name in networks if name not in known]
    rows += [
        AuditRow(name, "disconnected", "nic", "connected", None, nic.why, guest.name, nic.mac)
        for name, guest, nic in _disconnected(networks)
    ]
    return sorted(rows, key=lambda row: (row.network, row.domain, row.mac, row.path))


def without_metadata(result: Any) -> Any:
    """An audit without what others keep in the metadata of networks, which may be a secret of theirs."""
    if isinstance(result, list):
        return [without_metadata(one) for one in result]
    if not isinstance(result, dict):
        return result
    values = SIDES if result.get("path") == "metadata" else ()
    return {
        name: NOT_SHOWN if name in values and value is not None else without_metadata(value)
        for name, value in result.items()
        if name != "metadata"
    }


def _disconnected(networks: Mapping[str, Observed]) -> Iterator[tuple[str, Guest, Any]]:
    for name, network in networks.items():
        for guest in network.guests or ():
            yield from ((name, guest, nic) for nic in guest.nics if nic.state in ("disconnected", "parked"))


def _asked(desired: Desired, observed: Observed) -> list[AuditRow]:
    if not desired.present:
        return [AuditRow(desired.name, "unwanted" if observed.saved else "as_asked")]
    aims = targets(desired, observed)
    problems = objections(desired, observed, aims)
    if problems:
        return [AuditRow(desired.name, "invalid", "", "; ".join(problems))]
    if not observed.saved:
        return [AuditRow(desired.name, "missing")]
    rows = [*_switches(desired, observed), *_fields(observed, aims)]
    differing = {row.path for row in rows}
    rows += [row for row in _pending(observed) if row.path not in differing]
    return rows or [AuditRow(desired.name, "as_asked")]


def _switches(desired: Desired, observed: Observed) -> Iterator[AuditRow]:
    if desired.active not in (None, observed.active):
        yield AuditRow(desired.name, "differs", "active", desired.active, None, observed.active)
    if desired.autostart not in (None, observed.autostart):
        yield AuditRow(desired.name, "differs", "autostart", desired.autostart, observed.autostart)
    if not observed.persistent:
        yield AuditRow(desired.name, "differs", "persistent", True, False)


def _fields(observed: Observed, aims: Targets) -> Iterator[AuditRow]:
    """What differs in the persistent config, in the live one, or in both."""
    there = {"saved": (observed.saved, aims.saved), "running": (observed.live, aims.live)}
    found: dict[str, dict[str, Any]] = {}
    for scope, (now, target) in there.items():
        for change in compare(now, target.definition) if now and target.differs else ():
            field = found.setdefault(change.path, {name: change.after for name, (now, _target) in there.items() if now})
            field.update({"asked": change.after, scope: change.before})
    for path, field in found.items():
        yield AuditRow(observed.name, "differs", path, field["asked"], field.get("saved"), field.get("running"))


def _pending(observed: Observed) -> Iterator[AuditRow]:
    """What nobody asked for, and the next start would change all the same."""
    for change in pending(observed.live, observed.saved):
        yield AuditRow(observed.name, "restart_pending", change.path, None, change.after, change.before)
