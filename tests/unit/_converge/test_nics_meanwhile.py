"""NICs that another program changes while a task changes them, on the fake: nothing of either is lost."""

from __future__ import annotations

import pytest
from lxml import etree

from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import MeanwhileError, NetworkError
from ansible_collections.virtfleet.network.plugins.module_utils._values.nic_steps import report
from tests.unit.jobs import converge_nics
from tests.unit.nic_cases import desired_of, host_of, rows_of

FIRST, SECOND, OTHER = (f"52:54:00:00:00:0{end}" for end in "abf")
NIC = f"<interface type='network'><mac address='{OTHER}'/><source network='lan'/></interface>"
TWO = {"saved": ["network lan a", "network lan b"], "live": ["network lan a", "network lan b"]}
DOWN = "<link state='down'/>"


def converge(host, case, dry_run=False):
    return converge_nics(host, desired_of(case), dry_run, 5)


def on_the_first_look(host, change):
    """Lets a program that does not take the lock change something between the first look and the first step."""
    looks = []

    def look():
        looks.append(1)
        if len(looks) == 1:
            change()
        return type(host).all_guests(host)

    host.on_lock = lambda: setattr(host, "all_guests", look)
    return looks


@pytest.mark.parametrize("scope", ["live", "saved"])
def test_a_nic_that_somebody_else_detaches_meanwhile_is_attached_again(scope):
    case = {"guest": {"saved": ["network lan a"], "live": ["network lan a"]}}
    case["desired"] = {"mac": {"address": "52:54:00:00:00:0a"}, "source": {"network": "dmz"}}
    host = host_of(case)
    looks = on_the_first_look(host, host.guests_there["web"][scope].clear)
    outcome = converge(host, case)
    assert [(row["action"], row["effect"]) for row in report(outcome.plan.steps) if row["action"] == "attach"] == [
        ("attach", {"live": "live", "saved": "next_start"}[scope])
    ]
    assert len(looks) > 1
    assert rows_of(converge(host, case, dry_run=True).plan) == []


@pytest.mark.parametrize("scope", ["live", "saved"])
def test_a_nic_that_somebody_else_attaches_meanwhile_stays(scope):
    case = {"guest": {"saved": ["network lan a"], "live": ["network lan a"]}}
    case["desired"] = {"mac": {"address": "52:54:00:00:00:0a"}, "source": {"network": "dmz"}}
    host = host_of(case)
    nics = host.guests_there["web"][scope]
    looks = on_the_first_look(host, lambda: host._attach(nics, etree.fromstring(NIC), scope))
    converge(host, case)
    assert len(looks) > 1
    assert OTHER in [nic.find("mac").get("address") for nic in host.guests_there["web"][scope]]
    assert rows_of(converge(host, case, dry_run=True).plan) == []


def test_somebody_who_changes_nics_all_the_time_is_told_of():
    case = {"guest": {"saved": ["network lan a"]}, "desired": {"source": {"network": "lan"}, "link": {"state": "down"}}}
    host = host_of(case)
    before = host.state_of_guests()
    real = type(host).all_guests
    host.on_lock = lambda: setattr(host, "all_guests", toggle)

    def toggle():
        nic = host.guests_there["web"]["saved"][0]
        nic.set("toggled", str(len(nic.get("toggled", "")) * "x" + "x"))
        return real(host)

    with pytest.raises(
        MeanwhileError,
        match="NICs of guest 'web': another program has changed the definition since it was read; run the task again",
    ):
        converge(host, case)
    del host.guests_there["web"]["saved"][0].attrib["toggled"]
    assert host.state_of_guests() == before


def edited(host, scope, mac, xml):
    """Sets an element of a NIC, as another program does in place."""
    (nic,) = (nic for nic in host.guests_there["web"][scope] if nic.find("mac").get("address") == mac)
    new = etree.fromstring(xml)
    for old in nic.findall(new.tag):
        nic.remove(old)
    nic.append(new)


def states(host, scope):
    """What a definition says of the links and the isolation of the guest's NICs, by the ends of their MAC addresses."""
    return {
        nic.find("mac").get("address")[-1]: (
            None if nic.find("link") is None else nic.find("link").get("state"),
            nic.find("port") is not None,
        )
        for nic in host.guests_there["web"][scope]
    }


@pytest.mark.parametrize("scope", ["live", "saved"])
@pytest.mark.parametrize("mac", [FIRST, SECOND])
def test_a_nic_that_changes_in_place_meanwhile_keeps_that(scope, mac):
    case = {"guest": TWO, "desired": {"mac": {"address": FIRST}, "port": {"isolated": True}}}
    host = host_of(case)
    looks = on_the_first_look(host, lambda: edited(host, scope, mac, DOWN))
    converge(host, case)
    assert len(looks) > 1
    assert states(host, scope) == {
        "a": ("down" if mac == FIRST else None, True),
        "b": ("down" if mac == SECOND else None, False),
    }
    assert rows_of(converge(host, case, dry_run=True).plan) == []


BOTH = [{"mac": {"address": mac}, "port": {"isolated": True}} for mac in (FIRST, SECOND)]


@pytest.mark.parametrize("apply,scope", [("live", "live"), ("config", "saved")])
def test_what_changes_between_two_steps_is_seen_too(apply, scope):
    """The step for the second NIC finds another one than the plan was made for."""
    case = {"guest": TWO, "desired": {"ifaces": BOTH, "apply": apply}}
    host = host_of(case)
    real, calls = host.apply_nic, []

    def interrupted(step):
        calls.append(step)
        real(step)
        if len(calls) == 1:
            edited(host, scope, SECOND, DOWN)

    host.apply_nic = interrupted
    converge(host, case)
    assert len(calls) > 2
    assert states(host, scope) == {"a": (None, True), "b": ("down", True)}
    assert rows_of(converge(host, case, dry_run=True).plan) == []


@pytest.mark.parametrize("apply,scope", [("live", "live"), ("config", "saved")])
def test_a_rollback_leaves_what_another_program_has_changed(apply, scope):
    case = {"guest": TWO, "desired": {"mac": {"address": FIRST}, "port": {"isolated": True}, "apply": apply}}
    host = host_of(case)
    real = host._nic_change

    def interrupted(step, nics):
        real(step, nics)
        if host.fail_at is not None:
            host.fail_at = None
            edited(host, scope, SECOND, DOWN)
            host._attach(nics, etree.fromstring(NIC), scope)

    host._nic_change, host.fail_at, host.after_effect = interrupted, 0, True
    with pytest.raises(NetworkError, match="the NICs of guest 'web' were rolled back"):
        converge(host, case)
    assert states(host, scope) == {"a": (None, False), "b": ("down", False), "f": (None, False)}
