"""The generated files of the roles: what each takes, what it works out of that, and its task."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import yaml

from ansible_collections.virtfleet.network.plugins.module_utils._network.checks import _OWN_BRIDGE_ONLY
from ansible_collections.virtfleet.network.plugins.module_utils._network.short_options import SHORT
from ansible_collections.virtfleet.network.plugins.module_utils._schema.network import NETWORK
from ansible_collections.virtfleet.network.plugins.module_utils._task.networks import (
    CHANGE,
    CONNECTION,
    STOP,
    network_options,
)
from ansible_collections.virtfleet.network.plugins.module_utils._task.topology import topology_options
from tests.tools.interface_docs import guest_docs
from tests.tools.option_docs import WHOLE, Descriptions, Options, each_text, flat, head, options_of, short_docs
from tests.tools.topology_docs import filters_docs
from tests.tools.yaml_style import dump

# Which kind of network each role makes; the first one makes any. "topology" is the role for many networks.
KINDS = {
    "network": "",
    "nat_network": "nat",
    "routed_network": "routed",
    "isolated_network": "isolated",
    "bridged_network": "bridged",
}
# What a network of a kind does not have.
_LACKS: dict[str, tuple[str, ...]] = {
    "": (),
    "nat": ("kind", "xml"),
    "routed": ("kind", "xml"),
    "isolated": ("kind", "xml", "forward"),
    "bridged": ("xml", *SHORT, *_OWN_BRIDGE_ONLY, "dns", "dnsmasq_options", "ipv6"),
}
# Tasks of a kind that are written by hand.
_URI = "routed_network_uri | default(target_uri | default('', true), true)"
# Whether tasks run elsewhere, as the modules themselves decide it: a URI with a host, with a socket, or of the test
# driver.
_LOCAL = "^(?!test)[a-z]+([+]unix)?:///"
_AWAY = {
    "routed_network_away": f"{{{{ uri != '' and (uri is not match('{_LOCAL}') or 'socket=' in uri) }}}}",
    "uri": f"{{{{ {_URI} }}}}",
}
_BEFORE = {
    "routed": [{"name": "What has to be known", "ansible.builtin.import_tasks": "away.yml", "vars": _AWAY}],
}
_MORE = {"routed": [{"name": "Way to the network", "ansible.builtin.import_tasks": "route.yml", "vars": _AWAY}]}
_COMMON = {**STOP, **CHANGE, **CONNECTION}
_BRIDGES = "topology_host_bridges | default([], true)"
_HOST_BRIDGES = [
    {
        "name": "Tasks run on the hypervisor itself",
        "ansible.builtin.assert": {
            "that": "target_uri | default('', true) == ''",
            "fail_msg": "Cannot make topology_host_bridges of {{ inventory_hostname }}, because target_uri says that"
            " tasks run elsewhere, and would change that machine: leave topology_host_bridges out, and make the bridges"
            " where Ansible logs in to the hypervisor",
            "quiet": True,
        },
        "when": f"{_BRIDGES} | length > 0",
    },
    {
        "name": "Bridges of the hypervisor",
        "ansible.builtin.include_role": {"name": "virtfleet.network.host_bridge"},
        "vars": {"host_bridge_bridges": f"{{{{ {_BRIDGES} }}}}"},
        "when": f"{_BRIDGES} | length > 0",
    },
]


def specs_of(role: str) -> Options:
    """What the role for one network takes, without its own name in front."""
    every = {**network_options(), **_COMMON}
    first = {"name": every.pop("name")}
    return {**first, **{name: spec for name, spec in every.items() if name not in _LACKS[KINDS[role]]}}


class Roles:
    """The files of all roles, in the words of descriptions.yml (``data`` of each role, ``texts`` of options) and of the
    modules: ``common`` for the options of all of them, ``whole`` for what virt_network documents."""

    def __init__(self, data: Options, texts: Mapping[str, Descriptions], common: Options, whole: Options) -> None:
        self._data, self._common, self._whole = data, common, whole
        self._texts, self._table, self._many = (texts[title] for title in ("short_form", "network_options", "topology"))
        self._nics, self._filters = (texts["iface"], texts["interface_options"]), texts["nwfilter"]

    def files(self, mark: str) -> dict[str, str]:
        """The text of every generated file by its path."""
        made: dict[str, Any] = {}
        for role in self._data:
            made[f"{role}/meta/main.yml"] = {"galaxy_info": self._galaxy(role), "dependencies": [_checked(role)]}
            made[f"{role}/meta/argument_specs.yml"] = {"argument_specs": {"main": self._documented(role)}}
            made[f"{role}/tasks/main.yml"] = _tasks(role)
        begin = f"---\n# {mark}: do not edit.\n"
        return {f"roles/{path}": begin + dump(content) for path, content in made.items()}

    def _galaxy(self, role: str) -> Options:
        return {
            "author": "virtfleet maintainers",
            "description": self._data[role]["short_description"],
            "license": "GPL-3.0-or-later",
            "min_ansible_version": "2.16",
        }

    def _documented(self, role: str) -> Options:
        options = self._topology() if role not in KINDS else self._one(specs_of(role))
        options.update(self._data[role].get("options", {}))
        named = {f"{role}_{name}": option for name, option in options.items()}
        told = {key: self._data[role][key] for key in ("short_description", "version_added", "description")}
        return {**told, "options": _renamed(each_text(named, lambda text: _lead(text, role, options)))}

    def _one(self, specs: Options) -> Options:
        typed = {name: spec for name, spec in specs.items() if name not in {*self._whole, *SHORT, *_COMMON}}
        return {
            **{name: {**option, **head(specs[name])} for name, option in self._whole.items() if name in specs},
            **short_docs(specs, self._texts, self._table),
            **options_of(NETWORK, typed, self._table),
            **self._common,
        }

    def _topology(self) -> Options:
        specs = topology_options()
        inner = specs["networks"]["options"]
        documented = flat(specs, self._many)
        documented["networks"]["suboptions"] = each_text(self._one(inner), _inside_networks)
        for name in _COMMON:
            del documented["networks"]["suboptions"][name]
        documented["ifaces"]["suboptions"] = guest_docs(specs["ifaces"]["options"], *self._nics)
        documented["nwfilters"]["suboptions"] = filters_docs(specs["nwfilters"]["options"], self._filters)
        return {**documented, **self._common}


def plain_specs(documented: Mapping[str, str]) -> dict[str, str]:
    """The arguments of roles without the words for people, as JSON: what looks at variables reads them for each
    hypervisor, and YAML takes a hundred times as long. ``documented`` are argument_specs.yml by their roles' names."""
    specs = {role: yaml.safe_load(text)["argument_specs"]["main"]["options"] for role, text in documented.items()}
    return {f"roles/{role}/meta/options.json": f"{json.dumps(_plain(one), indent=1)}\n" for role, one in specs.items()}


def _plain(options: Options) -> Options:
    """Options by their names, without their descriptions."""
    kept = {name: {key: one[key] for key in one if key != "description"} for name, one in options.items()}
    return {name: {**one, "options": _plain(one["options"])} if "options" in one else one for name, one in kept.items()}


def _checked(role: str) -> Options:
    """The role that looks at the variables first: Ansible's own error would hold the whole specification."""
    return {"role": "virtfleet.network.variables", "vars": {"variables_of": role}}


def _inside_networks(text: str) -> str:
    return re.sub(r"O\((\w+)", lambda found: found[0] if found[1] in _COMMON else f"O(networks[].{found[1]}", text)


def _lead(text: str, role: str, options: Options) -> str:
    """A text that speaks of options by the names that they have in the role, or in the module when it lacks them."""

    def lead(found: re.Match[str]) -> str:
        known = found[1] in options
        return f"O({role}_{found[1]}" if known else f"O({WHOLE}#module:{found[1]}"

    return re.sub(r"O\((\w+)(?![\w.]*#)", lead, text)


def _renamed(options: Options) -> Options:
    """The same documentation with what is inside of options under the name that roles have for it."""
    named = {name: dict(option) for name, option in options.items()}
    for option in named.values():
        if "suboptions" in option:
            option["options"] = _renamed(option.pop("suboptions"))
    return named


def _tasks(role: str) -> list[Options]:
    if role == "topology":
        options = {name: _given(role, name) for name in (*topology_options(), *_COMMON)}
        for name in ("networks", "ifaces", "nwfilters"):
            many = f"lookup('virtfleet.network.as_json', 'topology_{name}')"
            options[name] = f"{{{{ omit if topology_{name} | default(none) is none else {many} }}}}"
        options["host_bridges"] = f"{{{{ {_BRIDGES} | map(attribute='name') | list }}}}"
        return [*_HOST_BRIDGES, _task("Networks, NICs and filters", role, "virtfleet.network.virt_topology", options)]
    kind = {"kind": KINDS[role]} if KINDS[role] else {}
    options = {**{name: _given(role, name) for name in specs_of(role)}, **kind}
    tasks = [_task(f"Network {{{{ {role}_name }}}}", role, WHOLE, options)]
    return [*_BEFORE.get(KINDS[role], []), *tasks, *_MORE.get(KINDS[role], [])]


def _given(role: str, name: str) -> str:
    """The value of an option: null counts as not set, which Ansible 2.16 would make an empty text of."""
    needed, variable = name == "name" and role in KINDS, f"{role}_{name}"
    if name == "uri":  # in the module's options and not in its environment, which Ansible shows with -vvv
        return f"{{{{ {variable} | default(target_uri | default(omit, true), true) }}}}"
    return (
        f"{{{{ {variable} }}}}" if needed else f"{{{{ omit if {variable} | default(none) is none else {variable} }}}}"
    )


def _task(title: str, role: str, module: str, options: Options) -> Options:
    return {"name": title, module: options, "register": f"{role}_result"}
