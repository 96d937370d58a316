"""What is reported about the NICs of guests, and whether they are connected."""

from __future__ import annotations

import json

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor.guests import Address
from ansible_collections.virtfleet.network.plugins.module_utils._nics.info import guests
from ansible_collections.virtfleet.network.plugins.module_utils._nics.verdict import verdict
from ansible_collections.virtfleet.network.plugins.module_utils._values.observed import Device, Guest, Nic
from tests.unit.jobs import converge_nics
from tests.unit.nic_cases import desired_of, host_of

MAC = "52:54:00:00:00:0a"
BRIDGES = {name: Device(True, "", {}, ()) for name in ("virbr1", "virbr2")}
TAP = {"vnet0": Device(False, "", {}, ())}


def told(host, **more):
    (guest,) = json.loads(json.dumps(guests(host, ["web"], **{"agent": False, **more})))
    return guest["nics"]


def host_with(saved=(), live=None):
    return host_of({"guest": {"saved": saved, **({} if live is None else {"live": live})}})


def test_a_nic_that_runs():
    host = host_with(["network lan a"], ["network lan a"])
    host.told = {MAC: [Address("192.168.81.7", 24, "lease"), Address("10.0.0.7", 8, "agent")]}
    (nic,) = told(host)
    assert (nic["mac"], nic["alias"], nic["live"], nic["saved"], nic["link"]) == (MAC, "", True, True, "up")
    assert nic["addresses"] == [{"address": "192.168.81.7", "prefix": 24, "source": "lease"}]
    assert nic["counters"]["rx_bytes"] == 1
    assert nic["tap"].startswith("vnet")
    assert nic["pending"] == []
    assert [one["source"] for one in told(host, agent=True)[0]["addresses"]] == ["lease", "agent"]


def test_a_nic_of_a_guest_that_does_not_run():
    (nic,) = told(host_with(["network lan a <link state='down'/>"]))
    assert (nic["live"], nic["live_spec"], nic["pending"], nic["link"]) == (False, {}, [], "down")
    assert (nic["connected"], nic["reason"], nic["tap"], nic["counters"]) == (False, "the guest does not run", "", {})


def test_nics_of_one_definition_only():
    saved, live = told(host_with(["network lan a"], ["network lan b"]))
    reason = "it is only in the persistent config, and not plugged in"
    assert (saved["mac"][-1], saved["live"], saved["reason"]) == ("a", False, reason)
    assert (live["mac"][-1], live["saved"], live["spec"]) == ("b", False, live["live_spec"])


def test_what_differs_is_pending():
    host = host_with(["network lan a <model type='e1000e'/>"], ["network lan a"])
    assert told(host)[0]["pending"] == [{"path": "model.type", "live": "virtio", "saved": "e1000e"}]


@pytest.mark.parametrize("source", ["lan/slow", "macvtap"])
def test_what_a_network_makes_of_a_nic_is_not_its_own(source):
    (nic,) = told(host_with([f"network {source} a"], [f"network {source} a"]))
    assert nic["pending"] == []
    assert "bandwidth" not in nic["live_spec"]
    assert nic["live_spec"]["type"] == "network"


def test_what_a_nic_and_its_portgroup_say_both_is_its_own():
    own = "network lan/slow a <bandwidth><inbound average='100'/></bandwidth>"
    (nic,) = told(host_with([own], [own]))
    assert nic["pending"] == []
    assert nic["live_spec"]["bandwidth"] == {"inbound": {"average": 100}}


@pytest.mark.parametrize(
    "nics",
    [
        (["network lan a"], ["network lan a"]),
        (["network lan/slow a", "network macvtap b"], ["network macvtap b", "network lan/slow a"]),
        # another place in the running guest
        (["network dmz b", "network lan a"], ["network lan a"]),
        (["network lan a", "network dmz a"], ["network dmz a", "network lan a"]),
        (["bridge br0 a <vlan><tag id='4'/></vlan>"], None),
    ],
)
def test_specs_change_nothing(nics):
    host = host_with(*nics)
    specs = [nic["spec"] for nic in told(host) if nic["live"] or nics[1] is None]
    for spec in specs:
        outcome = converge_nics(host, desired_of({"desired": spec}), False, 5)
        assert outcome.plan.steps == ()


def test_what_only_libvirt_knows_counts(monkeypatch):
    host = host_with(["network lan a"], ["network lan a"])
    tap, why = told(host)[0]["tap"], "libvirt has no port for it"
    lost = Guest("web", True, (MAC,), (Nic(MAC, device=tap, state="disconnected", why=why),))
    monkeypatch.setattr(host, "guests", lambda: {"lan": (lost,)})
    assert (told(host)[0]["connected"], told(host)[0]["reason"]) == (False, why)


def nic(**more):
    return {"type": "network", "source": {"network": "lan"}, **more}


BRIDGE = {"type": "bridge", "source": {"bridge": "virbr1"}}


@pytest.mark.parametrize(
    "spec,tap,devices,connected,reason",
    [
        (nic(), "vnet0", {"virbr1": {"vnet0": True}}, True, ""),
        (BRIDGE, "vnet0", {"virbr1": {"vnet0": True}}, True, ""),
        (nic(link={"state": "down"}), "vnet0", {"virbr1": {"vnet0": True}}, False, "its link is down"),
        (nic(source={"network": "far"}), "vnet0", {}, False, "there is no network 'far'"),
        (nic(source={"network": "idle"}), "vnet0", {}, False, "network 'idle' is not active"),
        (nic(), "", {}, False, "it has no tap"),
        (nic(), "vnet9", {}, False, "its tap vnet9 is gone"),
        (nic(), "vnet0", {}, False, "its tap vnet0 is on no bridge, it belongs on virbr1"),
        (nic(), "vnet0", {"virbr2": {"vnet0": True}}, False, "its tap vnet0 is on bridge virbr2, it belongs on virbr1"),
        (nic(), "vnet0", {"virbr1": {"vnet0": False}}, False, "its tap vnet0 has no carrier"),
        (nic(), "vnet0", {"ovs-system": {"vnet0": True}}, True, ""),
        (nic(virtualport={"type": "openvswitch"}), "vnet0", {}, True, ""),
        (nic(source={"network": "host"}), "vnet0", {}, False, "there is no bridge br0"),
        (nic(source={"network": "macvtap"}), "vnet0", {}, True, ""),
        ({"type": "direct", "source": {"dev": "eth0"}}, "vnet9", {}, False, "its tap vnet9 is gone"),
        (nic(source={"network": "vf"}), "", {}, None, "a NIC of type hostdev has nothing on the hypervisor to look at"),
        ({"type": "user"}, "", {}, None, "a NIC of type user has nothing on the hypervisor to look at"),
        (nic(), "vnet0", None, None, "the hypervisor's devices cannot be seen from here"),
    ],
)
def test_verdict(spec, tap, devices, connected, reason):
    networks = {network.name: network for network in host_of({}).networks()}
    there = None
    if devices is not None:
        there = {**BRIDGES, **TAP, **{name: Device(True, "", ports, ()) for name, ports in devices.items()}}
    assert verdict(spec, tap, networks, there)[:2] == (connected, reason)
