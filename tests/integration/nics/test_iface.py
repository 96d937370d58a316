"""NICs of a guest that boots: plugged in, changed, moved and taken out, seen from the guest and from the hypervisor."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.lab.guest import Guest
from tests.lab.machine import ENVIRONMENT

from .. import plays
from ..plays import Result, Task
from ..stage import Stage, succeeded, wait_for

pytestmark = [pytest.mark.lab, pytest.mark.slow]

IFACE, INFO = "virtfleet.network.virt_iface", "virtfleet.network.virt_iface_info"
FIRST, SECOND, THIRD, FOURTH = (f"52:54:00:81:00:0{number}" for number in range(1, 5))
NEW: dict[str, Any] = {"model": {"type": "virtio"}, "rom": {"enabled": False}}
DUMP = ("virsh", "-q", "-c", "qemu:///system", "dumpxml web; dumpxml --inactive web")
RUNS = (True, False, True)  # in check mode, for real, in check mode again


def iface(check: bool = False, **options: Any) -> Task:
    return {IFACE: {"domain": "web", **options}, "check_mode": check}


def serving(name: str, number: int) -> dict[str, Any]:
    """Return the options of a network that gives leases."""
    dhcp = {"ranges": [{"start": f"192.168.{number}.100", "end": f"192.168.{number}.200"}]}
    ips = [{"address": f"192.168.{number}.1/24", "dhcp": dhcp}]
    return {"name": name, "bridge": {"name": f"vf-{name}"}, "ips": ips}


@pytest.fixture(scope="module")
def office(whole_stage: Stage) -> Iterator[Stage]:
    """A hypervisor with two networks that give leases."""
    whole_stage.kept = {"lan", "dmz"}
    for number, name in ((81, "lan"), (82, "dmz")):
        group = {"name": "plain", "trust_guest_rx_filters": True}
        whole_stage.network(**serving(name, number), portgroups=[group])
    yield whole_stage
    whole_stage.kept = set()
    whole_stage.clear()


@pytest.fixture(scope="module")
def web(office: Stage) -> Iterator[Guest]:
    """A guest on the network lan. Its tests come in their order in the file."""
    guest = office.host.guest("web", networks=["lan"], macs=[FIRST])
    guest.wait_for(f"NIC eth0 {FIRST} ADDRESS 192.168.81.")
    yield guest
    guest.stop()


def definitions(stage: Stage) -> list[str]:
    """Return the live and the persistent config of the guest."""
    return [stage.host.virsh("dumpxml", "web", *options) for options in ((), ("--inactive",))]


def macs(stage: Stage) -> list[list[str]]:
    """Return the MAC addresses of the guest's NICs in the live and the persistent config."""
    return [re.findall("<mac address='(.*?)'/>", xml) for xml in definitions(stage)]


def tap(stage: Stage, mac: str) -> Any:
    """Return the device that is a NIC's end on the hypervisor."""
    lines = [line.split() for line in stage.host.virsh("domiflist", "web").splitlines()]
    return stage.links()[next(line[0] for line in lines if mac in line)]


def told(stage: Stage, mac: str) -> Result:
    """Return what virt_iface_info returns for a NIC."""
    (guest,) = succeeded(stage.run({INFO: {"domain": "web"}}))["guests"]
    return next(nic for nic in guest["nics"] if nic["mac"] == mac)


def change(stage: Stage, **options: Any) -> Result:
    """Change NICs in check mode, for real and in check mode again; return the real result."""
    return proven(stage, [iface(check, **options) for check in RUNS])


def topology(check: bool = False, **options: Any) -> Task:
    return {"virtfleet.network.virt_topology": options, "check_mode": check}


def proven(stage: Stage, tasks: list[Task]) -> Result:
    """Run the tasks of RUNS, which do what they predict, and nothing the second time; return the real result."""
    before = definitions(stage)
    look = stage.host.process.enter("env", "-i", f"PATH={ENVIRONMENT['PATH']}", *DUMP)
    running = plays.start(stage.lab.inventory, stage.host.name, tasks, look)
    dry_run, real, again = (succeeded(result) for result in plays.finish(running, len(RUNS)))
    assert dry_run["look"].split() == " ".join(before).split(), "check mode touched the guest"
    assert [result["changed"] for result in (dry_run, real, again)] == [True, True, False]
    assert (dry_run["plan"], dry_run["diff"]) == (real["plan"], real["diff"])
    assert again["diff"] == []
    return real


def verdict(stage: Stage, mac: str) -> tuple[bool | None, str]:
    """Return whether a NIC is connected, and why not."""
    seen = told(stage, mac)
    return seen["connected"], seen["reason"]


def test_second_nic_is_plugged_in_and_has_an_address(office: Stage, web: Guest) -> None:
    real = change(office, source={"network": "dmz"}, wait_for_ip=True, ip_timeout=30, **NEW)
    (nic,) = real["ifaces"]
    assert nic["generated"]
    assert macs(office) == [[FIRST, nic["mac"]]] * 2
    assert nic["address"]["source"] == "lease"
    console = web.wait_for(f"NIC eth1 {nic['mac']} ADDRESS {nic['address']['address']}/24")
    assert "192.168.82." in console
    assert tap(office, nic["mac"])["master"] == "vf-dmz"
    seen = told(office, nic["mac"])
    assert (seen["connected"], seen["bridge"], seen["reason"]) == (True, "vf-dmz", "")
    assert {one["address"] for one in seen["addresses"]} >= {nic["address"]["address"]}
    assert seen["counters"]["tx_packets"] > 0
    places = [re.findall(f"{nic['mac']}.*?(<address .*?/>)", xml, re.DOTALL) for xml in definitions(office)]
    assert places[0] == places[1] != []
    change(office, source={"network": "dmz"}, state="absent")
    assert macs(office) == [[FIRST]] * 2
    wait_for(lambda: "eth1" not in web.run("ls /sys/class/net").stdout)


def test_link_goes_down_and_up(office: Stage, web: Guest) -> None:
    succeeded(office.run(iface(mac={"address": SECOND}, source={"network": "dmz"}, **NEW)))
    web.wait_for(f"NIC eth1 {SECOND} ADDRESS 192.168.82.")
    change(office, mac={"address": SECOND}, link={"state": "down"})
    wait_for(lambda: web.run("cat /sys/class/net/eth1/carrier").stdout.strip() == "0")
    assert verdict(office, SECOND) == (False, "its link is down")
    change(office, mac={"address": SECOND}, link={"state": "up"})
    wait_for(lambda: web.run("cat /sys/class/net/eth1/carrier").stdout.strip() == "1")
    assert verdict(office, SECOND) == (True, "")


def test_moved_to_another_network_it_gets_a_new_lease(office: Stage, web: Guest) -> None:
    number = office.ifindex(tap(office, SECOND)["ifname"])
    change(office, mac={"address": SECOND}, source={"network": "lan"})
    assert tap(office, SECOND)["master"] == "vf-lan"
    assert tap(office, SECOND)["ifindex"] == number, "it was unplugged"
    web.run("kill $(cat /run/eth1.pid); ip address flush dev eth1; udhcpc -n -q -t 30 -T 1 -i eth1 -s /lease")
    web.wait_for(f"NIC eth1 {SECOND} ADDRESS 192.168.81.")
    waited = succeeded(office.run(iface(mac={"address": SECOND}, wait_for_ip=True, ip_timeout=10)))
    assert waited["ifaces"][0]["address"]["address"].startswith("192.168.81.")
    assert not waited["changed"]


@pytest.mark.usefixtures("web")
def test_what_cannot_change_in_place_is_replaced_only_when_that_is_allowed(office: Stage) -> None:
    before = definitions(office)
    refused = office.run(iface(mac={"address": SECOND}, alias={"name": "ua-second"}))
    assert "alias.name of 52:54:00:81:00:02" in refused["msg"]
    assert definitions(office) == before
    group = {"network": "lan", "portgroup": "plain"}
    change(office, mac={"address": SECOND}, alias={"name": "ua-second"}, source=group, replace=True)
    # What the portgroup adds to the running NIC is not the NIC's own.
    assert "trustGuestRxFilters" not in definitions(office)[1]
    assert told(office, SECOND)["pending"] == []
    assert verdict(office, SECOND) == (True, "")


def test_guest_reboots_with_what_is_saved(office: Stage, web: Guest) -> None:
    change(office, alias={"name": "ua-second"}, source={"network": "dmz", "portgroup": ""}, replace=True)
    office.host.virsh("destroy", "web")
    stopped = succeeded(office.run(iface(alias={"name": "ua-second"}, source={"network": "dmz"})))
    assert not stopped["changed"]
    assert verdict(office, SECOND) == (False, "the guest does not run")
    office.host.virsh("start", "web")
    web.wait_for(f"NIC eth1 {SECOND} ADDRESS 192.168.82.")
    web.wait_for(f"NIC eth0 {FIRST} ADDRESS 192.168.81.")


@pytest.mark.usefixtures("web")
def test_failure_puts_both_definitions_back(office: Stage) -> None:
    # libvirt refuses the model only after the old one is unplugged.
    refused = office.run(iface(mac={"address": SECOND}, model={"type": "nonsense"}, replace=True))
    assert "the NICs of guest 'web' were rolled back" in refused["msg"]
    assert macs(office) == [[FIRST, SECOND]] * 2
    assert verdict(office, SECOND) == (True, "")
    # The PCI address is free in the running guest and taken in the persistent config.
    taken = {"type": "pci", "domain": "0", "bus": "5", "slot": "0", "function": "0"}
    prepared = iface(mac={"address": THIRD}, source={"network": "lan"}, address=taken, apply="config", **NEW)
    succeeded(office.run(prepared))
    refused = office.run(iface(mac={"address": FOURTH}, source={"network": "lan"}, address=taken, **NEW))
    assert f"0000:05:00.0 is that of {THIRD}" in refused["msg"]
    assert macs(office) == [[FIRST, SECOND], [FIRST, SECOND, THIRD]]
    assert told(office, THIRD)["reason"] == "it is only in the persistent config, and not plugged in"


@pytest.mark.usefixtures("web")
def test_exclusive_round_trip(office: Stage) -> None:
    (guest,) = succeeded(office.run({INFO: {"domain": "web"}}))["guests"]
    specs = [nic["spec"] for nic in guest["nics"] if nic["live"]]
    real = change(office, ifaces=specs, exclusive=True)
    assert [(step["action"], step["effect"]) for step in real["plan"]] == [("detach", "next_start")]
    assert macs(office) == [[FIRST, SECOND]] * 2


@pytest.mark.usefixtures("web")
def test_guest_that_holds_on(office: Stage) -> None:
    office.host.virsh("suspend", "web")
    before = definitions(office)
    refused = office.run(iface(mac={"address": SECOND}, state="absent", unplug_timeout=1))
    assert "the guest did not let go of it within 1 seconds" in refused["msg"]
    assert "the NICs of guest 'web' were not changed" in refused["msg"]
    assert definitions(office)[1] == before[1]
    office.host.virsh("resume", "web")
    wait_for(lambda: macs(office)[0] == [FIRST])
    assert change(office, mac={"address": SECOND}, wait_for_ip=True, ip_timeout=30)["ifaces"][0]["live"]
    assert macs(office) == [[FIRST, SECOND]] * 2


@pytest.mark.usefixtures("web")
def test_nic_that_a_restart_of_its_network_disconnected_is_told(office: Stage) -> None:
    inactive = office.play(iface(check=True, mac={"address": FOURTH}, source={"network": "far"}, **NEW))
    assert "there is no network 'far'" in inactive[0]["msg"]
    office.host.virsh("net-destroy", "dmz")
    assert told(office, SECOND)["reason"] == "network 'dmz' is not active"
    refused = office.run(iface(mac={"address": FOURTH}, source={"network": "dmz"}, **NEW))
    assert "network 'dmz' is not active" in refused["msg"]
    office.host.virsh("net-start", "dmz")
    assert "libvirt has no port for it" in told(office, SECOND)["reason"]
    assert verdict(office, FIRST) == (True, "")
    # As the documentation says: there and back again.
    for name in ("lan", "dmz"):
        succeeded(office.run(iface(mac={"address": SECOND}, source={"network": name}, apply="live")))
    assert verdict(office, SECOND) == (True, "")


def test_networks_and_nics_of_one_task(office: Stage, web: Guest) -> None:
    """One NIC moves from a network that goes to one that is made, where another one is plugged in."""
    number = office.ifindex(tap(office, SECOND)["ifname"])
    nics = [{"mac": {"address": SECOND}, "source": {"network": "new"}}]
    nics += [{"mac": {"address": THIRD}, "source": {"network": "new"}, **NEW}]
    networks = [serving("new", 83), {"name": "dmz", "state": "absent"}]
    whole = {"networks": networks, "ifaces": [{"domain": "web", "ifaces": nics}]}
    used = office.run(topology(networks=networks))
    assert "Cannot stop network 'dmz': running guests use it (web)" in used["msg"]
    real = proven(office, [topology(check, **whole) for check in RUNS])
    assert [nic["mac"] for nic in real["ifaces"]] == [SECOND, THIRD]
    assert office.networks() == {"lan", "new"}
    assert tap(office, SECOND)["master"] == "vf-new"
    web.wait_for(f"NIC eth2 {THIRD} ADDRESS 192.168.83.")

    nics[0]["source"] = {"network": "dmz"}
    nics[1]["state"] = "absent"
    nics += [{"mac": {"address": FOURTH}, "source": {"network": "lan"}, "model": {"type": "nonsense"}}]
    networks = [serving("dmz", 82), {"name": "new", "state": "absent"}]
    before = definitions(office)
    refused = office.run(topology(networks=networks, ifaces=[{"domain": "web", "ifaces": nics}]))
    assert "the NICs of guest 'web' were rolled back; network 'dmz' was removed again" in refused["msg"]
    assert office.networks() == {"lan", "new"}
    assert definitions(office)[1] == before[1]
    assert [tap(office, mac)["master"] for mac in (FIRST, SECOND, THIRD)] == ["vf-lan", "vf-new", "vf-new"]
    assert office.ifindex(tap(office, SECOND)["ifname"]) == number, "it was unplugged"
