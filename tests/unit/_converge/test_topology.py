"""Many networks in one task, on the fake hypervisor: checked together, in order, all or none, purged if owned."""

from __future__ import annotations

import re

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import NetworkError
from ansible_collections.virtfleet.network.plugins.module_utils._network.target import owner
from ansible_collections.virtfleet.network.plugins.module_utils._schema.network import NetworkDefinition
from ansible_collections.virtfleet.network.plugins.module_utils._task import topology as _topology_module
from ansible_collections.virtfleet.network.plugins.module_utils._task.results import result_of
from ansible_collections.virtfleet.network.plugins.module_utils._values.desired import Policy
from ansible_collections.virtfleet.network.plugins.module_utils._values.observed import Device, Guest
from tests.unit.fake_libvirt.guests import FakeGuests
from tests.unit.jobs import converge_topology

VALIDATOR = ArgumentSpecValidator(_topology_module.topology_options())


def net(name, subnet, bridge="", **more):
    """A network's options."""
    return {
        "name": name,
        "ips": [{"address": f"10.{subnet}.0.1/24"}],
        "bridge": {"name": bridge or f"br-{name}"},
        **more,
    }


def run(host, *networks, dry_run=False, **options):
    """Brings a topology about."""
    told = VALIDATOR.validate({"name": "site", "networks": [*networks], **options})
    assert told.error_messages == []
    wanted = _topology_module.desired_topology(told.validated_parameters, host)
    return converge_topology(host, wanted, Policy(), dry_run, 1)


def error_of(host, *networks, **options):
    """What is said against a topology, of which nothing is brought about, in check mode or not."""
    before, told = host.state(), set()
    for dry_run in (True, False):
        with pytest.raises(NetworkError) as failure:
            run(host, *networks, dry_run=dry_run, **options)
        told.add(str(failure.value))
    assert (host.calls, host.state()) == ([], before)
    (text,) = told
    return text


@pytest.fixture
def host():
    """A hypervisor with a NIC and three running networks of a topology."""
    made = FakeGuests(devices={"eth0": Device(False, "", {}, ("192.0.2.7/24",))}, schema=lambda _xml: [])
    run(made, net("a", 1), net("b", 2), net("c", 3))
    made.calls.clear()
    return made


def test_a_second_run_changes_nothing(host):
    assert [one.plan.steps for one in run(host, net("a", 1), net("b", 2), net("c", 3))] == [()] * 3
    assert host.calls == []


def test_the_dry_run_predicts_it(host):
    wanted = net("a", 4), net("b", 1), net("d", 2), {"name": "c", "state": "absent"}
    predicted = result_of(run(host, *wanted, dry_run=True))
    assert host.calls == []
    assert result_of(run(host, *wanted)) == predicted
    assert predicted["unchecked"] == []
    assert [one["before_header"] for one in predicted["diff"][:-1]] == ["a", "c", "b", "d"]


def test_networks_of_one_task_are_in_each_others_way():
    told = error_of(FakeGuests(), net("a", 1), net("b", 1), net("c", 3, bridge="br-a"))
    for problem in (
        (
            "network 'a' to the wanted state: bridge.name br-a is the bridge of network 'c'; "
            "subnet 10.1.0.0/24 overlaps 10.1.0.0/24 of network 'b'"
        ),
        "network 'b' to the wanted state: subnet 10.1.0.0/24 overlaps 10.1.0.0/24 of network 'a'",
        "network 'c' to the wanted state: bridge.name br-a is the bridge of network 'a'",
    ):
        assert problem in told


def test_names_are_told_of_networks_of_one_task(host):
    """And do not make one network wait for the other."""
    local = [{"name": f"{name}.example", "local_only": True} for name in "xy"]
    run(host, net("a", 1, domain=local[0]), net("b", 2, domain=local[1]))
    outcomes = run(host, net("a", 1, domain=local[1]), net("b", 2, domain=local[0]), net("c", 3, domain=local[0]))
    told = {one.desired.name: one.plan.warnings for one in outcomes}
    assert [len(told[name]) for name in "abc"] == [0, 1, 1]
    assert told["c"][0].startswith("Network 'c': domain x.example is local to network 'b' as well")


def test_all_problems_of_all_networks_come_at_once(host):
    host.users["c"] = (Guest("web", True, ()),)
    told = error_of(
        host,
        net("a", 1, routes=[{"address": "10.8.0.0/24", "gateway": "10.9.0.1"}]),
        net("b", 2, title="t"),
        {"name": "c", "state": "absent"},
    )
    assert [
        word for word in ("gateway 10.9.0.1", "title needs libvirt", "running guests use it (web)") if word not in told
    ] == []


@pytest.mark.parametrize(
    "networks,order",
    [
        ([net("b", 2, bridge="br-a"), net("a", 1, bridge="br-x")], ["a", "b"]),
        ([net("new", 1), {"name": "a", "state": "absent"}], ["a", "new"]),
        ([net("c", 2), net("b", 1), net("a", 9)], ["a", "b", "c"]),
        ([net("a", 1), net("new", 2, bridge="br-b"), {"name": "b", "state": "absent"}], ["b", "new"]),
    ],
    ids=["bridge", "subnet of one that goes", "chain", "bridge of one that goes"],
)
def test_what_gives_something_up_goes_first(host, networks, order):
    run(host, *networks)
    assert list(dict.fromkeys(step.network for step in host.calls)) == order


def test_an_exchange_takes_two_tasks(host):
    told = error_of(host, net("a", 2), net("b", 1))
    assert told.endswith(
        "exchanges its bridge, subnet or route with 'b', which takes two tasks: free one of them first"
    )


@pytest.mark.parametrize("after_effect", [False, True], ids=["before", "after"])
def test_a_failure_at_any_step_leaves_all_as_they_were(host, after_effect):
    before = host.state()
    wanted = net("a", 4), net("b", 1), net("new", 5), {"name": "c", "state": "absent"}
    steps = sum(len(one.plan.steps) for one in run(host, *wanted, dry_run=True))
    for index in range(steps):
        host.calls.clear()
        host.fail_at, host.after_effect = index, after_effect
        with pytest.raises(NetworkError, match="the test lets it fail"):
            run(host, *wanted)
        host.fail_at = None
        assert {name: (one.live, one.autostart) for name, one in host.state().items()} == {
            name: (one.live, one.autostart) for name, one in before.items()
        }


# ---- ownership ----


def test_only_what_the_topology_has_made_is_purged(host):
    host.put("foreign", "<network><name>foreign</name><ip address='10.9.0.1' prefix='24'/></network>", "same")
    run(host, net("a", 1), {"name": "foreign", "mtu": {"size": 1400}}, net("other", 5), name="second")
    assert {name: owner(one.saved) for name, one in host.state().items()} == {
        **dict.fromkeys("abc", "site"),
        "foreign": "",
        "other": "second",
    }
    run(host, net("a", 1), net("b", 2))
    assert len(host.nets) == 5
    run(host, net("b", 2), purge="owned")
    assert sorted(host.nets) == ["b", "foreign", "other"]
    run(host, purge="owned", name="second")
    assert sorted(host.nets) == ["b", "foreign"]


def test_what_is_listed_is_not_looked_at_for_a_purge(host, monkeypatch):
    seen, observe = [], host.observe
    monkeypatch.setattr(host, "observe", lambda name: seen.append(name) or observe(name))
    told = VALIDATOR.validate({"name": "site", "networks": [net("a", 1), net("b", 2)], "purge": "owned"})
    wanted = _topology_module.desired_topology(told.validated_parameters, host)
    assert [one.name for one in wanted.networks if not one.present] == seen == ["c"]


def test_what_is_in_use_is_not_purged(host):
    host.users["b"] = (Guest("web", True, ()),)
    assert "running guests use it (web)" in error_of(host, net("a", 1), purge="owned")


def test_other_metadata_and_the_mark_of_the_topology_live_together(host):
    owned = re.search("<virtfleet:topology[^>]*>", host.observe("a").saved.text)[0]
    note = '<n:note xmlns:n="https://example.com/n">1</n:note>'
    noted = net("a", 1, metadata=note)
    run(host, noted)
    saved = host.observe("a").saved.text
    for wanted in (noted, {"name": "a", "xml": saved}, {"name": "a", "xml": saved.replace(owned, "")}):
        assert (owner(NetworkDefinition(saved)), ">1</n:note>" in saved) == ("site", True)
        assert run(host, wanted)[0].plan.steps == ()


def test_bridges_that_come_before_need_not_be_there_for_a_dry_run(host):
    lan = {"name": "lan", "forward": {"mode": "bridge"}, "bridge": {"name": "br0"}}
    (outcome,) = run(host, lan, host_bridges=["br0"], dry_run=True)
    assert outcome.plan.warnings == ()
    with pytest.raises(NetworkError, match="the host bridge br0 does not exist"):
        run(host, lan, host_bridges=["br0"])


def test_a_topology_has_a_name_and_no_network_twice():
    told = error_of(FakeGuests(), net("a", 1), net("b", 2), net("a", 3), name="x\ny")
    assert told.startswith("Cannot bring topology 'x\\ny' about: ")
    assert told.endswith("; networks lists 'a' twice")


def test_without_a_name_nothing_is_marked(host):
    run(host, net("d", 4), name=None)
    assert owner(host.observe("d").saved) == ""


@pytest.mark.parametrize(
    "name,told", [(None, "the networks about: purge: owned needs name"), ("", "topology '' about: name")]
)
def test_nobodys_networks_are_not_purged(name, told):
    """Networks without a mark belong to no topology, also not to one without a name."""
    host = FakeGuests()
    run(host, net("foreign", 1), name=None)
    host.calls.clear()
    assert told in error_of(host, name=name, purge="owned")
