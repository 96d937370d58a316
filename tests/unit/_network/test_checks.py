"""What is wrong with a definition by itself: each rule, with libvirt's own answer beside it."""

from __future__ import annotations

import re

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import Caution
from ansible_collections.virtfleet.network.plugins.module_utils._errors.readable import number
from ansible_collections.virtfleet.network.plugins.module_utils._network.checks import (
    contradictions,
    problems,
    remarks,
)
from ansible_collections.virtfleet.network.plugins.module_utils._network.conflicts import conflicts
from ansible_collections.virtfleet.network.plugins.module_utils._network.dnsmasq import line_remarks
from ansible_collections.virtfleet.network.plugins.module_utils._network.info import summary
from ansible_collections.virtfleet.network.plugins.module_utils._schema.network import (
    NETWORK,
    LiveNetwork,
    NetworkDefinition,
)
from ansible_collections.virtfleet.network.plugins.module_utils._values.observed import Observed
from ansible_collections.virtfleet.network.plugins.module_utils._values.surroundings import Surroundings
from ansible_collections.virtfleet.network.plugins.module_utils._xml.codec import parse, read_xml, write_xml
from ansible_collections.virtfleet.network.plugins.module_utils._xml.diff import differences
from tests.unit.case_files import definition, load, spec_of, version_of
from tests.unit.fake_libvirt.base import RefusedError, read
from tests.unit.fake_libvirt.definition import accepted, validate

RULES = [pytest.param(case, id=case["rule"]) for name in ("checks", "addresses") for case in load(name)]


def found(options, version):
    spec = parse(read_xml(definition(options)), NETWORK)
    return [*remarks(spec, version), *line_remarks(spec, {})]


def libvirts_answer(options, version):
    """What libvirt does with a definition: refused, kept, or dropped in parts."""
    given = read_xml(definition(options))
    try:
        kept = accepted(read(definition(options)), version)
        validate(kept, version)
    except RefusedError:
        return "refused"
    return "dropped" if differences(given, kept, NETWORK) else "kept"


@pytest.mark.parametrize("case", RULES)
def test_what_is_wrong_is_told(case):
    told = found(case["wrong"], version_of(case))
    assert len(told) == 1, told
    assert re.search(case["problem"], told[0]), told
    assert isinstance(told[0], Caution) == case.get("warning", False)


@pytest.mark.parametrize("case", RULES)
def test_libvirt_finds_the_same_or_worse(case):
    expected = "kept" if case.get("kept") else "dropped" if case.get("dropped") else "refused"
    found_by_fake = libvirts_answer(case["wrong"], version_of(case))
    assert found_by_fake == expected, "where libvirt does what the case says, tests/unit/fake_libvirt has to do it, too"


@pytest.mark.parametrize("case", RULES)
def test_what_is_right_passes_here_and_there(case):
    assert found(case["right"], version_of(case)) == []
    assert libvirts_answer(case["right"], version_of(case)) == "kept"


@pytest.mark.parametrize("name", sorted(load("networks")))
def test_every_form_of_network_passes(name):
    assert problems(parse(read_xml(load("networks")[name]["xml"]), NETWORK), 9000000) == []


@pytest.mark.parametrize("name", sorted(load("networks")))
def test_whatever_is_observed_can_be_judged(name):
    """A value that no libvirt of today writes is no reason to fail, least of all in another tool's network."""
    root = read_xml(load("networks")[name]["xml"])
    for element in root.iter():
        for attribute, value in element.attrib.items():
            element.set(attribute, "?")
            seen = Observed("n", NetworkDefinition(tree=root), LiveNetwork(write_xml(root)), False, True)
            assert isinstance(problems(parse(root, NETWORK), 9000000), list)
            assert summary(seen)["state"] == "present"
            assert conflicts(summary(seen)["spec"], seen, True, Surroundings((seen,), {})).problems is not None
            element.set(attribute, value)


def test_all_problems_come_together():
    told = found(
        {"forward": {"mode": "open", "dev": "e"}, "title": "t", "virtualport": {"parameters": {"typeid": 1}}}, 9000000
    )
    assert [text.split()[0] for text in told] == ["title", "virtualport", "forward.mode", "forward.dev"]


def test_an_unknown_version_is_not_too_old():
    assert found({"title": "t"}, 0) == []


@pytest.mark.parametrize("driver", [{"model": "x"}, {"iommufd": True}])
def test_a_driver_may_be_told_without_its_name(driver):
    options = {"forward": {"mode": "hostdev", "pf": {"dev": "eth9"}, "driver": driver}}
    assert found(options, 12008000) == []
    assert libvirts_answer(options, 12008000) == "kept"


def test_versions_are_counted_as_libvirt_does():
    assert [number(text) for text in ("7.0.0", "9.7.0", "10.10.1", "12.8.0")] == [7000000, 9007000, 10010001, 12008000]


@pytest.mark.parametrize("tags", [[{"id": 1}, {"id": 2}], [{"id": 1, "native_mode": "tagged"}]])
def test_a_trunk_that_libvirt_would_make_all_the_same_is_a_contradiction(tags):
    wanted = {"trunk": False, "tags": tags}
    assert list(contradictions({"vlan": wanted})) == ["vlan.trunk cannot be false with several tags or a native one"]
    group = spec_of({"portgroups": [{"name": "p", "vlan": wanted}]})
    assert list(contradictions(group)) == ["portgroups[p].vlan.trunk cannot be false with several tags or a native one"]
    assert list(contradictions({"vlan": {"trunk": False, "tags": [{"id": 1}]}})) == []
