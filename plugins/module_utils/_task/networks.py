# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The glue to Ansible, and the only file that asks for check mode."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable

from ansible.module_utils.basic import env_fallback

from .._converge.networks import converge
from .._errors.errors import NetworkError
from .._errors.readable import readable, unfit
from .._hypervisor import gateway as _gateway
from .._hypervisor.calls import signals
from .._hypervisor.gateway import Gateway
from .._network.info import summary
from .._network.target import tally
from .._schema.network import NETWORK
from .._values.desired import Desired, Policy
from .._values.observed import Observed
from .._values.outcome import Outcome
from .._xml import codec as _codec
from .._xml.fields import argument_spec
from .task import Module

if TYPE_CHECKING:
    from .._entries.lists import Collection

CONNECTION = {
    "uri": {"type": "str", "default": "qemu:///system", "fallback": (env_fallback, ["LIBVIRT_DEFAULT_URI"])},
    "timeout": {"type": "float", "default": _gateway.SECONDS},
}
CHANGE = {
    "restart": {"type": "str", "choices": ["never", "idle", "replug"], "default": "idle"},
    "force": {"type": "bool", "default": False},
    "lock_timeout": {"type": "float", "default": 60},
    "backup": {"type": "bool", "default": False},
    "backup_dir": {"type": "path", "default": "/var/backups/virtfleet.network"},
}


def start(options: dict[str, Any], **rules: Any) -> Module:
    """The AnsibleModule of a module with these options, which fails with a package's name when a library is missing."""
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
    module: Module, readonly: bool, work: Callable[[Any], dict[str, Any]], kind: type[Gateway] | None = None
) -> None:
    """Connects, does the work and ends the module with its result or with its error as one sentence."""
    try:
        with signals():
            gateway = (kind or Gateway)(module.params["uri"], readonly, module.params["timeout"])
            try:
                result = work(gateway)
            finally:
                gateway.close()
    except NetworkError as error:
        module.fail_json(msg=str(error), problems=getattr(error, "problems", []))
    module.exit_json(**result)


def run_networks(
    options: dict[str, Any],
    read: Callable[[dict[str, Any], Any], Any],
    tell: Callable[[list[Any], list[str]], dict[str, Any]],
    bring: Callable[..., list[Any]] | None = None,
    kind: type[Gateway] | None = None,
    **rules: Any,
) -> None:
    """Runs a module that changes networks: ``read`` makes what is wanted of its parameters, ``bring`` (else converge)
    brings that about, ``tell`` makes the result of the outcomes and of the files with the replaced definitions."""
    module = start({**options, **CHANGE}, **rules)
    params: dict[str, Any] = module.params
    saved: list[str] = []

    def back_up(outcomes: list[Outcome]) -> None:
        if params["backup"]:
            saved.extend(_back_up(params["backup_dir"], outcome) for outcome in outcomes if _replaces(outcome))

    def work(gateway: Any) -> dict[str, Any]:
        began, policy = time.monotonic(), Policy(params["restart"], params["force"])
        wanted = read(params, gateway)
        outcomes = (bring or converge)(gateway, wanted, policy, module.check_mode, params["lock_timeout"], back_up)
        for outcome in outcomes:
            for warning in outcome.plan.warnings:
                module.warn(warning)
        plans = [outcome.plan for outcome in outcomes]
        return {**tell(outcomes, saved), "cost": cost(plans, time.monotonic() - began)}

    finish(module, module.check_mode, work, kind)


def desired_network(params: dict[str, Any]) -> Desired:
    """The wanted network of a module whose options are the network table's."""
    name, xml = params["name"], params.get("xml") or ""
    if xml:
        spec, found = _read_definition(name, xml)
    else:
        spec, found = _codec.normalise(NETWORK, params)
    found += [problem for problem in _codec.normalise(NETWORK, {"name": name})[1] if problem not in found]
    bounce = params["state"] == "restarted"
    if bounce and not params["active"]:
        found.append("state=restarted and active=false exclude each other")
    return Desired(
        name,
        params["state"] != "absent",
        {} if xml else spec,
        xml if spec else "",
        params["active"] or bounce,
        params["autostart"],
        tuple(found),
        bounce=bounce,
    )


def _read_definition(name: str, xml: str) -> tuple[dict[str, Any], list[str]]:
    try:
        root = _codec.read_xml(xml)
    except ValueError as error:
        raise NetworkError(f"Cannot read the definition of network {name!r}: xml {error}") from None
    spec, found = _codec.normalise(NETWORK, _codec.parse(root, NETWORK))
    if root.tag != "network" or spec.get("name") != name:
        found.append(f"xml must be a <network> whose <name> is {name!r}, not {spec.get('name')!r}")
    return spec, found


def result_of(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """What a user is told about the networks of a task."""
    steps = [step for outcome in outcomes for step in outcome.plan.steps]
    result: dict[str, Any] = {
        "changed": bool(steps),
        "plan": [],
        "diff": [],
        "restart_required": any(outcome.plan.restart_required for outcome in outcomes),
        "unchecked": list(dict.fromkeys(text for outcome in outcomes for text in outcome.plan.unchecked)),
    }
    if steps:
        from .._values.steps import report, words

        result["plan"] = report(steps)
        result["diff"] = [*(_difference(outcome) for outcome in outcomes if outcome.plan.steps)]
        result["diff"].append({"prepared": words(steps)})
    return result


def _difference(outcome: Outcome) -> dict[str, str]:
    plan = outcome.plan
    return {
        "before_header": plan.network,
        "after_header": plan.network,
        "before": _state_line(outcome.before) + plan.before,
        "after": _state_line(outcome.after) + plan.after,
    }


def cost(plans: Sequence[Any], seconds: float) -> dict[str, Any]:
    """What the plans cost: calls to libvirt, whether a running network was restarted, the time of the whole task."""
    steps = [step for plan in plans for step in plan.steps]
    bounced, calls = any(item.effect == "restart" for step in steps for item in step.items), 0
    if steps:
        from .._values.steps import calls_of

        calls = sum(map(calls_of, steps))
    return {"calls": calls, "restart": bounced, "seconds": round(seconds, 3)}


def _kept(saved: list[str]) -> dict[str, str]:
    return {"backup_file": saved[0]} if saved else {}


def _state_line(observed: Observed) -> str:
    if not observed.saved:
        return ""
    return f"<!-- active: {observed.active}, autostart: {observed.autostart}, persistent: {observed.persistent} -->\n"


def _replaces(outcome: Outcome) -> bool:
    return bool(outcome.before.saved) and outcome.plan.before != outcome.plan.after


def _back_up(folder: str, outcome: Outcome) -> str:
    """Keeps the definition that is about to be replaced; its file is for root only, as libvirt's own are."""
    name, path = outcome.plan.network, ""
    try:
        Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
        rest = f".{stamp}.12345678.xml"  # mkstemp adds eight characters
        room = os.pathconf(folder, "PC_NAME_MAX") - len(rest)
        kept = name.encode()[:room].decode(errors="ignore")
        handle, path = tempfile.mkstemp(".xml", f"{kept}.{stamp}.", folder)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(outcome.before.saved)
            file.flush()
            os.fsync(file.fileno())  # some file systems find out only now that they are full
    except OSError as error:
        if path:
            Path(path).unlink(missing_ok=True)
        raise NetworkError(
            f"Cannot keep the definition of network {name!r} in {folder} ({error.strerror}), so nothing was changed: "
            "set backup_dir to a folder that can be written"
        ) from None
    return path


def run_info(options: dict[str, Any], tell: Callable[[Gateway, dict[str, Any]], dict[str, Any]]) -> None:
    """Runs a module that only tells: through the read-only socket, and never changed."""
    module = start(options)
    finish(module, True, lambda gateway: {"changed": False, **tell(gateway, module.params)})


def network_options() -> dict[str, Any]:
    """The options of virt_network: the table's, and what belongs to a network besides its definition."""
    return {
        **argument_spec(NETWORK),
        "name": {"type": "str", "required": True},
        "state": {"type": "str", "choices": ["present", "absent", "restarted"], "default": "present"},
        "active": {"type": "bool", "default": True},
        "autostart": {"type": "bool", "default": True},
        "xml": {"type": "str"},
    }


def run_entries(kind: Collection) -> None:
    """Runs a module for the entries of one list of a network."""
    from .._entries import options as entries

    run_networks(
        entries.entry_options(kind),
        lambda params, _gateway: [entries.desired_entries(kind, params)],
        lambda outcomes, saved: {**result_of(outcomes), **_entries_of(outcomes[0]), **_kept(saved)},
        **entries.entry_rules(kind),
    )


def _entries_of(outcome: Outcome) -> dict[str, Any]:
    return {"entries": tally(outcome.desired, outcome.before, outcome.plan.restart_required)._asdict()}


def network_rules() -> dict[str, Any]:
    """What AnsibleModule shall check of these options together: a whole definition, or its parts."""
    return {"mutually_exclusive": [("xml", name) for name in argument_spec(NETWORK) if name != "name"]}


def run_network() -> None:
    """Runs the module for one whole network."""
    run_networks(
        network_options(),
        lambda params, _gateway: [desired_network(params)],
        lambda outcomes, saved: {**result_of(outcomes), "network": summary(outcomes[0].after), **_kept(saved)},
        **network_rules(),
    )
