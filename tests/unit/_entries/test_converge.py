"""Single entries brought into the persistent and the live config, whatever differed between them before."""

from __future__ import annotations

import re

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._entries.options import entry_changes
from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import LibvirtError, NetworkError
from ansible_collections.virtfleet.network.plugins.module_utils._network.target import build
from ansible_collections.virtfleet.network.plugins.module_utils._task.results import cost, result_of
from ansible_collections.virtfleet.network.plugins.module_utils._values.desired import Policy
from ansible_collections.virtfleet.network.plugins.module_utils._values.observed import Guest
from ansible_collections.virtfleet.network.plugins.module_utils._values.steps import Start
from ansible_collections.virtfleet.network.plugins.module_utils._xml.definition import ABSENT
from tests.unit.case_files import sorted_xml
from tests.unit.entry_cases import (
    KINDS,
    LAN,
    XML,
    desired_of,
    entries_in,
    host,
    name_of,
    parametrized,
    same_entries,
    without,
)
from tests.unit.fake_libvirt.base import read, write
from tests.unit.fake_libvirt.forward import as_running
from tests.unit.jobs import converge

GUESTS = (Guest("vm1", True, ()),)
# The same network without entries, and as somebody else has changed it: a field of some entries is another one.
BARE = re.sub(
    "<(dns|dhcp)>.*?</(dns|dhcp)>|<portgroup.*</portgroup>|<portgroup name='fast'/>", "", XML, flags=re.DOTALL
)
FOREIGN = {
    ">www<": ">old<",
    "value='old'": "value='older'",
    "ip='fd00:50::11'": "ip='fd00:50::91'",
    "ip='192.168.50.11'": "ip='192.168.50.91'",
    "weight='5'": "weight='6'",
    "expiry='2'": "expiry='3'",
    "average='100'": "average='110'",
}
OTHER = re.sub("|".join(map(re.escape, FOREIGN)), lambda found: FOREIGN[found[0]], XML)
STATES = {
    "running": (XML, "same", ()),
    "under a guest": (XML, "same", GUESTS),
    "inactive": (XML, "", ()),
    "transient": ("", XML, ()),
    "nothing runs": (XML, BARE, ()),
    "nothing runs, under a guest": (XML, BARE, GUESTS),
    "nothing saved": (BARE, XML, GUESTS),
    "others run": (XML, OTHER, GUESTS),
    "others saved": (OTHER, XML, ()),
}
IN_EVERY_STATE = pytest.mark.parametrize("state", STATES)
SAME_IN_BOTH = ("changed", "plan", "diff", "restart_required", "unchecked")


def run(made, wanted, dry_run=False):
    return converge(made, [wanted], Policy(), dry_run, 1)[0]


def looks(made):
    """All that is there, to be compared."""
    return {
        name: (sorted_xml(one.saved.text), one.live and sorted_xml(one.live.text), *one[3:5])
        for name, one in made.state().items()
    }


def assert_as_wanted(case, before, other, after):
    """Asserts that a definition has become what the case wants of it, which may take up what the other one knows.

    One that had no entries has those that the case adds or changes, whole, and no others than the case has in the end.
    """
    kind = KINDS[name_of(case)]
    there = entries_in(kind, after)
    foreseen = entries_in(kind, build(desired_of(case), before, other).definition)
    assert same_entries(kind, there, foreseen)
    if sorted_xml(before.text) == sorted_xml(BARE):
        assert without(kind, there, case["after"]) == []
        assert without(kind, without(kind, case["after"], entries_in(kind, LAN)), there) == []


def assert_same_result(predicted, real):
    """Asserts that a dry run reports everything that the real run reports."""
    for name in SAME_IN_BOTH:
        assert result_of([predicted])[name] == result_of([real])[name]
    assert cost([predicted.plan], 0) == cost([real.plan], 0)


@IN_EVERY_STATE
@parametrized(good=True)
def test_both_definitions_get_what_is_wanted_and_keep_it(case, state):
    made, wanted = host(*STATES[state]), desired_of(case)
    before = made.observe("lan")
    predicted = run(made, wanted, dry_run=True)
    assert (made.calls, made.locked, made.observe("lan")) == ([], [], before)
    outcome = run(made, wanted)
    assert_same_result(predicted, outcome)
    after = made.observe("lan")
    assert list(outcome.plan.steps) == made.calls
    assert (after.active, after.persistent, after.autostart) == (before.active, before.persistent, before.autostart)
    if before.persistent:
        assert_as_wanted(case, before.saved, before.live, after.saved)
    if any(isinstance(step, Start) for step in made.calls):
        assert sorted_xml(after.live.text) == sorted_xml(write(as_running(read(after.saved.text))))
    elif after.active and not outcome.plan.restart_required:
        assert_as_wanted(case, before.live, before.saved if before.persistent else ABSENT, after.live)
    made.calls.clear()
    again = run(made, wanted)
    assert (made.calls, again.plan.restart_required) == ([], outcome.plan.restart_required)
    assert entry_changes(again)[:3] == ([], [], [])


@pytest.mark.parametrize(
    "state,after_effect", [("running", False), ("running", True), ("inactive", False), ("others saved", False)]
)
@parametrized(good=True)
def test_a_failure_at_any_step_leaves_the_start_state(case, state, after_effect):
    steps = run(host(*STATES[state]), desired_of(case), dry_run=True).plan.steps
    for bad in steps:
        made = host(*STATES[state])
        before, apply, first = looks(made), made.apply, iter([True])

        def fail(step, bad=bad, apply=apply, first=first):
            fails = step == bad and next(first, False)  # the rollback may restart the network with the same step
            if not fails or after_effect:
                apply(step)
            if fails:
                raise LibvirtError("Cannot carry out the step", "the test says no", 38)

        made.apply = fail
        with pytest.raises(NetworkError, match="the test says no") as failure:
            run(made, desired_of(case))
        assert looks(made) == before, (bad, made.calls)
        assert re.search("was (rolled back|not changed)$", str(failure.value)), failure.value
        assert made.held == set()


@IN_EVERY_STATE
@parametrized(good=False)
def test_what_cannot_be_touches_nothing(case, state):
    made = host(*STATES[state])
    before = looks(made)
    for dry_run in (True, False):
        with pytest.raises(NetworkError, match="Cannot bring network 'lan' to the wanted state") as refusal:
            run(made, desired_of(case), dry_run)
        if state in ("running", "under a guest", "inactive", "transient"):
            assert sorted(refusal.value.problems) == sorted(case["problems"])
    assert (made.calls, looks(made)) == ([], before)
