"""The table of <filter> against libvirt's own schema, with nothing missing or invented; and each row does its work."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from ansible_collections.virtfleet.network.plugins.module_utils._schema.nwfilter import NWFILTER, FilterDefinition
from ansible_collections.virtfleet.network.plugins.module_utils._xml.branches import Many
from ansible_collections.virtfleet.network.plugins.module_utils._xml.codec import normalise, parse, read_xml, write_xml
from ansible_collections.virtfleet.network.plugins.module_utils._xml.diff import differences, equal, unmodelled
from ansible_collections.virtfleet.network.plugins.module_utils._xml.fields import positions
from ansible_collections.virtfleet.network.plugins.module_utils._xml.overlay import overlay
from tests.unit.case_files import load
from tests.unit.schemas import installed, label, schema_positions, used_positions
from tests.unit.table_rows import name_of, samples, value_at, values_of

TABLE = positions(NWFILTER, "filter")
SHIPPED = sorted(Path("/etc/libvirt/nwfilter").glob("*.xml"))


def spec_of(wanted):
    """A user's options as a spec."""
    spec, problems = normalise(NWFILTER, wanted)
    assert problems == []
    return spec


def written(spec):
    """A spec as XML, made of nothing."""
    root = etree.Element("filter")
    overlay(root, NWFILTER, {}, spec)
    return root


# ---- the schema ----


@pytest.mark.skipif(not installed(), reason="neither this machine nor a root of the lab has libvirt's schemas")
@pytest.mark.parametrize("folder", installed(), ids=label)
def test_the_table_is_the_schema(folder):
    theirs = schema_positions(folder / "nwfilter.rng", "filter")
    assert len(theirs) > 400
    assert theirs == set(TABLE)


def test_no_position_is_listed_twice():
    assert len(set(TABLE)) == len(TABLE)


# ---- the examples, and what libvirt itself comes with ----


@pytest.fixture(params=sorted(load("nwfilters")))
def example(request):
    return load("nwfilters")[request.param]


def test_an_example_is_read(example):
    root = read_xml(example["xml"])
    assert parse(root, NWFILTER) == example["spec"]
    assert spec_of(example["spec"]) == example["spec"]
    assert unmodelled(root, NWFILTER) == ""


def test_an_example_can_be_made_of_nothing(example):
    root = written(example["spec"])
    assert differences(read_xml(example["xml"]), root, NWFILTER) == []
    assert overlay(root, NWFILTER, parse(root, NWFILTER), example["spec"]) is False


def test_the_examples_use_every_position():
    used = set()
    for one in load("nwfilters").values():
        used |= used_positions(etree.fromstring(one["xml"]))
    left = set(TABLE) - used
    # Protocols that differ from their neighbors in nothing but their name.
    alike = {place for place in left if place.split("/")[2:3] and place.split("/")[2] in ALIKE}
    assert left - alike == {
        # libvirt 9.0 takes it for an address of IPv4, and refuses every value that the schema allows.
        "filter/rule/tcp-ipv6/@dstipto",
        # libvirt 9.0 forgets these without a word (virNWFilterRuleDefFixupIPSet).
        "filter/rule/tcp-ipv6/@flags",
        *(f"filter/rule/{name}/@{option}" for name in ("tcp", "icmp") for option in ("ipset", "ipsetflags")),
    }


ALIKE = set("rarp udp sctp igmp all esp ah udplite icmpv6".split())
ALIKE |= {f"{name}-ipv6" for name in ("udp", "sctp", "all", "esp", "ah", "udplite")}


@pytest.mark.skipif(not SHIPPED, reason="this machine has no filters of libvirt's own")
@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_a_filter_of_libvirts_own_survives(file):
    root = read_xml(file.read_text())
    before, spec = write_xml(root), parse(root, NWFILTER)
    assert unmodelled(root, NWFILTER) == ""
    assert spec_of(spec) == spec
    assert overlay(root, NWFILTER, spec, spec) is False
    assert write_xml(root) == before
    assert equal(NWFILTER, parse(written(spec), NWFILTER), spec)


# ---- every row ----


def around(place, value):
    """Options with a value at a place."""
    for row in reversed(place):
        value = {row.option: [value] if isinstance(row, Many) else value}
    return value


@pytest.mark.parametrize("place", values_of(NWFILTER), ids=name_of)
def test_every_row_is_set_read_changed_and_removed(place):
    root = etree.Element("filter")
    for value in samples(place[-1]):
        wanted = spec_of(around(place, value))
        overlay(root, NWFILTER, parse(root, NWFILTER), wanted)
        assert overlay(root, NWFILTER, parse(root, NWFILTER), wanted) is False
        silence = [None] if value == place[-1].assumed else []
        assert value_at(parse(root, NWFILTER), place) in (value_at(wanted, place), *silence)
    overlay(root, NWFILTER, parse(root, NWFILTER), {"rules": [], "filterrefs": []})
    assert len(place) == 1 or value_at(parse(root, NWFILTER), place) is None


# ---- what libvirt does besides ----


def test_an_empty_protocol_is_one():
    wanted = spec_of({"rules": [{"action": "drop", "direction": "in", "arp": {}}]})
    root = written(wanted)
    assert etree.tostring(root) == b'<filter chain="root"><rule action="drop" direction="in"><arp/></rule></filter>'
    assert overlay(root, NWFILTER, parse(root, NWFILTER), wanted) is False
    other = spec_of({"rules": [{"action": "drop", "direction": "in"}]})
    assert overlay(root, NWFILTER, parse(root, NWFILTER), other) is True
    assert root.find("rule/arp") is None


def test_a_rule_of_which_something_changes_keeps_nothing_else():
    rule = {"action": "drop", "direction": "in", "ip": {"protocol": "tcp", "dstportstart": "22"}}
    root = written(spec_of({"rules": [rule]}))
    overlay(root, NWFILTER, parse(root, NWFILTER), spec_of({"rules": [{**rule, "ip": {"protocol": "udp"}}]}))
    assert root.find("rule/ip").attrib == {"protocol": "udp"}


@pytest.mark.parametrize(
    "chain,priority", [("root", 0), ("mac-own", -800), ("ipv6", -600), ("stp", 0), ("rarp", -400), ("arp-a", -500)]
)
def test_a_chain_has_a_priority(chain, priority):
    definition = FilterDefinition(f"<filter name='f' chain='{chain}'/>")
    assert definition.spec["priority"] == priority
    assert FilterDefinition(f"<filter name='f' chain='{chain}' priority='7'/>").spec["priority"] == 7


@pytest.mark.parametrize(
    "protocol,values,read",
    [
        ("tcp", {"flags": "syn,ack/SYN"}, {"flags": "SYN,ACK/SYN"}),
        ("tcp", {"flags": "FIN,SYN,RST,PSH,ACK,URG/NONE"}, {"flags": "ALL/NONE"}),
        ("tcp", {"state": "related,NEW"}, {"state": "NEW,RELATED"}),
        ("tcp", {"srcipmask": "255.255.0.0", "dstipmask": "8"}, {"srcipmask": "16", "dstipmask": "8"}),
        ("ipv6", {"srcipmask": "ffff:ffff::", "dstipaddr": "FE80:0::1"}, {"srcipmask": "32", "dstipaddr": "fe80::1"}),
        (
            "mac",
            {"protocolid": "0x800", "srcmacaddr": "1:0:5E:0:0:1"},
            {"protocolid": "ipv4", "srcmacaddr": "01:00:5e:00:00:01"},
        ),
        ("arp", {"opcode": "reply", "hwtype": "0x10"}, {"opcode": "Reply", "hwtype": "16"}),
        ("ip", {"protocol": "17", "dscp": 0x3F}, {"protocol": "udp", "dscp": "63"}),
        ("tcp", {"srcipaddr": "$ IP[ @0 ]", "dstipaddr": "$A[ 01]"}, {"srcipaddr": "$IP", "dstipaddr": "$A[1]"}),
    ],
)
def test_values_have_one_spelling(protocol, values, read):
    spec = spec_of({"rules": [{"action": "drop", "direction": "in", protocol: values}]})
    assert spec["rules"][0][protocol] == {"match": True, **({"gratuitous": False} if protocol == "arp" else {}), **read}


@pytest.mark.parametrize(
    "protocol,values",
    [
        ("tcp", {"flags": "SYN"}),
        ("tcp", {"state": "OLD"}),
        ("tcp", {"srcipmask": "255.0.255.0"}),
        ("tcp", {"srcportstart": 65536}),
        ("tcp", {"ipset": "a/b"}),
        ("mac", {"protocolid": "0x5ff"}),
        ("mac", {"srcmacmask": "00:ff:00:00:00:00"}),
        ("mac", {"srcmacaddr": "$M-A"}),
        ("mac", {"comment": "x" * 257}),
        ("ipv6", {"srcipaddr": "10.0.0.1"}),
        ("arp", {"gratuitous": "maybe"}),
    ],
)
def test_other_values_are_refused(protocol, values):
    assert normalise(NWFILTER, {"rules": [{"action": "drop", "direction": "in", protocol: values}]})[1] != []


@pytest.mark.parametrize("wanted", [{"chain": "tcp"}, {"chain": "mac-23456789a"}, {"priority": 1001}, {"name": "a b"}])
def test_other_names_are_refused(wanted):
    assert normalise(NWFILTER, wanted)[1] != []
