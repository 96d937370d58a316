# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The glue of the module for many networks, the NICs on them, and network filters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._errors.errors import NetworkError
from .._hypervisor.gateway import Gateway
from .._hypervisor.guests import Guests
from .._network.info import summary
from .._network.target import owner
from .._nics.resource import Nics
from .._nwfilter.resource import Filters
from .._nwfilter.resource import summary as filter_summary
from .._schema.network import NETWORK
from .._values.desired import Desired
from .._values.nic_steps import NicOutcome
from .._values.nwfilters import FilterOutcome
from .._values.outcome import Outcome
from .._values.topology import DesiredTopology
from .._xml.codec import normalise
from . import networks as _module
from . import nics as _nic_module
from . import nwfilters as _filter_module
from .task import Module

if TYPE_CHECKING:
    from .._values.resource import Resource

OF_A_GUEST = ("domain", "state", "exclusive", "apply", "replace", "unplug_timeout")


def topology_options() -> dict[str, Any]:
    """The options of virt_topology: many networks, guests' NICs, network filters, and the name that the networks are
    marked with."""
    rules = _module.network_rules()
    nics = {**_nic_module.several_options(), "required": True}
    guest = {**{name: _nic_module.TASK[name] for name in OF_A_GUEST}, "ifaces": nics}
    return {
        "name": {"type": "str"},
        "networks": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": _module.network_options(),
            **rules,
        },
        "ifaces": {"type": "list", "elements": "dict", "default": [], "options": guest},
        "nwfilters": _filter_module.several_options(),
        "host_bridges": {"type": "list", "elements": "str", "default": []},
        "purge": {"type": "str", "choices": ["none", "owned"], "default": "none"},
    }


def desired_topology(params: dict[str, Any], gateway: Gateway) -> DesiredTopology:
    """What is wanted of networks, NICs and filters; networks that the topology made earlier and that are to go."""
    topology = params["name"]
    listed = [_module.desired_network(one)._replace(topology=topology or "") for one in params["networks"]]
    guests = [_nic_module.desired_nics(one) for one in params["ifaces"]]
    filters = [_filter_module.desired_filter(one) for one in params["nwfilters"]]
    names = [one.name for one in listed]
    problems = [] if topology is None else normalise(NETWORK, {"name": topology})[1]
    if topology is None and params["purge"] == "owned":
        problems.append("purge: owned needs name, as it says which networks are owned")
    problems += [f"networks lists {name!r} twice" for name in _twice(names)]
    problems += [f"nwfilters lists {name!r} twice" for name in _twice([one.name for one in filters])]
    problems += [
        f"ifaces lists guest {name!r} twice: give it one entry, with all its NICs"
        for name in _twice([one.guest for one in guests])
    ]
    if problems:
        about = "the networks" if topology is None else f"topology {topology!r}"
        raise NetworkError(f"Cannot bring {about} about: {'; '.join(problems)}")
    others = sorted({*gateway.names()} - {*names}) if params["purge"] == "owned" else []
    gone = [name for name in others if owner(gateway.observe(name).saved) == topology]
    networks = [*listed, *(Desired(name, present=False) for name in gone)]
    return DesiredTopology(networks, guests, params["host_bridges"], filters)


def _twice(names: list[str]) -> list[str]:
    return sorted({name for name in names if names.count(name) > 1})


def run_topology() -> None:
    """Runs the module for many networks at once."""
    _module.run_job({**topology_options(), **_module.STOP, **_module.CHANGE}, _job, _result, Guests)


def _job(module: Module, gateway: Guests) -> list[Resource]:
    wanted = desired_topology(module.params, gateway)
    networks = _module.networks_of(gateway, wanted.networks, module.params, wanted.bridges)
    return [Filters(gateway, wanted.filters), networks, Nics(gateway, wanted.guests)]


def _result(run: _module.Run) -> dict[str, Any]:
    return {
        "restart_required": False,  # without any networks
        **run.result,
        "networks": [summary(one.after) for one in run.outcomes if isinstance(one, Outcome)],
        "ifaces": [
            {"domain": one.desired.guest, **_nic_module.summary(nic)}
            for one in run.outcomes
            if isinstance(one, NicOutcome)
            for nic in one.plan.nics
        ],
        "nwfilters": [filter_summary(one.after) for one in run.outcomes if isinstance(one, FilterOutcome)],
        **({"backup_files": run.backups} if run.backups else {}),
    }
