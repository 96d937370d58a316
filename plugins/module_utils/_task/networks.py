# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The glue to Ansible, and the only file that asks for check mode."""

from __future__ import annotations

import contextlib
import gc
import json
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

from ansible.module_utils.basic import env_fallback

from .._converge.conductor import converge
from .._errors.errors import DefinitionError, LibvirtError, NetworkError
from .._errors.readable import readable, unfit
from .._hypervisor import gateway as _gateway
from .._hypervisor.calls import signals
from .._hypervisor.gateway import Gateway
from .._network.info import summary
from .._network.resource import Networks
from .._network.short_options import SHORT, short_form, short_options
from .._schema.network import NETWORK, NetworkDefinition
from .._values.desired import Desired, Policy
from .._xml import codec as _codec
from .._xml.definition import ABSENT, Definition
from .._xml.fields import argument_spec
from .results import cost, result_of
from .task import Module

if TYPE_CHECKING:
    from .._values.resource import Resource

CONNECTION = {
    "uri": {"type": "str", "default": "qemu:///system", "fallback": (env_fallback, ["LIBVIRT_DEFAULT_URI"])},
    "timeout": {"type": "float", "default": _gateway.SECONDS},
}
CHANGE = {
    "restart": {"type": "str", "choices": ["never", "idle", "replug"], "default": "idle"},
    "lock_timeout": {"type": "float", "default": 60},
    "backup": {"type": "bool", "default": False},
    "backup_dir": {"type": "path", "default": "/var/backups/virtfleet.network"},
}
STOP = {"force": {"type": "bool", "default": False}}


def start(options: dict[str, Any], **rules: Any) -> Module:
    """The AnsibleModule of a module with these options, which fails with a package's name when a library is missing."""
    # What is imported stays to the end: looking through it for garbage costs 14 ms of a task.
    gc.freeze()
    gc.enable()
    try:
        module = Module({**options, **CONNECTION}, supports_check_mode=True, **rules)
    except UnicodeError as error:  # AnsibleModule itself logs the options as UTF-8
        sys.stdout.write(json.dumps({"failed": True, "msg": f"Cannot read the options: {readable(str(error))}"}))
        raise SystemExit(1) from None
    for name, there in (("libvirt-python", _gateway.HAS_LIBVIRT), ("lxml", _codec.HAS_LXML)):
        if not there:
            from .libraries import missing

            module.fail_json(msg=missing(name))
    found = list(unfit(module.params))
    if module.params["timeout"] <= 0:
        found.append(f"timeout must be more than 0 seconds, not {module.params['timeout']:g}")
    if found:
        module.fail_json(msg=f"Cannot read the options: {'; '.join(found)}", problems=found)
    return module


def finish(
    module: Module,
    readonly: bool,
    work: Callable[[Any], dict[str, Any]],
    kind: type[Gateway] | None = None,
    instead: Callable[[str, LibvirtError], Any] | None = None,
) -> None:
    """Connects, does the work and ends the module with its result or with its error as one sentence; ``instead`` is
    what stands in for a libvirt that has given an error."""
    uri = module.params["uri"]
    try:
        with signals():
            try:
                with contextlib.closing((kind or Gateway)(uri, readonly, module.params["timeout"])) as gateway:
                    result = work(gateway)
            except LibvirtError as error:
                other = instead(uri, error) if instead else None
                if other is None:
                    raise
                result = work(other)
    except NetworkError as error:
        module.fail_json(msg=str(error), problems=getattr(error, "problems", []))
    module.exit_json(**result)


class Run(NamedTuple):
    """A finished job: the gateway, the outcomes, the files with the replaced definitions, and the seconds that it
    took."""

    gateway: Any
    outcomes: list[Any]
    backups: list[str]
    seconds: float

    @property
    def result(self) -> dict[str, Any]:
        """What networks and NICs have in common in a result."""
        return {**result_of(self.outcomes), "cost": cost([one.plan for one in self.outcomes], self.seconds)}


def run_job(
    options: dict[str, Any],
    job: Callable[[Module, Any], list[Resource]],
    result: Callable[[Run], dict[str, Any]],
    kind: type[Gateway] | None = None,
    **rules: Any,
) -> None:
    """Runs a module that changes something: ``job`` makes the resources of its parameters, ``result`` the result."""
    module = start(options, **rules)
    params: dict[str, Any] = module.params
    backups: list[str] = []

    def before_apply(outcomes: list[Any]) -> None:
        if params.get("backup"):
            from .backups import back_up, replaces

            backups.extend(back_up(params["backup_dir"], one) for one in outcomes if replaces(one))

    def work(gateway: Any) -> dict[str, Any]:
        began = time.monotonic()
        outcomes = converge(gateway, job(module, gateway), module.check_mode, params["lock_timeout"], before_apply)
        for outcome in outcomes:
            for warning in outcome.plan.warnings:
                module.warn(warning)
        return result(Run(gateway, outcomes, backups, time.monotonic() - began))

    finish(module, module.check_mode, work, kind)


def networks_of(
    gateway: Any, wanted: Sequence[Desired], params: dict[str, Any], bridges: Sequence[str] = ()
) -> Networks:
    """Wanted networks as a resource, with what a task may cost guests."""
    return Networks(gateway, wanted, Policy(params["restart"], params.get("force", False)), bridges, _explain)


def _explain(gateway: Any, network: str) -> str:
    """Why a network does not start, as a diagnosis sees it."""
    from .._diagnosis.scenery import explain

    return explain(gateway.look(), gateway.networks(), network, gateway.version())


def desired_network(params: dict[str, Any]) -> Desired:
    """The wanted network of a module whose options are the network table's."""
    name, xml = params["name"], NetworkDefinition(params.get("xml") or "")
    if xml:
        spec, found = _read_definition(name, xml)
    else:
        spec, found = _codec.normalise(NETWORK, params)
    short, bridge = short_form(params), ""
    if short and params["state"] != "absent":
        from .._network.short_form import complete, default_bridge

        bridge = default_bridge(name, short, spec)
        spec, wrong = complete(short, spec)
        found += wrong
    found += [problem for problem in _codec.normalise(NETWORK, {"name": name})[1] if problem not in found]
    restarted = params["state"] == "restarted"
    if restarted and not params["active"]:
        found.append("state=restarted and active=false exclude each other")
    return Desired(
        name,
        params["state"] != "absent",
        {} if xml else spec,
        xml if spec else ABSENT,
        params["active"] or restarted,
        params["autostart"],
        tuple(found),
        restarted=restarted,
        bridge=bridge,
    )


def _read_definition(name: str, xml: Definition) -> tuple[dict[str, Any], list[str]]:
    try:
        spec, found = _codec.normalise(NETWORK, xml.spec)
    except DefinitionError as error:
        raise NetworkError(f"Cannot read the definition of network {name!r}: xml {error.why}") from None
    if xml.tree.tag != "network" or spec.get("name") != name:
        found.append(f"xml must be a <network> whose <name> is {name!r}, not {spec.get('name')!r}")
    return spec, found


def network_result(run: Run) -> dict[str, Any]:
    """The result of a module for one network, but for what is its own."""
    kept = {"backup_file": run.backups[0]} if run.backups else {}
    return {**run.result, **kept}


def run_info(
    options: dict[str, Any],
    describe: Callable[[Any, Module], dict[str, Any]],
    kind: type[Gateway] | None = None,
    privileged: str = "",
    instead: Callable[[str, LibvirtError], Any] | None = None,
) -> None:
    """Runs a module that changes nothing, and needs no privileges unless its option ``privileged`` is set; for
    ``instead`` see finish()."""
    module = start(options)
    readonly = not module.params.get(privileged)
    finish(module, readonly, lambda gateway: {"changed": False, **describe(gateway, module)}, kind, instead)


def network_options() -> dict[str, Any]:
    """The options of virt_network: those of its short form, the table's, and what belongs to a network besides its
    definition."""
    table = argument_spec(NETWORK)
    return {
        **short_options(table),
        **table,
        "name": {"type": "str", "required": True},
        "state": {"type": "str", "choices": ["present", "absent", "restarted"], "default": "present"},
        "active": {"type": "bool", "default": True},
        "autostart": {"type": "bool", "default": True},
        "xml": {"type": "str"},
    }


def network_rules() -> dict[str, Any]:
    """What AnsibleModule is to check of these options together: a whole definition, or its parts."""
    return {"mutually_exclusive": [("xml", name) for name in (*argument_spec(NETWORK), *SHORT) if name != "name"]}


def run_network() -> None:
    """Runs the module for one whole network."""
    run_job(
        {**network_options(), **STOP, **CHANGE},
        lambda module, gateway: [networks_of(gateway, [desired_network(module.params)], module.params)],
        lambda run: {**network_result(run), "network": summary(run.outcomes[0].after)},
        **network_rules(),
    )
