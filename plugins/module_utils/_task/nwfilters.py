# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The glue to Ansible of the modules for network filters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._errors.errors import DefinitionError, NetworkError
from .._hypervisor.guests import Guests
from .._nwfilter.resource import Filters, summary
from .._schema.nwfilter import NWFILTER, FilterDefinition
from .._values.nwfilters import DesiredFilter, FilterOutcome
from .._xml.codec import normalise
from .._xml.definition import ABSENT
from .._xml.fields import Spec, argument_spec
from .networks import CHANGE, Run, run_info, run_job
from .results import difference
from .task import Module

if TYPE_CHECKING:
    from .._values.resource import Resource


def nwfilter_options() -> dict[str, Any]:
    """The options of virt_nwfilter: the table's, and what belongs to a filter besides its definition."""
    return {
        **argument_spec(NWFILTER),
        "name": {"type": "str", "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "xml": {"type": "str"},
    }


def nwfilter_rules() -> dict[str, Any]:
    """What AnsibleModule is to check of these options together: a whole definition, or its parts."""
    return {"mutually_exclusive": [("xml", row.option) for row in NWFILTER if row.option != "name"]}


def several_options() -> dict[str, Any]:
    """The option for several filters."""
    return {"type": "list", "elements": "dict", "default": [], "options": nwfilter_options(), **nwfilter_rules()}


def desired_filter(params: dict[str, Any]) -> DesiredFilter:
    """The wanted filter of a module whose options are the table's."""
    name, xml = params["name"], FilterDefinition(params.get("xml") or "")
    spec, found = _read_definition(name, xml) if xml else normalise(NWFILTER, params)
    found += [problem for problem in normalise(NWFILTER, {"name": name})[1] if problem not in found]
    whole = xml if xml and spec else ABSENT
    return DesiredFilter(name, params["state"] == "present", {} if xml else spec, whole, tuple(found))


def _read_definition(name: str, xml: FilterDefinition) -> tuple[Spec, list[str]]:
    try:
        spec, found = normalise(NWFILTER, xml.spec)
    except DefinitionError as error:
        raise NetworkError(f"Cannot read the definition of network filter {name!r}: xml {error.why}") from None
    if xml.tree.tag != "filter" or spec.get("name") != name:
        found.append(f"xml must be a <filter> whose name is {name!r}, not {spec.get('name')!r}")
    return spec, found


@difference.register
def _difference(outcome: FilterOutcome) -> dict[str, str]:
    name, plan = outcome.name, outcome.plan
    shown = {"before": plan.before.indented, "after": plan.after.indented}
    return {"before_header": name, "after_header": name, **shown}


def run_nwfilter() -> None:
    """Runs the module for one network filter."""

    def job(module: Module, gateway: Guests) -> list[Resource]:
        return [Filters(gateway, [desired_filter(module.params)])]

    def result(run: Run) -> dict[str, Any]:
        return {**run.result, "nwfilter": summary(run.outcomes[0].after)}

    run_job({**nwfilter_options(), "lock_timeout": CHANGE["lock_timeout"]}, job, result, Guests, **nwfilter_rules())


def run_nwfilter_info() -> None:
    """Runs the module that returns network filters."""
    from .._nwfilter.info import nwfilters

    options = {"name": {"type": "list", "elements": "str", "aliases": ["names"], "default": []}}

    def describe(gateway: Guests, module: Module) -> dict[str, Any]:
        return {"nwfilters": nwfilters(gateway, module.params["name"])}

    run_info(options, describe, Guests)
