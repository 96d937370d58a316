"""The table of <network> against libvirt's own schema, with nothing missing or invented; and each row does its work."""

from __future__ import annotations

import re

import pytest
from lxml import etree

from ansible_collections.virtfleet.network.plugins.module_utils._schema.network import NETWORK
from ansible_collections.virtfleet.network.plugins.module_utils._schema.shared import subnet
from ansible_collections.virtfleet.network.plugins.module_utils._xml.branches import Many
from ansible_collections.virtfleet.network.plugins.module_utils._xml.codec import parse
from ansible_collections.virtfleet.network.plugins.module_utils._xml.diff import differences
from ansible_collections.virtfleet.network.plugins.module_utils._xml.fields import positions
from ansible_collections.virtfleet.network.plugins.module_utils._xml.leaves import Values
from ansible_collections.virtfleet.network.plugins.module_utils._xml.overlay import overlay
from tests.unit.case_files import load, spec_of
from tests.unit.schemas import installed, label, newer_positions, schema_positions, used_positions
from tests.unit.table_rows import name_of, nothing, samples, value_at, values_of

# ---- the schema ----


@pytest.mark.skipif(not installed(), reason="neither this machine nor a root of the lab has libvirt's schemas")
@pytest.mark.parametrize("folder", installed(), ids=label)
def test_the_table_is_the_schema(folder):
    theirs, mine = schema_positions(folder / "network.rng", "network"), set(positions(NETWORK, "network"))
    assert len(theirs) > 150
    assert theirs - mine == set(), "the table lacks"
    assert mine - theirs <= set(newer_positions(NETWORK, "network")), "the schema does not know"


def test_no_position_is_listed_twice():
    found = positions(NETWORK, "network")
    assert sorted(set(found)) == sorted(found)


def test_the_walk_sees_through_includes_and_references(tmp_path):
    head = '<grammar xmlns="http://relaxng.org/ns/structure/1.0">'
    (tmp_path / "common.rng").write_text(
        f'{head}<define name="in"><attribute name="a"/><ref name="in"/></define></grammar>'
    )
    (tmp_path / "main.rng").write_text(
        f'{head}<include href="common.rng"/><start><element name="network"><choice><ref name="in"/>'
        '<element name="o" ns="urn:o"><element name="p"/></element></choice></element></start></grammar>'
    )
    places = {"network/@a", "network/{urn:o}o", "network/{urn:o}o/{urn:o}p"}
    assert schema_positions(tmp_path / "main.rng", "network") == places


# ---- every row ----


def _around(place, value):
    """Options with a value at a place, in items that stay the same ones."""
    keys = {"ips": {"address": "10.0.0.1", "prefix": 24}, "routes": {"address": "10.0.0.0", "prefix": 16}}
    names = [row.option for row in place]
    for row in reversed(place):
        if row.rows or row is not place[-1]:
            fixed = keys.get(row.option, {}) if names[-1] not in ("address", "netmask", "prefix") else {}
            fixed = {"address": "10.0.0.1"} if names[-1] in ("netmask", "prefix") and row.option in keys else fixed
            value = {**fixed, **value}
        value = {row.option: [value] if isinstance(row, (Many, Values)) else value}
    return value


@pytest.mark.parametrize("place", values_of(NETWORK), ids=name_of)
def test_every_row_is_set_read_changed_and_removed(place):
    first, second = samples(place[-1])
    root = etree.Element("network")
    for value in (first, second):
        wanted = spec_of(_around(place, value))
        overlay(root, NETWORK, parse(root, NETWORK), wanted)
        again = etree.Element("network")
        overlay(again, NETWORK, {}, wanted)
        assert differences(again, root, NETWORK) == []
        assert overlay(root, NETWORK, parse(root, NETWORK), wanted) is False
        if value not in (place[-1].assumed, ""):
            assert value_at(parse(root, NETWORK), place) is not None
    overlay(root, NETWORK, parse(root, NETWORK), {place[0].option: nothing(place[0])})
    left = value_at(parse(root, NETWORK), place)
    assert left in (None, place[-1].assumed) or (place[-1].generated and left == value_at(wanted, place))


def test_the_examples_use_every_position_that_libvirt_has_long_had():
    roots = [etree.fromstring(entry["xml"]) for entry in load("networks").values()]
    used = {_shared(path) for root in roots for path in used_positions(root)}
    old = set(positions(NETWORK, "network")) - set(newer_positions(NETWORK, "network"))
    rest = {_shared(path) for path in old} - used
    assert rest == {
        "network/@connections",
        "network/bandwidth/@classID",
        "network/bandwidth/inbound/@floor",
        "network/forward/address/@connections",
        "network/forward/address/@multifunction",
        "network/forward/interface/@connections",
    }


def _shared(path):
    """A path with what portgroups have in common with networks, and one direction with the other, as one."""
    path = re.sub("/portgroup/(?=vlan|virtualport|bandwidth|@trust)", "/", path)
    return path.replace("/outbound", "/inbound")


# ---- what the table says besides ----


@pytest.mark.parametrize(
    "item,net",
    [
        ({"address": "10.0.0.1", "prefix": 24}, "10.0.0.0/24"),
        ({"address": "10.0.0.1"}, "10.0.0.1/32"),
        ({"address": "2001:db8::1", "prefix": 64}, "2001:db8::/64"),
        ({"address": "nonsense", "prefix": 64}, "None"),
        ({"address": "10.0.0.1", "prefix": 64}, "None"),
        ({"prefix": 24}, "None"),
        ({}, "None"),
    ],
)
def test_subnets(item, net):
    assert str(subnet(item)) == net


@pytest.mark.parametrize(
    "address,prefix",
    [
        ("10.0.0.1", 8),
        ("127.0.0.1", 8),
        ("128.0.0.1", 16),
        ("192.0.2.1", 24),
        ("0.0.0.0", 0),
        ("2001:db8::1", 64),
        ("::", 0),
    ],
)
def test_an_address_without_prefix_has_that_of_its_class(address, prefix):
    root = etree.fromstring(f"<network><ip address='{address}'/></network>")
    assert parse(root, NETWORK)["ips"][0]["prefix"] == prefix
