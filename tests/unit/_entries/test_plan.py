"""How entries reach a network: by calls one by one or by one definition and one restart, and what the result says."""

from __future__ import annotations

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._entries.options import entry_changes
from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import InvalidNetworkError
from ansible_collections.virtfleet.network.plugins.module_utils._task.networks import cost
from ansible_collections.virtfleet.network.plugins.module_utils._values.desired import Policy
from ansible_collections.virtfleet.network.plugins.module_utils._values.observed import Guest, Nic
from ansible_collections.virtfleet.network.plugins.module_utils._values.steps import report
from tests.unit.entry_cases import KINDS, XML, desired, host
from tests.unit.fake_libvirt.host import FakeHost
from tests.unit.jobs import converge

GUESTS = (Guest("vm1", True, ("52:54:00:00:00:01",), (Nic("52:54:00:00:00:01"),)), Guest("vm2", False, ()))
OPEN = XML.replace("'nat'", "'open'")
RESTART = ["define", "stop", "start"]


def many(count):
    """So many reservations."""
    return [{"mac": f"52:54:00:00:01:{number:02x}", "ip": f"192.168.50.{number}"} for number in range(20, 20 + count)]


def names(count):
    """So many addresses with a name."""
    return [{"ip": f"10.0.{number >> 8}.{number & 255}", "hostnames": [f"h{number}"]} for number in range(count)]


def planned(made, kind, entries, restart="idle", **options):
    """The plan for these entries, and the outcome."""
    wanted = desired(KINDS[kind], {KINDS[kind].path[-1]: entries, **options})
    (outcome,) = converge(made, [wanted], Policy(restart), True, 1)
    return outcome.plan, outcome


def actions(plan):
    """What a plan does, equal steps counted once: an update by its command and its scope."""
    told = [f"{one.command} {one.scope}" if hasattr(one, "scope") else type(one).__name__.lower() for one in plan.steps]
    return list(dict.fromkeys(told))


def effects(plan):
    """The effects of a plan."""
    return {item.effect for step in plan.steps for item in step.items}


@pytest.mark.parametrize(
    "kind,entries,xml,guests,restart,expected",
    [
        ("dhcp_host", many(3), XML, (), "idle", ["add both"]),
        ("dhcp_host", many(60), XML, (), "idle", RESTART),
        ("dhcp_host", many(60), XML, GUESTS[1:], "idle", RESTART),
        ("dhcp_host", many(60), XML, (), "replug", RESTART),
        ("dhcp_host", many(60), XML, GUESTS, "idle", ["add both"]),
        ("dhcp_host", many(60), XML, GUESTS, "replug", [RESTART[0], "park", *RESTART[1:], "return"]),
        ("dhcp_host", many(60), XML, (), "never", ["add both"]),
        ("dhcp_host", many(30), OPEN, (), "idle", ["add both"]),
        ("dns_host", names(20), XML, (), "idle", ["add both"]),
        ("dns_host", names(2000), XML, (), "idle", RESTART),
        ("dns_host", names(2000), XML, GUESTS, "idle", ["add both"]),
        ("dns_txt", [{"name": f"t{number}", "value": "1"} for number in range(60)], OPEN, (), "idle", RESTART),
    ],
)
def test_calls_or_a_restart(*, kind, entries, xml, guests, restart, expected):
    plan, _outcome = planned(host(xml, "same", guests), kind, entries, restart)
    assert actions(plan) == expected
    restarted = "stop" in expected
    # Moving the one NIC aside and back takes a call more each, for the parking network.
    calls = len(expected) + 2 * ("park" in expected) if restarted else len(plan.steps)
    assert cost([plan], 0) == {"calls": calls, "restart": restarted, "seconds": 0}
    assert effects(plan) == ({"restart"} if restarted else {"live"})
    assert not plan.restart_required


@pytest.mark.parametrize("count,expected", [(10, ["add saved"]), (60, ["define"])])
def test_a_network_that_does_not_run_gets_calls_or_a_definition(count, expected):
    plan, _outcome = planned(host(XML, ""), "dhcp_host", many(count))
    assert (actions(plan), effects(plan)) == (expected, {"next_start"})


def test_a_transient_network_is_never_stopped():
    made = host("", XML)
    assert actions(planned(made, "dhcp_host", many(60))[0]) == ["add live"]
    plan, _outcome = planned(made, "dns_srv", [{"service": "ldap", "protocol": "tcp"}])
    assert (plan.steps, plan.restart_required, len(plan.warnings)) == ((), True, 1)


def test_what_needs_a_restart_is_defined_and_waits_for_guests():
    bare = [{"service": "ldap", "protocol": "tcp"}]  # libvirt takes it for those with a domain
    plan, _outcome = planned(host(), "dns_srv", bare)
    assert (actions(plan), effects(plan), plan.restart_required) == (RESTART, {"restart"}, False)
    plan, _outcome = planned(host(XML, "same", GUESTS), "dns_srv", bare)
    assert (actions(plan), effects(plan), plan.restart_required) == (["define"], {"next_start"}, True)
    assert ["vm1" in warning and "vm2" not in warning for warning in plan.warnings] == [True]
    plan, _outcome = planned(host(XML, "same", GUESTS), "dns_srv", bare, "never")
    assert (actions(plan), plan.restart_required, plan.warnings) == (["define"], True, ())


def test_deletes_come_before_everything_else():
    entries = [
        {"mac": "52:54:00:00:00:01", "ip": "192.168.50.12"},
        {"mac": "52:54:00:00:00:02", "ip": "192.168.50.11"},
        {"id": "00:03:00:01:52:54:00:00:00:01", "ip": "fd00:50::12"},
        {"id": "00:03:00:01:52:54:00:00:00:02", "state": "absent"},
    ]
    plan, _outcome = planned(host(), "dhcp_host", entries)
    defined, *calls = plan.steps
    for steps in (defined.parts, calls):
        assert [step.command for step in steps] == ["delete"] * 4 + ["add"] * 3


def test_what_is_deleted_and_added_is_saved_at_once_and_told_as_before():
    """So no moment is without the rest of an entry, whenever the task is killed."""
    plan, _outcome = planned(host(), "dhcp_host", [{"mac": "52:54:00:00:00:01", "name": "uno"}])
    defined, *calls = plan.steps
    assert [(step.command, step.scope) for step in calls] == [("delete", "live"), ("add", "live")]
    assert [(step.command, step.scope) for step in defined.parts] == [("delete", "saved"), ("add", "saved")]
    assert [(row["action"], row["before"] is None, row["effect"]) for row in report(plan.steps)] == [
        ("update", False, "live"),
        ("update", True, "live"),
    ]
    plan, _outcome = planned(host(live=""), "dhcp_host", [{"mac": "52:54:00:00:00:01", "name": "uno"}])
    assert actions(plan) == ["define"]
    assert [(row["action"], row["before"] is None, row["effect"]) for row in report(plan.steps)] == [
        ("update", False, "next_start"),
        ("update", True, "next_start"),
    ]


def test_a_restart_that_nothing_needs_is_not_taken_when_it_brings_something_else_about():
    for other in (XML.replace("<dns>", "<domain name='new.example'/><dns>"), XML.replace("'stays'", "'other'")):
        for saved, live in ((other, XML), (XML, other)):
            plan, _outcome = planned(host(saved, live), "dhcp_host", many(30))
            assert actions(plan) == ["add both"]


@pytest.fixture
def drifted():
    """A network whose definitions differ: each has a reservation that the other lacks, one has another address."""
    live = XML.replace("50.11'", "50.91'").replace("<host name='three' ip='192.168.50.13'/>", "")
    return host(XML.replace("<host id='00:03:00:01:52:54:00:00:00:02' ip='fd00:50::12'/>", ""), live, GUESTS)


def test_each_definition_gets_the_calls_that_it_needs(drifted):
    entries = [
        {"mac": "52:54:00:00:00:01", "ip": "192.168.50.11"},
        {"name": "three", "ip": "192.168.50.13"},
        {"id": "00:03:00:01:52:54:00:00:00:02", "ip": "fd00:50::12"},
        {"mac": "52:54:00:00:00:02", "state": "absent"},
        {"mac": "52:54:00:00:00:09", "ip": "192.168.50.19"},
    ]
    plan, outcome = planned(drifted, "dhcp_host", entries)
    told = [
        ("add" if row["before"] is None else "delete", row["path"][-5:-1], row["effect"]) for row in report(plan.steps)
    ]
    assert sorted(told) == [
        ("add", "0:01", "live"),
        ("add", "0:02", "next_start"),
        ("add", "0:09", "live"),
        ("add", "hree", "live"),
        ("delete", "0:01", "live"),
        ("delete", "0:02", "live"),
    ]
    assert effects(plan) == {"live", "next_start"}
    assert {name: sorted(told) for name, told in entry_changes(outcome)._asdict().items()} == {
        "added": ["00:03:00:01:52:54:00:00:00:02", "52:54:00:00:00:09", "three"],
        "changed": ["52:54:00:00:00:01"],
        "removed": ["52:54:00:00:00:02"],
        "left": ["00:03:00:01:52:54:00:00:00:01"],
    }


def test_all_goes_from_both_definitions(drifted):
    plan, outcome = planned(drifted, "dhcp_host", [], exclusive=True)
    assert sorted(step.scope for step in plan.steps) == ["both", "both", "live", "live", "saved", "saved"]
    assert sorted(entry_changes(outcome).removed) == sorted(
        [
            *("52:54:00:00:00:01", "52:54:00:00:00:02", "three"),
            *("00:03:00:01:52:54:00:00:00:01", "00:03:00:01:52:54:00:00:00:02"),
        ]
    )


@pytest.mark.parametrize("state", ["present", "absent"])
@pytest.mark.parametrize("dry_run", [True, False])
def test_the_network_must_be_there(state, dry_run):
    made = FakeHost()
    wanted = desired(KINDS["dns_txt"], {"name": "t", "value": "1", "state": state})
    with pytest.raises(InvalidNetworkError, match="there is no such network: create it first"):
        converge(made, [wanted], Policy(), dry_run, 1)
    assert made.nets == {}
