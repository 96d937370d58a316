"""Hostile strings through the filters: refused with one sentence, kept exactly, or made harmless on a page."""

from __future__ import annotations

import csv
import io

import pytest
from ansible.errors import AnsibleFilterError
from lxml import etree

from ansible_collections.virtfleet.network.plugins.filter.audit_as import audit_as
from ansible_collections.virtfleet.network.plugins.filter.interface_xml import interface_xml
from ansible_collections.virtfleet.network.plugins.filter.subnet_plan import subnet_plan
from ansible_collections.virtfleet.network.plugins.module_utils._schema.interface import INTERFACE
from ansible_collections.virtfleet.network.plugins.module_utils._xml.codec import parse
from ansible_collections.virtfleet.network.plugins.module_utils._xml.fields import argument_spec
from tests.deep import sampled
from tests.hostile import HARM, VALUES, is_one_sentence
from tests.unit import fleets
from tests.unit.hostile_tasks import strings, with_value

pytestmark = pytest.mark.deep

csv.field_size_limit(10**7)  # a cell may be longer than what Python's reader takes
NIC = {"type": "network", "source": {"network": "lan"}, "mac": {"address": "52:54:00:00:00:01"}}


def answer(function, *arguments, **options):
    """What a filter returns, None when it refuses, for which one sentence is enough."""
    try:
        return function(*arguments, **options)
    except AnsibleFilterError as error:
        refusal = str(error)
    assert is_one_sentence(refusal), (arguments, options, refusal)
    return None


@pytest.mark.parametrize("place", strings(argument_spec(INTERFACE)), ids=".".join)
def test_a_nic_has_it_exactly(place):
    for value in sampled(VALUES, 2, place):
        text = answer(interface_xml, with_value(NIC, place, value))
        if text is not None and value:
            nic = etree.fromstring(text)
            found = {text for one in nic.iter() for text in (one.text, *one.attrib.values())}
            # Else it is another spelling of the same: the spec that libvirt's XML gives makes that XML again.
            assert value in found or answer(interface_xml, parse(nic, INTERFACE)) == text, (value, text)


@pytest.mark.parametrize("name", ["subnet", "index", "prefix", "gateway", "start", "end"])
def test_a_subnet_is_of_addresses(name):
    for value in sampled(VALUES, 20, name):
        given = (
            {"subnet": "10.20.0.0/16", "index": 1, "prefix": 24}
            if name in ("index", "prefix")
            else {"subnet": "10.20.0.0/24"}
        )
        options = {key: given[key] for key in ("subnet", "index", "prefix") if key in given}
        answer(subnet_plan, **{**options, name: value})


@pytest.mark.parametrize("value", sampled(VALUES, 40, "audit"), ids=ascii)
def test_an_audit_of_it_can_be_read(value):
    document = fleets.hostile(value)
    cells = [cell for row in csv.reader(io.StringIO(audit_as(document, "csv"))) for cell in row]
    assert [cell for cell in cells if not cell.isprintable() or cell[:1] in tuple("=+-@")] == []
    assert [line for line in audit_as(document, "table").split("\n") if not line.isprintable()] == []
    suites = etree.fromstring(audit_as(document, "junit").encode())
    assert [text for one in suites.iter() for text in one.attrib.values() if not text.isprintable()] == []
    assert not HARM.exists()
