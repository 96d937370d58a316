"""Reading: XML to a spec, and what a user wrote to a spec of canonical values."""

from __future__ import annotations

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._schema.network import NETWORK
from ansible_collections.virtfleet.network.plugins.module_utils._xml.codec import (
    canonical_xml,
    normalise,
    parse,
    read_xml,
    write_xml,
)


def normal(**wanted):
    return normalise(NETWORK, wanted)


def test_user_options_become_canonical():
    spec, problems = normal(
        name="n",
        mac={"address": "52-54-0-0-0-1"},
        ips=[{"address": "2001:DB8::1/64"}, {"address": "10.0.0.1", "netmask": "255.0.0.0"}],
        forward={"dev": "eth0"},
        metadata="<b:x  xmlns:b = 'urn:b'   a='1' />",
        mtu=None,
        unknown="ignored",
    )
    assert problems == []
    assert spec == {
        "name": "n",
        "mac": {"address": "52:54:00:00:00:01"},
        "ips": [{"address": "2001:db8::1", "prefix": 64}, {"address": "10.0.0.1", "prefix": 8}],
        "forward": {"interfaces": [{"dev": "eth0"}]},
        "metadata": '<b:x xmlns:b="urn:b" a="1"></b:x>',
    }


def test_every_problem_is_told_with_its_place_and_value():
    _spec, problems = normal(
        name="a/b",
        bridge={"delay": -1},
        ips=[{"address": "10.0.0.1/24"}, {"address": "x", "dhcp": {"hosts": [{"mac": "1"}]}}],
        dns={"hosts": [{"ip": "10.0.0.1", "hostnames": ["a", "b c"]}]},
        metadata="<a>",
    )
    assert [problem.partition(" ")[0] for problem in problems] == [
        "name",
        "metadata",
        "bridge.delay",
        "dns.hosts[0].hostnames[1]",
        "ips[1].address",
        "ips[1].dhcp.hosts[0].mac",
    ]
    assert problems[0] == "name must be a name without a slash, not 'a/b'"


@pytest.mark.parametrize("value", ["<a>", "]]>", "&", "<![CDATA[x]]>", "a > b"])
def test_metadata_that_is_wrong_is_text_of_a_definition(value):
    """So that whatever else is wrong with it is found, too."""
    spec, problems = normal(name="n", metadata=value)
    assert problems
    assert read_xml(f"<metadata>{spec['metadata']}</metadata>").text == value


@pytest.mark.parametrize(
    "item,same",
    [
        ({"address": "10.0.0.1/24", "prefix": 24}, True),
        ({"address": "10.0.0.1/24", "netmask": "255.255.255.0"}, True),
        ({"prefix": 24, "netmask": "255.255.255.0", "address": "10.0.0.1"}, True),
        ({"address": "10.0.0.1/24", "prefix": 25}, False),
        ({"address": "10.0.0.1/24", "netmask": "255.255.0.0"}, False),
        ({"address": "10.0.0.1", "prefix": 24, "netmask": "255.255.0.0"}, False),
    ],
)
def test_two_spellings_of_one_value_must_agree(item, same):
    _spec, problems = normal(ips=[item])
    assert [problem.partition(":")[0] for problem in problems] == ([] if same else ["ips[0].prefix is given twice"])


@pytest.mark.parametrize(
    "forward,same",
    [
        ({"dev": "eth0", "interfaces": [{"dev": "eth0"}, {"dev": "eth1"}]}, True),
        ({"dev": "eth0", "interfaces": [{"dev": "eth1"}]}, False),
        ({"dev": "eth0", "interfaces": []}, False),
    ],
)
def test_the_short_form_of_a_device_is_the_first_of_the_list(forward, same):
    spec, problems = normal(forward=forward)
    assert [problem.partition(":")[0] for problem in problems] == (
        [] if same else ["forward.interfaces is given twice"]
    )
    assert not same or spec["forward"] == {"interfaces": forward["interfaces"]}


def test_reading_spells_out_what_is_implied():
    root = read_xml(
        "<network connections='3'><forward dev='eth0'/><vlan><tag id='1'/><tag id='2'/></vlan><ip address='10.0.0.1'/>"
        "<bandwidth classID='1'/><dns/></network>"
    )
    assert parse(root, NETWORK) == {
        "forward": {"mode": "nat", "interfaces": [{"dev": "eth0"}]},
        "vlan": {"trunk": True, "tags": [{"id": 1}, {"id": 2}]},
        "ips": [{"address": "10.0.0.1", "prefix": 8}],
    }


@pytest.mark.parametrize("text", ["", "<a>", "<a></b>", "no xml", "<a/><b/>", "\ud800", "<a>&b;</a>", "<a b=1/>"])
def test_what_is_no_xml_is_refused(text):
    with pytest.raises(ValueError, match="well-formed"):
        read_xml(text)


def test_xml_is_written_as_unicode_and_indented():
    text = "<network><name>ü</name><description>a\n b</description></network>"
    assert write_xml(read_xml(text)) == (
        "<network>\n  <name>ü</name>\n  <description>a\n b</description>\n</network>\n"
    )


@pytest.mark.parametrize(
    "one,other",
    [
        ("<a b='1' c='2'/>", '<a c="2"   b="1"></a>'),
        ("<x:a xmlns:x='urn:x' xmlns:unused='urn:y'/>", "<x:a xmlns:x='urn:x'/>"),
        ("<a><![CDATA[<]]></a>", "<a>&lt;</a>"),
        ("\n <a/> \n", "<a/>"),
        ("<!-- mine --><a/><?pi?>", "<a/>"),
    ],
)
def test_equal_xml_has_one_canonical_text(one, other):
    assert canonical_xml(one) == canonical_xml(other)
    assert canonical_xml(canonical_xml(one)) == canonical_xml(one)


def test_relative_namespaces_are_read_as_libvirt_keeps_them():
    root = read_xml("<network><name>n</name><metadata><a xmlns='foo'/></metadata></network>")
    assert "foo" in parse(root, NETWORK)["metadata"]
    assert canonical_xml("<a xmlns='foo'/>") == canonical_xml('<a  xmlns="foo"></a>')
