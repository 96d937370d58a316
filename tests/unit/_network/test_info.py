"""What virt_network_info reports, where the test driver cannot show it."""

from __future__ import annotations

from ansible_collections.virtfleet.network.plugins.module_utils._network.info import networks, summary
from ansible_collections.virtfleet.network.plugins.module_utils._values.observed import Observed
from tests.unit.case_files import MAC, host_of


class Host:
    """The fake with what only the gateway returns."""

    def __init__(self, case):
        self._host = host_of(case)

    def __getattr__(self, name):
        return getattr(self._host, name)

    def guests(self):
        return {name: users for name, users in self._host.users.items() if users}

    def leases(self, _name):
        return []


def told(**observed):
    return networks(Host({"observed": observed}), [])[0]


def test_what_waits_for_the_next_start_is_pending():
    assert told(saved="lan_with_more_saved", live="lan", guests=["vm1"])["pending"] == [
        {"path": "domain.name", "live": None, "saved": "lan.example"},
        {"path": "dns.txts[t]", "live": {"name": "t", "value": "1"}, "saved": {"name": "t", "value": "2"}},
        {
            "path": "ips[192.168.50.0/24].dhcp.hosts[52:54:00:00:00:0c]",
            "live": None,
            "saved": {"mac": "52:54:00:00:00:0c", "name": "c", "ip": "192.168.50.12"},
        },
    ]


def test_devices_of_a_pf_wait_for_nothing():
    pooled = told(saved="pooled", live="same")
    assert pooled["pending"] == []
    assert "eth20v0" in pooled["live_xml"]
    assert "interfaces" not in pooled["live_spec"]["forward"]


def test_connections_wait_for_nothing():
    assert told(saved="direct", live="direct_in_use", guests=["vm1"])["pending"] == []


def test_guests_are_told_running_or_not():
    assert told(saved="lan", guests=["vm1", {"down": "vm2"}])["guests"] == [
        {
            "name": "vm1",
            "running": True,
            "macs": (MAC,),
            "nics": [{"mac": MAC, "alias": "net0", "device": "", "state": "connected", "why": ""}],
        },
        {"name": "vm2", "running": False, "macs": (MAC,), "nics": []},
    ]


def test_a_network_that_is_not_there_has_an_empty_spec():
    assert summary(Observed("n"))["spec"] == {}
    assert summary(Observed("n"))["state"] == "absent"
