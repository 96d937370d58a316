"""Every call of every case fails, in every way: all is rolled back, or the error says what is not; and the next run."""

from __future__ import annotations

import contextlib

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import (
    InvalidNetworkError,
    InvalidNicsError,
    NetworkError,
)
from tests.tools import fault_docs
from tests.unit.faulty_host import (
    CHANGES,
    FAULTS,
    PARTIAL,
    UNSAVED,
    FaultyHost,
    Killed,
    every_place,
    places,
    scenarios,
)

SCENARIOS = scenarios()
REPLACED = "one of the last three, while a NIC or an entry that only the live config has is replaced"
ROLLED_BACK, TOLD, DONE, GONE = "rolled back", "told", "done", "gone"
NEXT = "does what was asked"
LOST = fault_docs.row("gateway", REPLACED)["next"]


def aftermath(scenario, number, fault):
    """What a task does when its call of a number fails, and what the next run does, as the table says it."""
    host = scenario.make()
    before = scenario.state(host)
    faulty = FaultyHost(host, number, fault)
    try:
        scenario.run(faulty)
        text, does = "", DONE
    except NetworkError as error:
        text, does = str(error), ROLLED_BACK
    except Killed:
        text, does = "", GONE
    same, where = scenario.same(before, host), (scenario.name, number, faulty.names[number], text)
    if does == ROLLED_BACK and not same:
        assert "could not be rolled back" in text, where
        assert "run the task again when libvirt answers, it does the rest" in text, where
        does = TOLD
    assert does != ROLLED_BACK or fault.later or "could not be" not in text, where
    host.held.clear()  # the kernel's, which go with the process
    with contextlib.suppress(InvalidNicsError, InvalidNetworkError):
        scenario.run(host)
        return does, _again(scenario, host), where
    with pytest.raises((InvalidNicsError, InvalidNetworkError), match=" needs "):
        scenario.run(host)
    assert does == GONE or "its definition was: '<" in text, where
    return does, LOST, where


def _again(scenario, host):
    """What a run after the next does."""
    untouched = scenario.make()
    scenario.run(untouched)
    host.calls.clear()
    untouched.calls.clear()
    for one in (host, untouched):
        scenario.run(one)
    return NEXT if len(host.calls) == len(untouched.calls) else f"leaves {host.calls}"


@pytest.mark.deep
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.name}{' after its effect' if fault.after else ''}")
def test_every_call_fails(fault):
    row = fault_docs.row("gateway", fault.name)
    for scenario, number in places(SCENARIOS, 6):
        does, again, where = aftermath(scenario, number, fault)
        assert does in row["ends"], where
        assert again == row["next"], where


@pytest.mark.parametrize("scenario", UNSAVED, ids=lambda scenario: scenario.name)
def test_what_no_other_definition_has_is_asked_for(scenario):
    ends, asked = fault_docs.row("gateway", REPLACED)["ends"], False
    for fault in (one for one in FAULTS if one.later and one.after):
        for number in every_place(scenario):
            does, again, where = aftermath(scenario, number, fault)
            assert does in [*ends, DONE], where
            assert again in (NEXT, LOST), where
            asked = asked or again == LOST
    assert asked


@pytest.mark.parametrize("scenario", PARTIAL, ids=lambda scenario: scenario.name)
def test_what_a_task_leaves_out_outlasts_a_kill(scenario):
    untouched = scenario.make()
    scenario.run(untouched)
    for number in every_place(scenario, CHANGES):
        host = scenario.make()
        with pytest.raises(Killed):
            scenario.run(FaultyHost(host, number, FAULTS[-1]))
        host.held.clear()
        scenario.run(host)
        assert scenario.same(scenario.state(untouched), host), number
