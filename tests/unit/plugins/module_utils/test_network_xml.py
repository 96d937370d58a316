"""The table of <network> against libvirt's own schema, with nothing missing or invented; and each row does its work."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from lxml import etree

from ansible_collections.virtfleet.network.plugins.module_utils._codec import parse
from ansible_collections.virtfleet.network.plugins.module_utils._diff import differences
from ansible_collections.virtfleet.network.plugins.module_utils._fields import positions
from ansible_collections.virtfleet.network.plugins.module_utils._network_xml import NETWORK, subnet
from ansible_collections.virtfleet.network.plugins.module_utils._overlay import overlay
from tests.lab.cache import cache_dir
from tests.unit.case_files import load, spec_of

RNG = "{http://relaxng.org/ns/structure/1.0}"
SCHEMAS = "usr/share/libvirt/schemas"


# ---- the schema ----


def read_schema(file):
    """The definitions of a RelaxNG schema by name, and where it starts; with the files that it includes."""
    definitions, starts = {}, []
    root = etree.parse(str(file)).getroot()
    for included in root.iter(f"{RNG}include"):
        more, _starts = read_schema(file.parent / included.get("href"))
        definitions.update(more)
    for one in root.iter(f"{RNG}define"):
        definitions.setdefault(one.get("name"), []).append(one)
    starts += root.iter(f"{RNG}start")
    return definitions, starts


def schema_positions(file):
    """Every element and attribute that a schema allows, as paths like those of the table."""
    definitions, starts = read_schema(file)
    found = set()
    for start in starts:
        _walk(start, definitions, "", "", frozenset(), found)
    return found - {"network"}


def _walk(node, definitions, path, space, inside, found):
    for child in node.iterchildren(etree.Element):
        tag, name = child.tag[len(RNG) :], child.get("name")
        if tag == "ref" and name not in inside:
            for one in definitions.get(name, ()):
                _walk(one, definitions, path, space, inside | {name}, found)
        elif tag == "attribute":
            found.add(f"{path}/@{name}")
        elif tag == "element" and name:
            own = child.get("ns", space)
            place = "/".join(part for part in (path, f"{{{own}}}{name}" if own else name) if part)
            found.add(place)
            if name != "metadata":  # anything may stand in it
                _walk(child, definitions, place, own, inside, found)
        elif tag != "ref":
            _walk(child, definitions, path, space, inside, found)


def newer_positions(rows, above="network", since=False):
    """The positions that a libvirt may not know yet."""
    for row in rows:
        newer = since or bool(row.since)
        place = f"{above}/@{row.xml}" if row.form == "attr" else f"{above}/{row.xml}"
        if newer:
            yield place
        yield from newer_positions(row.rows, place, newer)


def installed():
    """The folders with libvirt's schemas: this machine's, and those of the lab's cached roots."""
    here = Path("/") / SCHEMAS
    roots = sorted(cache_dir().glob(f"root-*/{SCHEMAS}")) if cache_dir().exists() else []
    return [folder for folder in (here, *roots) if (folder / "network.rng").exists()]


def label(folder):
    """Whose schema it is."""
    root = re.search("root-([a-z]+)", str(folder))
    return root[1] if root else "this machine"


@pytest.mark.skipif(not installed(), reason="neither this machine nor a root of the lab has libvirt's schemas")
@pytest.mark.parametrize("folder", installed(), ids=label)
def test_the_table_is_the_schema(folder):
    theirs, mine = schema_positions(folder / "network.rng"), set(positions(NETWORK, "network"))
    assert len(theirs) > 150
    assert theirs - mine == set(), "the table lacks"
    assert mine - theirs <= set(newer_positions(NETWORK)), "the schema does not know"


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
    assert schema_positions(tmp_path / "main.rng") == {"network/@a", "network/{urn:o}o", "network/{urn:o}o/{urn:o}p"}


# ---- every row ----


def _places(rows, above=()):
    for row in rows:
        if not row.reported:
            yield (*above, row)
            yield from _places(row.rows, (*above, row))


ROWS = [place for place in _places(NETWORK) if place[-1].form not in ("element", "many")]


def _samples(row):
    """Two values of a row."""
    option = row.kind.option
    if "choices" in option:
        return option["choices"][0], option["choices"][-1]
    if option["type"] == "bool":
        return not row.assumed, bool(row.assumed)
    if row.form == "opaque":
        return "<a xmlns='urn:a'/>", "<b xmlns='urn:b'/>"
    candidates = [7, 9, "192.0.2.1", "192.0.2.9", "52:54:00:00:00:01", "52:54:00:00:00:02", "255.0.0.0", "255.255.0.0"]
    candidates += [
        "00:03:00:01:52:54:00",
        "00:03:00:01:52:55",
        "3e3fce45-4f53-4fa7-bb32-11f34168b82b",
        "00" * 16,
        "0x1",
        "0x2",
    ]
    candidates += ["00:03:00:01:52:54:01", "a", "b"]
    good = [
        value for value in candidates if _accepts(row, value) and isinstance(value, int) == (option["type"] == "int")
    ]
    return good[0], good[1]


def _accepts(row, value):
    try:
        row.kind.canonical(value)
    except ValueError:
        return False
    return True


def _around(place, value):
    """Options with a value at a place, in items that stay the same ones."""
    keys = {"ips": {"address": "10.0.0.1", "prefix": 24}, "routes": {"address": "10.0.0.0", "prefix": 16}}
    names = [row.option for row in place]
    for row in reversed(place):
        if row.form in ("many", "element") or row is not place[-1]:
            fixed = keys.get(row.option, {}) if names[-1] not in ("address", "netmask", "prefix") else {}
            fixed = {"address": "10.0.0.1"} if names[-1] in ("netmask", "prefix") and row.option in keys else fixed
            value = {**fixed, **value}
        value = {row.option: [value] if row.form in ("many", "values") else value}
    return value


@pytest.mark.parametrize("place", ROWS, ids=lambda place: ".".join(row.option for row in place))
def test_every_row_is_set_read_changed_and_removed(place):
    first, second = _samples(place[-1])
    root = etree.Element("network")
    for value in (first, second):
        wanted = spec_of(_around(place, value))
        overlay(root, NETWORK, parse(root, NETWORK), wanted)
        again = etree.Element("network")
        overlay(again, NETWORK, {}, wanted)
        assert differences(again, root, NETWORK) == []
        assert overlay(root, NETWORK, parse(root, NETWORK), wanted) is False
        if value not in (place[-1].assumed, ""):
            assert _read(parse(root, NETWORK), place) is not None
    top = place[0]
    gone = {"element": {}, "many": [], "values": []}.get(top.form, top.assumed if isinstance(top.assumed, bool) else "")
    overlay(root, NETWORK, parse(root, NETWORK), {top.option: gone})
    left = _read(parse(root, NETWORK), place)
    assert left in (None, place[-1].assumed) or (place[-1].made_up and left == _read(wanted, place))


def _read(spec, place):
    """The value at a place, None when there is none."""
    for row in place:
        if spec is None:
            return None
        spec = spec.get(row.spells or row.option)
        if row.form == "many" and spec:
            spec = spec[0]
    return spec


def test_the_examples_use_every_position_that_libvirt_has_long_had():
    used = set()
    for entry in load("networks").values():
        for element in etree.fromstring(entry["xml"]).iter(etree.Element):
            path = "/".join(one.tag for one in (*reversed(list(element.iterancestors())), element))
            used |= {_shared(path), *(_shared(f"{path}/@{name}") for name in element.attrib)}
    rest = {_shared(path) for path in set(positions(NETWORK, "network")) - set(newer_positions(NETWORK))} - used
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
