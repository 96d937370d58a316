"""Networks under running guests: a real one, that boots, has leases and talks, and must go on doing so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.lab.guest import Guest

from ..clients import WORLD
from ..plays import network
from ..stage import Stage

pytestmark = pytest.mark.lab

MAC = "52:54:00:90:00:01"
MAC_ON_BRIDGE = "52:54:00:90:00:02"
OPTIONS: dict[str, Any] = {
    "name": "busy",
    "forward": {"mode": "nat"},
    "bridge": {"name": "vf-busy"},
    "ips": [
        {
            "address": "192.168.90.1/24",
            "dhcp": {
                "ranges": [{"start": "192.168.90.100", "end": "192.168.90.200"}],
                "hosts": [{"mac": MAC, "ip": "192.168.90.11", "name": "guest"}],
            },
        }
    ],
}
# A DHCP server at the other end of the host bridge's wire.
FAR_DHCP = ["dnsmasq", "-k", "--port=0", "--conf-file=/dev/null", "--interface=wire0"]
FAR_RANGE = "--dhcp-range=198.51.100.100,198.51.100.200"
LONG_PING = f"ping -c 20000 {WORLD} >/ping.log & echo $! >/ping.pid"


@pytest.fixture(scope="module")
def busy(whole_stage: Stage) -> Iterator[Stage]:
    """A hypervisor with a NAT network, and a bridged one whose host bridge has a wire of its own to the world."""
    whole_stage.kept = {"busy", "bridged"}
    host = whole_stage.host
    host.run(["ip", "link", "add", "br0", "up", "type", "bridge"])
    whole_stage.network(**OPTIONS)
    whole_stage.network(name="bridged", forward={"mode": "bridge"}, bridge={"name": "br0"})
    yield whole_stage
    whole_stage.kept = set()
    whole_stage.clear()
    host.run(["ip", "link", "delete", "br0"])


@pytest.fixture(scope="module")
def guest(busy: Stage) -> Iterator[Guest]:
    """A guest on both networks. Its tests come in their order in the file; the last one ends it."""
    guest = busy.host.guest("lodger", networks=["busy", "bridged"], macs=[MAC, MAC_ON_BRIDGE])
    guest.wait_for(f"NIC eth0 {MAC} ADDRESS 192.168.90.11/24")
    yield guest
    guest.stop()


def assert_undisturbed(stage: Stage, guest: Guest, number: int) -> None:
    assert stage.ifindex("vf-busy") == number
    assert "1 packets received" in guest.run(f"ping -c 1 -W 2 {WORLD}").stdout
    assert "192.168.90.11/24" in guest.run("ip -4 address show dev eth0").stdout


def test_guest_on_a_bridged_network_is_on_the_hosts_own_wire(busy: Stage, guest: Guest) -> None:
    busy.host.join("wire", busy.host.world, "wire0")
    busy.host.run(["ip", "link", "set", "wire", "up", "master", "br0"])
    busy.host.world.run(["ip", "address", "add", "198.51.100.1/24", "dev", "wire0"])
    busy.host.world.run(["ip", "link", "set", "wire0", "up"])
    with busy.host.world.background([*FAR_DHCP, FAR_RANGE]):
        guest.wait_for(f"NIC eth1 {MAC_ON_BRIDGE} ADDRESS 198.51.100.1")
    assert "1 packets received" in guest.run("ping -c 1 -W 5 198.51.100.1").stdout


def test_reservation_is_added_under_a_guest(busy: Stage, guest: Guest) -> None:
    number = busy.ifindex("vf-busy")
    guest.run(LONG_PING)
    hosts = [*OPTIONS["ips"][0]["dhcp"]["hosts"], {"mac": "52:54:00:90:00:09", "ip": "192.168.90.19"}]
    result = busy.network(name="busy", ips=[{"address": "192.168.90.1/24", "dhcp": {"hosts": hosts}}])
    assert {step["effect"] for step in result["plan"]} == {"live"}
    assert not result["restart_required"]
    assert_undisturbed(busy, guest, number)
    guest.run("kill -INT $(cat /ping.pid)", check=False)
    assert 0 <= lost(guest.run("cat /ping.log").stdout) <= 2  # libvirt reloads the firewall
    assert busy.client("vf-busy", mac="52:54:00:90:00:09").dhcp()["address"] == "192.168.90.19/24"


def lost(log: str) -> int:
    """Return how many pings were not answered."""
    found = re.search(r"(\d+) packets transmitted, (\d+) packets received", log)
    assert found, log
    assert int(found[2]) > 0
    return int(found[1]) - int(found[2])


@pytest.mark.parametrize("restart", ["never", "idle"])
def test_restart_waits_for_the_guest(busy: Stage, guest: Guest, restart: str) -> None:
    number = busy.ifindex("vf-busy")
    change = {"name": "busy", "domain": {"name": f"{restart}.test"}, "mtu": {"size": 1400}, "restart": restart}
    dry_run, result, again = busy.play(network(check=True, **change), network(**change), network(**change))
    assert [one["changed"] for one in (dry_run, result, again)] == [True, True, False]
    assert (dry_run["plan"], dry_run["diff"]) == (result["plan"], result["diff"])
    assert [one["restart_required"] for one in (dry_run, result, again)] == [True, True, True]
    assert {step["effect"] for step in result["plan"]} == {"next_start"}
    for one in (dry_run, result, again):
        assert ["lodger" in warning for warning in one.get("warnings", [])] == [True] * (restart == "idle")
    assert_undisturbed(busy, guest, number)
    (told,) = busy.info("busy")
    assert {change["path"] for change in told["pending"]} == {"domain.name", "mtu.size"}
    (nic,) = told["guests"][0].pop("nics")
    assert (nic["mac"], nic["state"]) == (MAC, "connected")
    assert told["guests"] == [{"name": "lodger", "running": True, "macs": [MAC]}]
    assert [lease["ip"] for lease in told["leases"] if lease["mac"] == MAC] == ["192.168.90.11"]


@pytest.mark.parametrize("stop", [{"state": "absent"}, {"active": False}], ids=["absent", "inactive"])
def test_network_is_not_stopped_under_a_guest(busy: Stage, guest: Guest, stop: dict[str, Any]) -> None:
    before, number = busy.look(), busy.ifindex("vf-busy")
    dry_run, result = busy.play(network(check=True, name="busy", **stop), network(name="busy", **stop))
    assert dry_run["msg"] == result["msg"]
    assert "running guests use it (lodger)" in result["msg"]
    assert "force=true" in result["msg"]
    assert busy.look() == before
    assert_undisturbed(busy, guest, number)


@pytest.mark.usefixtures("guest")
def test_paused_guest_counts_as_running(busy: Stage) -> None:
    busy.host.virsh("suspend", "lodger")
    assert "lodger" in busy.refused(name="bridged", state="absent")
    busy.host.virsh("resume", "lodger")


@pytest.mark.usefixtures("guest")
def test_force_stops_a_network_under_a_guest(busy: Stage) -> None:
    result = busy.network(name="busy", active=False, force=True)
    # What waits for a restart until then is in the plan as well: the stop takes what only runs.
    assert {step["action"] for step in result["plan"]} == {"stop"}
    assert "active" in {step["path"] for step in result["plan"]}
    assert busy.active() == {"bridged"}
    assert "vf-busy" not in busy.links()
    busy.network(name="busy")


@pytest.mark.usefixtures("guest")
def test_restart_comes_when_the_guest_is_gone(busy: Stage) -> None:
    change = {"name": "busy", "mtu": {"size": 1450}}
    assert busy.network(**change)["restart_required"]
    busy.host.virsh("destroy", "lodger")
    number = busy.ifindex("vf-busy")
    dry_run, result, again = busy.play(network(check=True, **change), network(**change), network(**change))
    assert [one["changed"] for one in (dry_run, result, again)] == [True, True, False]
    assert dry_run["plan"] == result["plan"]
    assert [step["effect"] for step in result["plan"]] == ["restart"] * 2
    assert [one["restart_required"] for one in (dry_run, result, again)] == [False] * 3
    assert busy.ifindex("vf-busy") != number
    (told,) = busy.info("busy")
    assert told["pending"] == []
    assert told["guests"] == [{"name": "lodger", "running": False, "macs": [MAC], "nics": []}]
    assert busy.network(name="busy", state="absent")["changed"]
