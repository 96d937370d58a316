"""The provider of a host, and what stands against it; it is one of those that the role knows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import yaml

from ansible_collections.virtfleet.network.plugins.filter import host_bridge_plan
from ansible_collections.virtfleet.network.plugins.plugin_utils._bridges.providers import PROVIDERS
from tests.unit._bridges.hosts import FIXED, IFUPDOWN, NETWORKD, NETWORKMANAGER, Told, link
from tests.unit._bridges.plans import BR0, problems

ROLE = Path(__file__).parents[3] / "roles/host_bridge"


def test_the_role_knows_every_provider() -> None:
    (arguments,) = yaml.safe_load((ROLE / "meta/argument_specs.yml").read_text())["argument_specs"].values()
    choices = yaml.safe_load(host_bridge_plan.DOCUMENTATION)["options"]["provider"]["choices"]
    assert choices == arguments["options"]["host_bridge_provider"]["choices"] == list(PROVIDERS)
    assert [name for name in PROVIDERS if not (ROLE / f"files/{name}.sh").exists()] == []


def test_providers() -> None:
    assert "nothing manages eth0" in problems(Told(), BR0)[0]
    assert problems(Told(), {**BR0, "addresses": [FIXED]}, provider="networkd") == []
    assert problems(NETWORKD, BR0, provider="netplan") == ["networkd manages eth0, and netplan would disturb it"]
    assert problems(replace(IFUPDOWN, files={}), BR0) == ["no file of ifupdown configures eth0"]
    after_a_full_run = replace(IFUPDOWN, records=tuple(one for one in IFUPDOWN.records if one[0] != "ifstate"))
    assert problems(after_a_full_run, BR0) == problems(IFUPDOWN, BR0) == []
    bare = replace(IFUPDOWN, records=IFUPDOWN.records[:1])
    assert problems(bare, BR0) == ["ifupdown makes bridges with bridge-utils, which is not installed"]
    assert "host_bridge_provider 'nmstate' is none of" in problems(NETWORKMANAGER, BR0, provider="nmstate")[0]
    unmanaged = ("networkd", "ADMIN_STATE=unmanaged\n", "2")
    assert "nothing manages eth0" in problems(Told(records=(unmanaged,)), BR0)[0]
    both = replace(NETWORKD, links=(*NETWORKD.links, link(4, "eth1", FIXED)), records=(*NETWORKD.records, IFSTATE))
    assert "ifupdown and networkd manage the ports" in problems(both, BR0, {"name": "br1", "port": "eth1"})[0]


IFSTATE = ("ifstate", "eth1=eth1\n", "")
