"""The one writer and the reader together: what is written is read, and nothing else is touched."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from ansible_collections.virtfleet.network.plugins.module_utils._network.target import build
from ansible_collections.virtfleet.network.plugins.module_utils._schema.network import NETWORK, NetworkDefinition
from ansible_collections.virtfleet.network.plugins.module_utils._values.desired import Desired
from ansible_collections.virtfleet.network.plugins.module_utils._xml.branches import Element, Many
from ansible_collections.virtfleet.network.plugins.module_utils._xml.codec import normalise, parse, read_xml, write_xml
from ansible_collections.virtfleet.network.plugins.module_utils._xml.diff import compare, differences, equal
from ansible_collections.virtfleet.network.plugins.module_utils._xml.overlay import overlay
from tests.unit.case_files import definition
from tests.unit.fake_libvirt.base import read, write
from tests.unit.fake_libvirt.definition import accepted
from tests.unit.specs import consistent
from tests.unit.valid_specs import networks


def normal(wanted):
    spec, problems = normalise(NETWORK, wanted)
    assert problems == []
    return spec


def completed(rows, spec):
    """A spec with what the table says is implied by it, and without what is empty: how it reads once written."""
    found = {}
    for row in rows:
        value = spec.get(row.option)
        if row.rows and value:
            items = [_completed_item(row, item) for item in (value if isinstance(row, Many) else [value])]
            value = items if isinstance(row, Many) else items[0]
        if value not in (None, row.assumed, {}, []) and (value != "" or not row.removable):
            found[row.option] = value
    return found


def _completed_item(row, item):
    item = completed(row.rows, row.complete(item, {}) if row.complete else item)
    return row.implied(item) if item and row.implied else item


def written(spec):
    root = etree.Element("network")
    overlay(root, NETWORK, {}, spec)
    return root


@given(consistent())
def test_what_is_written_is_read(wanted):
    spec = normal(wanted)
    root = read_xml(write_xml(written(spec)))
    assert equal(NETWORK, completed(NETWORK, spec), parse(root, NETWORK))


@given(consistent())
def test_laying_what_is_there_over_itself_changes_nothing(wanted):
    root = written(normal(wanted))
    before = write_xml(root)
    again = read_xml(before)
    spec = parse(again, NETWORK)
    assert overlay(again, NETWORK, spec, normal(spec)) is False
    assert write_xml(again) == before


@given(networks(), consistent(empty=True))
def test_a_second_time_nothing_is_left_to_edit(first, second):
    base = NetworkDefinition(write(accepted(read(definition(first)))))
    desired = Desired("n", spec=normal({**second, "name": "n"}))
    once = build(desired, base).definition.text
    again = build(desired, NetworkDefinition(once))
    assert again.differs is False
    assert write_xml(again.definition.tree) == once


@given(consistent(), consistent(empty=True))
def test_edited_means_that_something_differs(first, second):
    base = write_xml(written(normal({"name": "n", **first})))
    there = NetworkDefinition(base)
    after, differs, _edit = build(Desired("n", spec=normal({**second, "name": "n"})), there)
    assert differs == (after.text != base)
    assert differs >= bool(compare(there, after))
    assert write_xml(there.tree) == base


@given(consistent())
def test_a_definition_does_not_differ_from_itself(wanted):
    root = written(normal(wanted))
    assert differences(root, read_xml(write_xml(root)), NETWORK) == []


@given(consistent(empty=True))
def test_normal_forms_stay(wanted):
    spec = normal(wanted)
    assert normal(spec) == spec


def parts(rows, spec, items):
    """A spec with the items that a function makes of those of each list."""
    found = dict(spec)
    for row in rows:
        value = spec.get(row.option)
        if isinstance(row, Element) and value:
            found[row.option] = parts(row.rows, value, items)
        elif isinstance(row, Many) and value:
            found[row.option] = [parts(row.rows, item, items) for item in items(row, value)]
    return found


def telling(row, items):
    """The keys of items, and what is inside of them."""
    inner = [one.option for one in row.rows if one.rows]
    return [
        {name: item[name] for name in item if name in inner or row.key(_without(item, name)) != row.key(item)}
        for item in items
    ]


def _without(item, name):
    return {other: item[other] for other in item if other != name}


@given(st.data(), networks())
def test_an_item_that_only_one_definition_has_is_completed_from_there(data, wanted):
    whole = NetworkDefinition(definition(wanted))
    spec = whole.spec

    def some(_row, items):
        return [item for item in items if data.draw(st.booleans())]

    left = build(Desired("n", spec=parts(NETWORK, spec, some)), whole).definition
    desired = Desired("n", spec=parts(NETWORK, spec, telling))
    for base, other in ((whole, left), (left, whole)):
        assert compare(whole, build(desired, base, other).definition) == []
