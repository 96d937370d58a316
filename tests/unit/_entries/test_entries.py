"""Single entries laid over a network's list: what becomes of the list, whom it concerns, what speaks against it."""

from __future__ import annotations

from ansible_collections.virtfleet.network.plugins.module_utils._network.target import build
from ansible_collections.virtfleet.network.plugins.module_utils._schema.network import NetworkDefinition
from tests.unit.entry_cases import (
    KINDS,
    LAN,
    desired_of,
    entries_in,
    listed,
    name_of,
    objections_of,
    parametrized,
    same_entries,
)

BECOMES = ("added", "changed", "removed")


@parametrized(good=True)
def test_the_list_becomes_what_is_wanted(case):
    kind, desired = KINDS[name_of(case)], desired_of(case)
    assert (list(desired.problems), desired.edit(LAN.spec).problems) == ([], [])
    target = build(desired, LAN)
    after = entries_in(kind, target.definition)
    assert same_entries(kind, after, case["after"]), after
    assert target.differs == any(name in case for name in BECOMES)
    assert build(desired, NetworkDefinition(target.definition.text)).differs is False


@parametrized(good=True)
def test_nothing_else_of_the_network_changes(case):
    kind, before = KINDS[name_of(case)], LAN.spec
    after = build(desired_of(case), LAN).definition.spec
    for other in KINDS.values():
        if other is not kind:
            assert entries_in(other, LAN) == listed(other, after)
    assert {name: value for name, value in after.items() if name not in ("ips", "dns", "portgroups")} == {
        name: value for name, value in before.items() if name not in ("ips", "dns", "portgroups")
    }


@parametrized(good=True)
def test_each_entry_is_named_by_what_becomes_of_it(case):
    entry_changes = desired_of(case).edit(LAN.spec).entry_changes._asdict()
    assert {name: entry_changes[name] for name in BECOMES} == {name: case.get(name, []) for name in BECOMES}
    before = len(entries_in(KINDS[name_of(case)], LAN))
    assert len(entry_changes["left"]) + len(entry_changes["changed"]) + len(entry_changes["removed"]) == before


@parametrized(good=False)
def test_every_problem_is_told_at_once(case):
    assert sorted(objections_of(desired_of(case))) == sorted(case["problems"])
