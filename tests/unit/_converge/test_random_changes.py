"""From any network to any other: what passes the checks is taken by libvirt and kept, and predicted to the letter."""

from __future__ import annotations

import re

from hypothesis import event, given
from hypothesis import strategies as st

from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import (
    ApplyError,
    InUseError,
    InvalidNetworkError,
    NetworkError,
)
from ansible_collections.virtfleet.network.plugins.module_utils._network.info import summary
from ansible_collections.virtfleet.network.plugins.module_utils._task.networks import desired_network
from ansible_collections.virtfleet.network.plugins.module_utils._task.results import result_of
from ansible_collections.virtfleet.network.plugins.module_utils._values.desired import Desired, Policy
from ansible_collections.virtfleet.network.plugins.module_utils._values.observed import Guest
from tests.unit.case_files import network_of, sorted_xml, spec_of, state_of
from tests.unit.fake_libvirt.base import read, write
from tests.unit.fake_libvirt.forward import as_running
from tests.unit.fake_libvirt.host import FakeHost
from tests.unit.jobs import converge
from tests.unit.specs import options
from tests.unit.valid_specs import networks

GUESTS = st.sampled_from([(), (Guest("vm1", True, ()),)])
POLICIES = st.builds(Policy, st.sampled_from(["never", "idle", "replug"]), st.booleans())
IDLE = Policy()
STATES = st.tuples(st.booleans(), st.booleans())


def desired(wanted, active=True, autostart=True):
    return Desired("n", spec=spec_of({**wanted, "name": "n"}), active=active, autostart=autostart)


def run(host, wanted, policy=IDLE, dry_run=False):
    return converge(host, [wanted], policy, dry_run, 1)[0]


def made(wanted, state=(True, True), version=9000000):
    host = FakeHost(version)
    run(host, desired(wanted, *state))
    host.calls.clear()
    return host


@given(networks())
def test_a_valid_network_is_made_and_kept(wanted):
    host = made(wanted)
    event(f"mode {wanted['forward'].get('mode')}")
    run(host, desired(wanted))
    run(host, desired(summary(host.observe("n"))["spec"]))
    assert host.calls == []


@given(first=networks(), second=networks(), before=STATES, after=STATES, policy=POLICIES, guests=GUESTS)
def test_any_network_becomes_any_other(*, first, second, before, after, policy, guests):
    host = made(first, before)
    host.users["n"] = guests
    wanted = Desired("n", xml=network_of(second), active=after[0], autostart=after[1])
    try:
        predicted = run(host, wanted, policy, dry_run=True)
    except InUseError:
        event("in use")
        return
    assert host.calls == []
    done = run(host, wanted, policy)
    assert done.plan == predicted.plan
    assert list(done.plan.steps) == host.calls
    event(f"restart required: {done.plan.restart_required}")
    host.calls.clear()
    again = run(host, wanted, policy)
    assert host.calls == []
    assert again.plan.restart_required == done.plan.restart_required
    now = host.observe("n")
    if now.active and not done.plan.restart_required:
        # Metadata is for who reads it: a running network gets it with its next start.
        saved, live = (re.sub("<metadata>.*</metadata>", "", sorted_xml(one.text)) for one in (now.saved, now.live))
        assert live == sorted_xml(write(host.shown("n", as_running(read(saved)))))


@given(
    first=networks(),
    second=networks(),
    before=STATES,
    after=STATES,
    guests=GUESTS,
    index=st.integers(0, 9),
    after_effect=st.booleans(),
)
def test_a_failure_anywhere_leaves_what_there_was(*, first, second, before, after, guests, index, after_effect):
    host = made(first, before)
    host.users["n"] = guests
    start = state_of(host)
    host.fail_at, host.after_effect = index, after_effect
    wanted = Desired("n", xml=network_of(second), active=after[0], autostart=after[1])
    try:
        run(host, wanted, Policy("never" if guests else "idle", force=True))
    except ApplyError:
        event("failed")
        assert state_of(host) == start
    else:
        assert len(host.calls) <= index


@given(networks(), networks(), st.booleans())
def test_a_partial_change_is_refused_with_reasons_or_made(first, second, active):
    host = made(first, (active, False))
    wanted = desired(second, active, False)
    try:
        run(host, wanted)
    except InvalidNetworkError:
        event("invalid")
        assert host.calls == []
        return
    host.calls.clear()
    run(host, wanted)
    assert host.calls == []


@given(networks(), options(empty=True, but=("title", "description")))
def test_whatever_passes_the_checks_passes_libvirt(base, change):
    host = FakeHost()
    wanted = desired({**base, **change})
    try:
        run(host, wanted)
    except InvalidNetworkError:
        event("invalid")
        return
    host.calls.clear()
    run(host, wanted)
    assert host.calls == []


PARAMS = {"name": "n", "state": "present", "active": True, "autostart": True}


@given(networks(), options(empty=True, but=("name",), wild=True), st.booleans())
def test_whatever_users_write_ends_in_words_of_ours(base, change, there):
    host = made(base) if there else FakeHost()
    before = host.state()
    for dry_run in (True, False):
        try:
            wanted = desired_network({**PARAMS, **({} if there else base), **change})
            result_of([run(host, wanted, dry_run=dry_run)])
        except NetworkError as error:
            event(type(error).__name__)
            assert host.state() == before
