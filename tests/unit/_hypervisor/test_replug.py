"""NICs are moved aside and back, whatever guests do meanwhile; the state of each NIC is known."""

from __future__ import annotations

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import ReplugError
from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor import host as _host
from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor import replug as _replug
from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor.replug import Replugger
from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor.users import Users
from ansible_collections.virtfleet.network.plugins.module_utils._schema.network import NetworkDefinition
from ansible_collections.virtfleet.network.plugins.module_utils._values.connection import Seen
from ansible_collections.virtfleet.network.plugins.module_utils._values.parking import parking_network, parking_of
from ansible_collections.virtfleet.network.plugins.module_utils._values.steps import Park, Return
from tests.unit.fake_libvirt.base import read
from tests.unit.fake_libvirt.connection import FakeConnection, FakeGuest

LAN = "<network><name>lan</name><forward mode='nat'/><bridge name='virbr9' stp='on'/><mtu size='1400'/></network>"
HOSTED = "<network><name>hosted</name><forward mode='bridge'/><bridge name='br0'/></network>"
PLACE = parking_of("lan")
PARKING = parking_network("lan", NetworkDefinition(LAN))
PARK, RETURN = Park("lan", (), PARKING), Return("lan", (), PARKING)
MACS = ("52:54:00:00:00:01", "52:54:00:00:00:02", "52:54:00:00:00:03")


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Nobody waits."""
    monkeypatch.setattr(_replug, "RETRY_SECONDS", 0)


@pytest.fixture
def conn():
    """A hypervisor with a running network."""
    return FakeConnection(LAN, HOSTED)


def states(conn, network="lan", here=False):
    return {(use.domain.name(), use.nic.mac): use.nic.state for use in Users(conn, here).of(network)}


def restart_steps(conn):
    """A stop and start: all ports are gone."""
    conn.networks["lan"].ports.clear()


def test_all_nics_wait_on_the_parking_network_and_come_back(conn):
    FakeGuest(conn, "one", (MACS[0], "lan", ""), (MACS[1], "lan", "<link state='down'/>"))
    FakeGuest(conn, "two", (MACS[2], "bridge:virbr9", ""))
    FakeGuest(conn, "other", (MACS[2], "hosted", ""))
    replugger = Replugger(conn, here=False)
    replugger.park(PARK)
    assert set(states(conn).values()) == {"parked"}
    restart_steps(conn)
    replugger.bring_back(RETURN)
    assert list(states(conn).values()) == ["connected", "link_down", "unknown"]
    assert sorted(conn.networks) == ["hosted", "lan"]
    moves = [line for line in conn.log if line.startswith(("one", "two", "other"))]
    assert moves == [
        *(f"one {MACS[0]} {PLACE.network}", f"one {MACS[1]} {PLACE.network}", f"two {MACS[2]} {PLACE.bridge}"),
        *(f"one {MACS[0]} lan", f"one {MACS[1]} lan", f"two {MACS[2]} virbr9"),
    ]


def test_another_task_finds_what_a_killed_one_has_parked(conn):
    FakeGuest(conn, "one", (MACS[0], "lan", ""))
    Replugger(conn, here=False).park(PARK)
    restart_steps(conn)
    FakeGuest(conn, "late", (MACS[1], "lan", ""))
    Replugger(conn, here=False).bring_back(RETURN)
    assert set(states(conn).values()) == {"connected"}


def test_who_was_disconnected_is_plugged_in_by_way_of_the_parking_network(conn):
    FakeGuest(conn, "one", (MACS[0], "lan", ""))
    restart_steps(conn)
    assert list(states(conn).values()) == ["disconnected"]
    conn.log.clear()
    Replugger(conn, here=False).bring_back(RETURN)
    assert conn.log == [
        *(f"create {PLACE.network}", f"one {MACS[0]} {PLACE.network}", f"one {MACS[0]} lan", f"destroy {PLACE.network}")
    ]
    assert list(states(conn).values()) == ["connected"]


def test_guests_that_end_meanwhile_are_no_problem(conn):
    for name, mac in zip(("one", "two", "three"), MACS):
        FakeGuest(conn, name, (mac, "lan", ""))
    gone = iter(("two", None, "three"))
    conn.before = lambda _guest: conn.guests.pop(next(gone, None), None)
    replugger = Replugger(conn, here=False)
    replugger.park(PARK)
    restart_steps(conn)
    replugger.bring_back(RETURN)
    assert states(conn) == {("one", MACS[0]): "connected"}


def test_a_nic_that_does_not_come_back_at_once_is_tried_again(conn):
    FakeGuest(conn, "one", (MACS[0], "lan", ""), refuses=[False, True, True])
    replugger = Replugger(conn, here=False)
    replugger.park(PARK)
    replugger.bring_back(RETURN)
    assert set(states(conn).values()) == {"connected"}


def test_a_nic_that_never_comes_back_is_told_with_the_remedy(conn):
    FakeGuest(conn, "one", (MACS[0], "lan", ""))
    FakeGuest(conn, "two", (MACS[1], "lan", ""), refuses=[False, *[True] * 20])
    replugger = Replugger(conn, here=False)
    replugger.park(PARK)
    with pytest.raises(ReplugError) as failure:
        replugger.bring_back(RETURN)
    assert str(failure.value) == (
        f"Cannot plug NIC {MACS[1]} (net0) of guest two (libvirt says 'it does not want to') into network 'lan' again: "
        "remove the cause, or shut the guest down, and run the task again"
    )
    assert states(conn) == {("one", MACS[0]): "connected", ("two", MACS[1]): "parked"}
    assert PLACE.network in conn.networks


def test_a_guest_with_a_job_is_tried_before_others_are_disconnected(conn):
    FakeGuest(conn, "calm", (MACS[0], "lan", ""))
    FakeGuest(conn, "moving", (MACS[1], "lan", ""), job=2, refuses=[True])
    with pytest.raises(ReplugError, match=f"Cannot move NIC {MACS[1]} \\(net0\\) of guest moving .* aside, so network"):
        Replugger(conn, here=False).park(PARK)
    assert states(conn) == {("calm", MACS[0]): "connected", ("moving", MACS[1]): "connected"}


def test_what_the_host_knows_counts_on_the_host(conn, monkeypatch):
    FakeGuest(conn, "one", (MACS[0], "lan", ""), (MACS[1], "bridge:virbr9", ""))
    FakeGuest(conn, "two", (MACS[2], "hosted", ""))
    FakeGuest(conn, "three", (MACS[2], "hosted", "<virtualport type='openvswitch'/>"))
    devices = {"vnet0": Seen(True, "virbr9"), "vnet1": Seen(True)}
    monkeypatch.setattr(_host, "seen", devices.get)
    assert list(states(conn, here=True).values()) == ["connected", "disconnected"]
    assert list(states(conn).values()) == ["connected", "unknown"]
    assert [use.nic.why for use in Users(conn, here=True).of("lan")] == [
        "",
        "its tap vnet1 is on no bridge, it belongs on virbr9",
    ]
    assert list(states(conn, "hosted", here=True).values()) == ["disconnected", "connected"]
    assert list(states(conn, "hosted").values()) == ["unknown", "unknown"]


def test_the_parking_network_keeps_what_nics_have_of_theirs():
    live = LAN.replace(
        "</network>",
        "<bandwidth><inbound average='9'/></bandwidth><port isolated='yes'/>"
        "<portgroup name='a'><vlan><tag id='1'/></vlan><bandwidth><inbound average='1'/></bandwidth></portgroup>"
        "<ip address='10.0.0.1'/></network>",
    )
    made = read(parking_network("lan", NetworkDefinition(live)).text)
    assert made.findtext("name") == PLACE.network
    assert made.find("bridge").attrib == {"name": PLACE.bridge, "stp": "off", "delay": "0"}
    assert [child.tag for child in made][3:] == ["mtu", "bandwidth", "port", "portgroup"]
    assert made.find("portgroup/vlan") is not None
    assert made.find("metadata")[0].get("network") == "lan"
    hosted = read(parking_network("lan", NetworkDefinition(live.replace("'nat'", "'bridge'"))).text)
    assert [child.tag for child in hosted.find("portgroup")] == ["bandwidth"]


def test_names_of_parking_networks_fit_and_are_their_own():
    long = parking_of("n" * 200)
    assert len(long.network) < 100
    assert len(long.bridge) < 16
    assert len({parking_of(name) for name in ("a", "b", "n" * 200, "n" * 201)}) == 4
