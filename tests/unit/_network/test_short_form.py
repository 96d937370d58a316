"""From the short form of a network to its spec, alone and together with options of the full form."""

from __future__ import annotations

from typing import Any

import libvirt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.virtfleet.network.plugins.module_utils._network.checks import problems
from ansible_collections.virtfleet.network.plugins.module_utils._network.short_form import (
    bridge_name,
    complete,
    default_bridge,
)
from ansible_collections.virtfleet.network.plugins.module_utils._network.short_options import MODES, SHORT, short_form
from ansible_collections.virtfleet.network.plugins.module_utils._network.target import build
from ansible_collections.virtfleet.network.plugins.module_utils._schema.network import NETWORK, NetworkDefinition
from ansible_collections.virtfleet.network.plugins.module_utils._values.desired import Desired
from ansible_collections.virtfleet.network.plugins.module_utils._xml.codec import normalise
from ansible_collections.virtfleet.network.plugins.module_utils._xml.definition import ABSENT
from tests.unit.run_module import driver_of_tests, run_module

WEB = {"name": "web", "kind": "nat", "subnet": "10.20.0.0/24"}
FULL_IP = {"address": "10.20.0.1/24", "dhcp": {"ranges": [{"start": "10.20.0.128", "end": "10.20.0.254"}]}}
IP = {**FULL_IP, "address": "10.20.0.1", "prefix": 24}
IP6 = {"address": "fd00:20::1", "prefix": 64, "dhcp": {"ranges": [{"start": "fd00:20::8000", "end": "fd00:20::ffff"}]}}
SPEC = {"forward": {"mode": "nat"}, "ips": [IP]}
HOST, HOST6 = (
    {"mac": "52:54:00:00:00:01", "ip": "10.20.0.9"},
    {"id": "00:03:00:01:52:54:00:00:00:02", "ip": "fd00:20::9"},
)
RANGES = {"ranges": [{"start": "10.20.0.10", "end": "10.20.0.19"}, {"start": "10.20.0.30", "end": "10.20.0.39"}]}


def of_task(task: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The spec of a task without the name, and what is wrong with it."""
    spec, found = normalise(NETWORK, task)
    spec, wrong = complete(short_form(task), spec)
    return {name: value for name, value in spec.items() if name != "name"}, [*found, *wrong]


@pytest.mark.parametrize(
    "more,changed",
    [
        ({}, {}),
        ({"kind": "routed"}, {"forward": {"mode": "route"}}),
        ({"kind": "open"}, {"forward": {"mode": "open"}}),
        ({"kind": "isolated"}, {"forward": {}}),
        ({"dhcp": False, "mtu": None}, {"ips": [{**IP, "dhcp": {}}]}),
        ({"gateway": "10.20.0.9"}, {"ips": [{**IP, "address": "10.20.0.9"}]}),
        ({"gateway": "", "subnet_ipv6": ""}, {}),
        ({"subnet_ipv6": "fd00:20::/64"}, {"forward": {"mode": "nat", "nat": {"ipv6": True}}, "ips": [IP, IP6]}),
        (
            {"subnet_ipv6": "fd00:20::/64", "forward": {"nat": {"ipv6": False}}},
            {"forward": {"mode": "nat", "nat": {"ipv6": False}}, "ips": [IP, IP6]},
        ),
        ({"bridge": {"stp": False}}, {"bridge": {"stp": False}}),
        ({"bridge": {"name": "own"}, "mtu": {"size": 9000}}, {"bridge": {"name": "own"}, "mtu": {"size": 9000}}),
        ({"forward": {"dev": "eno1"}}, {"forward": {"mode": "nat", "interfaces": [{"dev": "eno1"}]}}),
        ({"reservations": []}, {"ips": [{**IP, "dhcp": {**IP["dhcp"], "hosts": []}}]}),  # type: ignore[dict-item]
        ({"ips": [{"address": "10.20.0.1/24", "tftp": {"root": "/srv"}}]}, {"ips": [{**IP, "tftp": {"root": "/srv"}}]}),
        ({"ips": [{"address": "10.20.0.9", "netmask": "255.255.255.0"}]}, {"ips": [{**IP, "address": "10.20.0.9"}]}),
        ({"ips": [{"address": "10.20.0.1/24", "dhcp": RANGES}]}, {"ips": [{**IP, "dhcp": RANGES}]}),
        ({"ips": [{"address": "10.20.0.1/24", "dhcp": {}}]}, {"ips": [{**IP, "dhcp": {}}]}),
        (
            {"ips": [{"address": "10.9.0.1/24"}, {"address": "10.20.0.1/24"}]},
            {"ips": [{"address": "10.9.0.1", "prefix": 24}, IP]},
        ),
    ],
)  # fmt: skip
def test_spec(more: dict[str, Any], changed: dict[str, Any]) -> None:
    assert of_task({**WEB, **more}) == ({**SPEC, **changed}, [])


def test_reservations_go_where_their_address_is() -> None:
    both = {**WEB, "subnet_ipv6": "fd00:20::/64", "reservations": [HOST6, HOST], "dhcp": False}
    assert [ip["dhcp"] for ip in of_task(both)[0]["ips"]] == [
        {"ranges": [], "hosts": [HOST]},
        {"ranges": [], "hosts": [HOST6]},
    ]


def test_bridged_has_the_bridge_that_it_is_given() -> None:
    lan = {"name": "lan", "kind": "bridged", "bridge": {"name": "br0"}}
    assert of_task(lan) == ({"forward": {"mode": "bridge"}, "bridge": {"name": "br0"}}, [])


@pytest.mark.parametrize("more", [{"dhcp": False}, {"reservations": []}])
def test_bridged_may_say_that_it_serves_no_addresses(more: dict[str, Any]) -> None:
    assert of_task({"name": "lan", "kind": "bridged", **more}) == ({"forward": {"mode": "bridge"}}, [])


@pytest.mark.parametrize("more", [{"gateway": "10.20.0.1"}, {"dhcp": True}, {"reservations": [HOST]}])
def test_bridged_serves_no_addresses(more: dict[str, Any]) -> None:
    (problem,) = of_task({"name": "lan", "kind": "bridged", **more})[1]
    assert problem.startswith(f"kind: bridged and {next(iter(more))} contradict each other: ")


NEEDS = {"nat": "set subnet", "routed": "set subnet", "open": "set subnet", "bridged": "the role host_bridge makes one"}
if libvirt.getVersion() >= 10_008_000:
    del NEEDS["open"]  # which needs no address since then


@pytest.mark.parametrize("kind", MODES)
def test_every_module_says_what_a_kind_needs(kind: str) -> None:
    """Of a new network: one that exists keeps what the task leaves out."""
    needed, task = NEEDS.get(kind), {"name": "web", "kind": kind}
    with driver_of_tests():
        network, topology = run_module("virt_network", True, **task), run_module("virt_topology", True, networks=[task])
        audit = run_module("virt_network_audit", networks=[task])
    for problems_of in (network, topology, audit):
        problems = problems_of.get("problems", [])
        assert problems == [] if needed is None else needed in "".join(problems), problems_of


def test_a_bridged_network_that_exists_keeps_its_bridge() -> None:
    task = {"name": "lan", "kind": "bridged", "active": False}
    with driver_of_tests():
        assert run_module("virt_network", bridge={"name": "br0"}, **task)["changed"] is True
        assert run_module("virt_network", **task)["changed"] is False
        assert run_module("virt_network", title="", dhcp=False, **task)["changed"] is False


def test_without_a_kind_nothing_is_assumed() -> None:
    assert of_task({"name": "web", "subnet": "10.20.0.0/24"}) == ({"ips": [IP]}, [])


IN_IPS = "ips[10.20.0.0/24]"


@pytest.mark.parametrize(
    "more,one,other",
    [
        ({"forward": {"mode": "route"}}, "kind: nat", "forward.mode: route"),
        ({"forward": {}}, "kind: nat", "forward: {}"),
        ({"kind": "isolated", "forward": {"dev": "eno1"}}, "kind: isolated", "forward"),
        ({"kind": "isolated", "forward": {"mode": "nat"}}, "kind: isolated", "forward.mode: nat"),
        ({"kind": "bridged"}, "kind: bridged", "subnet"),
        ({"ips": []}, "subnet: 10.20.0.0/24", "ips"),
        ({"ips": [{"address": "10.21.0.1/24"}]}, "subnet: 10.20.0.0/24", "ips"),
        ({"gateway": "10.20.0.2", "ips": [FULL_IP]}, "gateway", f"{IN_IPS}.address"),
        ({"dhcp": False, "ips": [FULL_IP]}, "dhcp", f"{IN_IPS}.dhcp.ranges"),
        ({"dhcp": True, "ips": [{**FULL_IP, "dhcp": {}}]}, "dhcp", f"{IN_IPS}.dhcp.ranges"),
        ({"dhcp_start": "10.20.0.9", "ips": [FULL_IP]}, "dhcp_start", f"{IN_IPS}.dhcp.ranges"),
        ({"dhcp_end": "10.20.0.200", "ips": [{**FULL_IP, "dhcp": RANGES}]}, "dhcp_end", f"{IN_IPS}.dhcp.ranges"),
        ({"dhcp_start": "10.20.0.9", "ips": [{**FULL_IP, "dhcp": {}}]}, "dhcp_start", f"{IN_IPS}.dhcp.ranges"),
        ({"reservations": [HOST], "ips": [{**FULL_IP, "dhcp": {"hosts": []}}]}, "reservations", f"{IN_IPS}.dhcp.hosts"),
    ],
)
def test_what_contradicts_is_told_by_both_names(more: dict[str, Any], one: str, other: str) -> None:
    (problem,) = of_task({**WEB, **more})[1]
    assert problem.startswith(f"{one} and {other} contradict each other: ")


@pytest.mark.parametrize(
    "more",
    [
        {"forward": {"mode": "nat"}, "gateway": "10.20.0.1", "ips": [FULL_IP]},
        {"dhcp": True, "dhcp_start": "10.20.0.128", "dhcp_end": "10.20.0.254", "ips": [FULL_IP]},
        {"dhcp_start": "10.20.0.10", "dhcp_end": "10.20.0.39", "ips": [{**FULL_IP, "dhcp": RANGES}]},
        {"reservations": [HOST], "ips": [{**FULL_IP, "dhcp": {"hosts": [HOST]}}]},
        {"kind": "isolated", "forward": {}},
    ],
)
def test_what_is_said_twice_may_agree(more: dict[str, Any]) -> None:
    assert of_task({**WEB, **more})[1] == []


@pytest.mark.parametrize(
    "task,problem",
    [
        ({"gateway": "10.20.0.9"}, "gateway needs subnet"),
        ({"dhcp_end_ipv6": "fd00::9", "subnet": "10.20.0.0/24"}, "dhcp_end_ipv6 needs subnet_ipv6"),
        ({"dhcp": True}, "dhcp needs subnet or subnet_ipv6"),
        ({"reservations": [HOST]}, "reservations needs subnet or subnet_ipv6"),
        ({"reservations": [HOST6], "subnet": "10.20.0.0/24"}, "reservations lists fd00:20::9, which needs subnet_ipv6"),
        (
            {"reservations": [{**HOST, "mac": "x"}], "subnet": "10.20.0.0/24"},
            "reservations[0].mac must be a MAC address, not 'x'",
        ),
        ({"subnet": "10.20.0.0/24", "gateway": "10.21.0.1"}, "subnet 10.20.0.0/24: gateway 10.21.0.1 is not in it"),
        ({"subnet": "10.20.0.0/31"}, "subnet 10.20.0.0/31: it has no room for a hypervisor and a guest"),
        ({"subnet": "fd00::/64"}, "subnet must not be fd00::/64: an IPv6 subnet goes into subnet_ipv6"),
        ({"subnet_ipv6": "10.20.0.0/24"}, "subnet_ipv6 must not be 10.20.0.0/24: an IPv4 subnet goes into subnet"),
    ],
)
def test_what_cannot_be_is_told(task: dict[str, Any], problem: str) -> None:
    assert of_task({"name": "web", **task})[1] == [problem]


def bridge_of(task: dict[str, Any]) -> str:
    """The default name of the bridge of a task's network."""
    return default_bridge(task["name"], short_form(task), normalise(NETWORK, task)[0])


@pytest.mark.parametrize(
    "more,bridge",
    [
        ({}, "vbr-web"),
        ({"kind": "open"}, "vbr-web"),
        ({"kind": "isolated", "bridge": {"stp": False}}, "vbr-web"),
        ({"bridge": {"name": "own"}}, ""),
        ({"bridge": {}}, ""),
        ({"kind": "bridged"}, ""),
        ({"kind": None}, ""),
    ],
)
def test_bridge_of_a_new_network(more: dict[str, Any], bridge: str) -> None:
    assert bridge_of({**WEB, **more}) == bridge


@pytest.mark.parametrize(
    "there,bridge",
    [
        ("", {"name": "vbr-web", "stp": False}),
        ("<bridge name='virbr7'/>", {"name": "virbr7", "stp": False}),
        ("<forward mode='route'/><bridge name='virbr7' delay='2'/>", {"name": "virbr7", "stp": False, "delay": 2}),
        ("<forward mode='bridge'/><bridge name='br0'/>", {"name": "vbr-web", "stp": False}),
    ],
)
def test_a_network_that_exists_keeps_its_bridge(there: str, bridge: dict[str, Any]) -> None:
    task = {**WEB, "bridge": {"stp": False}}
    base = f"<network><name>web</name>{there}</network>" if there else ""
    target = build(Desired("web", spec=of_task(task)[0], bridge=bridge_of(task)), NetworkDefinition(base))
    assert target.definition.spec["bridge"] == bridge


@pytest.mark.parametrize(
    "network,bridge",
    [
        ("web", "vbr-web"),
        ("eleven-char", "vbr-eleven-char"),
        ("twelve-chars", "vbr-twelve-"),
        ("a b", "vbr-a-b-"),
        ("\ud800", "vbr---"),
    ],
)
def test_names_of_bridges(network: str, bridge: str) -> None:
    assert bridge_name(network).startswith(bridge[:10])
    assert (bridge_name(network) == bridge) == (f"vbr-{network}" == bridge)


@given(st.text(min_size=1, max_size=40), st.text(min_size=1, max_size=40))
def test_any_network_has_a_name_for_its_bridge(one: str, other: str) -> None:
    name = bridge_name(one)
    assert len(name.encode()) <= 15
    assert not set(name) & set("/: \t\n\0%")
    assert bridge_name(one) == name
    assert one == other or len({one[:6], other[:6]}) == 1 or bridge_name(other) != name


@given(st.sampled_from(sorted(MODES)), st.booleans(), st.booleans())
def test_every_kind_is_a_network(kind: str, dhcp: bool, six: bool) -> None:
    short = {**WEB, "kind": kind, "dhcp": dhcp, "subnet_ipv6": "fd00:20::/64" if six else None}
    if kind == "bridged":
        short = {"name": "lan", "kind": kind, "bridge": {"name": "br0"}}
    spec, found = of_task(short)
    target = build(Desired(short["name"], spec=spec, bridge=bridge_of(short)), ABSENT)
    assert [*found, *problems(target.definition.spec, 7000000)] == []


@pytest.mark.parametrize("value", [None, [], {}, "", 0, 5, True, "x", ["a"], {"a": 1}, [{"ip": None}], [None], [5]])
def test_odd_values_are_refused_in_a_sentence_or_taken(value: Any) -> None:
    """Never a traceback: the roles hand over what users give."""
    with driver_of_tests():
        for name in ("name", "forward", "bridge", "ips", *SHORT):
            result = run_module("virt_network", True, **{**WEB, name: value})
            assert "Traceback" not in result.get("msg", "")
            assert result.get("failed") or "changed" in result


def test_a_network_in_four_lines() -> None:
    task = {"active": False, **WEB}
    with driver_of_tests():
        predicted, made, again = (run_module("virt_network", check, **task) for check in (True, False, False))
        assert [one["changed"] for one in (predicted, made, again)] == [True, True, False]
        assert predicted["diff"][0]["after"] in made["diff"][0]["after"] or predicted["plan"] == made["plan"]
        spec = made["network"]["spec"]
        assert {name: spec[name] for name in SPEC} == SPEC
        assert spec["bridge"]["name"] == "vbr-web"
        for same in (spec, {**spec, "kind": "nat"}, {**spec, **WEB}, {**task, "forward": None, "gateway": None}):
            assert run_module("virt_network", **{"active": False, **same})["changed"] is False
        topology = run_module("virt_topology", True, networks=[task])
        assert topology["changed"] is False
        audit = run_module("virt_network_audit", networks=[{**task, "kind": "routed"}])
        assert [row["path"] for row in audit["rows"] if row["state"] == "differs"] == ["forward.mode"]


def test_an_absent_network_needs_no_agreement() -> None:
    with driver_of_tests():
        assert run_module("virt_network", name="web", state="absent", gateway="10.0.0.1")["changed"] is False


def test_a_definition_has_no_short_form() -> None:
    refused = run_module("virt_network", name="web", xml="<network><name>web</name></network>", kind="nat")
    assert "mutually exclusive: xml|kind" in refused["msg"]
