# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that an audit returns for a hypervisor: what differs from the request, what is wrong, and what exists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._converge.conductor import converge
from .._diagnosis.check import check
from .._diagnosis.way_state import states
from .._errors.errors import NetworkError
from .._network import info as _info
from .._network.resource import Networks
from .._nics import info as _nic_info
from .._nics.nics import mac_of
from .._nics.resource import Nics
from .._nwfilter.resource import Filters
from .._values.desired import Policy
from .._values.host import Audited, Inspected
from .._values.nic_steps import NicOutcome, report
from .._values.nwfilters import FilterOutcome
from .._values.topology import DesiredTopology
from .comparison import AuditRow, network_rows

GOOD = ("as_asked", "unknown")
# What a diagnosis finds of networks for which these options are false.
SWITCHES = {"network_inactive": "active", "autostart_off": "autostart"}


def survey(gateway: Audited, wanted: DesiredTopology) -> dict[str, Any]:
    """What an audit returns; it changes nothing."""
    users = gateway.guests()
    networks = {one.name: one._replace(guests=users.get(one.name, ())) for one in gateway.networks()}
    rows, problems = network_rows(wanted.networks, networks), list[str]()
    try:
        rows += _other_rows(gateway, wanted)
    except NetworkError as error:
        problems = _problems(error)
        parts = [DesiredTopology([], filters=[one]) for one in wanted.filters]
        parts += [DesiredTopology([], [one]) for one in wanted.guests]
        rows += [row for part in parts for row in _alone(gateway, part)]
    seen = check(gateway, [], [])
    findings = [one for one in seen["findings"] if not _asked_for(one, wanted)]
    broken = any(one["severity"] == "error" for one in findings)
    devices = gateway.devices() or {}
    return {
        "as_asked": not (problems or broken) and all(row.state in GOOD for row in rows),
        "rows": [row._asdict() for row in rows],
        "problems": problems,
        "findings": findings,
        "way": [row for row in states(seen["way"]) if not _asked_for(row, wanted)],
        "not_looked_at": seen["not_looked_at"],
        "networks": [_without_xml(network) for network in _info.networks(gateway, [])],
        "guests": _nic_info.guests(gateway, [], False),
        "devices": {name: device._asdict() for name, device in devices.items()},
        "libvirt": gateway.version(),
    }


def _asked_for(finding: Mapping[str, Any], wanted: DesiredTopology) -> bool:
    """Whether a finding is just what was asked for: a network that is off, a NIC without a link."""
    switch = SWITCHES.get(finding["code"])
    if switch is not None:
        return any(one.name == finding["network"] and getattr(one, switch) is False for one in wanted.networks)
    nics = [nic.spec for one in wanted.guests if one.guest == finding["domain"] for nic in one.nics]
    return finding["code"] == "nic_link_down" and any(
        nic.get("link", {}).get("state") == "down" and mac_of(nic) in ("", finding["mac"]) for nic in nics
    )


def _without_xml(network: dict[str, Any]) -> dict[str, Any]:
    """Its specs say it all; of a fleet, the definitions are much text."""
    return {name: value for name, value in network.items() if name not in ("xml", "live_xml")}


def _problems(error: NetworkError) -> list[str]:
    return getattr(error, "problems", []) or [str(error)]


def _other_rows(gateway: Inspected, wanted: DesiredTopology) -> list[AuditRow]:
    """What differs of guests' NICs and of network filters. Raises a NetworkError with all that speaks against all of
    this."""
    filters, nics = Filters(gateway, wanted.filters), Nics(gateway, wanted.guests)
    networks = Networks(gateway, wanted.networks, Policy(), wanted.bridges)
    outcomes = converge(gateway, [filters, networks, nics], True, 0)
    rows = [row for one in outcomes if isinstance(one, NicOutcome) for row in _rows_of(one)]
    return rows + [row for one in outcomes if isinstance(one, FilterOutcome) for row in _rows_of_filter(one)]


def _alone(gateway: Inspected, part: DesiredTopology) -> list[AuditRow]:
    """The same of one guest or filter, as things are, where something speaks against the whole."""
    try:
        return _other_rows(gateway, part)
    except NetworkError as error:
        why = "; ".join(_problems(error))
        guests = [AuditRow("", "invalid", asked=why, domain=one.guest) for one in part.guests]
        return guests + [AuditRow("", "invalid", asked=why, nwfilter=one.name) for one in part.filters]


def _rows_of(outcome: NicOutcome) -> list[AuditRow]:
    """What differs of a guest's NICs, as the steps that would change it."""
    guest = outcome.desired.guest
    rows = [
        AuditRow(
            "",
            "differs",
            step["path"],
            step["after"],
            step["before"] if step["effect"] != "live" else None,
            step["before"] if step["effect"] == "live" else None,
            guest,
        )
        for step in report(outcome.plan.steps)
    ]
    return rows or [AuditRow("", "as_asked", domain=guest)]


def _rows_of_filter(outcome: FilterOutcome) -> list[AuditRow]:
    """What differs of a network filter, which has one definition for both: the persistent one."""
    name, plan = outcome.name, outcome.plan
    if not plan.steps:
        return [AuditRow("", "as_asked", nwfilter=name)]
    if not (plan.before and plan.after):
        return [AuditRow("", "unwanted" if plan.before else "missing", nwfilter=name)]
    return [AuditRow("", "differs", row["path"], row["after"], row["before"], nwfilter=name) for row in plan.rows()]
