"""Networks and NICs of guests in one task, on the fake hypervisor: one plan, in the order of both, all or none."""

from __future__ import annotations

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import NetworkError
from ansible_collections.virtfleet.network.plugins.module_utils._task.results import result_of
from ansible_collections.virtfleet.network.plugins.module_utils._values.observed import Device
from tests.unit._converge.test_topology import net, run
from tests.unit.fake_libvirt.guests import FakeGuests
from tests.unit.nic_cases import nic

MAC = "52:54:00:00:00:0{}"
GONE = {"name": "old", "state": "absent"}


def guest(*nics, **more):
    """The NICs of guest web."""
    return {"domain": "web", "ifaces": [*nics], **more}


def on(network, mac="a", **more):
    """A NIC on a network."""
    return {"mac": {"address": MAC.format(mac)}, "source": {"network": network}, "model": {"type": "virtio"}, **more}


@pytest.fixture
def host():
    """A hypervisor with networks old and lan, and a running guest on the first one."""
    made = FakeGuests(devices={"eth0": Device(False, "", {}, ())}, schema=lambda _xml: [])
    run(made, net("old", 1), net("lan", 2))
    made.put_guest("web", nic("network old a"), nic("network old a"))
    made.put_guest("idle", nic("network lan c"))
    made.calls.clear()
    return made


def state(host):
    """Everything that a failure must leave as it was, without what every restart changes."""
    networks = {name: (one.saved, one.live, one.autostart) for name, one in host.state().items()}
    return networks, host.state_of_guests(), host.state_of_filters()


def order(host):
    """What was carried out, in words: the network, guest or filter, and the step."""
    kinds = ("guest", "nwfilter", "network")
    names = [next(getattr(step, kind) for kind in kinds if hasattr(step, kind)) for step in host.calls]
    return [f"{name} {type(step).__name__.lower()}" for name, step in zip(names, host.calls)]


def change(host, *networks, ifaces, **options):
    """Brings it about, as predicted, and once."""
    before = state(host)
    host.readonly = True
    predicted = run(host, *networks, ifaces=ifaces, dry_run=True, **options)
    assert (host.calls, state(host)) == ([], before)
    host.readonly = False
    real = run(host, *networks, ifaces=ifaces, **options)
    assert result_of(predicted) == result_of(real)
    assert [one.plan.warnings for one in predicted] == [one.plan.warnings for one in real]
    done = order(host)
    host.calls.clear()
    assert not result_of(run(host, *networks, ifaces=ifaces, **options))["changed"]
    assert host.calls == []
    return done, result_of(real)


def refused(host, *networks, ifaces, **options):
    """What is said against it, in check mode or not, when nothing is touched."""
    before, told = state(host), set()
    for dry_run in (True, False):
        with pytest.raises(NetworkError) as failure:
            run(host, *networks, ifaces=ifaces, dry_run=dry_run, **options)
        told.add(str(failure.value))
    assert (host.calls, state(host)) == ([], before)
    (text,) = told
    return text


def test_nic_goes_to_a_network_of_the_same_task(host):
    ifaces = [guest(on("old"), on("new", "b")), {"domain": "idle", "ifaces": [on("new", "d")], "exclusive": True}]
    done, told = change(host, net("new", 5), ifaces=ifaces)
    assert done == [
        "new define",
        "new start",
        "new setautostart",
        "web attach",
        "web attach",
        "idle attach",
        "idle detach",
    ]
    assert [row.get("network") or row["guest"] for row in told["plan"]][-4:] == ["web", "web", "idle", "idle"]
    assert [entry["after_header"] for entry in told["diff"][:-1]] == ["new", "web", "idle"]
    assert "define new" in told["diff"][-1]["prepared"]
    assert "attach web" in told["diff"][-1]["prepared"]


def test_nic_leaves_a_network_before_it_goes(host):
    done, _told = change(host, net("new", 5), GONE, ifaces=[guest(on("new"))])
    assert done[:3] == ["new define", "new start", "new setautostart"]
    assert done[3:] == ["web change", "web change", "old stop", "old undefine"]


@pytest.mark.parametrize("wanted", [on("old", state="absent"), on("lan")], ids=["unplugged", "moved"])
def test_network_that_a_nic_leaves_is_restarted_without_it(host, wanted):
    done, _told = change(host, net("old", 9), ifaces=[guest(wanted)])
    assert done.index("old stop") > max(index for index, step in enumerate(done) if step.startswith("web"))


def test_network_with_another_guest_still_is_not_restarted(host):
    host.put_guest("other", nic("network old f"), nic("network old f"))
    done, told = change(host, net("old", 9), ifaces=[guest(on("lan"))])
    assert (told["restart_required"], "old stop" in done) == (True, False)
    host.put_guest("third", nic("network old e"), nic("network old e"))
    assert "running guests use it (other, third)" in refused(host, GONE, ifaces=[guest(on("lan"))])


@pytest.mark.parametrize("more", [{}, {"mtu": {"size": 1400}}], ids=["", "though it waits for a restart"])
def test_nic_finds_the_portgroup_that_the_task_adds(host, more):
    host.put_guest("other", nic("network lan f"), nic("network lan f"))
    group = {"name": "slow", "bandwidth": {"inbound": {"average": 100}}}
    wanted = on("lan", source={"network": "lan", "portgroup": "slow"})
    done, told = change(host, net("lan", 2, portgroups=[group], **more), ifaces=[guest(wanted)])
    assert done == ["lan define", "lan update", "web change", "web change"]
    assert told["restart_required"] is bool(more)


def test_nic_finds_the_bridge_that_the_task_makes(host):
    wanted = {"mac": {"address": MAC.format("b")}, "source": {"bridge": "br-new"}}
    done, _told = change(host, net("new", 5), ifaces=[guest(wanted)])
    assert done.index("new start") < done.index("web attach")


def test_only_nics_change(host):
    done, _told = change(host, net("old", 1), net("lan", 2), ifaces=[guest(on("lan"))])
    assert done == ["web change", "web change"]


def test_purge_of_a_network_that_nics_leave(host):
    done, _told = change(host, net("lan", 2), ifaces=[guest(on("lan"))], purge="owned")
    assert done == ["web change", "web change", "old stop", "old undefine"]


@pytest.mark.parametrize(
    "ifaces,told",
    [
        ([guest(on("old"))], "52:54:00:00:00:0a (network old): this task removes network 'old'"),
        ([{"domain": "idle", "ifaces": [on("old", "d")]}], "this task removes network 'old'"),
        ([guest()], "Cannot stop network 'old': running guests use it (web)"),
        ([guest(on("far"))], "there is no network 'far' (there is: lan, new)"),
        ([guest(on("lan")), {"domain": "far", "ifaces": []}], "there is no such guest"),
        ([guest(on("lan")), guest(on("lan", "b"))], "ifaces lists guest 'web' twice"),
    ],
)
def test_what_cannot_be(host, ifaces, told):
    assert told in refused(host, net("new", 5), GONE, ifaces=ifaces)


def test_nic_of_a_running_guest_needs_a_running_network(host):
    text = refused(host, net("new", 5, active=False), ifaces=[guest(on("new"))])
    assert "network 'new' is not active" in text


def test_all_problems_come_at_once(host):
    told = refused(host, net("new", 2, bridge="br-x"), ifaces=[guest(on("far")), {"domain": "nobody", "ifaces": []}])
    for problem in ("overlaps 10.2.0.0/24 of network 'lan'", "no network 'far'", "guest 'nobody'"):
        assert problem in told


def test_nics_and_networks_that_wait_for_each_other(host):
    told = refused(host, net("new", 1, bridge="br-old"), GONE, ifaces=[guest(on("new"))])
    assert "Cannot bring the NICs of guest 'web' to the wanted state: they and the networks 'new', 'old' wait" in told


def test_mac_address_that_two_guests_of_the_task_get_is_told(host):
    ifaces = [guest(on("lan", "e")), {"domain": "idle", "ifaces": [on("lan", "e")]}]
    outcomes = run(host, ifaces=ifaces, dry_run=True)
    assert [one.plan.warnings for one in outcomes][-1] == (
        "Guest 'web' has a NIC with the MAC address 52:54:00:00:00:0e, too",
    )


@pytest.mark.parametrize("after_effect", [False, True], ids=["before", "after"])
def test_a_failure_at_any_step_leaves_all_as_it_was(host, after_effect):
    wanted = net("new", 5), net("lan", 7), GONE
    ifaces = [guest(on("new"), on("lan", "b")), {"domain": "idle", "ifaces": [on("new", "c")]}]
    before = state(host)
    steps = [step for one in run(host, *wanted, ifaces=ifaces, dry_run=True) for step in one.plan.steps]
    assert len(steps) > 8
    for index in range(len(steps)):
        host.calls.clear()
        host.fail_at, host.after_effect = index, after_effect
        with pytest.raises(NetworkError, match=r"the test lets it fail.*(rolled back|removed again|not changed)"):
            run(host, *wanted, ifaces=ifaces)
        host.fail_at = None
        assert state(host) == before


def test_guest_that_is_shut_down_is_told_of_unless_its_nic_goes_too(host):
    gone = {"name": "lan", "state": "absent"}
    told = run(host, gone, ifaces=[], dry_run=True)[0].plan.warnings
    assert ["guests have NICs on it in their persistent config (idle)" in text for text in told] == [True]
    moved = [{"domain": "idle", "ifaces": [on("new", "c")]}]
    outcomes = run(host, gone, net("new", 5), ifaces=moved, dry_run=True)
    assert [text for one in outcomes for text in one.plan.warnings if "have NICs" in text] == []
