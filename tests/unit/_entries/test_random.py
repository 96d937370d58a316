"""Any entries into any network that others have changed: what was asked for holds, and nothing else has changed."""

from __future__ import annotations

import re

from hypothesis import assume, event, given
from hypothesis import strategies as st

from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import InvalidNetworkError
from ansible_collections.virtfleet.network.plugins.module_utils._values.desired import Policy
from ansible_collections.virtfleet.network.plugins.module_utils._values.observed import Guest
from tests.unit.case_files import definition
from tests.unit.entry_cases import KINDS, desired, entries_in, host, without
from tests.unit.jobs import converge

HOSTS, RECORDS = KINDS["dhcp_host"], KINDS["dns_host"]
NET = {"ips": [{"address": "10.0.0.1/24"}, {"address": "fd00::1/64"}]}
NAMES = st.sampled_from(["a", "b", "c"])
MACS = st.sampled_from([f"52:54:00:00:00:0{digit}" for digit in "123"])
IDS = st.sampled_from([f"00:03:00:01:52:54:00:00:00:0{digit}" for digit in "12"])
PLACES = {4: st.sampled_from([f"10.0.0.1{digit}" for digit in "1234"]), 6: st.sampled_from(["fd00::11", "fd00::12"])}
LEASES = st.sampled_from([{"expiry": 5, "unit": "minutes"}, {"expiry": 1, "unit": "hours"}])
GUESTS = st.sampled_from([(), (Guest("vm1", True, ()),)])
POLICIES = st.sampled_from([Policy("idle"), Policy("never")])
IDENTITIES = ("mac", "id", "name", "ip")


def reservation(version):
    """A reservation as it may be there."""
    place, known = {"ip": PLACES[version]}, {"mac": MACS} if version == 4 else {"id": IDS}
    more = {"name": NAMES, "lease": LEASES}
    return st.one_of(
        st.fixed_dictionaries({**place, **known}, optional=more), st.fixed_dictionaries({**place, "name": NAMES})
    )


def apart(entries):
    """These without such as share what only one may have."""
    seen, kept = set(), []
    for one in entries:
        values = {(name, one[name]) for name in IDENTITIES if name in one}
        if not values & seen:
            kept.append(one)
        seen |= values
    return kept


LISTS = st.tuples(*(st.lists(reservation(version), max_size=3).map(apart) for version in (4, 6)))
STATE = {"state": st.sampled_from(["present", "present", "absent"])}
CHANGES = {"name": st.one_of(NAMES, NAMES, st.just("")), "lease": LEASES, **STATE}
WANTED = st.lists(
    st.one_of(
        st.fixed_dictionaries({"mac": st.one_of(MACS, MACS.map(str.upper)), "ip": PLACES[4]}, optional=CHANGES),
        st.fixed_dictionaries({"id": IDS, "ip": st.one_of(PLACES[6], st.just("FD00:0:0::11"))}, optional=CHANGES),
        st.fixed_dictionaries({"name": NAMES}, optional={"ip": st.one_of(*PLACES.values()), **STATE}),
        st.fixed_dictionaries(
            {"ip": st.one_of(*PLACES.values(), st.just("10.9.9.9"))}, optional={"lease": LEASES, **STATE}
        ),
        st.fixed_dictionaries({}, optional={"mac": MACS, "lease": LEASES, **STATE}),
    ),
    max_size=3,
    unique_by=lambda one: str(one.get("mac", one.get("id", one.get("name", one.get("ip"))))).lower(),
)
RECORD = st.fixed_dictionaries(
    {"ip": st.sampled_from(["10.0.0.5", "10.0.0.6", "fd00::5"])},
    optional={"hostnames": st.lists(NAMES, min_size=1, max_size=3), "state": st.sampled_from(["present", "absent"])},
)


def network(lists):
    """A definition with these reservations."""
    return definition({"ips": [{**place, "dhcp": {"hosts": one}} for place, one in zip(NET["ips"], lists)]}, "lan")


def state_of(made, kind):
    """The entries in the persistent and in the live config."""
    now = made.observe("lan")
    return entries_in(kind, now.saved), entries_in(kind, now.live) if now.live else None


def run_both(made, wanted, policy):
    """Converges, dry and for real; None when it is refused, and then nothing has changed."""
    before = made.state()
    try:
        predicted = converge(made, [wanted], policy, True, 1)[0]
    except InvalidNetworkError as error:
        event("refused: " + re.sub(r"\S*\d\S*", "x", error.problems[0])[:60])
        assert (made.calls, made.state()) == ([], before)
        return None
    done = converge(made, [wanted], policy, False, 1)[0]
    assert done.plan == predicted.plan
    made.calls.clear()
    again = converge(made, [wanted], policy, False, 1)[0]
    assert (made.calls, again.plan.restart_required) == ([], done.plan.restart_required)
    event(f"restart required: {done.plan.restart_required}")
    return done


def means(wanted, entry):
    """Whether a wanted reservation means an existing one."""
    field = next((name for name in IDENTITIES if wanted.get(name)), "")
    if not field or str(wanted[field]).lower() != entry.get(field):
        return False
    families = [":" in one["ip"] for one in (wanted, entry) if one.get("ip")]
    return field in ("mac", "id") or len(set(families)) < 2


def assert_holds(wanted, others, exclusive, before, after):
    """Asserts what a list of reservations must be after a task, by nothing but the meaning of its options."""
    present = [one for one in wanted if one.get("state") != "absent"]
    for one in present:
        found = [entry for entry in after if means(one, entry)]
        given = {name: value for name, value in one.items() if value and name not in ("state", "ip", "mac")}
        # by its name alone, one of each family may be meant
        assert len(found) == 1 or (found and "ip" not in one and "name" in one), (one, after)
        assert given in [{name: entry.get(name) for name in given} for entry in found]
    for one in wanted:
        if one.get("state") == "absent" and not any(
            means(one, {**other, "ip": other.get("ip", "")}) for other in present
        ):
            assert not [entry for entry in after if means(one, entry) and entry in before]
    untouched = [entry for entry in before if not any(means(one, entry) for one in wanted)]
    lost = without(HOSTS, untouched, after)
    if exclusive:
        assert without(HOSTS, lost, untouched) == []
        assert len(after) <= len(present)
    for entry in () if exclusive else lost:
        assert others == "replace"
        assert any(entry.get(name) and entry[name] == other.get(name) for other in after for name in IDENTITIES)


@given(
    saved=LISTS,
    live=st.one_of(st.none(), LISTS),
    wanted=WANTED,
    exclusive=st.booleans(),
    conflict=st.sampled_from(["fail", "replace"]),
    policy=POLICIES,
    guests=GUESTS,
)
def test_any_reservations(*, saved, live, wanted, exclusive, conflict, policy, guests):
    made = host(network(saved), network(live) if live is not None else "", guests)
    before = state_of(made, HOSTS)
    task = desired(HOSTS, {"hosts": wanted, "exclusive": exclusive, "conflict": conflict})
    done = run_both(made, task, policy)
    assume(done is not None)
    after = state_of(made, HOSTS)
    assert_holds(wanted, conflict, exclusive, before[0], after[0])
    if live is not None and not done.plan.restart_required:
        restarted = any(type(step).__name__ == "Start" for step in done.plan.steps)
        assert_holds(wanted, conflict, exclusive, before[0] if restarted else before[1], after[1])


def modelled(there, wanted, append, exclusive):
    """What addresses with names become, as a dictionary."""
    names = {one["ip"]: list(one["hostnames"]) for one in there}
    for one in wanted:
        old, given = names.get(one["ip"], []), one.get("hostnames", [])
        if one.get("state") != "absent":
            names[one["ip"]] = list(dict.fromkeys([*(old if append or not given else []), *given]))
        else:
            names[one["ip"]] = [name for name in old if given and name not in given]
    listed = {one["ip"] for one in wanted if one.get("state") != "absent"}
    return {ip: found for ip, found in names.items() if found and (ip in listed or not exclusive)}


@given(
    st.lists(RECORD, max_size=3, unique_by=lambda one: (one["ip"], one.get("state") == "absent")),
    st.booleans(),
    st.booleans(),
    GUESTS,
    st.booleans(),
)
def test_any_names(wanted, append, exclusive, guests, active):
    there = [{"ip": "10.0.0.5", "hostnames": ["a", "b"]}, {"ip": "10.0.0.6", "hostnames": ["c"]}]
    made = host(definition({**NET, "dns": {"hosts": there}}, "lan"), "same" if active else "", guests)
    task = desired(RECORDS, {"hosts": wanted, "append": append, "exclusive": exclusive})
    assume(run_both(made, task, Policy()) is not None)
    expected = modelled(there, wanted, append, exclusive)
    for found in state_of(made, RECORDS):
        assert found is None or {one["ip"]: one["hostnames"] for one in found} == expected
