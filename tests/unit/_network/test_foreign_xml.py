"""What is not ours: XML that no row describes stays, and text that looks like XML stays text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import NetworkError
from ansible_collections.virtfleet.network.plugins.module_utils._network.target import build
from ansible_collections.virtfleet.network.plugins.module_utils._schema.network import NETWORK, NetworkDefinition
from ansible_collections.virtfleet.network.plugins.module_utils._task.networks import desired_network
from ansible_collections.virtfleet.network.plugins.module_utils._values.desired import Desired
from ansible_collections.virtfleet.network.plugins.module_utils._xml.branches import Element
from ansible_collections.virtfleet.network.plugins.module_utils._xml.codec import normalise, parse, read_xml, write_xml
from ansible_collections.virtfleet.network.plugins.module_utils._xml.diff import differences, unmodelled
from ansible_collections.virtfleet.network.plugins.module_utils._xml.leaves import Attr, Text, Values
from ansible_collections.virtfleet.network.plugins.module_utils._xml.overlay import overlay
from tests.unit.case_files import definition, load, spec_of
from tests.unit.specs import options
from tests.unit.valid_specs import networks

FOREIGN = "urn:foreign"


# ---- foreign XML survives ----


def _sprinkled(xml, places):
    """A definition with foreign attributes, elements, comments and instructions at some of its elements."""
    root = read_xml(xml)
    whole = {"name", "uuid", "hostname", "metadata"}  # text, and what belongs to other tools as a whole
    elements = [one for one in root.iter(etree.Element) if one.tag not in whole and one.tag[0] != "{"]
    elements = [one for one in elements if not any(above.tag == "metadata" for above in one.iterancestors())]
    for number, (place, what) in enumerate(places):
        element = elements[place % len(elements)]
        if what == "attribute":
            element.set(f"{{{FOREIGN}}}a{number}", "<&\"'")
        elif what == "plain attribute":
            element.set(f"future{number}", "1")
        else:
            element.insert(place % (len(element) + 1), _foreign_node(what, number))
    return root


def _foreign_node(what, number):
    if what == "comment":
        return etree.Comment(f" foreign {number} ")
    if what == "instruction":
        return etree.ProcessingInstruction(f"foreign{number}", "x")
    made = etree.Element(f"{{{FOREIGN}}}e{number}" if what == "element" else f"future{number}", name=str(number))
    etree.SubElement(made, "ip", address=str(number)).text = " text "
    return made


def _foreign(root):
    """Everything foreign in a tree: with the path of elements that it is in, as text."""
    found = []
    for node in root.iter():
        path = "/".join(str(one.tag) for one in reversed(list(node.iterancestors())))
        if not isinstance(node.tag, str):
            found.append((path, etree.tostring(node, with_tail=False)))
        elif FOREIGN in node.tag or node.tag.startswith("future"):
            found.append((path, etree.tostring(node, method="c14n", exclusive=True, with_tail=False)))
        else:
            ours = [name for name in node.attrib if FOREIGN in name or name.startswith("future")]
            found += [(f"{path}/{node.tag}", name, node.get(name)) for name in ours]
    return sorted(found, key=repr)


WHAT = st.sampled_from(["attribute", "plain attribute", "comment", "instruction", "element", "plain element"])
SPRINKLES = st.lists(st.tuples(st.integers(0, 30), WHAT), min_size=1, max_size=8)
SINGLE = [row.option for row in NETWORK if isinstance(row, (Element, Attr, Text)) and row.option != "forward"]
LISTS = [row.option for row in NETWORK if row.option not in SINGLE]


@given(networks(), SPRINKLES, options(but=("name", "uuid", *LISTS)))
def test_foreign_xml_survives_a_merge(wanted, places, change):
    root = _sprinkled(definition(wanted), places)
    before = _foreign(root)
    overlay(root, NETWORK, parse(root, NETWORK), spec_of(_without_lists(change)))
    assert _foreign(root) == before
    assert _foreign(read_xml(write_xml(root))) == before


def _without_lists(value):
    kept = {name: inner for name, inner in value.items() if not isinstance(inner, list)}
    merged = {name: _without_lists(inner) if isinstance(inner, dict) else inner for name, inner in kept.items()}
    return {name: inner for name, inner in merged.items() if inner != {}}


@given(networks(), SPRINKLES)
def test_foreign_xml_in_the_items_of_a_list_survives_a_change_of_them(wanted, places):
    root = _sprinkled(definition(wanted), places)
    before, spec = _foreign(root), parse(root, NETWORK)
    change = {**spec, "ips": [{**item, "local_ptr": not item.get("local_ptr")} for item in spec.get("ips", [])]}
    new_group = {"name": "new", "trust_guest_rx_filters": True}
    groups = [{**group, "trust_guest_rx_filters": True} for group in spec.get("portgroups", [])]
    overlay(root, NETWORK, spec, {**change, "portgroups": [*groups, new_group]})
    assert _foreign(root) == before


@given(networks(), SPRINKLES)
def test_foreign_xml_makes_no_difference_to_what_is_ours(wanted, places):
    plain = read_xml(definition(wanted))
    root = _sprinkled(definition(wanted), places)
    assert parse(root, NETWORK) == parse(plain, NETWORK)
    found = differences(plain, root, NETWORK)
    if any(what not in ("comment", "instruction") for _place, what in places):
        assert [change.path for change in found] == ["xml"]
        assert FOREIGN in unmodelled(root, NETWORK) or "future" in unmodelled(root, NETWORK)
    else:
        assert found == []


# ---- hostile text ----

HOSTILE = [
    "a\nb",
    "a\r",
    "\x00",
    "\x1b[31m",
    "\x7f",
    "\x85",
    "\u2028",
    "\ud800",
    "\ufffe",
    "<x/>",
    "</network>",
    "'/><evil a='",
    '"/><evil a="',
    "&lt;&amp;&#10;",
    "]]>",
    "<!-- -->",
    "<![CDATA[x]]>",
    "%n%s{{ 1 }}",
    "$(reboot)",
    "../../etc/passwd",
    "a b",
    " a ",
    "é ü 漢 🦊",
    "a" * 5000,
    "-1",
    "0x",
    "1e9",
]


def _string_places(rows, above=()):
    """The options that take a string, each as the path to it."""
    for row in rows:
        if row.reported:
            continue
        if row.rows:
            yield from _string_places(row.rows, (*above, (row.option, row.options()["type"])))
        elif isinstance(row, Values) or row.kind.option["type"] == "str":
            yield (*above, (row.option, row.options()["type"]))


PLACES = list(_string_places(NETWORK))


def _with(place, text):
    """Options with a text at one place."""
    value = text
    for name, of in reversed(place):
        value = {name: [value] if of == "list" else value}
    return value


def _refused_or_kept(place, text):
    spec, problems = normalise(NETWORK, _with(place, text))
    if problems:
        assert all(str(problem).startswith(place[0][0]) for problem in problems)
        return
    plain = etree.Element("network")
    overlay(plain, NETWORK, {}, spec)
    written = write_xml(plain)
    root = read_xml(written)
    assert len(list(root.iter())) == len(list(plain.iter()))
    again = parse(root, NETWORK)
    assert overlay(root, NETWORK, again, spec) is False
    for character in "\x00\x1b\r\x7f\x85\u2028\ufffe":
        assert character not in written


@pytest.mark.parametrize("place", PLACES, ids=lambda place: ".".join(name for name, _form in place))
def test_hostile_text_is_refused_or_stays_text(place):
    for text in HOSTILE:
        _refused_or_kept(place, text)


@given(st.sampled_from(PLACES), st.text(st.characters(codec="utf-8"), max_size=40))
def test_any_text_is_refused_or_stays_text(place, text):
    _refused_or_kept(place, text)


@given(st.sampled_from(PLACES), st.text(st.characters(categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=3))
def test_control_characters_are_refused(place, text):
    # New lines and tabs are what paragraphs and other people's XML are made of.
    text = text.replace("\n", "\x00").replace("\t", "\x01")
    assert normalise(NETWORK, _with(place, f"a{text}b"))[1] != []


# ---- xml that is no definition ----

PARAMS = {"name": "n", "state": "present", "active": True, "autostart": True}


def _mutated(xml, cut, insert):
    return xml[: cut % (len(xml) + 1)] + insert + xml[(cut * 7) % (len(xml) + 1) :]


TEXT_OF_XML = st.one_of(
    st.text(max_size=60),
    st.text(st.sampled_from("<>/&;='\" abnetworkxml!?[]-"), max_size=60),
    st.builds(
        _mutated,
        st.sampled_from([one["xml"] for one in load("networks").values()]),
        st.integers(0, 4000),
        st.text(st.sampled_from("<>/&'\"a "), max_size=4),
    ),
)


@given(TEXT_OF_XML)
def test_xml_of_any_kind_raises_only_our_own_errors(text):
    try:
        desired = desired_network({**PARAMS, "xml": text})
    except NetworkError:
        return
    if not desired.problems:
        target = build(desired, NetworkDefinition(definition({})))
        assert read_xml(target.definition.text).tag == "network"


@pytest.mark.parametrize(
    "xml",
    [
        '<!DOCTYPE network [<!ENTITY x SYSTEM "file:///etc/passwd">]><network><name>&x;</name></network>',
        '<!DOCTYPE network [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><network><name>&b;</name></network>',
        '<!DOCTYPE network SYSTEM "http://192.0.2.1/x.dtd"><network><name>n</name></network>',
    ],
)
def test_document_types_and_entities_are_refused(xml):
    with pytest.raises(NetworkError, match=r"document type|not well-formed"):
        desired_network({**PARAMS, "xml": xml})


def test_a_definition_without_edits_keeps_its_layout_of_foreign_parts():
    xml = "<network>\n  <name>n</name>\n  <!-- mine -->\n  <x:y xmlns:x='urn:y'>a <b/> c</x:y>\n</network>"
    after, differs, _edit = build(Desired("n"), NetworkDefinition(xml))
    assert differs is False
    assert "<!-- mine -->" in after.indented
    assert '<x:y xmlns:x="urn:y">a <b/> c</x:y>' in after.indented
