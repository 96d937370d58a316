"""Kinds of value: their canonical form, what they refuse, and how they get into XML and back."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.virtfleet.network.plugins.module_utils._schema.network import NETWORK
from ansible_collections.virtfleet.network.plugins.module_utils._xml import kinds as kind
from ansible_collections.virtfleet.network.plugins.module_utils._xml.fields import argument_spec
from ansible_collections.virtfleet.network.plugins.module_utils._xml.leaves import Attr, Opaque
from tests.unit.specs import values

RED_OR_BLUE, PCI_SLOT, PORT = kind.choice("red", "blue"), kind.hexadecimal(2, 0x1F), kind.integer(1, 65535)
C_NUMBER = kind.integer(0, 255, c_notation=True)


@pytest.mark.parametrize(
    "of,given,canonical",
    [
        (kind.IP, "2001:DB8:0:0::1", "2001:db8::1"),
        (kind.IP, "10.0.0.1", "10.0.0.1"),
        (kind.CIDR, "10.0.0.1/24", "10.0.0.1/24"),
        (kind.CIDR, "2001:DB8::0001/064", "2001:db8::1/64"),
        (kind.CIDR, "10.0.0.1", "10.0.0.1"),
        (kind.NETMASK, "255.255.254.0", 23),
        (kind.NETMASK, "0.0.0.0", 0),
        (kind.NETMASK, "255.255.255.255", 32),
        (kind.MAC, "52-54-0-AB-CD-1", "52:54:00:ab:cd:01"),
        (kind.MAC, "52:54:00:AB:CD:01", "52:54:00:ab:cd:01"),
        (kind.MAC, str(yaml.safe_load("52:54:00:11:22:33")), "52:54:00:11:22:33"),
        (kind.MAC, str(yaml.safe_load("98:0:59:00:00:07")), "98:00:59:00:00:07"),
        (kind.UUID, "3E3FCE454F534FA7BB3211F34168B82B", "3e3fce45-4f53-4fa7-bb32-11f34168b82b"),
        (kind.DUID, "0:3:0:1:52:54:0:AB", "00:03:00:01:52:54:00:ab"),
        (kind.YES_NO, "yes", True),
        (kind.YES_NO, False, False),
        (kind.ON_OFF, "off", False),
        (PORT, 80, 80),
        (PORT, "80", 80),
        (PORT, "080", 80),
        (C_NUMBER, "0x50", 80),
        (C_NUMBER, "0120", 80),
        (C_NUMBER, "80", 80),
        (PCI_SLOT, "16", "0x10"),
        (PCI_SLOT, "020", "0x10"),
        (PCI_SLOT, "0X0A", "0x0a"),
        (RED_OR_BLUE, "blue", "blue"),
        (kind.FIRST_DEVICE, "eth0", [{"dev": "eth0"}]),
        (kind.NETWORK_NAME, 'a "b" <é>', 'a "b" <é>'),
        (kind.PARAGRAPHS, "one\n\ttwo", "one\n\ttwo"),
        (kind.SERVICE, "_ldap/x+*-", "_ldap/x+*-"),
        (kind.DNS_NAME, "_msdcs.a" + "b" * 62, "_msdcs.a" + "b" * 62),
        (kind.HOST_NAME, "12a", "12a"),
        (kind.HOST_NAME, "ignored", "ignored"),
        (kind.TXT_NAME, "_dmarc.x#y", "_dmarc.x#y"),
        (kind.PROFILE, "ü" * 19, "ü" * 19),
        (kind.DEVICE, "eth0.42\\_-", "eth0.42\\_-"),
    ],
)
def test_canonical_forms(of, given, canonical):
    assert of.canonical(given) == canonical
    assert of.canonical(canonical if not isinstance(canonical, list) else given) == canonical


@pytest.mark.parametrize(
    "of,wrong,expected",
    [
        (kind.IP, "10.0.0.256", "must be an IPv4 or IPv6 address"),
        (kind.IP, "fe80::1%eth0", "must be an IPv4 or IPv6 address"),
        (kind.IP, "10.0.0.1/24", "must be an IPv4 or IPv6 address"),
        (kind.IPV4, "::1", "must be an IPv4 address"),
        (kind.CIDR, "10.0.0.1/255.255.255.0", "must be an"),
        (kind.CIDR, "10.0.0.1/33", "must be an address, or an address with its prefix"),
        (kind.CIDR, "10.0.0.1/", "must be an"),
        (kind.NETMASK, "255.0.255.0", "must be an IPv4 netmask"),
        (kind.NETMASK, "24", "must be an IPv4 netmask"),
        (kind.NETMASK, "0.0.0.255", "must be an IPv4 netmask"),
        (kind.MAC, "52:54:00:00:00", "must be a MAC address"),
        (kind.MAC, "190012245", "put it in quotes"),
        (kind.MAC, "53:54:00:00:00:01", "must be a unicast MAC address"),
        (kind.MAC, "ff:ff:ff:ff:ff:ff", "must be a unicast MAC address"),
        (kind.UUID, "3e3fce45", "must be a UUID"),
        (kind.DUID, "00:01", "must be a DHCP unique identifier"),
        (kind.YES_NO, "true", "must be yes or no"),
        (kind.ON_OFF, "yes", "must be on or off"),
        (PORT, 0, "must be a whole number from 1 to 65535"),
        (PORT, "65536", "must be a whole number from 1 to 65535"),
        (PORT, "-1", "must be a whole number"),
        (PORT, "1.5", "must be a whole number"),
        (PORT, " 1", "must be a whole number"),
        (PORT, "0x50", "must be a whole number"),
        (C_NUMBER, "08x", "must be a whole number"),
        (PORT, "٣", "must be a whole number"),
        (PCI_SLOT, "0x20", "must be a number from 0 to 0x1f"),
        (PCI_SLOT, "g", "must be a number from 0 to 0x1f"),
        (RED_OR_BLUE, "green", "must be one of red, blue"),
        (kind.NETWORK_NAME, "a/b", "must be a name without a slash"),
        (kind.NETWORK_NAME, "..", "must be a name without a slash"),
        (kind.NETWORK_NAME, "", "must be a name without a slash"),
        (kind.DNS_NAME, "a b", "must be a name of letters"),
        (kind.DNS_NAME, "a" * 64, "at most 63 between two dots"),
        (kind.DNS_NAME, "a." * 127, "at most 253 characters"),
        (kind.DNS_NAME, "a.-b", "must not have a hyphen at the beginning"),
        (kind.HOST_NAME, "ignore", "not a number, a time, an address, ignore or infinite"),
        (kind.HOST_NAME, "12h", "not a number, a time"),
        (kind.HOST_NAME, "10.0.0.9", "not a number, a time, an address"),
        (kind.HOST_NAME, "-a", "must be a name of letters"),
        (kind.TXT_NAME, "a b", "must be a name of ASCII characters without spaces"),
        (kind.TXT_NAME, 'a"b', "without spaces, commas and double quotes"),
        (kind.TXT_NAME, "é", "must be a name of ASCII characters"),
        (kind.SERVICE, "a" * 63, "at most 62"),
        (kind.SERVICE, "a.b", "must be a service name"),
        (kind.DEVICE, "a" * 16, "must be a device name of 1 to 15"),
        (kind.DEVICE, "eth0/1", "must be a device name"),
        (kind.DEVICE, "eth0:1", "must be a device name"),
        (kind.DEVICE, ".", "must be a device name"),
        (kind.ZONE, "a b", "must be a zone name"),
        (kind.PROFILE, "a" * 40, "must be 1 to 39"),
        (kind.PROFILE, "ü" * 20, "must be 1 to 39"),
        (kind.PROFILE, "a&b", "must be 1 to 39 bytes long, without &"),
        (kind.GROUP_NAME, "a'/><b c='", "must be a name without &, < and '"),
        (kind.GROUP_NAME, "a<b", "must be a name without &, < and '"),
        (kind.TEXT, "a\nb", "must not contain control characters"),
        (kind.TEXT, "a\x85b", "must not contain control characters"),
        (kind.TEXT, "a\u2028b", "must not contain control characters"),
        (kind.PARAGRAPHS, "a\rb", "must not contain control characters other than"),
        (kind.NETWORK_NAME, "a\n", "must not contain control characters"),
        (kind.HOST_NAME, "a\n", "must not contain control characters"),
    ],
)
def test_wrong_values_are_refused_with_what_is_expected(of, wrong, expected):
    with pytest.raises(ValueError, match=expected):
        of.canonical(wrong)


def _leaves(rows):
    for row in rows:
        yield from _leaves(row.rows) if row.rows else [row]


LEAVES = [row for row in _leaves(NETWORK) if not row.reported and not isinstance(row, Opaque)]


@given(st.data(), st.sampled_from(LEAVES))
def test_values_go_into_xml_and_come_back(data, row):
    value = row.kind.canonical(data.draw(values(row.kind)))
    text = row.kind.render(value)
    if row.kind is kind.FIRST_DEVICE:
        assert row.kind.parse("eth0") == [{"dev": "eth0"}]
    elif text is None:
        assert (row.kind, value) == (kind.YES, False)
    else:
        assert row.kind.read(text) == value
        assert row.kind.canonical(value) == value


def test_what_libvirt_accepted_and_we_do_not_understand_is_read_as_it_is():
    assert kind.MAC.read("nonsense") == "nonsense"
    assert kind.YES.render(False) is None


def test_options_tell_ansible_the_types():
    assert RED_OR_BLUE.option == {"type": "str", "choices": ["red", "blue"]}
    types = {of.option["type"] for of in (kind.YES_NO, kind.ON_OFF, kind.YES)}
    assert (types, PORT.option["type"], kind.NETMASK.option["type"]) == ({"bool"}, "int", "str")


def test_rows_of_reported_values_are_no_options():
    row = Attr("connections", reported=True)
    assert argument_spec((row,)) == {}
