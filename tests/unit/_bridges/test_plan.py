"""What the role host_bridge works out for each provider: nothing a second time, and the way back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.unit._bridges.hosts import BRIDGED, FIXED, IFUPDOWN, NETPLAN, NETWORKD, bridge, link
from tests.unit._bridges.plans import ABSENT, BR0, GIVEN, HOSTS, NETIF, PLAN, files, plan


@pytest.mark.parametrize("provider", HOSTS)
@pytest.mark.parametrize("wanted", [BR0, GIVEN], ids=["moved", "given"])
def test_a_second_plan_is_empty(provider: str, wanted: dict[str, Any]) -> None:
    told = HOSTS[provider]
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


@pytest.mark.parametrize("provider", HOSTS)
def test_there_and_back(provider: str) -> None:
    told = HOSTS[provider]
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


@pytest.mark.parametrize("provider", HOSTS)
def test_what_is_not_there_is_not_removed(provider: str) -> None:
    found = plan(HOSTS[provider], ABSENT)
    assert (found["problems"], found["files"], found["changed"]) == ([], [], False)


def test_drift_is_seen() -> None:
    told = NETWORKD.after(plan(NETWORKD, BR0))
    lost = replace(told, links=(link(2, "eth0"), told.links[1]))
    assert (plan(lost, BR0)["changed"], plan(lost, BR0)["files"]) == (True, [])
    assert plan(replace(told, links=(told.links[0], bridge(3, "br0", FIXED, stp=1))), BR0)["changed"]


def test_files_made_by_hand_are_left_alone() -> None:
    ports = (link(2, "eth0", master="br0"), bridge(3, "br0", FIXED))
    for told, made in (
        (NETWORKD, {"/etc/systemd/network/lan.netdev": "[NetDev]\nName=br0\nKind=bridge\n"}),
        (IFUPDOWN, {NETIF: "auto br0\niface br0 inet static\n  address 192.0.2.2/24\n  bridge-ports eth0\n"}),
        (NETPLAN, {f"{PLAN}01-site.yaml": "network: {bridges: {br0: {interfaces: [eth0]}}, ethernets: {eth0: {}}}"}),
    ):
        there = replace(told, files=made, links=ports, route="br0", records=(*told.records, *BRIDGED))
        assert plan(there, BR0)["changed"] is False, told
        assert plan(there, {**BR0, "stp": True})["changed"] is True, told
