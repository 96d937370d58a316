"""NICs of a new guest: what comes out is what libvirt takes and what goes in again; what is wrong is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import InvalidInterfaceError
from ansible_collections.virtfleet.network.plugins.module_utils._errors.readable import number
from ansible_collections.virtfleet.network.plugins.module_utils._nics.interface_checks import (
    _SOURCES,
    DEMANDED,
    demanded,
)
from ansible_collections.virtfleet.network.plugins.module_utils._nics.interface_spec import problems, render
from ansible_collections.virtfleet.network.plugins.module_utils._schema.interface import INTERFACE, INTERFACES
from ansible_collections.virtfleet.network.plugins.module_utils._values.check import Context
from ansible_collections.virtfleet.network.plugins.module_utils._xml.branches import Element
from ansible_collections.virtfleet.network.plugins.module_utils._xml.codec import normalise, parse, read_xml, write_xml
from ansible_collections.virtfleet.network.plugins.module_utils._xml.diff import equal
from ansible_collections.virtfleet.network.plugins.module_utils._xml.overlay import overlay
from tests.unit.case_files import load
from tests.unit.specs import options
from tests.unit.table_rows import name_of, values_of

EXAMPLES = {name: example["spec"] for name, example in load("interfaces").items()}
VIRTIO = {"model": {"type": "virtio"}}
LAN = {"source": {"network": "lan"}}
DOMAIN = (
    "<domain type='test'><name>guest</name><memory>1024</memory><os><type>hvm</type></os><devices>{}</devices></domain>"
)


def read_back(text):
    """The specs of rendered XML."""
    return parse(read_xml(f"<devices>{text}</devices>"), (INTERFACES,)).get("interfaces", [])


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
    assert type(spec["source"]["network"]) is str


# ---- any ----


def _sources(kind):
    """Sources of a type, with anything that may stand in them."""
    needed, possible = (set(words.replace("|", " ").split()) for words in _SOURCES[kind])
    (row,) = [row for row in INTERFACE if row.option == "source"]
    inner = tuple(one for one in row.rows if one.option in needed | possible)
    return options(inner) if inner else st.just({})


@st.composite
def interfaces(draw):
    """Interfaces of any type; not all of them are right."""
    kind = draw(st.sampled_from(sorted(_SOURCES)))
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


# ---- what is wrong ----

WRONG = [
    ("lan", "an interface must be a dictionary of options, or a list of such, not 'lan'"),
    ([LAN, "lan"], "interfaces[1] must be a dictionary of options, not 'lan'"),
    ({"source": {"netwrok": "lan"}}, "interface.source.netwrok is an unknown option (did you mean network?)"),
    ({"network": "lan"}, "interface.network is an unknown option (did you mean source.network?)"),
    ({**LAN, "backend": {"logFile": "/a"}}, "interface.backend.logFile is an unknown option (did you mean log_file?)"),
    ({**LAN, 7: 7}, "interface.7 is an unknown option"),
    ({**LAN, "bandwidth": {"class_id": 3}}, "interface.bandwidth.class_id is an unknown option"),
    ({**LAN, "model": "virtio"}, "interface.model must be a dictionary with type, not 'virtio'"),
    ({**LAN, "ips": {"address": "10.0.0.1"}}, "interface.ips must be a list of dictionaries with"),
    ({**LAN, "link": {"state": "Up"}}, "interface.link.state must be one of up, down, not 'Up'"),
    ({**LAN, "mac": {"address": 190}}, "interface.mac.address must be a MAC address (put it in quotes), not '190'"),
    ({**LAN, "mtu": {"size": True}}, "interface.mtu.size must be a whole number, not True"),
    ({**LAN, "mtu": {"size": [1]}}, "interface.mtu.size must be a whole number, not [1]"),
    ({"source": {"network": False}}, "interface.source.network must be a text (put it in quotes), not False"),
    ({**LAN, "address": {"port": 1.2}}, "interface.address.port must be a text (put it in quotes), not 1.2"),
    ({**LAN, "port": {"isolated": "maybe"}}, "interface.port.isolated must be yes or no, not 'maybe'"),
    (VIRTIO, "interface needs type, or a source that tells it, like source.network"),
    ({"source": {"dev": "eth0"}}, "interface needs type, or a source that tells it, like source.network"),
    ([LAN, {"type": "network"}], "interfaces[1] needs source.network, being of type network"),
    ({"type": "bridge", **LAN}, "interface.source.network does not go with type bridge"),
    ({"type": "hostdev"}, "interface needs source.address or source.vendor, being of type hostdev"),
    (
        {"type": "direct", "source": {"dev": "eth0", "mode": "client"}},
        "interface.source.mode must be one of vepa, bridge, private, passthrough for type direct",
    ),
    ({"source": {"network": "lan", "ips": [{"address": "10.0.0.1"}]}}, "source.ips does not go with type network"),
    ({**LAN, "managed": True}, "interface.managed does not go with type network, only with hostdev"),
    (
        {"type": "direct", "source": {"dev": "eth0"}, "filterref": {"filter": "clean-traffic"}},
        "interface.filterref does not go with type direct, only with network, bridge, ethernet",
    ),
    ({**LAN, "driver": {"queues": 2}}, "interface.driver needs model.type virtio"),
    ({**EXAMPLES["vhostuser"], "model": {}}, "interface needs model.type virtio, being of type vhostuser"),
    ({"source": {"bridge": "br0"}, "virtualport": {"parameters": {"typeid": 1}}}, "interface.virtualport needs type"),
    (
        {"source": {"bridge": "br0"}, "virtualport": {"type": "802.1Qbh"}},
        "interface.virtualport of type 802.1Qbh needs parameters.profileid",
    ),
    (
        {"source": {"bridge": "br0"}, "virtualport": {"type": "openvswitch", "parameters": {"typeid": 1}}},
        "interface.virtualport of type openvswitch has no parameter typeid",
    ),
    ({"type": "user", "port": {"isolated": True}}, "interface.port does not go with type user"),
    ({"source": {"vendor": {"id": "1"}}}, "interface.source needs vendor and product together"),
    ({"source": {"address": {"device": 1}}}, "interface.source.address needs bus beside device"),
    (
        {**VIRTIO, "source": {"path": "/a", "mode": "server", "reconnect": {"enabled": True, "timeout": 1}}},
        "interface.source.reconnect does not go with mode server",
    ),
    (
        {**VIRTIO, "source": {"path": "/a", "mode": "client", "reconnect": {"enabled": True}}},
        "interface.source.reconnect needs timeout",
    ),
    ({"type": "user", "source": {"dev": "eth0"}}, "interface.source.dev needs backend.type passt"),
    ({**LAN, "rom": {"enabled": False, "bar": True}}, "interface.rom has settings, and yet enabled is false"),
    (
        {**LAN, "vlan": {"tags": [{"id": tag, "native_mode": "tagged"} for tag in (1, 2)]}},
        "interface.vlan may have one tag with native_mode",
    ),
    ({**EXAMPLES["hostdev"], "driver": {"packed": True}}, "interface.driver needs model.type virtio"),
    ({**LAN, "bandwidth": {"inbound": {"peak": 1}}}, "interface.bandwidth.inbound needs average"),
    (
        {"source": {"bridge": "br0"}, "bandwidth": {"inbound": {"average": 2, "floor": 1}}},
        "interface.bandwidth.inbound.floor is only possible inbound, and with type network",
    ),
    ({**EXAMPLES["hostdev"], "bandwidth": {"inbound": {"average": 2}}}, "bandwidth does not go with type hostdev"),
    ({**LAN, "target": {"managed": False}}, "interface.target.managed may be false only with type ethernet"),
    ({**LAN, "target": {"dev": "vnet7"}}, "interface.target.dev must not begin with vnet, macvtap, macvlan"),
    ({**LAN, "teaming": {"type": "transient"}}, "interface.teaming.persistent goes with type transient"),
    ({**LAN, "teaming": {"type": "persistent", "persistent": "ua-a"}}, "teaming.persistent goes with type transient"),
    (
        {**LAN, "routes": [{"address": "10.0.0.1/24", "gateway": "10.0.0.9"}]},
        "interface.routes[0] must have the address of a network with its prefix",
    ),
    ({**LAN, "ips": [{"address": "fd00::1", "family": "ipv4"}]}, "interface.ips[0] mixes IPv4 and IPv6"),
    (
        {**LAN, "ips": [{"address": "10.0.0.1", "prefix": 64}]},
        "interface.ips[0].prefix is too long for the address: 64",
    ),
    (
        {**LAN, "vlan": {"trunk": False, "tags": [{"id": 1}, {"id": 2}]}},
        "interface.vlan.trunk cannot be false with several tags or a native one",
    ),
    ({**LAN, "filterref": {"parameters": [{"name": "IP"}]}}, "interface.filterref.parameters[0] needs value"),
    (
        [{**LAN, "mac": {"address": f"52:54:00:00:00:0{last}"}} for last in "121"],
        "interfaces[2].mac.address is that of interfaces[0], too: 52:54:00:00:00:01",
    ),
]


@pytest.mark.parametrize("wanted,problem", WRONG, ids=[problem for _wanted, problem in WRONG])
def test_what_is_wrong_is_told(wanted, problem):
    found = problems(wanted)
    assert any(problem in one for one in found), found
    with pytest.raises(InvalidInterfaceError, match="Cannot write <interface>"):
        render(wanted)


def test_all_problems_are_told_together():
    wanted = [{"type": "network", "mtu": {"size": -1}, "modle": {}}, {"source": {"bridge": "br 0;"}}]
    assert [problem.partition(" ")[0] for problem in problems(wanted)] == [
        "interfaces[0].modle",
        "interfaces[0].mtu.size",
        "interfaces[0]",
        "interfaces[1].source.bridge",
    ]


def test_passt_that_shares_memory_needs_nothing_else():
    assert problems({"type": "vhostuser", "source": {"dev": "eth0"}, "backend": {"type": "passt"}}) == []


def test_a_team_has_one_mac_address():
    mac = {"mac": {"address": "52:54:00:00:00:01"}}
    standing = {**LAN, **mac, **VIRTIO, "teaming": {"type": "persistent"}, "alias": {"name": "ua-a"}}
    moving = {"source": {"network": "pool"}, **mac, "teaming": {"type": "transient", "persistent": "ua-a"}}
    assert problems([standing, moving]) == []


# ---- what libvirt says ----


def _of_version(rows, spec, version):
    """A spec without what a libvirt of that version does not know."""
    known = [row for row in rows if row.option in spec and not (row.since and number(row.since) > version)]
    return {
        row.option: _of_version(row.rows, spec[row.option], version) if isinstance(row, Element) else spec[row.option]
        for row in known
    }


@pytest.fixture(scope="module")
def taken():
    """Whether libvirt's test driver takes an interface for a guest and keeps it as it is."""
    libvirt = pytest.importorskip("libvirt")
    libvirt.registerErrorHandler(lambda _context, _error: None, None)
    connection = libvirt.open("test:///default")

    def taken(spec):
        spec = _of_version(INTERFACE, spec, libvirt.getVersion())
        devices = read_xml("<devices/>")
        overlay(devices, (INTERFACES,), {}, {"interfaces": [spec]})
        try:
            guest = connection.defineXML(DOMAIN.format("".join(map(write_xml, devices))))
        except libvirt.libvirtError:
            return False
        kept = read_xml(guest.XMLDesc()).find("devices")
        guest.undefine()
        return not overlay(kept, (INTERFACES,), parse(kept, (INTERFACES,)), {"interfaces": [spec]})

    yield taken
    connection.close()
    libvirt.registerErrorHandler(None, None)


OLD_ENOUGH = sorted(set(EXAMPLES) - {"user_by_passt"})  # libvirt 9.0 does not read what it writes of passt


@pytest.mark.parametrize("name", OLD_ENOUGH)
def test_libvirt_takes_what_is_rendered(taken, name):
    (spec,) = read_back(render(EXAMPLES[name]))
    assert taken(spec)


def _without(spec, path):
    """A spec without what is at a path."""
    name, *rest = path
    if not rest:
        return {key: value for key, value in spec.items() if key != name}
    inner = spec[name]
    return {**spec, name: [_without(inner[0], rest), *inner[1:]] if isinstance(inner, list) else _without(inner, rest)}


def _at(spec, path):
    for name in path:
        spec = spec.get(name, {})
        spec = spec[0] if isinstance(spec, list) else spec
    return spec


def _required(rows, above=""):
    """The options that the table says the schema requires, by the path that they are in."""
    found = {above: [row.option for row in rows if row.required and row.assumed is None]} if above else {}
    for row in rows:
        found.update(_required(row.rows, f"{above}.{row.option}" if above else row.option))
    return {path: options for path, options in found.items() if options}


def _needs():
    """Every example with the path to each value that it must have, where others stay beside it."""
    for name in OLD_ENOUGH:
        kind = EXAMPLES[name]["type"]
        sources = [one for one in _SOURCES[kind][0].split() if "|" not in one]
        sources += DEMANDED.get(kind, ("", ""))[0].split()
        for above, needed in {"source": sources, **_required(INTERFACE)}.items():
            path = tuple(above.split("."))
            for option in needed if len(_at(EXAMPLES[name], path)) > 1 else ():
                yield pytest.param(EXAMPLES[name], (*path, option), id=f"{name}-{above}.{option}")


# From this version on, QEMU's driver refuses a vhostuser without a path, the test driver does not.
PATH_IS_FOR_QEMU = number("11.1.0")


@pytest.mark.parametrize("spec,path", list(_needs()))
def test_libvirt_needs_what_is_needed(taken, spec, path):
    libvirt = pytest.importorskip("libvirt")
    wanted, version = _without(spec, path), libvirt.getVersion()
    refused = [
        one for one in (*problems(wanted), *demanded(wanted, Context(version, name="interface"))) if path[-1] in one
    ]
    if path == ("source", "path") and version >= PATH_IS_FOR_QEMU:
        assert refused
    else:
        assert taken(wanted) is not bool(refused)


@pytest.mark.parametrize("kind", DEMANDED)
def test_what_only_older_libvirts_need(kind):
    options, until = DEMANDED[kind]
    spec = {"type": kind, "source": {}}
    assert len(list(demanded(spec, Context(number(until) - 1)))) == len(options.split())
    assert list(demanded(spec, Context(number(until)))) == []
