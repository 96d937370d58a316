"""Transactions on the fake hypervisor: the wanted state is reached, or everything is as it was."""

from __future__ import annotations

import re

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import (
    ApplyError,
    InUseError,
    InvalidNetworkError,
    LibvirtError,
    NetworkError,
)
from ansible_collections.virtfleet.network.plugins.module_utils._schema.network import NetworkDefinition
from ansible_collections.virtfleet.network.plugins.module_utils._task.results import result_of
from ansible_collections.virtfleet.network.plugins.module_utils._values.desired import Desired, Policy
from ansible_collections.virtfleet.network.plugins.module_utils._xml.definition import ABSENT
from tests.unit.case_files import (
    PLANS,
    actions_of,
    as_before,
    desired_of,
    host_of,
    load,
    policy_of,
    sorted_xml,
    spec_of,
    state_of,
    xml_of,
)
from tests.unit.fake_libvirt.base import read, write
from tests.unit.fake_libvirt.definition import accepted
from tests.unit.jobs import converge

SAME_IN_BOTH = ("changed", "plan", "diff", "restart_required", "unchecked")


def run(host, case, dry_run=False):
    """Converges a case on a fake hypervisor."""
    return converge(host, [desired_of(case)], policy_of(case), dry_run, 1)[0]


def changing(*files):
    """The cases that change something."""
    return [case for name in files for case in load(name) if "error" not in case and case.get("steps") != []]


@pytest.fixture(params=changing(*PLANS), ids=lambda case: case["description"])
def case(request):
    """A case that changes something."""
    return request.param


def test_the_wanted_state_is_reached_and_kept(case):
    host = host_of(case)
    outcome, wanted = run(host, case), desired_of(case)
    now = host.observe(wanted.name)
    assert list(outcome.plan.steps) == host.calls
    if not wanted.present:
        assert host.nets == {}
        return
    assert (now.active, now.autostart, now.persistent) == (wanted.active, wanted.autostart, True)
    assert outcome.after._replace(guests=None) == now
    host.calls.clear()
    assert bool(run(host, case).plan.steps) == case.get("repeats", False)
    assert bool(host.calls) == case.get("repeats", False)


def test_a_dry_run_predicts_everything_and_touches_nothing(case):
    host = host_of(case)
    before = host.state()
    predicted = result_of([run(host, case, dry_run=True)])
    assert (host.calls, host.locked, host.state()) == ([], [], before)
    real = result_of([run(host, case)])
    assert {name: real[name] for name in SAME_IN_BOTH} == {name: predicted[name] for name in SAME_IN_BOTH}


@pytest.mark.parametrize("after_effect", [False, "half", True], ids=["before", "half", "after"])
def test_a_failure_at_any_step_leaves_the_start_state(case, after_effect):
    foreseen = host_of(case)
    steps = len(run(foreseen, case).plan.steps)
    for index in range(steps):
        host = host_of(case)
        before = state_of(host)
        host.fail_at, host.after_effect = index, after_effect
        with pytest.raises(ApplyError, match="the test lets it fail") as failure:
            run(host, case)
        assert as_before(before, host), (index, host.calls)
        assert re.search("was (rolled back|removed again|not changed)$", str(failure.value))
        assert host.held == set()


def test_what_could_not_be_put_back_is_told(case):
    steps = len(run(host_of(case), case).plan.steps)
    for index in range(steps):
        host = host_of(case)
        before = state_of(host)
        host.fail_at, host.after_effect, host.broken = index, True, True
        with pytest.raises(ApplyError) as failure:
            run(host, case)
        told = "could not be rolled back" in str(failure.value)
        assert told or as_before(before, host)
        assert not told or host.calls[index + 1 :]


@pytest.mark.parametrize("name", sorted(load("networks")))
def test_each_form_of_network_is_made_kept_and_taken_over(name):
    case = {"name": name, "desired": load("networks")[name]["options"]}
    by_options, by_xml = host_of(case), host_of(case)
    run(by_options, case)
    run(by_xml, {"name": name, "desired": {"xml": name}})
    given = xml_of(name)
    generated = [rf"<{tag}[ >].*>\n" for tag in ("uuid", "mac") if f"<{tag}" not in given]
    made = re.sub("|".join(generated) or "(?!)", "", by_xml.observe(name).saved.text)
    assert sorted_xml(made) == sorted_xml(write(accepted(read(given))))
    for host in (by_options, by_xml):
        host.calls.clear()
        run(host, case)
        run(host, {"name": name, "desired": {"xml": name}})
        assert host.calls == []


# ---- several networks ----

FIRST = Desired("one", spec=spec_of({"ips": [{"address": "10.1.0.1/24"}]}))
SECOND = Desired("two", spec=spec_of({"ips": [{"address": "10.2.0.1/24"}]}))


@pytest.mark.parametrize("after_effect", [False, True], ids=["before", "after"])
def test_a_failure_in_the_last_network_puts_the_first_back(after_effect):
    for index in range(7):
        host = host_of({})
        host.put("one", xml_of("small").replace(">lan<", ">one<"), "same")
        before = state_of(host)
        host.fail_at, host.after_effect = index, after_effect
        with pytest.raises(ApplyError) as failure:
            converge(host, [FIRST, SECOND], Policy(), False, 1)
        assert state_of(host) == before
        assert ("network 'two'" in str(failure.value)) == (index > 3)


def test_several_networks_are_locked_and_made_together():
    host = host_of({})
    outcomes = converge(host, [SECOND, FIRST], Policy(), False, 7)
    assert [actions_of(one.plan) for one in outcomes] == [["define", "start", "setautostart"]] * 2
    assert (host.locked, host.held) == ([(["two", "one"], 7)], set())


def test_an_invalid_second_network_leaves_the_first_untouched():
    host = host_of({})
    wrong = Desired("two", spec=spec_of({"ips": [{"address": "10.2.0.0/24"}]}))
    with pytest.raises(InvalidNetworkError, match="'two'"):
        converge(host, [FIRST, wrong], Policy(), False, 1)
    assert host.calls == []


# ---- what else may happen ----


def test_an_interrupt_puts_everything_back_and_stays_an_interrupt():
    case = {"desired": {"domain": {"name": "d"}}, "observed": {"saved": "lan", "live": "same"}}
    host = host_of(case)
    before = state_of(host)
    host.fail_at, host.error = 2, KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        run(host, case)
    assert state_of(host) == before


def _with(step, text):
    return step._replace(definition=NetworkDefinition(text))


def test_libvirt_that_forgets_a_change_is_found_out_and_it_is_taken_back(monkeypatch):
    case = {"desired": {"domain": {"name": "d"}, "mtu": {"size": 1400}}, "observed": {"saved": "lan"}}
    host = host_of(case)
    before, define = state_of(host), host._define
    monkeypatch.setattr(host, "_define", lambda step: define(_with(step, step.definition.text.replace("<mtu", "<m"))))
    with pytest.raises(ApplyError, match=r"did not keep mtu\.size.*; network 'lan' was rolled back"):
        run(host, case)
    assert state_of(host) == before


def test_the_caller_hears_of_the_plans_before_the_first_step():
    host, heard = host_of({}), []

    def before_apply(outcomes):
        heard.extend(actions_of(one.plan) for one in outcomes)
        raise NetworkError("no room for a backup")

    with pytest.raises(NetworkError, match="no room for a backup"):
        converge(host, [FIRST], Policy(), False, 1, before_apply)
    assert (heard, host.calls) == ([["define", "start", "setautostart"]], [])


def test_writes_are_planned_anew_under_the_lock():
    case = {"desired": {"dns": {"txts": [{"name": "u", "value": "1"}]}}, "observed": {"saved": "lan", "live": "same"}}
    host = host_of(case)
    host.on_lock = lambda: host.put("lan", xml_of("lan_with_more_saved"), "same", True)
    run(host, case)
    assert "52:54:00:00:00:0c" in host.observe("lan").saved.text
    assert "52:54:00:00:00:0c" in host.observe("lan").live.text


def test_what_somebody_else_does_meanwhile_is_not_lost(monkeypatch):
    case = {"desired": {"mtu": {"size": 1400}}, "observed": {"saved": "lan"}}
    host = host_of(case)
    define, others = host._define, iter(["lan.example"])

    def interrupted(step):
        for name in others:
            text = xml_of("lan").replace("<dns>", f"<domain name='{name}'/><dns>")
            define(_with(step._replace(base=ABSENT), text))
        define(step)

    monkeypatch.setattr(host, "_define", interrupted)
    run(host, case)
    assert '<domain name="lan.example"/>' in host.observe("lan").saved.text
    assert '<mtu size="1400"/>' in host.observe("lan").saved.text


def test_somebody_who_never_stops_is_told_of(monkeypatch):
    case = {"desired": {"mtu": {"size": 1400}}, "observed": {"saved": "lan"}}
    host, sizes = host_of(case), iter(range(1000, 1100))
    define = host._define

    def interrupted(step):
        define(_with(step._replace(base=ABSENT), step.definition.text.replace('"1400"', f'"{next(sizes)}"')))
        define(step)

    monkeypatch.setattr(host, "_define", interrupted)
    with pytest.raises(
        NetworkError, match="another program has changed the definition since it was read; run the task again"
    ):
        run(host, case)


def test_a_guest_that_came_meanwhile_is_seen():
    case = {"desired": {"active": False}, "observed": {"saved": "lan", "live": "same"}}
    host, guests = host_of(case), {"observed": {"guests": ["vm1"]}}
    host.on_lock = lambda: host.users.update(
        host_of({**case, "observed": {**case["observed"], **guests["observed"]}}).users
    )
    with pytest.raises(InUseError, match="vm1"):
        run(host, case)


@pytest.mark.parametrize(
    "error", [case for case in load("state") if "error" in case], ids=lambda one: one["description"]
)
def test_what_is_in_use_stays_untouched(error):
    host = host_of(error)
    with pytest.raises(InUseError):
        run(host, error)
    assert host.calls == []


def test_errors_of_reading_are_not_of_applying():
    host = host_of({})
    host.networks = lambda: (none for none in ()).throw(LibvirtError("Cannot list the networks", "gone", 38))
    with pytest.raises(LibvirtError):
        converge(host, [FIRST], Policy(), False, 1)
