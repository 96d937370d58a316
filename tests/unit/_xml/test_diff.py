"""What differs between two definitions, position by position."""

from __future__ import annotations

import pytest
from hypothesis import given

from ansible_collections.virtfleet.network.plugins.module_utils._schema.network import NETWORK
from ansible_collections.virtfleet.network.plugins.module_utils._xml.codec import parse, read_xml
from ansible_collections.virtfleet.network.plugins.module_utils._xml.diff import differences, equal, unmodelled
from tests.unit.case_files import definition, load
from tests.unit.valid_specs import networks


def between(one, other):
    first, second = (read_xml(f"<network>{inner}</network>") for inner in (one, other))
    return [(change.path, change.before, change.after) for change in differences(first, second, NETWORK)]


@pytest.mark.parametrize(
    "first,second",
    [
        ("", "<ip address='10.0.0.1' netmask='255.0.0.0'/>"),
        ("<ip address='10.0.0.1' netmask='255.0.0.0'/>", "<ip prefix='8' address='10.0.0.1' family='ipv4'/>"),
        ("<ip address='10.0.0.1'/>", "<ip address='10.0.0.1' prefix='8' localPtr='no'/>"),
        ("<forward dev='a'/>", "<forward mode='nat'><interface dev='a'/></forward>"),
        ("<bridge name='b'/>", "<bridge delay='0' name='b' stp='on' macTableManager='kernel'/>"),
        ("<domain name='d'/>", "<domain name='d' localOnly='no' register='no'/>"),
        ("<dns/>", ""),
        ("<dns enable='yes'/>", "<dns forwardPlainNames='yes'/>"),
        ("<mtu size='0'/>", ""),
        ("<metadata><a xmlns='urn:a' b='1' c='2'/></metadata>", "<metadata><a c='2' b='1' xmlns='urn:a'/></metadata>"),
        (
            "<dns><txt name='a' value='1'/><txt name='b' value='2'/></dns>",
            "<dns><txt name='b' value='2'/><txt name='a' value='1'/></dns>",
        ),
        ("<name>a</name><port isolated='no'/>", "<port/><name>a</name>"),
        ("<!-- one -->", "<!-- other -->"),
    ],
)
def test_another_spelling_is_no_difference(first, second):
    if first:
        assert between(first, second) == []
        assert between(second, first) == []


@pytest.mark.parametrize(
    "one,other,expected",
    [
        ("<mtu size='1'/>", "<mtu size='2'/>", [("mtu.size", 1, 2)]),
        ("", "<domain name='d'/>", [("domain.name", None, "d")]),
        (
            "<ip address='10.0.0.1' prefix='8'/>",
            "<ip address='10.0.0.2' prefix='8'/>",
            [("ips[10.0.0.0/8].address", "10.0.0.1", "10.0.0.2")],
        ),
        (
            "<forward><interface dev='a'/><interface dev='b'/></forward>",
            "<forward><interface dev='b'/><interface dev='a'/></forward>",
            [("forward.interfaces", [{"dev": "a"}, {"dev": "b"}], [{"dev": "b"}, {"dev": "a"}])],
        ),
        (
            "<dns><host ip='10.0.0.1'><hostname>a</hostname></host></dns>",
            "<dns><host ip='10.0.0.1'><hostname>b</hostname></host></dns>",
            [("dns.hosts[10.0.0.1]", {"ip": "10.0.0.1", "hostnames": ["a"]}, {"ip": "10.0.0.1", "hostnames": ["b"]})],
        ),
        ("<x/>", "", [("xml", "<x></x>", None)]),
        ("<mtu size='1' x='2'/>", "<mtu size='1'/>", [("xml", '<mtu x="2"></mtu>', None)]),
    ],
)
def test_each_difference_is_told_once_with_its_place(one, other, expected):
    assert between(one, other) == expected


def test_lists_with_a_live_section_carry_what_the_calls_need():
    before = read_xml("<network><ip address='10.0.0.1' prefix='8'/><ip address='11.0.0.1' prefix='8'/></network>")
    after = read_xml(
        "<network><ip address='10.0.0.1' prefix='8'/>"
        "<ip address='11.0.0.1' prefix='8'><dhcp><host name='a' ip='11.0.0.2'/></dhcp></ip></network>"
    )
    (change,) = differences(before, after, NETWORK)
    assert (change.parent, change.xml_before, change.xml_after) == (1, "", '<host name="a" ip="11.0.0.2"/>')
    (back,) = differences(after, before, NETWORK)
    assert (back.parent, back.xml_before, back.xml_after) == (1, '<host name="a" ip="11.0.0.2"/>', "")


@given(networks(), networks())
def test_differences_go_both_ways(one, other):
    first, second = read_xml(definition(one)), read_xml(definition(other))
    there, back = differences(first, second, NETWORK), differences(second, first, NETWORK)
    # Not the same ones: an interface before others needs a restart, to delete it does not.
    assert bool(there) == bool(back)
    assert bool(there) != equal(NETWORK, parse(first, NETWORK), parse(second, NETWORK))


@pytest.mark.parametrize("name", sorted(load("networks")))
def test_the_table_describes_all_of_every_form_of_network(name):
    assert unmodelled(read_xml(load("networks")[name]["xml"]), NETWORK) == ""
