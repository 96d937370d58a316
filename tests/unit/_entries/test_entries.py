"""Single entries laid over a network's list: what becomes of the list, whom it concerns, what speaks against it."""

from __future__ import annotations

from ansible_collections.virtfleet.network.plugins.module_utils._network.target import build, objections, spec_of
from ansible_collections.virtfleet.network.plugins.module_utils._values.observed import Observed
from ansible_collections.virtfleet.network.plugins.module_utils._xml.codec import write_xml
from tests.unit.entry_cases import KINDS, XML, desired_of, entries_in, listed, name_of, parametrized, same_entries

BECOMES = ("added", "changed", "removed")


@parametrized(good=True)
def test_the_list_becomes_what_is_wanted(case):
    kind, desired = KINDS[name_of(case)], desired_of(case)
    assert (list(desired.problems), desired.edit(spec_of(XML)).problems) == ([], [])
    root, edited = build(desired, XML)
    after = entries_in(kind, write_xml(root))
    assert same_entries(kind, after, case["after"]), after
    assert edited == any(name in case for name in BECOMES)
    assert build(desired, write_xml(root))[1] is False


@parametrized(good=True)
def test_nothing_else_of_the_network_changes(case):
    kind, before = KINDS[name_of(case)], spec_of(XML)
    after = spec_of(write_xml(build(desired_of(case), XML)[0]))
    for other in KINDS.values():
        if other is not kind:
            assert entries_in(other, XML) == listed(other, after)
    assert {name: value for name, value in after.items() if name not in ("ips", "dns", "portgroups")} == {
        name: value for name, value in before.items() if name not in ("ips", "dns", "portgroups")
    }


@parametrized(good=True)
def test_each_entry_is_named_by_what_becomes_of_it(case):
    tally = desired_of(case).edit(spec_of(XML)).tally._asdict()
    assert {name: tally[name] for name in BECOMES} == {name: case.get(name, []) for name in BECOMES}
    before = len(entries_in(KINDS[name_of(case)], XML))
    assert len(tally["left"]) + len(tally["changed"]) + len(tally["removed"]) == before


@parametrized(good=False)
def test_every_problem_is_told_at_once(case):
    assert sorted(objections(desired_of(case), Observed("lan", XML, XML))) == sorted(case["problems"])
