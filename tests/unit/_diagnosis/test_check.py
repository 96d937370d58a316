"""What a diagnosis looks at and reports; why a network did not start."""

from __future__ import annotations

import json

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._diagnosis import check as _check
from ansible_collections.virtfleet.network.plugins.module_utils._diagnosis.check import check
from ansible_collections.virtfleet.network.plugins.module_utils._diagnosis.findings import Finding
from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import (
    ApplyError,
    LibvirtError,
    UnreachableError,
)
from ansible_collections.virtfleet.network.plugins.module_utils._schema.network import NetworkDefinition
from ansible_collections.virtfleet.network.plugins.module_utils._values.desired import Desired, Policy
from ansible_collections.virtfleet.network.plugins.module_utils._values.host_facts import HostFacts, Server, Socket
from ansible_collections.virtfleet.network.plugins.module_utils._values.observed import Observed
from ansible_collections.virtfleet.network.plugins.module_utils._values.probe import Evidence, Probe, Reply
from ansible_collections.virtfleet.network.plugins.module_utils._values.way import Answer, Kernel
from tests.unit import nic_cases
from tests.unit.fake_libvirt.host import FakeHost
from tests.unit.jobs import converge

LAN = (
    "<network><name>lan</name><bridge name='virbr1'/><ip address='192.168.81.1' prefix='24'>"
    "<dhcp><range start='192.168.81.9' end='192.168.81.99'/></dhcp></ip></network>"
)
RESERVED = "<host mac='52:54:00:00:00:0a' ip='192.168.81.9'/>"
NAMED = Socket("udp", "0.0.0.0", "", 53, "named (process 8)")


BRIDGE = {
    "ifname": "virbr1",
    "flags": ["UP", "LOWER_UP"],
    "mtu": 1500,
    "address": "52:54:00:00:00:01",
    "addr_info": [{"local": "192.168.81.1", "prefixlen": 24}],
}


class Looker:
    """Looks at a fake hypervisor, on which somebody has the port of DNS; keeps what it was asked."""

    def __init__(self, host, offer=True, **more):
        self.unseen, self.asked, self.offer, self.seen, self.route = [], [], offer, Kernel({"virbr1": BRIDGE}), None
        self._host, self._more = host, {"sockets": (NAMED,), **more}

    def facts(self, networks, bridges, addresses):
        self.asked = [sorted(networks), sorted(bridges), sorted(addresses)]
        return HostFacts(self._host.devices(), **self._more)

    def ask(self, probe):
        self.asked.append(probe)
        replies = [Reply("dhcp", version, self.offer) for version in probe.dhcp]
        return () if self.offer is None else tuple(replies)

    def kernel(self):
        return self.seen

    def lookups(self, asked):
        return {lookup: self.route for lookup in asked if self.route}

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
    found = check(host, ["lan"], [], ask=host.looker.ask)
    *looked_at, probe = host.looker.asked
    assert looked_at == [["lan"], ["virbr1"], ["192.168.81.1"]]
    assert probe == Probe("virbr1", ("192.168.81.1/24",), (4,), True)
    assert found["not_looked_at"] == []
    json.dumps(found)


def test_what_is_found_is_told():
    host = office()
    host.put("idle", nic_cases.IDLE)
    found = check(host, ["idle"], [])
    (one,) = [one for one in found["findings"] if one["severity"] == "error"]
    assert (one["code"], one["network"], one["domain"], one["repair"]) == ("port_taken", "idle", "", "")
    assert one["evidence"] == "named (process 8) listens on udp port 53 at all addresses"
    assert found["healthy"] is False
    assert found["log"] == ["error of 192.168.89.1 idle virbr9"]


def test_nobody_is_asked_for_an_address_without_consent():
    host = office()
    found = check(host, ["lan"], [])
    assert not [one for one in host.looker.asked if isinstance(one, Probe)]
    assert found["not_looked_at"] == ["whether DHCP answers a discover: nobody asked for it with probe=true"]


@pytest.mark.parametrize("offer, code", [(True, False), (False, True), (None, False)])
def test_what_dhcp_answers(offer, code):
    host = office()
    servers = {"lan": Server(7, None)}
    heard = tuple(Socket("udp", "192.168.81.1", "", port, "dnsmasq (process 7)") for port in (53, 67))
    host.looker = Looker(host, offer, servers=servers, sockets=heard)
    found = check(host, ["lan"], [], ask=host.looker.ask)
    assert ("dhcp_silent" in [one["code"] for one in found["findings"]]) is code


def test_dhcp_is_not_blamed_where_not_even_the_gateway_answers():
    host = office()
    heard = tuple(Socket("udp", "192.168.81.1", "", port, "dnsmasq (process 7)") for port in (53, 67))
    host.looker = Looker(host, servers={"lan": Server(7, None)}, sockets=heard)
    drop = Evidence("drop", "the kernel drops it in do_xdp_generic()", device="virbr1")
    host.looker.ask = lambda _probe: (Reply("neighbour", 4, False, evidence=(drop,)), Reply("dhcp", 4, False))
    codes = [one["code"] for one in check(host, ["lan"], [], ask=host.looker.ask)["findings"]]
    assert codes.index("no_answer") < codes.index("untraced")  # what a trace names, before what it does not
    assert "dhcp_silent" not in codes


def test_what_a_client_finds_out_is_evidence_and_explains_who_is_silent():
    host = office()
    heard = tuple(Socket("udp", "192.168.81.1", "", port, "dnsmasq (process 7)") for port in (53, 67))
    host.looker = Looker(host, servers={"lan": Server(7, None)}, sockets=heard)
    rule = Evidence("rule", "ip own in udp dport 67 drop", "ip", "own", "in", 7)
    policy = Evidence("rule", "ip own in policy drop", "ip", "own", "in")
    for evidence, undo in ((rule, "nft delete rule ip own in handle 7"), (policy, "nft 'add chain ip own in {")):
        replies = Reply("dhcp", 4, False, evidence=(evidence,)), Reply("dns", 4, None, "the gateway is silent")
        host.looker.ask = lambda _probe, replies=replies: replies
        found = check(host, ["lan"], [], ask=host.looker.ask)
        (one,) = [one for one in found["findings"] if one["severity"] == "error" and not one["domain"]]
        assert one["code"] == "no_answer"
        assert one["evidence"] == f"a client on virbr1 gets no answer to its question for dhcp (IPv4): {evidence.text}"
        assert one["remedy"].startswith(undo)
    assert "whether dns of IPv4 answers a client on virbr1: the gateway is silent" in found["not_looked_at"]
    (way,) = [way for way in found["way"] if (way["question"], way["domain"]) == ("dhcp", "")]
    assert way["ends"] == "client"


OWN, OTHER = "02:00:00:00:00:01", "02:00:00:00:00:02"
STOP = f"stop that server, or give the NIC of {OTHER} a filter like clean-guest (role nwfilters)"
RIVALS = {
    "a device": ("owner", OWN, "address_duplicate", "sysctl -w net.ipv4.conf.eth9.arp_ignore=1"),
    "a machine": ("owner", OTHER, "address_duplicate", f"give {OTHER} another address than the gateway's"),
    "a DHCP server": ("lessor", OTHER, "rival_server", STOP),
}


@pytest.mark.parametrize("question,mac,code,undo", RIVALS.values(), ids=[*RIVALS])
def test_who_else_does_what_the_gateway_does_is_named(question, mac, code, undo):
    host = office()
    host.looker.seen = Kernel({"virbr1": BRIDGE, "eth9": {**BRIDGE, "ifname": "eth9", "address": OWN}})
    replies = (Reply(question, 4, False, evidence=(Evidence("claim", f"{mac} does it", device="vnet7", mac=mac),)),)
    found = check(host, ["lan"], [], ask=lambda _probe: replies)["findings"]
    (one,) = [one for one in found if one["code"] == code]
    where = "the hypervisor's own eth9" if mac == OWN else "behind port vnet7"
    assert one["evidence"] == f"{mac} does it, too, as virbr1 does: it is {where}"
    assert one["remedy"] == undo


def test_a_policy_that_only_a_client_finds_is_opened_for_the_network_alone():
    host = office()
    place = {"family": "inet", "table": "own"}
    hook = {"type": "filter", "hook": "input", "prio": 0, "policy": "drop"}
    doubt = [{"xt": {"type": "match", "name": "string"}}, {"accept": None}]
    rules = [{"chain": {**place, "name": "in", **hook}}, {"rule": {**place, "chain": "in", "handle": 2, "expr": doubt}}]
    heard = tuple(Socket("udp", "192.168.81.1", "", port, "dnsmasq (process 7)") for port in (53, 67))
    host.looker = Looker(host, servers={"lan": Server(7, None)}, sockets=heard)
    host.looker.seen = Kernel({"virbr1": BRIDGE}, firewall={"nft -j": json.dumps({"nftables": rules})})
    policy = Evidence("rule", "inet own in policy drop", *place.values(), "in")
    host.looker.ask = lambda _probe: (Reply("dhcp", 4, False, evidence=(policy,)),)
    (one,) = [one for one in check(host, ["lan"], [], ask=host.looker.ask)["findings"] if one["code"] == "no_answer"]
    assert one["remedy"] == (
        "nft insert rule inet own in iifname virbr1 udp dport '{ 53,67 }' accept && "
        "nft insert rule inet own in iifname virbr1 tcp dport 53 accept"
    )


def test_where_only_reserved_addresses_are_leased_nobody_is_asked_for_one():
    host = office()
    host.put("lan", LAN.replace("<range start='192.168.81.9' end='192.168.81.99'/>", RESERVED), "same")
    found = check(host, ["lan"], [], ask=host.looker.ask)
    assert [one.dhcp for one in host.looker.asked if isinstance(one, Probe)] == [()]
    assert "dhcp_silent" not in [one["code"] for one in found["findings"]]


def test_a_network_whose_definition_libvirt_breaks_is_found_and_the_others_are_looked_at(monkeypatch):
    host = office()
    broken = NetworkDefinition("<network><name>odd</name><portgroup name='a'b'/></network>")
    networks = [*host.networks(), Observed("odd", broken, autostart=True, persistent=True)]
    monkeypatch.setattr(host, "networks", lambda: networks)
    for names in ([], ["odd"], ["odd", "lan"]):
        (one, *others) = check(host, names, [])["findings"]
        assert (one["code"], one["network"], one["severity"]) == ("definition_broken", "odd", "error")
        assert bool(others) is (names != ["odd"])
    assert "definition_broken" not in {one["code"] for one in check(host, ["lan"], [])["findings"]}


def test_no_client_can_be_plugged_in():
    def refuse(_probe):
        raise OSError("Operation not permitted")

    found = check(office(), ["lan"], [], ask=refuse)
    reason = "what virbr1 answers: no client can be plugged into it: Operation not permitted"
    assert found["not_looked_at"] == [reason]


def test_away_from_the_hypervisor_it_says_so():
    host = office()
    asked, host.looker = host.looker.ask, None
    found = check(host, [], [], ask=asked)
    assert found["not_looked_at"] == ["the hypervisor itself: this task does not run on it"]
    assert found["log"] == []


def test_ways_are_walked_and_what_they_explain_is_not_said_beside():
    host = office()
    policies = [{"priority": 1, "src": "all", "action": "prohibit"}]
    host.looker = Looker(host, sockets=(), servers={}, answers={"192.168.81.1": False})
    host.looker.seen = Kernel({"virbr1": BRIDGE}, {4: policies, 6: []})
    host.looker.route = Answer(error="No route to host")
    found = check(host, ["lan"], [])
    (one,) = [one for one in found["findings"] if one["severity"] == "error" and not one["domain"]]
    assert one["code"] == "route_dropped"
    assert one["remedy"] == "ip rule del from all prohibit priority 1"
    assert {way["question"]: way["ends"] for way in found["way"] if not way["domain"]} == {
        "dhcp": "",
        "dns": "route",
        "gateway": "route",
        "guest": "",
    }
    json.dumps(found)


def test_a_libvirt_that_does_not_answer_is_a_finding():
    host = office()
    host.down, host.remedy = "libvirtd: nobody listens", "systemctl start libvirtd"
    found = check(host, [], [])["findings"][0]
    assert (found["code"], found["evidence"], found["remedy"]) == ("libvirt_down", host.down, host.remedy)


@pytest.mark.parametrize("own,told", [("", "systemctl restart virtnetworkd"), ("iptables -D", "iptables -D")])
def test_the_daemon_to_restart_is_named_where_nothing_else_mends_it(monkeypatch, own, told):
    host = office()
    host.looker = Looker(host, daemon="virtnetworkd")
    monkeypatch.setattr(_check, "_together", lambda *_: [Finding("not_translated", "lan", "seen", remedy=own)])
    assert [one["remedy"] for one in check(host, ["lan"], [])["findings"]] == [told]


def test_leases_that_libvirt_cannot_read_are_said_and_a_libvirt_that_is_gone_is_not(monkeypatch):
    host = office()

    def refuse(_name):
        raise errors.pop()

    monkeypatch.setattr(host, "leases", refuse, raising=False)
    errors = [LibvirtError("Cannot read the leases of network 'lan'", "invalid json", 1)]
    said = check(host, ["lan"], [])["not_looked_at"]
    assert [text for text in said if "the leases of network 'lan'" in text and "invalid json" in text]
    errors = [UnreachableError("libvirt has not answered")]
    with pytest.raises(UnreachableError):
        check(host, ["lan"], [])


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
