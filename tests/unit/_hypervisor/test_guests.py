"""The gateway's part about guests: on libvirt's test driver, and with a domain that answers as QEMU's does."""

from __future__ import annotations

import libvirt
import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import (
    LibvirtError,
    LockedError,
    UnplugError,
)
from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor import guests as _guests
from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor.gateway import Lease
from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor.guests import Address, Guests, Known
from ansible_collections.virtfleet.network.plugins.module_utils._values.nic_steps import Attach, Change, Detach
from ansible_collections.virtfleet.network.plugins.module_utils._values.observed import ObservedGuest
from ansible_collections.virtfleet.network.plugins.module_utils._xml.definition import ABSENT, Definition

MAC = "52:54:00:00:00:0a"
NIC = Definition(f"<interface type='network'><mac address='{MAC}'/><source network='default'/></interface>")


@pytest.fixture
def gateway():
    made = Guests("test:///default", readonly=False)
    yield made
    made.close()


class Domain:
    """A running domain, with libvirt's names; ``gone_after`` looks, its NIC net0 is gone."""

    def __init__(self, gone_after=0):
        self.calls, self.looks, self.gone_after = [], 0, gone_after

    def __getattr__(self, name):
        return lambda *given: self.calls.append((name, *given))

    def lookupByName(self, _name):
        return self

    def name(self):
        return "web"

    def UUIDString(self):
        return "u"

    def isActive(self):
        return 1

    def isPersistent(self):
        return 1

    def XMLDesc(self, flags=0):
        if flags == libvirt.VIR_DOMAIN_XML_MIGRATABLE:
            raise libvirt.libvirtError("read only")
        self.looks += not flags
        alias = "<interface><alias name='net0'/></interface>" if self.looks <= self.gone_after else ""
        number = "" if flags else " id='1'"
        return f"<domain{number}><devices>{alias}</devices></domain>"

    def interfaceAddresses(self, source):
        if source == libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT:
            raise libvirt.libvirtError("no agent")
        found = {"addr": "192.168.81.7", "prefix": 24, "type": 0}
        return {"vnet0": {"hwaddr": MAC.upper(), "addrs": [found]}, "lo": {"hwaddr": None, "addrs": None}}

    def interfaceStats(self, tap):
        if tap != "vnet0":
            raise libvirt.libvirtError("no such device")
        return (1, 2, 3, 4, 5, 6, 7, -1)


@pytest.fixture
def domain(monkeypatch):
    monkeypatch.setattr(_guests, "POLL", 0)
    return Domain()


def with_domain(gateway, monkeypatch, domain):
    monkeypatch.setattr(gateway, "_conn", domain)
    domain.close = lambda: None
    return gateway


def test_a_guest_that_stops_while_it_is_observed_does_not_run(gateway, monkeypatch):
    assert gateway.observe_guest("test").live
    read = libvirt.virDomain.XMLDesc

    def stopped(domain, flags=0):
        if domain.isActive():
            domain.destroy()
        return read(domain, flags)

    with monkeypatch.context() as patched:
        patched.setattr(libvirt.virDomain, "XMLDesc", stopped)
        seen = gateway.observe_guest("test")
    gateway._conn.lookupByName("test").create()  # libvirt shares it among a process's connections
    assert (bool(seen.saved), seen.live) == (True, ABSENT)


def test_guests_are_observed(gateway):
    assert gateway.observe_guest("far") == ObservedGuest("far")
    assert not gateway.observe_guest("far").exists
    (guest,) = gateway.all_guests()
    assert guest == gateway.observe_guest("test")
    assert (guest.name, guest.exists) == ("test", True)
    assert "<domain" in guest.saved.text
    assert "<domain" in guest.live.text


def test_lock_of_a_guest_is_none_of_a_network(gateway):
    with (
        gateway.lock([("network", "test"), ("guest", "test")], 0),
        pytest.raises(LockedError, match="Cannot change guest 'test'"),
    ):
        gateway.lock([("guest", "test")], 0).__enter__()


def test_refusals_say_of_which_guest(gateway):
    for step in (Attach("test", (), NIC, "live"), Change("far", (), NIC, "saved")):
        with pytest.raises(LibvirtError, match=f"a NIC .* guest '{step.guest}': libvirt says"):
            gateway.apply_nic(step)


def test_steps_are_calls(gateway, monkeypatch, domain):
    with_domain(gateway, monkeypatch, domain)
    steps = [Attach("web", (), NIC, "live"), Change("web", (), NIC, "saved"), Detach("web", (), NIC, "saved")]
    for step in steps:
        gateway.apply_nic(step)
    names = ("attachDeviceFlags", "updateDeviceFlags", "detachDeviceFlags")
    assert domain.calls == [(name, NIC.text, flags) for name, flags in zip(names, (1, 2, 2))]


def test_unplugging_waits_until_the_guest_lets_go(gateway, monkeypatch, domain):
    domain.gone_after = 3
    with_domain(gateway, monkeypatch, domain).apply_nic(Detach("web", (), NIC, "live", "net0", 5))
    assert domain.looks == 4


def test_unplugging_does_not_wait_for_libvirt(gateway, monkeypatch, domain):
    with_domain(gateway, monkeypatch, domain).apply_nic(Detach("web", (), NIC, "live", "net0", 5))
    assert domain.calls == [("detachDeviceAlias", "net0", libvirt.VIR_DOMAIN_AFFECT_LIVE)]


@pytest.mark.parametrize("gone_after", [0, 3])
def test_unplugging_that_an_earlier_task_has_asked_for(gateway, monkeypatch, domain, gone_after):
    def refused(_alias, _flags):
        raise libvirt.libvirtError("Device net0 is already in the process of unplug" if gone_after else "no device")

    domain.gone_after, domain.detachDeviceAlias = gone_after, refused
    with_domain(gateway, monkeypatch, domain).apply_nic(Detach("web", (), NIC, "live", "net0", 5))
    assert domain.looks == gone_after + (1 if gone_after else 2)


def test_unplugging_that_is_refused(gateway, monkeypatch, domain):
    def refused(_alias, _flags):
        raise libvirt.libvirtError("no")

    domain.gone_after, domain.detachDeviceAlias = 9, refused
    with pytest.raises(LibvirtError, match="Cannot detach a NIC from guest 'web'"):
        with_domain(gateway, monkeypatch, domain).apply_nic(Detach("web", (), NIC, "live", "net0", 5))


def test_guest_that_does_not_let_go(gateway, monkeypatch, domain):
    domain.gone_after = 10**6
    with pytest.raises(UnplugError, match="the guest did not let go of it within 0 seconds"):
        with_domain(gateway, monkeypatch, domain).apply_nic(Detach("web", (), NIC, "live", "net0", 0))


def test_addresses_and_counters(gateway, monkeypatch, domain):
    with_domain(gateway, monkeypatch, domain)
    found = [Address("192.168.81.7", 24, source) for source in ("lease", "arp")]
    assert gateway.addresses("web", agent=True)[MAC] == found
    assert gateway.counters("web", "vnet0")["rx_bytes"] == 1
    assert "tx_drops" not in gateway.counters("web", "vnet0")
    assert gateway.counters("web", "vnet9") == {}


def test_waiting_for_an_address(gateway, monkeypatch, domain):
    with_domain(gateway, monkeypatch, domain)
    leases = [Lease(MAC, "192.168.81.9", 24, "", "", 100)]
    monkeypatch.setattr(gateway, "leases", lambda name: leases if name == "lan" else [])
    known = gateway.known_addresses("web", ["lan"])
    assert known == {Known(MAC, "192.168.81.9", 100), Known(MAC, "192.168.81.7", 0)}
    found, _seconds = gateway.wait_for_address("web", MAC, "lan", 0, ())
    assert found == Address("192.168.81.9", 24, "lease")
    assert gateway.wait_for_address("web", MAC, "lan", 0, known) is None
    leases[0] = leases[0]._replace(expires=200)
    found, _seconds = gateway.wait_for_address("web", MAC, "lan", 5, known)
    assert found.address == "192.168.81.9"
    found, _seconds = gateway.wait_for_address("web", MAC, "", 5, ())
    assert found == Address("192.168.81.7", 24, "arp")
