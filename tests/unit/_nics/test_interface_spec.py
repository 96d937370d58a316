"""NICs of a new guest: what is rendered can be read back, and whatever users write is rendered or refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import InvalidInterfaceError
from ansible_collections.virtfleet.network.plugins.module_utils._nics.interface_spec import problems, render
from ansible_collections.virtfleet.network.plugins.module_utils._nics.interface_types import TYPES
from ansible_collections.virtfleet.network.plugins.module_utils._schema.interface import INTERFACE, INTERFACES
from ansible_collections.virtfleet.network.plugins.module_utils._xml.codec import normalise, parse, read_xml
from ansible_collections.virtfleet.network.plugins.module_utils._xml.diff import equal
from ansible_collections.virtfleet.network.plugins.module_utils._xml.overlay import overlay
from tests.unit.interface_examples import EXAMPLES, LAN, VIRTIO, read_back
from tests.unit.specs import options
from tests.unit.table_rows import name_of, values_of

# ---- what is rendered ----


def test_one_is_text_with_indentation():
    assert render({**LAN, "mac": {"address": "52-54-0-0-50-A"}, **VIRTIO, "mtu": {"size": "1400"}}) == (
        '<interface type="network">\n'
        '  <mac address="52:54:00:00:50:0a"/>\n'
        '  <source network="lan"/>\n'
        '  <model type="virtio"/>\n'
        '  <mtu size="1400"/>\n'
        "</interface>"
    )


def test_several_come_in_their_order():
    specs = [{"source": {"network": name}} for name in "bca"]
    text = render(specs)
    assert [spec["source"]["network"] for spec in read_back(text)] == ["b", "c", "a"]
    assert text == "\n".join(render(spec) for spec in specs)


def test_equal_ones_are_several():
    assert read_back(render([LAN, LAN])) == [{"type": "network", **LAN}] * 2


def test_none_is_empty():
    assert render([]) == ""


@pytest.mark.parametrize(
    "source,kind",
    [
        ({"network": "lan"}, "network"),
        ({"bridge": "br0"}, "bridge"),
        ({"dev": "eth0", "mode": "bridge"}, "direct"),
        ({"name": "switch"}, "internal"),
        ({"address": {"bus": "3", "slot": "7"}}, "hostdev"),
        ({"path": "/run/a", "mode": "client"}, "vhostuser"),
        (EXAMPLES["udp"]["source"], "udp"),
        (EXAMPLES["vds"]["source"], "vds"),
    ],
)
def test_the_source_tells_the_type(source, kind):
    (spec,) = read_back(render({"source": source, **VIRTIO}))
    assert spec["type"] == kind


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_comes_back(name):
    (spec,) = read_back(render(EXAMPLES[name]))
    assert spec["type"] == EXAMPLES[name]["type"]
    assert render(spec) == render(EXAMPLES[name])
    assert equal(INTERFACE, spec, EXAMPLES[name])


def test_empty_values_are_none():
    empty = {"mac": {"address": ""}, "source": {"network": "lan", "portgroup": None, "ips": []}, "vlan": {}}
    assert render(empty) == render(LAN)
    assert 'file=""' in render({**LAN, "rom": {"file": ""}})


@pytest.mark.parametrize("word,written", [("true", "yes"), ("Yes", "yes"), (1, "yes"), (False, "no"), ("off", "no")])
def test_truth_is_read_as_ansible_does(word, written):
    assert f'isolated="{written}"' in render({**LAN, "port": {"isolated": word}})


def test_numbers_may_be_texts_and_texts_numbers():
    text = render({"source": {"address": {"bus": 3, "slot": 7, "function": 0}}, "boot": {"order": "2"}})
    assert 'bus="0x03" slot="0x07" function="0x0"' in text
    assert 'order="2"' in text


class Tagged(str):
    """A text as Ansible marks it."""


def test_marked_texts_are_texts():
    (spec,) = read_back(render({"source": {"network": Tagged("lan")}}))
    assert spec["source"]["network"].__class__ is str


# ---- any ----


def _sources(kind):
    """Sources of a type, with anything that may stand in them."""
    needed, possible = (set(words.replace("|", " ").split()) for words in TYPES[kind][:2])
    (row,) = [row for row in INTERFACE if row.option == "source"]
    inner = tuple(one for one in row.rows if one.option in needed | possible)
    return options(inner) if inner else st.just({})


@st.composite
def interfaces(draw):
    """Interfaces of any type; not all of them are right."""
    kind = draw(st.sampled_from(sorted(TYPES)))
    base = EXAMPLES.get(kind, EXAMPLES["network"])
    source = {**base.get("source", {}), **draw(_sources(kind))}
    given = {**draw(options(INTERFACE, but=("source", "type"))), "type": kind, "source": source}
    return {**given, **({} if kind == "hostdev" and not draw(st.booleans()) else VIRTIO)}


@given(interfaces())
def test_any_one_is_refused_or_comes_back(wanted):
    if problems(wanted):
        with pytest.raises(InvalidInterfaceError):
            render(wanted)
        return
    text = render(wanted)
    assert read_back(render(read_back(text))) == read_back(text)
    devices = read_xml(f"<devices>{text}</devices>")
    canonical, _none = normalise(INTERFACE, wanted)
    assert overlay(devices, (INTERFACES,), parse(devices, (INTERFACES,)), {"interfaces": [canonical]}) is False


@given(st.lists(interfaces(), max_size=4))
def test_any_list_is_that_of_its_items(wanted):
    if not problems(wanted):
        assert render(wanted) == "\n".join(map(render, wanted))


ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.one_of(st.sampled_from([name for place in values_of(INTERFACE) for name in name_of(place).split(".")])),
            inner,
            max_size=5,
        ),
    ),
    max_leaves=12,
)


@given(ANYTHING)
def test_nothing_ends_in_a_traceback(anything):
    if not problems(anything):
        assert read_back(render(read_back(render(anything)))) == read_back(render(anything))
