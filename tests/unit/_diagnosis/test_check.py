"""What a diagnosis looks at and reports; why a network did not start."""

from __future__ import annotations

import json

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._diagnosis.check import check
from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import ApplyError
from ansible_collections.virtfleet.network.plugins.module_utils._values.desired import Desired, Policy
from ansible_collections.virtfleet.network.plugins.module_utils._values.host_facts import HostFacts, Server, Socket
from tests.unit import nic_cases
from tests.unit.fake_libvirt.host import FakeHost
from tests.unit.jobs import converge

LAN = (
    "<network><name>lan</name><bridge name='virbr1'/><ip address='192.168.81.1' prefix='24'>"
    "<dhcp><range start='192.168.81.9' end='192.168.81.99'/></dhcp></ip></network>"
)
RESERVED = "<host mac='52:54:00:00:00:0a' ip='192.168.81.9'/>"
NAMED = Socket("udp", "0.0.0.0", "", 53, "named (process 8)")


class Looker:
    """Looks at a fake hypervisor, on which somebody has the port of DNS; keeps what it was asked."""

    def __init__(self, host, offer=True, **more):
        self.unseen, self.asked, self.offer = [], [], offer
        self._host, self._more = host, {"sockets": (NAMED,), **more}

    def facts(self, networks, bridges, addresses):
        self.asked = [sorted(networks), sorted(bridges), sorted(addresses)]
        return HostFacts(self._host.devices(), **self._more)

    def offers(self, bridge):
        self.asked.append(bridge)
        return self.offer

    def log(self, words):
        return [f"error of {' '.join(words)}"]


def office():
    """A hypervisor with a guest on a network that leases addresses."""
    host = nic_cases.host_of({"guest": {"saved": ["network lan a"], "live": ["network lan a"]}})
    host.nets.pop("lan")
    host.put("lan", LAN, "same")
    host.looker = Looker(host)
    return host


def test_what_is_needed_is_looked_at_and_no_more():
    host = office()
    found = check(host, ["lan"], [], probe=True)
    assert host.looker.asked == [["lan"], ["virbr1"], ["192.168.81.1"], "virbr1"]
    assert found["not_looked_at"] == []
    json.dumps(found)


def test_what_is_found_is_told():
    host = office()
    host.put("idle", nic_cases.IDLE)
    found = check(host, ["idle"], [], probe=False)
    (one,) = [one for one in found["findings"] if one["severity"] == "error"]
    assert (one["code"], one["network"], one["domain"], one["repair"]) == ("port_taken", "idle", "", "")
    assert one["evidence"] == "named (process 8) listens on udp port 53 at all addresses"
    assert found["healthy"] is False
    assert found["log"] == ["error of 192.168.89.1 idle virbr9"]


def test_nobody_is_asked_for_an_address_without_consent():
    host = office()
    found = check(host, ["lan"], [], probe=False)
    assert "virbr1" not in host.looker.asked
    assert found["not_looked_at"] == ["whether DHCP answers a discover: nobody asked for it with probe=true"]


@pytest.mark.parametrize("offer, code", [(True, False), (False, True), (None, False)])
def test_what_dhcp_answers(offer, code):
    host = office()
    servers = {"lan": Server(7, None)}
    heard = tuple(Socket("udp", "192.168.81.1", "", port, "dnsmasq") for port in (53, 67))
    host.looker = Looker(host, offer, servers=servers, sockets=heard)
    found = check(host, ["lan"], [], probe=True)
    assert ("dhcp_silent" in [one["code"] for one in found["findings"]]) is code


def test_where_only_reserved_addresses_are_leased_nobody_is_asked_for_one():
    host = office()
    host.put("lan", LAN.replace("<range start='192.168.81.9' end='192.168.81.99'/>", RESERVED), "same")
    found = check(host, ["lan"], [], probe=True)
    assert "virbr1" not in host.looker.asked
    assert "dhcp_silent" not in [one["code"] for one in found["findings"]]


def test_away_from_the_hypervisor_it_says_so():
    host = office()
    host.looker = None
    found = check(host, [], [], probe=True)
    assert found["not_looked_at"] == ["the hypervisor itself: this task does not run on it"]
    assert found["log"] == []


def test_a_network_that_does_not_start_is_explained():
    host = FakeHost()
    host.looker = Looker(host)
    host._devices = {}
    host.fail_at = 1
    spec = {"ips": [{"address": "192.168.81.1", "prefix": 24}]}
    with pytest.raises(ApplyError) as error:
        converge(host, [Desired("lan", spec=spec)], Policy(), False, 1)
    text = str(error.value)
    assert "named (process 8) listens on udp port 53 at all addresses (port_taken): Let it listen at" in text
    assert text.endswith("network 'lan' was removed again")


def test_a_start_that_nobody_can_explain():
    host = FakeHost()
    host.looker = Looker(host, sockets=())
    host._devices = {}
    host.fail_at = 1
    with pytest.raises(ApplyError, match=r"the test lets it fail' .*; network 'lan' was removed again"):
        converge(host, [Desired("lan", spec={"bridge": {"name": "virbr1"}})], Policy(), False, 1)
