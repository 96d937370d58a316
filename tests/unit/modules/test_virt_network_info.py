"""virt_network_info as Ansible runs it."""

from __future__ import annotations

import libvirt
import pytest

from tests.unit.case_files import definition
from tests.unit.run_module import driver_of_tests, run_module

OPTIONS = {"bridge": {"name": "virbr50"}, "ips": [{"address": "10.0.0.1/24"}]}


@pytest.fixture(autouse=True)
def driver():
    with driver_of_tests() as gateway:
        for name, bridge in (("b", "virbr51"), ("a", "virbr50")):
            gateway._conn.networkDefineXML(definition({**OPTIONS, "bridge": {"name": bridge}}, name))
        yield gateway


def info(*names, check=False):
    return run_module("virt_network_info", check, **({"name": list(names)} if names else {}))


@pytest.mark.parametrize("check", [True, False])
def test_all_networks_are_told_in_order(check):
    told = info(check=check)
    assert told["changed"] is False
    assert [network["name"] for network in told["networks"]] == ["a", "b", "default"]


def test_named_networks_are_told_as_named_and_once():
    assert [network["name"] for network in info("b", "a", "b")["networks"]] == ["b", "a"]
    assert info("gone")["networks"] == []
    assert [network["name"] for network in run_module("virt_network_info", names="a")["networks"]] == ["a"]


def test_everything_about_a_network(driver):
    (told,) = info("a")["networks"]
    seen = driver.observe("a")
    assert told == {
        "name": "a",
        "state": "present",
        "active": False,
        "autostart": False,
        "persistent": True,
        "uuid": told["spec"]["uuid"],
        "bridge": "virbr50",
        "spec": {
            "name": "a",
            "uuid": told["uuid"],
            "bridge": {"name": "virbr50", "stp": True, "delay": 0},
            "ips": [{"address": "10.0.0.1", "prefix": 24}],
        },
        "xml": seen.saved.text,
        "live_xml": "",
        "live_spec": {},
        "pending": [],
        "leases": [],
        "guests": [],
    }


def test_guests_and_leases_of_a_running_network(monkeypatch):
    lease = {"mac": None, "ipaddr": "10.0.0.9", "prefix": 24, "hostname": "h", "clientid": None, "expirytime": 0}
    monkeypatch.setattr(libvirt.virNetwork, "DHCPLeases", lambda _network: [lease])
    (told,) = info("default")["networks"]
    assert told["leases"] == [
        {"mac": "", "ip": "10.0.0.9", "prefix": 24, "hostname": "h", "client_id": "", "expires": 0}
    ]
    (nic,) = told["guests"][0].pop("nics")
    assert (nic["mac"], nic["state"]) == ("aa:bb:cc:dd:ee:ff", "unknown")  # the test driver has no ports
    assert told["guests"] == [{"name": "test", "running": True, "macs": ["aa:bb:cc:dd:ee:ff"]}]
    assert told["live_spec"] == told["spec"]


@pytest.mark.parametrize("module", ["virt_network_info", "virt_network", "virt_network_audit"])
def test_a_definition_that_libvirt_itself_breaks_is_one_sentence(driver, module):
    """It writes the name of a portgroup without escaping it (9.0)."""
    driver._conn.networkDefineXML("<network><name>odd</name><portgroup name='a&amp;b'/></network>")
    options = {"virt_network": {"name": "odd"}, "virt_network_audit": {"networks": []}}.get(module, {})
    result = run_module(module, True, **options)
    assert result["failed"]
    assert result["msg"].startswith(
        "Cannot read the definition of 'odd': libvirt gives one that is not well-formed XML"
    )
