"""The fake against libvirt's own test driver, which shares parser, formatter and updates with the real one."""

from __future__ import annotations

import copy

import libvirt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from tests.unit.case_files import definition, load, xml_of
from tests.unit.fake_libvirt.base import RefusedError, read, write
from tests.unit.fake_libvirt.definition import accepted
from tests.unit.fake_libvirt.update import update
from tests.unit.specs import options
from tests.unit.valid_specs import networks


@pytest.fixture(scope="module")
def driver():
    """libvirt's test driver, without the network that it begins with."""
    libvirt.registerErrorHandler(lambda _context, _error: None, None)
    conn = libvirt.open("test:///default")
    for network in conn.listAllNetworks():
        network.destroy()
        network.undefine()
    yield conn
    conn.close()


def theirs(driver, xml):
    """What the test driver keeps of a definition, None when it refuses it."""
    try:
        network = driver.networkDefineXML(xml)
    except libvirt.libvirtError:
        return None
    kept = network.XMLDesc()
    network.undefine()
    return comparable(kept)


def ours(driver, xml):
    """The same of the fake."""
    try:
        return comparable(write(accepted(read(xml), driver.getLibVersion())))
    except RefusedError:
        return None


def comparable(xml):
    """A definition in its order, without what the test driver does not know: made-up values and dnsmasq's options."""
    root = read(xml)
    for element in (*root.findall("uuid"), *root.findall("{*}options")):
        root.remove(element)
    for element in root.iter(etree.Element):
        element.text = (element.text or "").strip()
    etree.cleanup_namespaces(root)
    return etree.tostring(root, method="c14n").decode()


@pytest.mark.parametrize("name", sorted({**load("networks"), **load("bases")}))
def test_definitions_are_kept_alike(driver, name):
    kept = theirs(driver, xml_of(name))
    assert kept == ours(driver, xml_of(name))
    assert isinstance(kept, str)


@given(networks(), options(but=("name",)))
def test_definitions_are_refused_alike(driver, base, change):
    xml = definition({**base, **change})
    assert theirs(driver, xml) == ours(driver, xml)


PLACES = {
    "ip-dhcp-host": "ip/dhcp/host",
    "ip-dhcp-range": "ip/dhcp/range",
    "dns-host": "dns/host",
    "dns-txt": "dns/txt",
    "dns-srv": "dns/srv",
    "forward-interface": "forward/interface",
    "portgroup": "portgroup",
}


@st.composite
def updates(draw, *definitions):
    """Calls with entries of some definitions, for any address."""
    entries = [
        (section, etree.tostring(entry, encoding="unicode", with_tail=False))
        for xml in definitions
        for section, path in PLACES.items()
        for entry in read(xml).iterfind(path)
    ]
    one = st.tuples(st.sampled_from(["add", "delete"]), st.sampled_from(entries), st.integers(-1, 2))
    return draw(st.lists(one, min_size=1, max_size=6)) if entries else []


def _of_interfaces(wanted):
    """Not with a pf, from which the test driver derives no devices, nor with addresses, which do not mix."""
    return not wanted["forward"].keys() & {"pf", "addresses"}


@given(st.data(), networks().filter(_of_interfaces), networks())
def test_running_networks_are_updated_alike(driver, data, one, other):
    first, second = definition(one), definition(other)
    network, version = driver.networkCreateXML(first), driver.getLibVersion()
    try:
        kept = accepted(read(first), version)
        for command, (section, entry), parent in data.draw(updates(first, second)):
            code = _their_update(network, command, section, parent, entry)
            kept, refused = _our_update(kept, command, section, parent, entry, version=version)
            assert refused == code, (command, section, parent, entry)
            assert comparable(write(kept)) == comparable(network.XMLDesc())
    finally:
        network.destroy()


def _our_update(kept, command, section, parent, entry, *, version):
    mine = copy.deepcopy(kept)
    try:
        update(mine, command, section, parent, read(entry), version=version)
        return accepted(mine, version), None
    except RefusedError as error:
        return kept, error.code


def _their_update(network, command, section, parent, entry):
    names = {"add": libvirt.VIR_NETWORK_UPDATE_COMMAND_ADD_LAST, "delete": libvirt.VIR_NETWORK_UPDATE_COMMAND_DELETE}
    kind = getattr(libvirt, f"VIR_NETWORK_SECTION_{section.upper().replace('-', '_')}")
    try:
        network.update(names[command], kind, parent, entry, libvirt.VIR_NETWORK_UPDATE_AFFECT_LIVE)
    except libvirt.libvirtError as error:
        return error.get_error_code()
    return None
