"""What schema and parser say of a definition: this machine's own libvirt, in this process."""

from __future__ import annotations

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import LibvirtError
from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor import host as _host
from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor.gateway import Gateway
from ansible_collections.virtfleet.network.plugins.module_utils._network.schema_advice import Advice, advice
from ansible_collections.virtfleet.network.plugins.module_utils._schema.network import NETWORK, NetworkDefinition
from ansible_collections.virtfleet.network.plugins.module_utils._xml.codec import LARGEST, normalise
from ansible_collections.virtfleet.network.plugins.module_utils._xml.definition import ABSENT


class ThisMachine(Gateway):
    """Has the schema of this machine, wherever it is connected to."""

    def __init__(self):
        super().__init__("test:///default", readonly=True)

    def schema_errors(self, definition):
        return _host.schema_errors(definition)


def network(inside, name="lan"):
    return NetworkDefinition(f"<network><name>{name}</name>{inside}</network>")


UNDERSCORE = "<dns><txt name='_dmarc.example' value='a'/></dns>"


@pytest.mark.parametrize(
    "inside,problem,warning",
    [
        ("<mtu size='1400'/>", "", ""),
        (UNDERSCORE, "", "libvirt takes the definition, although its schema does not ("),
        ("<portgroup name='VLAN 10'/>", "", "libvirt takes the definition, although its schema does not ("),
        ("<bridge name='virbr0' colour='blue'/>", 'would drop, a part of the definition: <bridge colour="blue">', ""),
        ("<dns><txt name='_a b' value='a'/></dns>", "prohibited character in DNS TXT record name", ""),
        ("<mtu size='x'/>", "Invalid mtu size 'x'", ""),
    ],
)
@pytest.mark.parametrize("name", ["lan", "default"])
def test_the_parser_decides_what_the_schema_objects_to(inside, problem, warning, name):
    found = advice(ThisMachine(), network(inside, name), ABSENT)
    for expected, told in ((problem, found.problems), (warning, found.warnings)):
        assert [expected in text for text in told] == ([True] if expected else [])


def test_without_the_parser_nothing_is_decided(monkeypatch):
    monkeypatch.setattr(ThisMachine, "parsed", lambda *_given: None)
    found = advice(ThisMachine(), network(UNDERSCORE), ABSENT)
    assert (found.problems, found.warnings) == ([], [])
    assert found.unchecked[0].startswith("whether libvirt keeps the definition was not checked: its schema does not")


def test_what_is_so_already_is_not_told_again():
    assert advice(ThisMachine(), network(UNDERSCORE), network(UNDERSCORE)) == Advice([], [], [])


def test_the_parser_leaves_networks_alone():
    host = ThisMachine()
    before = host.networks()
    assert "<name>other</name>" in host.parsed(network("", "other")).text
    with pytest.raises(LibvirtError, match="Invalid mtu size"):
        host.parsed(network("<mtu size='x'/>"))
    assert host.networks() == before != []


def test_a_definition_is_no_larger_than_libvirt_takes():
    half = f"<portgroup name='{'a' * (LARGEST // 2)}'/>"
    assert advice(ThisMachine(), network(half), "").problems == []
    (problem,) = advice(ThisMachine(), network(half + half.replace("a", "b", 9)), "").problems
    assert problem.endswith(f"of which libvirt takes {LARGEST}")


@pytest.mark.parametrize("options", [{"metadata": f"<a xmlns='urn:a'>{'x' * 11000000}</a>"}, {"title": "x" * 11000000}])
def test_a_value_of_eleven_megabytes_is_one_problem(options):
    (problem,) = normalise(NETWORK, options)[1]
    assert f"libvirt takes a definition of {LARGEST} bytes at most" in problem
    assert len(problem) < 200
