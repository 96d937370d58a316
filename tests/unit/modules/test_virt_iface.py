"""virt_iface and virt_iface_info as Ansible runs them, on the fake."""

from __future__ import annotations

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor.guests import Address
from ansible_collections.virtfleet.network.plugins.module_utils._task import nics as _nic_module
from tests.unit.nic_cases import host_of
from tests.unit.run_module import run_module

MAC, OTHER = "52:54:00:00:00:0a", "52:54:00:00:00:0b"
LEASE = Address("192.168.81.7", 24, "lease")


@pytest.fixture
def host(monkeypatch):
    host = host_of({"guest": {"saved": ["network lan a"], "live": ["network lan a"]}})

    def connect(_uri, readonly, _seconds):
        host.readonly = readonly
        return host

    monkeypatch.setattr(_nic_module, "Guests", connect)
    return host


def iface(check=False, /, **options):
    return run_module("virt_iface", check, domain="web", **options)


@pytest.mark.parametrize("check", [True, False])
def test_check_mode_uses_the_read_only_connection(host, check):
    result = iface(check, mac={"address": MAC}, source={"network": "idle"}, apply="config")
    assert host.readonly is check
    assert bool(host.calls) is not check
    assert result["changed"] is True
    assert "is not active" in str(result["warnings"])
    assert [step["effect"] for step in result["plan"]] == ["next_start"]
    before, after = result["diff"][0]["before"], result["diff"][0]["after"]
    assert before.startswith('<!-- saved -->\n<interface type="network">')
    assert after == before.replace('"lan"', '"idle"')
    assert result["diff"][1]["prepared"] == f"update web: nics[{MAC}].source.network: lan -> idle (next_start)\n"


@pytest.mark.usefixtures("host")
def test_all_problems_are_told_together():
    failed = iface(
        ifaces=[{"mac": {"address": "x"}}, {"source": {"network": "lan"}, "link": {"state": "up"}, "mtu": {"size": -1}}]
    )
    assert len(failed["problems"]) == 2
    assert all(problem in failed["msg"] for problem in failed["problems"])


@pytest.mark.usefixtures("host")
def test_one_and_several_exclude_each_other():
    assert "mutually exclusive" in iface(ifaces=[], source={"network": "lan"})["msg"]


def test_an_address_is_waited_for(host):
    host.told = {MAC: [LEASE]}
    assert iface(mac={"address": MAC})["ifaces"][0]["address"] is None
    there = {**LEASE._asdict(), "seconds": 0.5}
    assert iface(mac={"address": MAC}, wait_for_ip=True, ip_timeout=5)["ifaces"][0]["address"] == there
    assert iface(True, mac={"address": MAC}, wait_for_ip=True, ip_timeout=5)["ifaces"][0]["address"] is None


def test_a_nic_that_moves_has_to_get_a_new_address(host):
    host.told = {MAC: [LEASE]}
    failed = iface(mac={"address": MAC}, source={"network": "dmz"}, wait_for_ip=True, ip_timeout=5)
    assert f"Guest 'web' got no address at {MAC} (network dmz) within 5 seconds, maybe because its tap" in failed["msg"]
    host.coming = {MAC: [LEASE, LEASE._replace(address="192.168.82.9")]}
    result = iface(mac={"address": MAC}, source={"network": "lan"}, wait_for_ip=True, ip_timeout=5)
    assert result["ifaces"][0]["address"]["address"] == "192.168.82.9"


def test_a_nic_without_an_address_may_be_connected(host):
    devices = host.devices()
    tap = host.guests_there["web"]["live"][0].find("target").get("dev")
    bridge = {"virbr1": devices["virbr1"]._replace(ports={tap: True})}
    host.devices = lambda: {**devices, **bridge, tap: devices["eth0"]}
    failed = iface(mac={"address": MAC}, wait_for_ip=True, ip_timeout=5)
    assert "although it is connected: see whether" in failed["msg"]


@pytest.mark.usefixtures("host")
def test_a_nic_that_is_only_saved_gets_no_address():
    failed = iface(mac={"address": OTHER}, source={"network": "lan"}, apply="config", wait_for_ip=True, ip_timeout=5)
    assert f"Cannot wait for an address of {OTHER} (network lan): it is not plugged in" in failed["msg"]


def test_agents_need_the_right_to_write(host):
    for agent in (False, True):
        result = run_module("virt_iface_info", domain=["web"], agent=agent)
        assert host.readonly is not agent
        assert result["guests"][0]["nics"][0]["mac"] == MAC


@pytest.mark.usefixtures("host")
def test_all_guests_are_told():
    assert [guest["name"] for guest in run_module("virt_iface_info")["guests"]] == ["other", "web"]
    assert run_module("virt_iface_info", domain=["far"])["guests"] == []
