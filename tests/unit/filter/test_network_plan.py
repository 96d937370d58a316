"""From the short form of a network to the options of virt_network."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.virtfleet.network.plugins.filter.network_plan import (
    FilterModule,
    network_plan,
)
from ansible_collections.virtfleet.network.plugins.module_utils._network.checks import problems
from ansible_collections.virtfleet.network.plugins.module_utils._network.short_form import FORWARD, SHORT, bridge_name
from ansible_collections.virtfleet.network.plugins.module_utils._network.target import build
from ansible_collections.virtfleet.network.plugins.module_utils._schema.network import NETWORK
from ansible_collections.virtfleet.network.plugins.module_utils._values.desired import Desired
from ansible_collections.virtfleet.network.plugins.module_utils._xml.codec import normalise, parse

WEB = {"name": "web", "kind": "nat", "subnet": "10.20.0.0/24"}
IP = {"address": "10.20.0.1/24", "dhcp": {"ranges": [{"start": "10.20.0.128", "end": "10.20.0.254"}]}}
IP6 = {"address": "fd00:20::1/64", "dhcp": {"ranges": [{"start": "fd00:20::8000", "end": "fd00:20::ffff"}]}}
PLAN = {"name": "web", "forward": {"mode": "nat"}, "bridge": {"name": "vbr-web"}, "ips": [IP]}
HOST, HOST6 = {"mac": "52:54:00:00:00:01", "ip": "10.20.0.9"}, {"id": "00:01", "ip": "fd00:20::9"}


@pytest.mark.parametrize(
    "more,changed",
    [
        ({}, {}),
        ({"kind": "routed"}, {"forward": {"mode": "route"}}),
        ({"kind": "isolated"}, {"forward": {}}),
        ({"dhcp": False}, {"ips": [{"address": "10.20.0.1/24", "dhcp": {}}]}),
        ({"dhcp": "no", "mtu": None}, {"ips": [{"address": "10.20.0.1/24", "dhcp": {}}]}),
        ({"gateway": "10.20.0.9"}, {"ips": [{**IP, "address": "10.20.0.9/24"}]}),
        ({"subnet_ipv6": "fd00:20::/64"}, {"forward": {"mode": "nat", "nat": {"ipv6": True}}, "ips": [IP, IP6]}),
        ({"bridge": {"stp": False}}, {"bridge": {"name": "vbr-web", "stp": False}}),
        ({"bridge": {"name": "own"}, "mtu": {"size": 9000}}, {"bridge": {"name": "own"}, "mtu": {"size": 9000}}),
        ({"forward": {"dev": "eno1"}}, {"forward": {"mode": "nat", "dev": "eno1"}}),
        ({"ips": []}, {"ips": []}),
        ({"reservations": []}, {"ips": [{**IP, "dhcp": {**IP["dhcp"], "hosts": []}}]}),  # type: ignore[dict-item]
    ],
)
def test_plan(more: dict[str, Any], changed: dict[str, Any]) -> None:
    assert network_plan({**WEB, **more}) == {**PLAN, **changed}


def test_reservations_go_where_their_address_is() -> None:
    both = {**WEB, "subnet_ipv6": "fd00:20::/64", "reservations": [HOST6, HOST], "dhcp": False}
    assert [ip["dhcp"] for ip in network_plan(both)["ips"]] == [
        {"ranges": [], "hosts": [HOST]},
        {"ranges": [], "hosts": [HOST6]},
    ]


def test_bridged_has_the_bridge_that_it_is_given() -> None:
    given = {"name": "lan", "kind": "bridged", "bridge": {"name": "br0"}}
    assert network_plan(given) == {"name": "lan", "forward": {"mode": "bridge"}, "bridge": {"name": "br0"}}


def test_without_a_kind_nothing_is_assumed() -> None:
    assert network_plan({"name": "web", "mtu": {"size": 9000}}) == {"name": "web", "mtu": {"size": 9000}}


def test_an_unknown_kind_is_told() -> None:
    with pytest.raises(AnsibleFilterError, match="network web: kind nut is none of nat, routed, isolated, bridged"):
        network_plan({**WEB, "kind": "nut"})


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


@given(st.sampled_from(sorted(FORWARD)), st.booleans(), st.booleans())
def test_virt_network_takes_every_plan(kind: str, dhcp: bool, six: bool) -> None:
    short = {**WEB, "kind": kind, "dhcp": dhcp, "subnet_ipv6": "fd00:20::/64" if six else None}
    if kind == "bridged":
        short = {"name": "lan", "kind": kind, "bridge": {"name": "br0"}}
    spec, found = normalise(NETWORK, network_plan(short))
    wanted, _changed = build(Desired(short["name"], spec=spec), "")
    assert [*found, *problems(parse(wanted, NETWORK), 7000000)] == []


def test_filter_is_found() -> None:
    assert FilterModule().filters() == {"network_plan": network_plan}


@pytest.mark.parametrize("value", [None, [], {}, "", 0, 5, True, "x", ["a"], {"a": 1}, [{"ip": None}], [None], [5]])
def test_odd_values_are_refused_in_a_sentence_or_taken(value):
    """Never a traceback: the roles hand over what users give."""
    for name in ("name", "forward", "bridge", "ips", *SHORT, ""):
        wanted = {"name": "web", "kind": "nat", "subnet": "10.20.0.0/24", name: value} if name else value
        with contextlib.suppress(AnsibleFilterError):
            assert isinstance(network_plan(wanted), dict)
