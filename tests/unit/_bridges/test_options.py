"""Hostile strings in every option of a bridge: refused with one sentence, or each file has the lines that are meant."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

from ansible_collections.virtfleet.network.plugins.filter.host_bridge_plan import host_bridge_plan
from ansible_collections.virtfleet.network.plugins.plugin_utils._bridges.options import bridge_options
from tests.deep import sampled
from tests.hostile import HARM, VALUES, is_one_sentence
from tests.unit._bridges.hosts import FIXED, FIXED6, IFUPDOWN, NETWORKD, Told, netplan_of
from tests.unit._bridges.plans import HOSTS

pytestmark = pytest.mark.deep

WHOLE: dict[str, Any] = {
    "name": "br0",
    "port": "eth0",
    "stp": False,
    "addresses": [FIXED, FIXED6],
    "dhcp": False,
    "gateway": "192.0.2.1",
    "gateway_ipv6": "fe80::1",
    "nameservers": ["192.0.2.53"],
    "search": ["example.org"],
    "state": "present",
}
LISTS = ("addresses", "nameservers", "search")
PLACES = [*WHOLE, "vlan"]
SHAPES: list[Any] = [None, "br0", {}, {"br0": {}}, [], ["br0"], [[]], [None], [{}], 5, True, [WHOLE, "br1"], [{1: 2}]]


def plan(host: Told, bridges: Any, **more: Any) -> dict[str, Any]:
    found = host_bridge_plan(bridges, host.text, **more)
    text = f"Cannot make the bridges of hv1: {'; '.join(found['problems'])}."
    assert is_one_sentence(text), text
    assert len(text) < 1500, text
    return found


def with_value(place: str, value: Any) -> dict[str, Any]:
    return {**WHOLE, place: [*WHOLE[place], value] if place in LISTS else value}


# A value of each kind that is nowhere else in a file.
MARKS = {
    "name": "br77",
    "addresses": "192.0.2.177/24",
    "gateway": "192.0.2.178",
    "gateway_ipv6": "fe80::177",
    "nameservers": "192.0.2.179",
    "search": "mark.example",
    "vlan": 177,
}


def texts(plan: Mapping[str, Any]) -> dict[str, str]:
    """The files by path; the uuids of profiles follow from the bridge's name, and netplan sees no quotes."""
    found = {file["path"]: re.sub(r"(?m)^uuid=.*$", "", file["text"] or "") for file in plan["files"]}
    return {path: str(netplan_of(text)) if ".yaml" in path else text for path, text in found.items()}


@pytest.mark.parametrize("provider", HOSTS)
@pytest.mark.parametrize("place", PLACES)
def test_a_value_is_refused_or_exactly_a_value(provider: str, place: str) -> None:
    """What is taken stands where a harmless value stands, and nothing else of any file changes."""
    mark = MARKS.get(place)
    marked = texts(plan(HOSTS[provider], [with_value(place, mark)])) if mark else {}
    for value in [*sampled(VALUES, 40, (provider, place)), *GOOD.get(place, ())]:
        wanted = with_value(place, value)
        found = plan(HOSTS[provider], [wanted])
        assert not (found["problems"] and value in GOOD.get(place, ())), found["problems"]
        if found["problems"] or not mark:
            continue
        (read,), _problems = bridge_options([wanted])
        kept = read[place][-1] if place in LISTS else read[place]
        assert re.fullmatch(r"[\w.:/-]+", str(kept), re.ASCII)
        expected = {
            path.replace(str(mark), str(kept)): text.replace(str(mark), str(kept)) for path, text in marked.items()
        }
        assert texts(found) == expected, value
    assert not HARM.exists()


GOOD: dict[str, list[Any]] = {
    "name": ["b", "br-lan_1", "x" * 15],
    "addresses": ["192.0.2.7/255.255.255.0", "10.0.0.1/32"],
    "gateway": ["192.0.2.9"],
    "gateway_ipv6": ["FE80::9"],
    "nameservers": ["192.0.2.35"],
    "search": ["a", "_x.example", "example.net."],
    "vlan": ["7", 4094],
}


@pytest.mark.parametrize("shape", SHAPES, ids=repr)
def test_another_shape_is_one_sentence(shape: Any) -> None:
    assert plan(NETWORKD, shape)["problems"]


@pytest.mark.parametrize("place", LISTS)
@pytest.mark.parametrize("value", ["192.0.2.2/24", {}, 5, True, [["a"]], [5], [None]], ids=repr)
def test_a_list_is_a_list(place: str, value: Any) -> None:
    assert plan(NETWORKD, [{**WHOLE, place: value}])["problems"]


@pytest.mark.parametrize("name", ["targets", "timeout", "provider"])
def test_the_other_variables(name: str) -> None:
    for value in [*sampled(VALUES, 100, (name,)), 5, -1, True, {}, [[]]]:
        given = [value] if name == "targets" else value
        if name == "provider" and not isinstance(value, str):
            continue
        found = plan(NETWORKD, [WHOLE], **{name: given})
        assert found["problems"] or name == "timeout" or "." in str(value) or ":" in str(value), value


def test_one_line_of_a_search_is_one_line() -> None:
    """The find: a newline in a domain put a command into a file of ifupdown."""
    found = plan(IFUPDOWN, [{**WHOLE, "search": ["example.org\n    up touch /pwned"]}])
    assert "is no domain name" in found["problems"][0]
    for name in ("br\u00e9", "\u0431r0", "br0\n", "br 0", "../br", "all", "-br", "br0;", "\uff42r0"):
        assert "is not a name for a device" in plan(NETWORKD, [{**WHOLE, "name": name}])["problems"][0]
