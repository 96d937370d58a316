"""The conductor: when nothing is to be done, when it is a dry run, and what it locks."""

from __future__ import annotations

import sys

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import LockedError
from ansible_collections.virtfleet.network.plugins.module_utils._network.resource import quick_plan
from ansible_collections.virtfleet.network.plugins.module_utils._values.desired import Policy
from tests.unit.case_files import PLANS, desired_of, host_of, load, observed_of, policy_of
from tests.unit.jobs import converge

TRANSACTION = "ansible_collections.virtfleet.network.plugins.module_utils._converge.transaction"
SAME = {"observed": {"saved": "lan", "live": "same"}, "desired": {"forward": {"mode": "nat"}}}
OTHER = {"observed": {"saved": "lan", "live": "same"}, "desired": {"forward": {}}}


def cases(changing):
    found = [case for name in PLANS for case in load(name) if "error" not in case]
    return [case for case in found if (case.get("steps") != []) == changing]


@pytest.mark.parametrize("case", cases(True), ids=lambda case: case["description"])
def test_what_changes_is_not_is_up_to_date(case):
    assert quick_plan(desired_of(case), observed_of(case)) is None


@pytest.mark.parametrize("case", cases(False), ids=lambda case: case["description"])
def test_what_does_not_change_is_settled_unless_it_waits_for_a_restart(case):
    waits = case.get("restart_required", False) or "xml" in case.get("desired", {})
    guests = observed_of(case).guests if policy_of(case).restart == "replug" else None
    assert (quick_plan(desired_of(case), observed_of(case)._replace(guests=guests)) is None) is waits


@pytest.mark.parametrize("dry_run", [True, False])
def test_where_nothing_is_to_be_done_nothing_more_is_asked(monkeypatch, dry_run):
    monkeypatch.delitem(sys.modules, TRANSACTION, raising=False)
    host = host_of(SAME)
    for question in ("networks", "devices", "schema_errors", "lock", "apply"):
        monkeypatch.setattr(host, question, None)
    (outcome,) = converge(host, [desired_of(SAME)], Policy(), dry_run, 1)
    assert (outcome.plan.steps, outcome.before, outcome.plan.before) == ((), outcome.after, outcome.plan.after)
    assert TRANSACTION not in sys.modules


def test_a_dry_run_locks_nothing():
    host = host_of(OTHER)
    host.held.add("lan")
    assert converge(host, [desired_of(OTHER)], Policy(), True, 1)[0].plan.steps != ()


def test_a_change_waits_for_the_lock():
    host = host_of(OTHER)
    host.held.add("lan")
    with pytest.raises(LockedError):
        converge(host, [desired_of(OTHER)], Policy(), False, 1)
    assert host.calls == []


def test_one_network_to_change_is_reason_to_look_at_all_closely():
    host = host_of(SAME)
    renamed = observed_of(OTHER).saved.text.replace(">lan<", ">other<").replace("virbr50", "virbr51")
    host.put("other", renamed.replace("b850</uuid>", "b851</uuid>"), "same", True)
    wanted = [desired_of(SAME), desired_of(OTHER)._replace(name="other", spec={"name": "other", "mtu": {"size": 1400}})]
    assert [bool(one.plan.steps) for one in converge(host, wanted, Policy(), True, 1)] == [False, True]
