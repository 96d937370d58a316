"""The lines that libvirt writes for dnsmasq: which there are, how dnsmasq reads them, and what is wrong with them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import Caution
from ansible_collections.virtfleet.network.plugins.module_utils._network.dnsmasq import (
    LONGEST,
    line_remarks,
    lines,
    quoted,
    served,
)
from ansible_collections.virtfleet.network.plugins.module_utils._schema.network import NETWORK
from ansible_collections.virtfleet.network.plugins.module_utils._xml.fields import positions
from ansible_collections.virtfleet.network.plugins.module_utils._xml.kinds import TEXT
from ansible_collections.virtfleet.network.plugins.module_utils._xml.leaves import Attr, Text, Values

IP = {"address": "10.0.0.1", "prefix": 24}
# What libvirt never writes into a file of dnsmasq.
NOT_FOR_DNSMASQ = {"title", "description", "metadata", "model"}


def network(**options):
    return {"name": "n", "ips": [IP], **options}


def texts(spec):
    return [line.text for line in lines(spec)][2:]


def of_txt(value):
    return network(dns={"txts": [{"name": "a", "value": value}]})


@pytest.mark.parametrize(
    "options,expected",
    [
        ({"domain": {"name": "d"}}, ["local=/d/", "domain=d"]),
        ({"dns": {"forwarders": [{"addr": "192.0.2.1"}]}}, ["server=192.0.2.1"]),
        ({"dns": {"forwarders": [{"domain": "d", "addr": "192.0.2.1", "port": 5}]}}, ["server=/d/192.0.2.1#5"]),
        ({"dns": {"txts": [{"name": "a", "value": "b {c}"}]}}, ["txt-record=a,b {c}"]),
        ({"dns": {"srvs": [{"service": "a", "protocol": "tcp"}]}}, ["srv-host=_a._tcp"]),
        (
            {"dns": {"srvs": [{"service": "a", "protocol": "tcp", "domain": "d", "target": "t", "port": 9}]}},
            ["srv-host=_a._tcp.d,t,9"],
        ),
        ({"ips": [{**IP, "tftp": {"root": "/srv"}}]}, ["tftp-root=/srv"]),
        ({"ips": [{**IP, "dhcp": {"bootp": {"file": "f"}}}]}, ["dhcp-boot=f"]),
        ({"ips": [{**IP, "dhcp": {"bootp": {"file": "f", "server": "10.0.0.2"}}}]}, ["dhcp-boot=f,,10.0.0.2"]),
        ({"dnsmasq_options": ["a", "b=c"]}, ["a", "b=c"]),
    ],
)
def test_each_row_knows_its_lines(options, expected):
    assert texts(network(**options)) == expected


def test_a_network_without_addresses_has_no_dnsmasq():
    assert lines({"name": 'a "', "domain": {"name": "d"}}) == []


def test_every_text_of_any_length_has_a_line():
    """A new row of free text must say what libvirt makes of it."""

    def free(rows, above=False):
        for row in rows:
            known = above or bool(row.lines)
            if isinstance(row, (Attr, Text, Values)) and row.kind is TEXT and not known:
                yield row.option
            yield from free(row.rows, known)

    assert positions(NETWORK)
    assert set(free(NETWORK)) <= NOT_FOR_DNSMASQ


@pytest.mark.parametrize("size", [254, 255, 256, 1000, LONGEST, LONGEST + 1, 4096])
@pytest.mark.parametrize("letter", ["a", "ü"])
def test_a_line_is_no_longer_than_dnsmasq_reads(size, letter):
    free = size - len("txt-record=a,")
    wide = len(letter.encode())
    found = list(line_remarks(of_txt(letter * (free // wide) + "a" * (free % wide)), {}))
    told = f"dns.txts[0] makes a line of {size} bytes for dnsmasq, which reads {LONGEST} at most"
    assert [remark[: len(told)] for remark in found] == ([told] if size > LONGEST else [])
    assert not any(isinstance(remark, Caution) for remark in found)


def test_a_long_line_that_is_there_already_may_stay_but_no_other_of_the_same_length():
    known, other = of_txt("a" * 4096), of_txt("a" * 4000 + "b" * 96)
    assert list(line_remarks(known, known)) == []
    assert len(list(line_remarks(other, known))) == 1


@pytest.mark.parametrize(
    "value,strings",
    [
        ("v=spf1 -all", ["v=spf1 -all"]),
        ("", [""]),
        ("a,b", ["a", "b"]),
        (",", ["", ""]),
        ('"a,b"', ["a,b"]),
        (' a "b" ', ["a b"]),
        ("a #b", ["a"]),
        ("a#b", ["a#b"]),
        ('"a #b"', ["a #b"]),
        (r"a\b", [r"a\b"]),
        (r'"a\"b\\c\d"', [r'a"b\c\d']),
        ('"a', None),
        ('"a""b"', None),  # what follows a quote directly opens none
        ('"a" "b"', ["a b"]),
    ],
)
def test_values_are_read_as_dnsmasq_reads_them(value, strings):
    assert served(value) == strings


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\u2028\u2029"), max_size=40))
def test_a_quoted_text_is_served_as_it_is(text):
    assert served(quoted(text)) == [text]
    remarks = list(line_remarks(of_txt(quoted(text)), {}))
    assert remarks == [] or served(text) == [text]


@pytest.mark.parametrize(
    "value,told",
    [
        ("a,b", "is served as 2 strings, 'a', 'b': write '\"a,b\"' to have it served as it is"),
        ('say "a"', "is served as 'say a': write '\"say \\\\\"a\\\\\"\"' to have it served as it is"),
        (" a", "is served as 'a': write '\" a\"' to have it served as it is"),
        ("a #" + "b" * 99, f"is served as 'a': write '\"a #{'b' * 56}...' to have it served as it is"),
        ('"a"', "is served as 'a': write '\"\\\\\"a\\\\\"\"' to have it served as it is"),
    ],
)
def test_what_is_served_otherwise_is_a_warning(value, told):
    (remark,) = line_remarks(of_txt(value), {})
    assert isinstance(remark, Caution)
    assert remark == f"dns.txts[0].value {told}"


@pytest.mark.parametrize(
    "options,told,warning",
    [
        ({"name": 'a "b'}, "name has a double quote without its partner, which dnsmasq does not start with", False),
        (
            {"dns": {"srvs": [{"service": "a", "protocol": "tcp", "domain": "b" * 250, "target": "t"}]}},
            "dns.srvs[0] makes a name of 258 characters, of which DNS holds 253: '_a._tcp.bbb",
            False,
        ),
        ({"name": "a #b"}, "name is read as 'pid-file=/run/libvirt/network/a' by dnsmasq", False),
        ({"ips": [{**IP, "tftp": {"root": "/a "}}]}, "ips[0].tftp is read as 'tftp-root=/a' by dnsmasq", True),
        ({"ips": [{**IP, "tftp": {"root": "/a,b"}}]}, "ips[0].tftp has a comma", True),
        ({"ips": [{**IP, "dhcp": {"bootp": {"file": "a,b"}}}]}, "ips[0].dhcp.bootp has a comma", True),
        (
            {"ips": [{**IP, "dhcp": {"bootp": {"file": "a" * 128}}}]},
            "file has 128 bytes, of which DHCP carries 127",
            True,
        ),
    ],
)
def test_what_dnsmasq_reads_otherwise(options, told, warning):
    (remark,) = line_remarks(network(**options), {})
    assert told in remark
    assert isinstance(remark, Caution) == warning
