"""The documentation of results against the code: every key, and its type."""

from __future__ import annotations

import importlib
import json
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor.gateway import Lease
from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor.guests import Address
from ansible_collections.virtfleet.network.plugins.module_utils._network.info import networks
from ansible_collections.virtfleet.network.plugins.module_utils._network.plan import plan_network
from ansible_collections.virtfleet.network.plugins.module_utils._nwfilter.resource import Filters
from ansible_collections.virtfleet.network.plugins.module_utils._schema.network import LiveNetwork, NetworkDefinition
from ansible_collections.virtfleet.network.plugins.module_utils._task import networks as _module
from ansible_collections.virtfleet.network.plugins.module_utils._task import nics as _nic_module
from ansible_collections.virtfleet.network.plugins.module_utils._task import topology as _topology_module
from ansible_collections.virtfleet.network.plugins.module_utils._task.results import result_of
from ansible_collections.virtfleet.network.plugins.module_utils._values.desired import Desired, Policy
from ansible_collections.virtfleet.network.plugins.module_utils._values.nwfilters import DesiredFilter
from ansible_collections.virtfleet.network.plugins.module_utils._values.observed import Guest, Nic, Observed
from ansible_collections.virtfleet.network.plugins.module_utils._values.outcome import Outcome
from tests.unit.documentation import ADDED, COLLECTION, arguments, documented
from tests.unit.entry_cases import KINDS as ENTRIES
from tests.unit.jobs import converge_nics
from tests.unit.nic_cases import desired_of, host_of
from tests.unit.run_module import run_module

KINDS = {"str": str, "bool": bool, "int": int, "float": float, "list": list, "dict": dict}
FREE = {"spec", "live_spec"}  # dictionaries whose keys are the options of virt_network
SAVED = (
    "<network><name>guests</name><uuid>5f2ba3a0-8dbd-4bb9-9a7c-1d3b9a4e2f11</uuid><bridge name='virbr0'/>"
    "<mtu size='9000'/><ip address='192.168.50.1' prefix='24'/></network>"
)
WEB = Guest("web", True, ("52:54:00:00:00:01",), (Nic("52:54:00:00:00:01", "net0", "vnet0"),))
NOW = Observed(
    "guests",
    NetworkDefinition(SAVED),
    LiveNetwork(SAVED.replace("9000", "1500")),
    autostart=True,
    persistent=True,
    guests=(WEB,),
)


def wrong_keys(result: dict[str, Any], contains: dict[str, Any], path: str = "") -> list[str]:
    """Keys of a result that are not documented, documented ones that it lacks, and values of another type."""
    wrong = [f"{path}{key}" for key in set(result) ^ set(contains)]
    for key in set(result) & set(contains):
        value, entry, place = result[key], contains[key], f"{path}{key}"
        if entry["type"] != "raw" and value.__class__ is not KINDS[entry["type"]]:
            wrong.append(f"{place} is no {entry['type']}")
        if key not in FREE and isinstance(value, dict):
            wrong += wrong_keys(value, entry.get("contains", {}), f"{place}.")
        if isinstance(value, list) and entry.get("elements") == "dict":
            wrong += wrong_keys({key: item[key] for item in value for key in item}, entry["contains"], f"{place}[].")
    return wrong


WANTED = Desired("guests", spec={"domain": {"name": "guests.example"}})
CHANGED = plan_network(WANTED, NOW, Policy())
OUTCOME = Outcome(WANTED, CHANGED, NOW, NOW._replace(saved=CHANGED.after))
# The least that each module can be given.
LEAST = {
    "virt_network": {"name": "guests"},
    **{f"virt_{name}": {"network": "guests", kind.path[-1]: []} for name, kind in ENTRIES.items()},
    "virt_topology": {"name": "site", "networks": []},
}


def nic_outcome() -> Any:
    """What becomes of a guest's NICs."""
    host = host_of({"guest": {"saved": ["network lan a"]}})
    return converge_nics(
        host, desired_of({"desired": {"source": {"network": "lan"}, "link": {"state": "down"}}}), True, 5
    )


def filter_outcome() -> Any:
    """What becomes of a network filter."""
    return Filters(host_of({}), []).quick_plan(DesiredFilter("own", spec={"chain": "arp"}))


class FakeModule:
    """An AnsibleModule that keeps its result."""

    check_mode = False

    def __init__(self, params: dict[str, Any]) -> None:
        self.params = params
        self.result: dict[str, Any] = {}

    def warn(self, _text: str) -> None:
        """Nobody listens."""

    def exit_json(self, **result: Any) -> None:
        """The end."""
        self.result = json.loads(json.dumps(result))


def returned(module: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What a module returns that finds something to change."""
    with monkeypatch.context() as patched:
        spec = arguments(module, patched)
    fake = FakeModule(dict(ArgumentSpecValidator(spec).validate(LEAST[module]).validated_parameters))
    monkeypatch.setattr(_module, "start", lambda _options, **_rules: fake)
    monkeypatch.setattr(_module, "Gateway", lambda *_given: FakeGateway())
    monkeypatch.setattr(_topology_module, "Guests", lambda *_given: FakeGateway())
    outcomes = [OUTCOME, *([nic_outcome(), filter_outcome()] if module == "virt_topology" else [])]
    monkeypatch.setattr(_module, "converge", lambda *_given: outcomes)
    importlib.import_module(f"ansible_collections.{COLLECTION}.plugins.modules.{module}").main()
    return fake.result


@pytest.mark.parametrize("module", LEAST)
def test_result_of_a_change(module: str, monkeypatch: Any) -> None:
    result = returned(module, monkeypatch)
    assert result.pop("changed") is True
    told = documented()[module]["return"]
    assert wrong_keys(result, {name: entry for name, entry in told.items() if name not in ADDED}) == []
    assert len(ADDED & told.keys()) == 2


def test_modules_say_the_same_of_results() -> None:
    told = {name: set(documented()[name]["return"]) for name in LEAST}
    own = {"network", "networks", "ifaces", "nwfilters", "entries", "backup_file", "backup_files"}
    assert {frozenset(keys - own) for keys in told.values()} == {frozenset(told["virt_network"] - own)}


def test_result_without_a_change_has_the_same_keys() -> None:
    changed = result_of([OUTCOME])
    unchanged = result_of([OUTCOME._replace(plan=CHANGED._replace(steps=()))])
    assert set(unchanged) == set(changed)


def test_wrong_keys_are_found() -> None:
    told = {"name": "guests", "active": "yes", "extra": 1, "guests": [{"name": "web", "running": True, "mac": []}]}
    contains = documented()["virt_network_info"]["return"]["networks"]["contains"]
    wrong = wrong_keys(told, {name: contains[name] for name in ("name", "active", "xml", "guests")})
    assert sorted(wrong) == ["active is no bool", "extra", "guests[].mac", "guests[].macs", "guests[].nics", "xml"]


class FakeGateway:
    """Knows one network, with everything that can be reported of one."""

    def networks(self) -> list[Observed]:
        return [NOW]

    def guests(self) -> dict[str, tuple[Guest, ...]]:
        return {"guests": (WEB,)}

    def close(self) -> None:
        """Nothing is open."""

    def leases(self, _name: str) -> list[Lease]:
        return [Lease("52:54:00:00:00:01", "192.168.50.10", 24, "web", "", 0)]


def test_result_of_info() -> None:
    told: Any = networks(FakeGateway(), [])  # type: ignore[arg-type]
    # as it comes out of a module
    assert wrong_keys({"networks": json.loads(json.dumps(told))}, documented()["virt_network_info"]["return"]) == []


def test_result_of_nics(monkeypatch: Any) -> None:
    host = host_of({"guest": {"saved": ["network lan a <model type='e1000e'/>"], "live": ["network lan a"]}})
    host.told = {"52:54:00:00:00:0a": [Address("192.168.81.7", 24, "lease")]}
    monkeypatch.setattr(_nic_module, "Guests", lambda *_given: host)
    link = {"state": "down"}
    for module, options in {
        "virt_iface_info": {"domain": ["web"]},
        "virt_iface": {"domain": "web", "source": {"network": "lan"}, "link": link, "wait_for_ip": True},
    }.items():
        result = run_module(module, **options)
        for key in ("changed", "invocation"):
            result.pop(key, None)
        told = documented()[module]["return"]
        assert wrong_keys(result, {name: entry for name, entry in told.items() if name not in ADDED}) == []
