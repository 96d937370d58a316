"""Options that Ansible itself cannot read: the error names the option and says what to write."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.run_module import run_module


@pytest.mark.parametrize(
    "options,problem",
    [
        ({"forward": "nat"}, "forward must be a dictionary, not 'nat': write forward: {mode: nat} or kind: nat"),
        ({"forward": "route"}, "forward must be a dictionary, not 'route': write forward: {mode: route}"),
        ({"bridge": "br0"}, "bridge must be a dictionary, not 'br0': write bridge: {name: br0}"),
        ({"mtu": 9000}, "mtu must be a dictionary, not 9000: write mtu: {size: 9000}"),
        ({"dns": True}, "dns must be a dictionary, not True"),
        ({"forward": {"nat": {"port": 5}}}, "forward.nat.port must be a dictionary, not 5"),
        ({"ips": ["10.0.0.1/24"]}, "ips[0] must be a dictionary, not '10.0.0.1/24'"),
        ({"reservations": [5]}, "reservations[0] must be a dictionary, not 5"),
    ],
)
def test_a_value_in_place_of_a_dictionary(options: dict[str, Any], problem: str) -> None:
    assert run_module("virt_network", name="web", **options)["problems"] == [problem]
    inside = run_module("virt_topology", networks=[{"name": "web", **options}])["msg"]
    assert inside == f"Cannot read the options: networks[0].{problem}"


def test_a_dictionary_as_text_is_one() -> None:
    assert run_module("virt_network", True, name="web", bridge="name=vf-web", active=False)["changed"] is True


def test_a_list_of_dictionaries_as_json_is_one() -> None:
    ips = json.dumps([{"address": "10.0.0.1/24", "dhcp": {"hosts": '[{"ip": "10.0.0.9", "name": "nine"}]'}}])
    text = json.dumps([{"name": "web", "kind": "isolated", "bridge": None}, {"name": "shop", "ips": ips}])
    done = run_module("virt_topology", True, networks=text)
    assert [one["name"] for one in done["networks"]] == ["web", "shop"]
    assert done["networks"][1]["spec"]["ips"][0]["dhcp"] == {"hosts": [{"ip": "10.0.0.9", "name": "nine"}]}
    assert done["invocation"]["module_args"]["networks"] == text


@pytest.mark.parametrize("text", ["web", '{"name": "web"}', "[" * 100000, '["web"', "null", "[5]"])
def test_other_text_in_place_of_a_list_is_refused(text: str) -> None:
    failed = run_module("virt_topology", networks=text)
    assert failed["msg"].startswith("Cannot read the options: networks")
    assert len(failed["msg"]) < 1000


def test_a_module_for_entries_stops_nothing() -> None:
    assert "force" in run_module("virt_dhcp_host", network="default", mac="52:54:00:00:00:01", force=True)["msg"]
