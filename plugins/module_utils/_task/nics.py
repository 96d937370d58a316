# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The glue to Ansible of the modules for guests' NICs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .._errors.errors import NoAddressError
from .._hypervisor.guests import Guests, Known
from .._nics.nics import SCOPES, label, mac_of, render
from .._nics.resource import Nics
from .._schema.interface import INTERFACE
from .._values.nic_steps import DesiredNics, NicOutcome, PlannedNic, WantedNic
from .._xml.codec import normalise, write_xml
from .._xml.fields import Spec, argument_spec
from .networks import Run, run_info, run_job
from .results import difference, result_of
from .task import Module

if TYPE_CHECKING:
    from .._values.resource import Resource

STATE = {"type": "str", "choices": ["present", "absent"], "default": "present"}
TASK = {
    "domain": {"type": "str", "required": True},
    "state": STATE,
    "exclusive": {"type": "bool", "default": False},
    "apply": {"type": "str", "choices": ["live_and_config", "live", "config"], "default": "live_and_config"},
    "replace": {"type": "bool", "default": False},
    "unplug_timeout": {"type": "float", "default": 30},
    "wait_for_ip": {"type": "bool", "default": False},
    "ip_timeout": {"type": "float", "default": 60},
    "lock_timeout": {"type": "float", "default": 60},
}


def iface_options() -> dict[str, Any]:
    """The options of virt_iface: those of one NIC, a list of such, and what goes for all of them."""
    return {**TASK, "ifaces": several_options(), **argument_spec(INTERFACE)}


def several_options() -> dict[str, Any]:
    """The option for several NICs."""
    return {"type": "list", "elements": "dict", "options": {**argument_spec(INTERFACE), "state": STATE}}


class _Addresses:
    """The addresses that the NICs of a task get; it waits ``seconds`` for them, 0 when nobody does."""

    def __init__(self) -> None:
        self.seconds, self.known = 0.0, set[Known]()

    def job(self, module: Module, gateway: Guests) -> list[Resource]:
        """The wanted NICs as a resource. What is known before shows later what is new."""
        params, desired = module.params, desired_nics(module.params)
        if params["wait_for_ip"] and not module.check_mode:
            self.seconds = params["ip_timeout"]
        if self.seconds > 0:
            networks = {one.spec.get("source", {}).get("network", "") for one in desired.nics} - {""}
            self.known = gateway.known_addresses(desired.guest, networks)
        return [Nics(gateway, [desired])]

    def result(self, run: Run) -> dict[str, Any]:
        """The result, once all NICs have their addresses."""
        (outcome,) = run.outcomes
        found = [_address(run.gateway, outcome, nic, self.seconds, self.known) for nic in outcome.plan.nics]
        nics = [{**summary(nic), "address": address} for nic, address in zip(outcome.plan.nics, found)]
        return {**result_of(run.outcomes), "ifaces": nics}


def run_iface() -> None:
    """Runs the module for the NICs of a guest."""
    addresses = _Addresses()
    rules = [("ifaces", name) for name in argument_spec(INTERFACE)]
    run_job(iface_options(), addresses.job, addresses.result, Guests, mutually_exclusive=rules)


def desired_nics(params: dict[str, Any]) -> DesiredNics:
    """What is wanted of a guest's NICs."""
    from .._nics.interface_checks import list_problems

    several = params["ifaces"]
    given = [params] if several is None else several
    names = ["the NIC"] if several is None else [f"ifaces[{index}]" for index in range(len(given))]
    nics, problems = [], []
    for name, one in zip(names, given):
        spec, wrong = normalise(INTERFACE, one, "" if several is None else f"{name}.")
        problems += wrong
        nics.append(WantedNic(name, spec, params["state"] == one["state"] == "present"))
    problems += list_problems([nic.spec for nic in nics], "ifaces")
    return DesiredNics(
        params["domain"],
        tuple(nics),
        params["exclusive"],
        params["apply"],
        params["replace"],
        params["unplug_timeout"],
        tuple(problems),
    )


@difference.register
def _difference(outcome: NicOutcome) -> dict[str, str]:
    name, nics = outcome.name, outcome.plan.nic_changes
    return {
        "before_header": name,
        "after_header": name,
        "before": _shown([(one.scope, one.before) for one in nics]),
        "after": _shown([(one.scope, one.after) for one in nics]),
    }


def _shown(nics: Sequence[tuple[str, Spec | None]]) -> str:
    """NICs, each in a definition, as XML."""
    text = ""
    for scope, title in zip(SCOPES, ("running", "saved")):
        specs = [spec for place, spec in nics if place == scope]
        text += f"<!-- {title} -->\n" if specs else ""
        text += "".join(write_xml(render(spec)) for spec in specs if spec is not None)
    return text


def summary(nic: PlannedNic) -> dict[str, Any]:
    """What a user reads about a NIC of the task."""
    spec = nic.saved if nic.saved is not None else nic.live or {}
    return {
        "mac": mac_of(spec),
        "generated": nic.generated,
        "spec": spec,
        "live": nic.live is not None,
        "saved": nic.saved is not None,
    }


def _address(
    gateway: Guests, outcome: NicOutcome, nic: PlannedNic, seconds: float, known: set[Known]
) -> dict[str, Any] | None:
    """The address that a NIC has got, None when nobody waits for one."""
    if seconds <= 0:
        return None
    guest = outcome.plan.guest
    if nic.live is None:
        raise NoAddressError(f"Cannot wait for an address of {label(nic.saved or {})}: it is not plugged in")
    network = nic.live.get("source", {}).get("network", "")
    found = gateway.wait_for_address(guest, mac_of(nic.live), network, seconds, known if nic.moved else ())
    if found is None:
        raise NoAddressError(
            f"Guest {guest!r} got no address at {label(nic.live)} within {seconds:g} seconds, "
            f"{_why(gateway, guest, mac_of(nic.live))}; the NIC stays as it was asked for"
        )
    return {**found[0]._asdict(), "seconds": round(found[1], 3)}


def _why(gateway: Guests, guest: str, mac: str) -> str:
    """Why a NIC may have no address."""
    from .._nics.info import guests

    nics = [nic for shown in guests(gateway, [guest], False) for nic in shown["nics"] if nic["mac"] == mac]
    reasons = [nic["reason"] for nic in nics if nic["reason"]]
    if reasons:
        return f"maybe because {reasons[0]}"
    return "although it is connected: see whether somebody gives addresses there, and whether the guest asks for one"


def run_iface_info() -> None:
    """Runs the module that returns the NICs of guests."""
    from .._nics.info import guests

    options = {
        "domain": {"type": "list", "elements": "str", "aliases": ["domains"], "default": []},
        "agent": {"type": "bool", "default": False},
    }

    def describe(gateway: Guests, module: Module) -> dict[str, Any]:
        return {"guests": guests(gateway, module.params["domain"], module.params["agent"])}

    run_info(options, describe, Guests, "agent")
