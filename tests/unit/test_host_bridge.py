"""What the role host_bridge works out: files for each provider, what of them is shown, and what it refuses.

What no kernel of the lab has is seen here only: a VLAN under a bridge.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.unit.bridge_hosts import (
    FIXED,
    FIXED6,
    IFUPDOWN,
    MAC,
    NETWORKD,
    NETWORKMANAGER,
    Told,
    bridge,
    link,
)
from tests.unit.bridge_plans import ABSENT, BR0, BY_FILES, GIVEN, files, plan, problems


@pytest.mark.parametrize("provider", BY_FILES)
@pytest.mark.parametrize("wanted", [BR0, GIVEN], ids=["moved", "given"])
def test_a_second_plan_is_empty(provider: str, wanted: dict[str, Any]) -> None:
    told = BY_FILES[provider]
    first = plan(told, wanted)
    assert (first["provider"], first["changed"], first["steps"]) == (provider, True, ["make bridge br0 of eth0"])
    after = told.after(first, stp=int(wanted.get("stp", False)))
    if "gateway_ipv6" in wanted:
        after = replace(after, records=(*after.records, ("routes", "", "")))
        wanted = {name: value for name, value in wanted.items() if name != "gateway_ipv6"}
        first = plan(told, wanted)
        after = told.after(first, stp=1)
    second = plan(after, wanted)
    assert (second["files"], second["changed"], second["steps"]) == ([], False, [])


@pytest.mark.parametrize("provider", BY_FILES)
def test_there_and_back(provider: str) -> None:
    told = BY_FILES[provider]
    after = told.after(plan(told, BR0))
    back = plan(after, ABSENT)
    assert back["steps"] == ["remove bridge br0 of eth0"]
    again = replace(told, files=told.after(plan(told, BR0)).after(back).files)
    moved = files(again, BR0)
    first = files(told, BR0)
    assert moved.keys() == first.keys()
    assert {path: text for path, text in moved.items() if "host-bridge-br0" in path} == {
        path: text for path, text in first.items() if "host-bridge-br0" in path
    }


@pytest.mark.parametrize("provider", BY_FILES)
def test_what_is_not_there_is_not_removed(provider: str) -> None:
    found = plan(BY_FILES[provider], ABSENT)
    assert (found["problems"], found["files"], found["changed"]) == ([], [], False)


def test_drift_is_seen() -> None:
    told = NETWORKD.after(plan(NETWORKD, BR0))
    lost = replace(told, links=(link(2, "eth0"), told.links[1]))
    assert (plan(lost, BR0)["changed"], plan(lost, BR0)["files"]) == (True, [])
    assert plan(replace(told, links=(told.links[0], bridge(3, "br0", FIXED, stp=1))), BR0)["changed"]


def test_what_is_wrong_is_told_at_once() -> None:
    told = replace(NETWORKD, links=(*NETWORKD.links, link(4, "eth1", master="br9"), link(5, "eth2")))
    options = [
        {"name": "a-bridge-of-17-ch", "port": "eth7", "vlan": 5000},
        {"name": "br1", "port": "eth1", "addresses": ["192.0.2.7"]},
        {"name": "br2", "port": "eth2", "nameservers": ["ns1"]},
        {"name": "br2", "port": "eth2", "addresses": [], "gateway": "2001:db8::1", "stp": "perhaps"},
    ]
    found = problems(told, *options)
    for expected in (
        "bridge 1: name 'a-bridge-of-17-ch' is not a name",
        "vlan '5000' is not from 1 to 4094",
        "'192.0.2.7' is not an address with a prefix",
        "br2: nameservers 'ns1' is not an address",
        "br2: gateway '2001:db8::1' is not an address of IPv4",
        "br2: stp 'perhaps' is neither true nor false",
    ):
        assert [one for one in found if expected in one], (expected, found)
    surroundings = [
        {"name": "br1", "port": "eth1", "addresses": ["192.0.2.7/24"], "gateway": "198.51.100.1"},
        {"name": "br2", "port": "eth2", "nameservers": ["192.0.2.53"]},
        {"name": "br2", "port": "eth2", "addresses": []},
        {"name": "br3", "port": "eth7"},
    ]
    found = problems(told, *surroundings)
    for expected in (
        "eth1 is in br9 already; take it out there",
        "br1: gateway 198.51.100.1 is not in any subnet of the addresses",
        "br2: nameservers is given without addresses or dhcp",
        "eth2 has no address that the bridge could have",
        "there is no device eth7; there are eth0, eth1, eth2",
        "br2 is listed 2 times",
        "eth2 is put into several bridges",
    ):
        assert [one for one in found if expected in one], (expected, found)


def test_providers() -> None:
    assert "nothing manages eth0" in problems(Told(), BR0)[0]
    assert problems(Told(), {**BR0, "addresses": [FIXED]}, provider="networkd") == []
    assert problems(NETWORKD, BR0, provider="netplan") == ["networkd manages eth0, and netplan would disturb it"]
    assert problems(replace(IFUPDOWN, files={}), BR0) == ["no file of ifupdown configures eth0"]
    bare = replace(IFUPDOWN, records=IFUPDOWN.records[:1])
    assert problems(bare, BR0) == ["ifupdown makes bridges with bridge-utils, which is not installed"]
    assert "host_bridge_provider 'nmstate' is none of" in problems(NETWORKMANAGER, BR0, provider="nmstate")[0]
    unmanaged = ("networkd", "ADMIN_STATE=unmanaged\n", "2")
    assert "nothing manages eth0" in problems(Told(records=(unmanaged,)), BR0)[0]
    both = replace(NETWORKD, links=(*NETWORKD.links, link(4, "eth1", FIXED)), records=(*NETWORKD.records, IFSTATE))
    assert "ifupdown and networkd manage the ports" in problems(both, BR0, {"name": "br1", "port": "eth1"})[0]


IFSTATE = ("ifstate", "eth1=eth1\n", "")


def test_what_has_to_be_so_afterwards() -> None:
    head = plan(NETWORKD, BR0, targets=["203.0.113.1"], timeout=30)["head"]
    for line in (
        "timeout=30\n",
        "want_port br0 eth0",
        f"want_mac br0 {MAC}",
        "want_stp br0 0",
        f"want_address br0 {FIXED}",
        f"want_address br0 {FIXED6}",
        "want_answer br0 192.0.2.1",
        "want_target 203.0.113.1",
        f"want_address eth0 {FIXED}",
    ):
        assert line in head
    leased = replace(NETWORKD, links=(link(2, "eth0", FIXED, dynamic=True),))
    assert "want_lease br0" in plan(leased, BR0)["head"]
    assert plan(NETWORKD, {**BR0, "stp": True}, timeout=30)["timeout"] == 90
