"""The vocabulary of the tables, and what is read off a table."""

from __future__ import annotations

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._schema.network import NETWORK
from ansible_collections.virtfleet.network.plugins.module_utils._xml import kinds as kind
from ansible_collections.virtfleet.network.plugins.module_utils._xml.branches import Element, Many
from ansible_collections.virtfleet.network.plugins.module_utils._xml.fields import (
    argument_spec,
    fields,
    positions,
    snake,
)
from ansible_collections.virtfleet.network.plugins.module_utils._xml.leaves import Attr, Opaque, Text, Values

TABLE = (
    Attr("id", kind.integer(0, 9)),
    Attr("seen", reported=True),
    Text("name"),
    Opaque("metadata"),
    Element("forwardMode", Attr("on", kind.YES_NO)),
    Many("ip", Attr("family", kind.choice("a", "b")), Values("hostname")),
    Values("{urn:o}option", option="extras", attribute="value", wrapper="{urn:o}options"),
)


@pytest.mark.parametrize(
    "xml,option",
    [
        ("localOnly", "local_only"),
        ("{urn:o}local-only", "local_only"),
        ("macTableManager", "mac_table_manager"),
        ("ip", "ip"),
    ],
)
def test_options_are_named_after_the_xml(xml, option):
    assert snake(xml) == option


def test_a_table_gives_the_argument_spec():
    assert argument_spec(TABLE) == {
        "id": {"type": "int"},
        "name": {"type": "str"},
        "metadata": {"type": "str"},
        "forward_mode": {"type": "dict", "options": {"on": {"type": "bool"}}},
        "ips": {
            "type": "list",
            "elements": "dict",
            "options": {
                "family": {"type": "str", "choices": ["a", "b"]},
                "hostnames": {"type": "list", "elements": "str"},
            },
        },
        "extras": {"type": "list", "elements": "str"},
    }


def test_a_table_gives_the_positions():
    assert positions(TABLE, "x") == [
        "x/@id",
        "x/@seen",
        "x/name",
        "x/metadata",
        "x/forwardMode",
        "x/forwardMode/@on",
        "x/ip",
        "x/ip/@family",
        "x/ip/hostname",
        "x/{urn:o}options",
        "x/{urn:o}options/{urn:o}option",
        "x/{urn:o}options/{urn:o}option/@value",
    ]


def test_argument_specs_do_not_share_their_parts():
    argument_spec(TABLE)["id"]["default"] = 1
    assert argument_spec(TABLE)["id"] == {"type": "int"}


def test_keys_are_made_of_fields():
    assert fields("a", "b")({"a": 1, "c": 2}) == (1, None)


def test_of_items_with_one_key_those_that_stay_are_taken_first_and_then_the_most_alike():
    row = next(row for row in NETWORK if row.option == "portgroups")
    have = [{"name": "a", "default": True}, {"name": "a"}, {"name": "a", "virtualport": {"type": "openvswitch"}}]
    assert row.match(have, [{"name": "a"}]) == [1]
    assert row.match(have, [{"name": "a", "default": False}, {"name": "a"}]) == [0, 1]
    assert row.match(have, [{"name": "a", "virtualport": {"type": "midonet"}}, *have[:2]]) == [2, 0, 1]
    assert row.match(have, [{"name": "b"}, *have, {"name": "a"}]) == [None, 0, 1, 2, None]
