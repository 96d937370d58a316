"""Entries that share their keys: libvirt takes them in a definition, and refuses some on a running network."""

from __future__ import annotations

from hypothesis import assume, event, example, given
from hypothesis import strategies as st

from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import ApplyError, InvalidNetworkError
from ansible_collections.virtfleet.network.plugins.module_utils._schema.network import NetworkDefinition
from ansible_collections.virtfleet.network.plugins.module_utils._values.desired import Desired, Policy
from ansible_collections.virtfleet.network.plugins.module_utils._values.observed import Guest
from tests.unit.case_files import definition, state_of
from tests.unit.entry_cases import KINDS, desired, entries_in, host, same_entries
from tests.unit.jobs import converge

ONE, TWO = "52:54:00:00:00:01", "52:54:00:00:00:02"
DUID = "00:03:00:01:52:54:00:00:00:01"
SRV = {"service": "s", "protocol": "tcp"}
POOLS = {
    "dhcp_host": [
        {"mac": ONE, "ip": "10.0.0.11"},
        {"mac": ONE, "ip": "10.0.0.12"},
        {"mac": TWO, "ip": "10.0.0.11"},
        {"name": "a", "ip": "10.0.0.11"},
        {"name": "a", "mac": TWO, "ip": "10.0.0.13"},
        {"id": DUID, "ip": "fd00::11"},
        {"id": DUID, "ip": "fd00::12"},
        {"name": "a", "ip": "fd00::11"},
    ],
    "dhcp_range": [
        {"start": "10.0.0.20", "end": "10.0.0.30"},
        {"start": "10.0.0.20", "end": "10.0.0.30", "lease": {"expiry": 5, "unit": "minutes"}},
        {"start": "10.0.0.20", "end": "10.0.0.40"},
        {"start": "10.0.0.25", "end": "10.0.0.35"},
    ],
    "dns_host": [
        {"ip": "192.0.2.1", "hostnames": ["a"]},
        {"ip": "192.0.2.1", "hostnames": ["b"]},
        {"ip": "192.0.2.2", "hostnames": ["a", "b"]},
        {"ip": "192.0.2.3", "hostnames": ["c", "c"]},
    ],
    "dns_txt": [{"name": "a", "value": "1"}, {"name": "a", "value": "2"}, {"name": "b", "value": "1"}],
    "dns_srv": [
        SRV,
        {**SRV, "domain": "d.test"},
        {**SRV, "target": "t.test"},
        {**SRV, "target": "t.test", "weight": 3},
        {**SRV, "domain": "d.test", "target": "t.test", "port": 5},
        {**SRV, "domain": "d.test", "target": "u.test", "port": 5},
    ],
}
CASES = st.sampled_from(sorted(POOLS)).flatmap(
    lambda name: st.tuples(st.just(name), *[st.lists(st.sampled_from(POOLS[name]), max_size=3)] * 3)
)
GUESTS = st.sampled_from([(), (Guest("vm1", True, ()),)])
VERSIONS = st.sampled_from([7000000, 9000000, 12008000])


def network(name, entries):
    """The options of a network with this list."""
    kind, ips = KINDS[name], [{"address": "10.0.0.1/24"}, {"address": "fd00::1/64"}]
    if not kind.address:
        return {"ips": ips, "dns": {kind.path[-1]: entries}}
    for place, six in zip(ips, (False, True)):
        place["dhcp"] = {kind.path[-1]: [one for one in entries if (":" in one[kind.address]) == six]}
    return {"ips": ips}


def there(name, saved, live, guests, version):
    """A hypervisor with a network whose definitions hold these entries."""
    return host(*(definition(network(name, one), "lan") for one in (saved, live)), guests, version)


def whole(name, entries):
    """The task that wants the whole list."""
    return Desired("lan", xml=NetworkDefinition(definition(network(name, entries), "lan")))


@given(CASES, GUESTS, st.sampled_from(["idle", "never"]), VERSIONS)
def test_lists_become_others(case, guests, restart, version):
    name, saved, live, wanted = case
    made, policy = there(name, saved, live, guests, version), Policy(restart)
    predicted = converge(made, [whole(name, wanted)], policy, True, 1)[0]
    assert made.calls == []
    done = converge(made, [whole(name, wanted)], policy, False, 1)[0]
    assert done.plan == predicted.plan
    now = made.observe("lan")
    for xml in [now.saved] if done.plan.restart_required else [now.saved, now.live]:
        expected = entries_in(KINDS[name], NetworkDefinition(definition(network(name, wanted), "lan")))
        assert same_entries(KINDS[name], entries_in(KINDS[name], xml), expected)
    event(f"{name}, restart required: {done.plan.restart_required}, live: {saved == live}")


@given(CASES, st.booleans(), GUESTS, VERSIONS)
@example(("dns_srv", [SRV], [], [SRV, {**SRV, "domain": "d.test"}]), False, (), 9000000)
def test_single_entries_come_and_go_beside_them(case, exclusive, guests, version):
    name, saved, live, entries = case
    made = there(name, saved, live, guests, version)
    task = desired(KINDS[name], {KINDS[name].path[-1]: entries, "exclusive": exclusive})
    before = made.state()
    try:
        predicted = converge(made, [task], Policy(), True, 1)[0]
    except InvalidNetworkError:
        assert (made.calls, made.state()) == ([], before)
        return
    done = converge(made, [task], Policy(), False, 1)[0]
    assert done.plan == predicted.plan
    made.calls.clear()
    converge(made, [task], Policy(), False, 1)
    assert made.calls == []


@given(CASES, GUESTS, st.integers(0, 5), st.booleans(), st.booleans())
@example(
    ("dhcp_host", *[[*POOLS["dhcp_host"][:2], {"mac": TWO, "ip": "10.0.0.13"}]] * 2, POOLS["dhcp_host"][:1]),
    (),
    1,
    False,
    True,
)
def test_a_failure_anywhere_leaves_them_as_they_were(case, guests, index, after_effect, one_by_one):
    name, saved, live, entries = case
    wanted = whole(name, entries)
    if one_by_one:
        wanted = desired(KINDS[name], {KINDS[name].path[-1]: entries, "exclusive": True})
    made = there(name, saved, live, guests, 9000000)
    before = state_of(made)
    made.fail_at, made.after_effect = index, after_effect
    try:
        converge(made, [wanted], Policy("never" if guests else "idle"), False, 1)
    except InvalidNetworkError:
        assert state_of(made) == before
    except ApplyError:
        assert state_of(made) == before
    else:
        assume(len(made.calls) > 0)
