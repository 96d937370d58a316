"""The table of <interface> against libvirt's schema, with nothing missing or invented; and each row does its work."""

from __future__ import annotations

import pytest
from hypothesis import given
from lxml import etree

from ansible_collections.virtfleet.network.plugins.module_utils._schema.interface import INTERFACE, INTERFACES, declared
from ansible_collections.virtfleet.network.plugins.module_utils._xml.branches import Many
from ansible_collections.virtfleet.network.plugins.module_utils._xml.codec import normalise, parse, read_xml, write_xml
from ansible_collections.virtfleet.network.plugins.module_utils._xml.diff import differences, equal, unmodelled
from ansible_collections.virtfleet.network.plugins.module_utils._xml.fields import positions
from ansible_collections.virtfleet.network.plugins.module_utils._xml.leaves import Values
from ansible_collections.virtfleet.network.plugins.module_utils._xml.overlay import overlay
from tests.unit.case_files import load
from tests.unit.schemas import installed, label, newer_positions, schema_positions, used_positions, version_of
from tests.unit.specs import options
from tests.unit.table_rows import name_of, nothing, samples, value_at, values_of

TABLE = set(positions(INTERFACE, "interface"))
NEWER = newer_positions(INTERFACE, "interface")
DEVICES = (INTERFACES,)


def spec_of(wanted, rows=INTERFACE):
    """A user's options as a spec."""
    spec, problems = normalise(rows, wanted)
    assert problems == []
    return spec


def written(spec, tag="interface", rows=INTERFACE):
    """A spec as XML, made of nothing."""
    root = etree.Element(tag)
    overlay(root, rows, {}, spec)
    return root


def changed(xml, wanted):
    """An interface among a domain's devices after a change, as text in one line."""
    devices = read_xml(f"<devices>{xml}</devices>")
    have = parse(devices, DEVICES)
    overlay(devices, DEVICES, have, {"interfaces": [spec_of(wanted)]})
    assert overlay(devices, DEVICES, parse(devices, DEVICES), {"interfaces": [spec_of(wanted)]}) is False
    assert len(devices) == 1
    return etree.tostring(devices[0], encoding="unicode")


# ---- the schema ----


@pytest.mark.skipif(not installed(), reason="neither this machine nor a root of the lab has libvirt's schemas")
@pytest.mark.parametrize("folder", installed(), ids=label)
def test_the_table_is_the_schema(folder):
    theirs = schema_positions(folder / "domaincommon.rng", "interface")
    assert len(theirs) > 180
    assert theirs - TABLE == set(), "the table lacks"
    assert TABLE - theirs <= set(NEWER), "the schema does not know"


@pytest.mark.skipif(not installed(), reason="neither this machine nor a root of the lab has libvirt's schemas")
@pytest.mark.parametrize("folder", [one for one in installed() if version_of(one)], ids=label)
def test_every_position_is_as_old_as_the_table_says(folder):
    theirs = schema_positions(folder / "domaincommon.rng", "interface")
    assert theirs & set(NEWER) == {path for path, since in NEWER.items() if since <= version_of(folder)}


def test_no_position_is_listed_twice():
    assert len(TABLE) == len(positions(INTERFACE, "interface"))


# ---- the examples ----


@pytest.fixture(params=sorted(load("interfaces")))
def example(request):
    return load("interfaces")[request.param]


def test_an_example_is_read(example):
    root = read_xml(example["xml"])
    assert declared(parse(root, INTERFACE)) == example["spec"]
    assert spec_of(example["spec"]) == example["spec"]
    assert unmodelled(root, INTERFACE) == ""


def test_an_example_laid_over_itself_changes_nothing(example):
    for root, rows in ((read_xml(example["xml"]), INTERFACE), (read_xml(f"<d>{example['xml']}</d>"), DEVICES)):
        before = write_xml(root)
        assert overlay(root, rows, parse(root, rows), spec_of(parse(root, rows), rows)) is False
        assert write_xml(root) == before


def test_an_example_can_be_made_of_nothing(example):
    root = written(example["spec"])
    assert equal(INTERFACE, parse(root, INTERFACE), example["spec"])
    assert overlay(root, INTERFACE, parse(root, INTERFACE), example["spec"]) is False
    before = read_xml(example["xml"])
    if parse(before, INTERFACE) == declared(parse(before, INTERFACE)):
        assert differences(before, root, INTERFACE) == []


def test_all_examples_are_told_apart():
    root = read_xml(f"<devices>{''.join(one['xml'] for one in load('interfaces').values())}</devices>")
    specs = [one["spec"] for one in load("interfaces").values()]
    assert parse(root, DEVICES) == {"interfaces": specs}
    again = written({"interfaces": specs}, "devices", DEVICES)
    assert equal(DEVICES, parse(again, DEVICES), {"interfaces": specs})
    overlay(root, DEVICES, parse(root, DEVICES), {"interfaces": specs[::-1]})
    assert parse(root, DEVICES) == {"interfaces": specs[::-1]}


def test_the_examples_use_every_position():
    used = set()
    for entry in load("interfaces").values():
        used |= used_positions(etree.fromstring(entry["xml"]))
    assert TABLE - used == {
        *("interface/bandwidth/@classID", "interface/bandwidth/outbound/@floor"),
        *(f"interface/source/route/@{name}" for name in ("netmask",)),
        # Of addresses that no interface has, but that the schema allows.
        *(f"interface/address/@{name}" for name in ("base", "controller", "iobase", "irq", "target", "unit")),
        *("interface/source/address/@multifunction", "interface/source/address/@port"),
        "interface/source/reconnect/@delay",
    }


# ---- every row ----

# What makes an entry, or gives a value its meaning.
FIXED = {
    "source.portid": {"switchid": "12345678-1234-1234-1234-123456789abc"},
    **{f"{above}{name}": {"address": "10.0.0.1"} for above in ("", "source.") for name in ("ips", "routes")},
    "vlan.tags": {"id": 9},
}


def around(place, value):
    """Options with a value at a place, in entries that stay the same ones."""
    for depth in range(len(place), 0, -1):
        row = place[depth - 1]
        if depth < len(place):
            value = {**FIXED.get(name_of(place[:depth]), {}), **FIXED.get(name_of(place), {}), **value}
        value = {row.option: [value] if isinstance(row, (Many, Values)) else value}
    return value


@pytest.mark.parametrize("place", values_of(INTERFACE), ids=name_of)
def test_every_row_is_set_read_changed_and_removed(place):
    root = etree.Element("interface")
    for value in samples(place[-1]):
        wanted = spec_of(around(place, value))
        overlay(root, INTERFACE, parse(root, INTERFACE), wanted)
        assert differences(written(wanted), root, INTERFACE) == []
        assert overlay(root, INTERFACE, parse(root, INTERFACE), wanted) is False
        assert value_at(parse(root, INTERFACE), place) in (value_at(wanted, place), *_silence(place[-1], value))
    overlay(root, INTERFACE, parse(root, INTERFACE), {place[0].option: nothing(place[0])})
    left = value_at(parse(root, INTERFACE), place)
    generated = any(row.generated for row in place)
    assert left in (None, place[-1].assumed) or (generated and left == value_at(wanted, place))


def _silence(row, value):
    return [None] if value == row.assumed or row.kind.render(value) is None else []


def _with_one_source(wanted):
    """Options without what only contradicts a network, and without a port of no switch."""
    source = wanted.get("source", {})
    others = set(source) - {"network", "portgroup", "ips", "routes"} if "network" in source else set()
    others |= set() if "switchid" in source else {"portid"}
    kept = {name: value for name, value in source.items() if name not in others}
    return {**wanted, "source": kept} if kept != source else wanted


CONSISTENT = options(INTERFACE).map(_with_one_source)


@given(CONSISTENT, CONSISTENT)
def test_any_change_is_made_once(one, other):
    root = read_xml(write_xml(written(spec_of(one))))
    overlay(root, INTERFACE, parse(root, INTERFACE), spec_of(other))
    again = read_xml(write_xml(root))
    assert overlay(again, INTERFACE, parse(again, INTERFACE), spec_of(other)) is False
    assert write_xml(again) == write_xml(root)
    spec = parse(again, INTERFACE)
    assert overlay(again, INTERFACE, spec, spec_of(spec)) is False


# ---- what libvirt does besides ----

LAN = "<interface type='network'><mac address='52:54:00:10:00:01'/><source network='lan' portgroup='p'/>{}</interface>"
MAC = {"mac": {"address": "52:54:00:10:00:01"}}


def test_the_type_goes_with_the_source():
    text = changed(LAN.format(""), {**MAC, "source": {"bridge": "br0"}})
    assert 'type="bridge"' in text
    assert '<source bridge="br0"/>' in text
    text = changed(text, {**MAC, "source": {"network": "lan"}})
    assert 'type="network"' in text
    assert '<source network="lan"/>' in text


def test_another_sort_of_source_leaves_nothing_of_the_one_before():
    text = changed(LAN.format(""), {**MAC, "type": "direct", "source": {"dev": "eth0", "mode": "bridge"}})
    assert '<source dev="eth0" mode="bridge"/>' in text
    text = changed(text, {**MAC, "type": "vhostuser", "source": {"path": "/run//a", "mode": "server"}})
    assert '<source mode="server" type="unix" path="/run/a"/>' in text
    text = changed(text, {**MAC, "type": "udp", "source": {"socket_address": "192.0.2.1", "port": 1}})
    assert '<source address="192.0.2.1" port="1"/>' in text
    text = changed(text, {**MAC, "type": "hostdev", "source": {"address": {"bus": "3", "slot": "16"}}})
    assert '<source><address type="pci" bus="0x03" slot="0x10"/></source>' in text


def test_the_same_network_keeps_its_portgroup():
    assert changed(LAN.format(""), {**MAC, "source": {"network": "lan"}}).count('portgroup="p"') == 1


def test_an_address_of_another_type_keeps_nothing_of_the_one_before():
    pci = "<address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'><zpci uid='0x1'/></address>"
    text = changed(LAN.format(pci), {**MAC, "address": {"type": "usb", "bus": "0x10", "port": "2"}})
    assert '<address type="usb" bus="16" port="2"/>' in text
    assert '<address type="ccw" cssid="0xfe"/>' in changed(text, {**MAC, "address": {"type": "ccw", "cssid": "254"}})


def test_a_part_of_an_address_keeps_the_others():
    pci = "<address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>"
    text = changed(LAN.format(pci), {**MAC, "address": {"bus": "2"}})
    assert '<address type="pci" domain="0x0000" bus="0x02" slot="0x00" function="0x0"/>' in text


@pytest.mark.parametrize(
    "part,emptied",
    [
        ("<address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>", {"address": {}}),
        ("<alias name='net0'/>", {"alias": {}}),
        ("<target dev='vnet0'/>", {"target": {}}),
        ("<model type='rtl8139'/>", {"model": {}}),
        ("<link state='up'/>", {"link": {"state": "up"}}),
        ("<mtu size='1500'/>", {"mtu": {}}),
    ],
)
def test_what_libvirt_makes_up_anew_is_not_removed(part, emptied):
    root = read_xml(LAN.format(part))
    assert overlay(root, INTERFACE, parse(root, INTERFACE), spec_of(emptied)) is False


def test_an_interface_without_a_mac_is_the_one_with_its_alias_or_source():
    other = "<mac address='52:54:00:10:00:09'/><source bridge='br0'/><alias name='ua-b'/>"
    devices = read_xml(f"<devices>{LAN.format('')}<interface type='bridge'>{other}</interface></devices>")
    wanted = {
        "interfaces": [
            {"source": {"network": "lan", "portgroup": "p"}, "link": {"state": "down"}},
            {"alias": {"name": "ua-b"}, "source": {"bridge": "br1"}},
            {"source": {"network": "lan"}},
        ]
    }
    overlay(devices, DEVICES, parse(devices, DEVICES), spec_of(wanted, DEVICES))
    found = parse(devices, DEVICES)["interfaces"]
    assert [one.get("mac", {}).get("address") for one in found] == ["52:54:00:10:00:01", "52:54:00:10:00:09", None]
    assert found[0]["link"] == {"state": "down"}
    assert found[1]["source"] == {"bridge": "br1"}
    assert found[2]["type"] == "network"


def test_a_user_alias_is_one():
    assert normalise(INTERFACE, {"alias": {"name": "net0"}})[1] != []
    assert normalise(INTERFACE, {"filterref": {"parameters": [{"name": "IP", "value": "1.2.3.4/24"}]}})[1] != []
