"""Null is the same as left out: nulls anywhere in a task change nothing, only what is written as empty removes."""

from __future__ import annotations

import copy
import json
import sys

import pytest
from ansible.module_utils import basic
from hypothesis import given as forall
from hypothesis import settings
from hypothesis import strategies as st

from ansible_collections.virtfleet.network.plugins.module_utils._entries.options import entry_options, entry_rules
from ansible_collections.virtfleet.network.plugins.module_utils._nics.interface_spec import render
from ansible_collections.virtfleet.network.plugins.module_utils._schema.interface import INTERFACE
from ansible_collections.virtfleet.network.plugins.module_utils._schema.network import NETWORK
from ansible_collections.virtfleet.network.plugins.module_utils._task import networks as _module
from ansible_collections.virtfleet.network.plugins.module_utils._task import nics as _nic_module
from ansible_collections.virtfleet.network.plugins.module_utils._task import topology as _topology_module
from ansible_collections.virtfleet.network.plugins.module_utils._xml.fields import argument_spec
from tests.unit.entry_cases import KINDS
from tests.unit.run_module import driver_of_tests, run_module
from tests.unit.specs import options as options_of

RANGE = {"start": "10.9.0.10", "end": "10.9.0.99"}
FULL = {
    "name": "full",
    "forward": {"mode": "nat", "nat": {"port": {"start": 2000, "end": 3000}}},
    "domain": {"name": "full.example", "local_only": True},
    "dns": {
        "hosts": [{"ip": "10.9.0.5", "hostnames": ["five"]}],
        "txts": [{"name": "note", "value": "1"}],
        "srvs": [{"service": "sip", "protocol": "udp", "target": "a", "port": 1}],
    },
    "ips": [
        {
            "address": "10.9.0.1",
            "prefix": 24,
            "dhcp": {"ranges": [RANGE], "hosts": [{"mac": "52:54:00:00:00:01", "name": "one", "ip": "10.9.0.2"}]},
        }
    ],
    "portgroups": [{"name": "plain", "bandwidth": {"inbound": {"average": 100}}}],
}


def params(options, wanted, rules=None):
    """What a module gets to see of a user's options."""
    arguments = {"ANSIBLE_MODULE_ARGS": {"_ansible_check_mode": True, **wanted}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(basic, "_ANSIBLE_ARGS", json.dumps(arguments).encode())
        patch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)  # since ansible-core 2.19
        if internal := sys.modules.get("ansible.module_utils._internal"):  # since ansible-core 2.19
            patch.setattr(internal, "is_controller", False)
        return _module.start(copy.deepcopy(options), **(rules or {})).params


def nothing(option):
    """What stands for nothing in the place of an option: null, or what holds nothing else."""
    if "options" not in option:
        return st.sampled_from([None, [None]] if option.get("type") == "list" else [None])
    some = option["options"].items()
    name, inner = st.sampled_from(sorted(name for name, _inner in some)), dict(some)
    one = name.flatmap(lambda name: nothing(inner[name]).map(lambda value: {name: value}))
    return st.one_of(st.none(), one if option["type"] == "dict" else st.lists(one, min_size=1, max_size=2))


@st.composite
def with_nulls(draw, value, option):
    """The same with nothing said in more places: in no place that is written as empty, as that would say something."""
    options = option.get("options", {})
    if isinstance(value, dict):
        filled = {name: draw(with_nulls(one, options.get(name, {}))) for name, one in value.items()}
        more = sorted(options.keys() - value.keys()) if value else []
        names = draw(st.lists(st.sampled_from(more), max_size=3, unique=True)) if more else []
        return {**filled, **{name: draw(nothing(options[name])) for name in names}}
    if isinstance(value, list) and value:
        item = {"type": option.get("elements"), "options": options} if options else {}
        filled = [draw(with_nulls(one, item)) for one in value]
        return [*filled[:1], draw(nothing(item)), *filled[1:]] if draw(st.booleans()) else filled
    return value


NETWORKS = options_of(NETWORK, empty=True, but=("name",)).map(lambda one: {**one, "name": "lan"})
NICS = options_of(INTERFACE, empty=True).map(lambda one: {**one, "domain": "web"})
TOPOLOGIES = st.lists(NETWORKS, min_size=1, max_size=2).map(lambda some: {"networks": some})
MODULES = {
    "virt_network": (_module.network_options(), {}, NETWORKS),
    "virt_iface": (_nic_module.iface_options(), {}, NICS),
    "virt_topology": (_topology_module.topology_options(), {}, TOPOLOGIES),
    **{
        name: (
            entry_options(kind),
            entry_rules(kind),
            st.lists(options_of(kind.row.rows, empty=True).filter(bool), min_size=1, max_size=2).map(
                lambda some, bulk=kind.path[-1]: {"network": "lan", bulk: some}
            ),
        )
        for name, kind in KINDS.items()
    },
}


@pytest.mark.parametrize("name", MODULES)
@settings(max_examples=25)
@forall(st.data())
def test_nulls_anywhere_change_nothing(name, data):
    options, rules, wanted = MODULES[name]
    task = data.draw(wanted)
    nulls = data.draw(with_nulls(task, {"type": "dict", "options": {**options, **_module.CONNECTION}}))
    assert params(options, nulls, rules) == params(options, task, rules)


@settings(max_examples=25)
@forall(st.data())
def test_nulls_anywhere_change_nothing_of_what_filters_return(data):
    nic = {"type": "network", "source": {"network": "lan"}, "mac": {"address": "52:54:00:00:00:01"}}
    nulls = data.draw(with_nulls(nic, {"type": "dict", "options": argument_spec(INTERFACE)}))
    assert render(nulls) == render(nic)


@settings(max_examples=25)
@forall(st.data())
def test_nulls_anywhere_change_nothing_of_the_short_form(data):
    options = _module.network_options()
    short = {"name": "lan", "kind": "nat", "subnet": "10.0.0.0/24", "subnet_ipv6": "fd00::/64", "dns": {"enable": True}}
    nulls = data.draw(with_nulls(short, {"type": "dict", "options": options}))
    one, other = (_module.desired_network(params(options, task)) for task in (nulls, short))
    assert (one.spec, one.problems) == (other.spec, ())


DEEP = [
    {"dns": {"hosts": None, "srvs": None}},
    {"dns": {"forwarders": [{"domain": None, "address": None}]}},
    {"dns": "{'hosts': None}"},
    {"dns": '{"txts": null}'},
    {"domain": {"name": None}},
    {"forward": {"nat": {"port": None, "address": {"start": None}}}},
    {"ips": [{"address": None, "dhcp": {"ranges": None}}]},
    {"ips": [{"address": "10.9.0.1", "dhcp": {"ranges": None, "hosts": None}}]},
    {"ips": [{"address": "10.9.0.1", "dhcp": {"ranges": [None], "hosts": [{"mac": None}]}}]},
    {"ips": [None], "portgroups": None},
    {"portgroups": [{"name": "plain", "bandwidth": {"inbound": {"average": None}}}]},
    {
        "autostart": None,
        "force": None,
        "xml": None,
        "mtu": {"size": None},
        "restart": None,
        "lock_timeout": None,
        "state": None,
        "backup_dir": None,
    },
]


def test_nothing_but_nulls_removes_nothing_and_what_is_empty_does():
    with driver_of_tests():
        assert run_module("virt_network", active=False, **FULL)["changed"]
        for wanted in DEEP:
            result = run_module("virt_network", **{"name": "full", "active": False, **wanted})
            assert (result.get("msg"), result["changed"]) == (None, False), wanted
        emptied = {"dns": {}, "domain": {}, "ips": [{"address": "10.9.0.1/24", "dhcp": {"ranges": [], "hosts": []}}]}
        spec = run_module("virt_network", name="full", active=False, **emptied)["network"]["spec"]
        assert not spec.keys() & emptied.keys() - {"ips"}
        assert spec["ips"] == [{"address": "10.9.0.1", "prefix": 24}]


def test_required_options_cannot_be_null():
    for module, wanted in (("virt_network", {"name": None}), ("virt_topology", {"networks": [None]})):
        assert "missing required arguments" in run_module(module, **wanted)["msg"]
    told = run_module("virt_dhcp_host", network="full", exclusive=True, hosts=[{"mac": None}])["msg"]
    assert told.startswith("one of the following is required: hosts")
