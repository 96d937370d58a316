"""NICs of a new guest: libvirt's test driver takes what is rendered, and needs what is required."""

from __future__ import annotations

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._errors.readable import number
from ansible_collections.virtfleet.network.plugins.module_utils._nics.interface_checks import (
    demanded,
)
from ansible_collections.virtfleet.network.plugins.module_utils._nics.interface_spec import problems, render
from ansible_collections.virtfleet.network.plugins.module_utils._nics.interface_types import TYPES
from ansible_collections.virtfleet.network.plugins.module_utils._schema.interface import INTERFACE, INTERFACES
from ansible_collections.virtfleet.network.plugins.module_utils._values.check import Context
from ansible_collections.virtfleet.network.plugins.module_utils._xml.branches import Element
from ansible_collections.virtfleet.network.plugins.module_utils._xml.codec import parse, read_xml, write_xml
from ansible_collections.virtfleet.network.plugins.module_utils._xml.overlay import overlay
from tests.unit.interface_examples import EXAMPLES, read_back

DOMAIN = (
    "<domain type='test'><name>guest</name><memory>1024</memory><os><type>hvm</type></os><devices>{}</devices></domain>"
)


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
        sources = [one for one in TYPES[kind].needs.split() if "|" not in one] + TYPES[kind].needed.split()
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


@pytest.mark.parametrize("kind", [kind for kind, one in TYPES.items() if one.needed])
def test_what_only_older_libvirts_need(kind):
    options, until = TYPES[kind].needed, TYPES[kind].until
    spec = {"type": kind, "source": {}}
    assert len(list(demanded(spec, Context(number(until) - 1)))) == len(options.split())
    assert list(demanded(spec, Context(number(until)))) == []
