"""The ways of packets: where each thing that can be broken ends them, what is found there, and nothing else."""

from __future__ import annotations

import json

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._diagnosis import way as _way
from ansible_collections.virtfleet.network.plugins.module_utils._diagnosis.diagnosis import diagnose, plugged_nics
from ansible_collections.virtfleet.network.plugins.module_utils._diagnosis.findings import KINDS, describe
from ansible_collections.virtfleet.network.plugins.module_utils._diagnosis.walkers import trips as trips_of
from ansible_collections.virtfleet.network.plugins.module_utils._diagnosis.way_state import reported
from ansible_collections.virtfleet.network.plugins.module_utils._values.way import Kernel
from ansible_collections.virtfleet.network.plugins.module_utils._xml.definition import Definition
from tests.unit import kernels, scenes
from tests.unit.obstacles import BREAKS
from tests.unit.rule_obstacles import RULES

ROUTED = ("route_dropped", "neighbours_full")  # these are no rules of a firewall
MAC, OTHER = scenes.MAC, "52:54:00:00:01:02"


def walked(kernel: Kernel | None, scene=None, names=("lan", "out")):
    """The ways, and what is found on them."""
    scene = scene or scenes.healthy()
    trips = trips_of(scene, kernel, names, plugged_nics(scene))
    findings = diagnose(scene, [], [])
    ways = [_way.walk(trip, findings) for trip in trips]
    return ways, _way.found_on(ways, findings)


def hops(ways, domain, question, version=4):
    """The hops of a guest's way for a question, by their place."""
    (way,) = (one for one in ways if (one.domain, one.question[:2]) == (domain, (question, version)))
    return {hop.place: hop for hop in way.hops}


def test_all_is_well():
    ways, found = walked(kernels.healthy())
    assert found == set()
    assert {hop.verdict for hop in hops(ways, "web", "outside").values()} == {"passes"}
    assert [way.question.name for way in ways if way.domain == "web"] == ["dhcp", "dns", "gateway", "outside"]
    outside = hops(ways, "web", "outside")
    assert outside["route"].evidence == "to 185.199.108.153 through br0 via 192.0.2.1"
    assert outside["neighbour"].evidence == f"192.168.50.100 is {MAC} (REACHABLE)"


@pytest.mark.parametrize("what", BREAKS)
def test_what_is_broken_ends_the_way(what):
    breaks, code, remedy = BREAKS[what]
    _ways, found = walked(breaks(kernels.healthy()))
    assert {one.code for one in found} == {code}
    assert {describe(one)["remedy"] for one in found} == {KINDS[code].remedy if remedy == "*" else remedy}
    assert len(found) == 1


def test_what_holds_for_any_guest_is_said_of_the_network():
    for what, domain in (("a rule drops", ""), ("the port is locked", "web")):
        _ways, (found,) = walked(BREAKS[what][0](kernels.healthy()))
        assert (found.network, found.domain, found.mac) == ("lan", domain, MAC if domain else "")


def test_a_cause_that_is_known_ends_the_way_and_is_not_found_again():
    scene = scenes.settings(scenes.healthy(), net__ipv4__conf__all__forwarding="0")
    ways, found = walked(kernels.healthy(), scene)
    assert found == set()
    outside = hops(ways, "web", "outside")
    assert (outside["forwarding"].verdict, outside["forwarding"].code) == ("ends", "forwarding_off")
    assert (outside["route"].verdict, outside["route"].evidence) == ("unknown", "it depends on the forwarding")
    assert hops(ways, "web", "dns")["route"].verdict == "passes"


@pytest.mark.parametrize("what", [name for name, (_break, code, _how) in RULES.items() if code not in ROUTED])
def test_what_ends_the_way_before_hides_no_rule(what):
    """A route that drops, a kernel that does not forward, a bridge that is down."""
    breaks, code, remedy = RULES[what]
    healthy = scenes.healthy()
    down = healthy._replace(host=healthy.host._replace(down=frozenset({"virbr5"})))
    for kernel, scene in (
        (BREAKS["a rule drops"][0](kernels.healthy()), healthy),
        (kernels.healthy(), scenes.settings(healthy, net__ipv4__conf__all__forwarding="0")),
        (kernels.healthy(), down),
    ):
        _ways, found = walked(breaks(kernel), scene)
        wanted = KINDS[code].remedy if remedy == "*" else remedy
        assert (code, wanted) in {(one.code, describe(one)["remedy"]) for one in found}


def test_rules_that_are_missing_are_why_a_policy_drops():
    rules = kernels.ruled("-A FORWARD -j LIBVIRT_FWO\n", "")(kernels.healthy())
    assert {one.code for one in walked(rules)[1]} == {"firewall_drops"}
    ways, found = walked(rules, scenes.without_rules(scenes.healthy(), "LIBVIRT_FWO"))
    assert found == set()
    assert hops(ways, "web", "outside")["forward"].code == "firewall_rules_missing"


def test_all_rules_that_drop_at_one_hook_are_named_at_once():
    more = "-A FORWARD -i virbr5 -j DROP\n-A FORWARD -s 192.168.50.0/24 -j DROP\n-A INPUT -p udp --dport 53 -j DROP\n"
    rules = (
        kernels.ruled(":INPUT ACCEPT [0:0]", ":INPUT DROP [0:0]"),
        kernels.ruled("-A FORWARD -j LIBVIRT_FWX", f"{more}-A FORWARD -j LIBVIRT_FWX"),
    )
    _ways, found = walked(kernels.both(*rules)(kernels.healthy()), names=["lan"])
    filters = "iptables -t filter"
    assert {one.remedy.partition(" && ")[0] for one in found if one.code == "firewall_drops"} == {
        f"{filters} -D FORWARD -i virbr5 -j DROP",
        f"{filters} -D FORWARD -s 192.168.50.0/24 -j DROP",
        f"{filters} -D INPUT -p udp --dport 53 -j DROP",
        f"{filters} -I INPUT -i virbr5 -p udp -m multiport --dports 53,67 -j ACCEPT",
    }


def test_what_may_not_be_read_is_said_and_not_judged():
    blind = kernels.healthy()._replace(firewall=None, answers={}, neighbours=())
    ways, found = walked(blind)
    assert found == set()
    outside = hops(ways, "web", "outside")
    assert [place for place, hop in outside.items() if hop.verdict == "unknown"] == [
        *("route", "forward", "translation", "uplink", "route back", "forward back", "neighbour")
    ]
    assert walked(None) == ([], set())


def test_a_port_that_stp_has_only_begun_to_open_is_no_finding():
    ways, found = walked(kernels.ported("vnet0", state="learning")(kernels.healthy()))
    assert found == set()
    assert hops(ways, "web", "dhcp")["port"].verdict == "unknown"


def test_shaped_taps_and_a_bridge_on_a_vlan_are_no_findings():
    police = {"kind": "police", "control_action": {"type": "drop"}, "rate": 125000}
    vlan = kernels.port("eth0.7", "br0")
    vlan["linkinfo"].update(info_kind="vlan", info_data={"protocol": "802.1Q", "id": 7})
    healthy = kernels.both(
        kernels.queue(dev="vnet0", kind="htb", drops=9, packets=70),
        kernels.filtered(
            kind="u32", protocol="all", options={"match": {"value": "0", "mask": "0"}, "actions": [police]}
        ),
        lambda kernel: kernel._replace(links={**kernel.links, "eth0.7": vlan}),
    )
    assert walked(healthy(kernels.healthy()))[1] == set()


def test_what_a_program_of_xdp_does_is_not_known():
    ways, found = walked(kernels.device("vnet0", xdp={"mode": 2, "prog": {"id": 7}})(kernels.healthy()))
    assert found == set()
    tap = hops(ways, "web", "dhcp")["tap"]
    assert tap.verdict == "unknown"
    assert tap.evidence.startswith("the XDP program 7 decides on what comes in by vnet0")


def neighbours_of(kernel: Kernel) -> Kernel:
    """The kernel with a tap for a second guest."""
    return kernel._replace(links={**kernel.links, "vnet1": kernels.port("vnet1", "virbr5")})


def two_guests():
    """The scene with a second guest on the network."""
    scene = scenes.healthy()
    (one,) = scene.guests
    text = one.live.text.replace("<name>web", "<name>db").replace(MAC, OTHER).replace("vnet0", "vnet1")
    other = one._replace(name="db", uuid="2", **dict.fromkeys(("saved", "live", "declared"), Definition(text)))
    scene = scenes.devices(
        scene,
        virbr5=scene.host.devices["virbr5"]._replace(ports={"vnet0": True, "vnet1": True}),
        vnet1=scene.host.devices["vnet0"],
    )
    return scene._replace(guests=(one, other), addresses={**scene.addresses, OTHER: ("192.168.50.101",)})


def test_two_guests_reach_each_other_unless_their_ports_are_isolated():
    kernel = neighbours_of(kernels.healthy())
    ways, found = walked(kernel, two_guests())
    assert found == set()
    assert [*hops(ways, "web", "guest")] == ["tap", "port", "bridge", "size", "frames", "other port"]
    apart = kernels.both(kernels.ported("vnet0", isolated=True), kernels.ported("vnet1", isolated=True))
    young = kernels.both(*(kernels.ported(tap, isolated=True, state="learning") for tap in ("vnet0", "vnet1")))
    for breaks in (apart, young):  # STP, which opens a port in some seconds, hides nothing
        ways, found = walked(breaks(kernel), two_guests())
        assert {(one.code, one.domain) for one in found} == {("port_isolated", "web"), ("port_isolated", "db")}
    asked = scenes.guest(two_guests(), '<alias name="net0"/>', '<alias name="net0"/><port isolated="yes"/>')
    assert "web" not in {one.domain for one in walked(apart(kernel), asked)[1]}


def test_frames_between_guests_go_through_the_firewall_of_bridges():
    listed = """{"nftables": [{"table": {"family": "bridge", "name": "own", "handle": 1}},
    {"chain": {"family": "bridge", "table": "own", "name": "f", "handle": 1, "type": "filter", "hook": "forward",
    "prio": 0, "policy": "drop"}}]}"""
    kernel = neighbours_of(kernels.healthy())
    _ways, (found,) = walked(kernel._replace(firewall={**kernel.firewall, "nft -j": listed}), two_guests(), ["lan"])
    assert (found.code, found.remedy) == ("firewall_drops", "nft 'add chain bridge own f { policy accept; }'")


def test_a_fixed_neighbour_that_nobody_is_belongs_to_the_guest_without_an_address():
    scene = scenes.healthy()._replace(addresses={})
    kernel = BREAKS["the guest's neighbour entry is wrong"][0](kernels.healthy())
    assert "neighbour_wrong" in {one.code for one in walked(kernel, scene)[1]}


def test_guests_on_a_bridge_of_the_hypervisor():
    text = Definition(scenes.GUEST.replace('"lan" bridge="virbr5"', '"out" bridge="br0"'))
    scene = scenes.healthy()._replace(guests=(scenes.healthy().guests[0]._replace(live=text),))
    scene = scenes.devices(scene, br0=scene.host.devices["br0"]._replace(ports={"eth0": True, "vnet0": True}))
    kernel = kernels.healthy()
    kernel = kernel._replace(links={**kernel.links, "vnet0": kernels.port("vnet0", "br0")})
    ways, found = walked(kernel, scene, ["out"])
    assert found == set()
    assert [*hops(ways, "web", "wire")] == ["tap", "port", "bridge", "size", "frames", "uplink"]
    for breaks, code in (
        (kernels.ported("eth0", state="disabled"), "port_blocked"),
        (kernels.device("eth0", flags=["BROADCAST"]), "port_blocked"),
        (kernels.device("eth0", mtu=1400), "mtu_small"),
        (kernels.both(kernels.ported("eth0", isolated=True), kernels.device("eth0", flags=[])), "port_blocked"),
    ):
        assert {one.code for one in walked(breaks(kernel), scene, ["out"])[1]} == {code}


def test_ways_that_users_get_are_those_that_say_something():
    ways, _found = walked(kernels.healthy())
    assert {way.domain for way in _way.telling(ways, [])} == {""}
    assert {way.domain for way in _way.telling(ways, ["web"])} == {"", "web"}
    ways, _found = walked(BREAKS["the port is locked"][0](kernels.healthy()))
    assert {way.domain for way in _way.telling(ways, [])} == {"", "web"}
    assert {way.domain for way in _way.telling(walked(BREAKS["a rule drops"][0](kernels.healthy()))[0], [])} == {""}
    first = reported(ways[0])
    assert (first["question"], first["ends"], first["hops"][0]["place"]) == ("dhcp", "", "bridge")


def test_the_kernel_is_asked_both_ways_and_for_what_comes_back():
    scene = scenes.healthy()
    trips = trips_of(scene, kernels.healthy()._replace(answers={}), ["lan"], plugged_nics(scene))
    asked = {*_way.lookups(trips)}
    assert _way.replies(trips) == []
    answers = kernels.healthy().answers
    assert asked | {*_way.replies(_way.answered(trips, answers))} == {one for one in answers if one.version == 4} | {
        one for one in asked if one.version == 6
    }


def test_a_route_that_leads_where_the_network_does_not_forward_to_is_no_lost_rule():
    """libvirt's rules are all there, and a restart of its daemon would not help."""
    scene = scenes.both(scenes.healthy(), '"nat"/>', '"nat" dev="eth1"><interface dev="eth1"/></forward>')
    kernel = kernels.healthy()
    rules = {
        name: text.replace("-i virbr5 -j ACCEPT", "-i virbr5 -o eth1 -j ACCEPT")
        for name, text in kernel.firewall.items()
    }
    _ways, found = walked(kernel._replace(firewall=rules), scene, ("lan",))
    evidence = "the route to the outside leads through br0, the network forwards to eth1 only"
    assert {(one.code, one.evidence) for one in found if one.code != "uplink_missing"} == {
        ("route_elsewhere", evidence)
    }


def test_a_network_of_small_frames_is_as_it_was_asked_for():
    """libvirt gives the taps of its guests that size, too."""
    scene = scenes.both(scenes.healthy(), '<ip address="192.168.50.1"', '<mtu size="1400"/><ip address="192.168.50.1"')
    small = kernels.both(kernels.device("virbr5", mtu=1400), kernels.device("vnet0", mtu=1400))
    assert walked(small(kernels.healthy()), scene, ("lan",))[1] == set()
    assert {one.code for one in walked(small(kernels.healthy()), names=("lan",))[1]} == {"mtu_small"}


MANGLED = [
    ("ip", "prerouting", {"protocol": "ip", "field": "daddr"}, "192.0.2.99", "firewall_redirects"),
    ("ip", "prerouting", {"protocol": "udp", "field": "dport"}, 9, "firewall_redirects"),
    ("bridge", "prerouting", {"protocol": "ether", "field": "daddr"}, "02:00:00:00:00:07", "firewall_redirects"),
    ("ip", "forward", {"protocol": "ip", "field": "saddr"}, "203.0.113.9", "translated_wrongly"),
    ("ip", "forward", {"protocol": "ip", "field": "dscp"}, "cs1", ""),
]


@pytest.mark.parametrize("family, hook, field, value, code", MANGLED)
def test_a_rule_that_changes_whom_a_packet_is_for_or_from_is_found(family, hook, field, value, code):
    kernel, place = kernels.healthy(), {"family": family, "table": "own", "chain": "own", "handle": 2}
    rule = {**place, "expr": [{"mangle": {"key": {"payload": field}, "value": value}}]}
    chain = {**place, "name": "own", "type": "filter", "hook": hook, "prio": 0, "policy": "accept"}
    listed = json.dumps({"nftables": [{"chain": chain}, {"rule": rule}]})
    _ways, found = walked(kernel._replace(firewall={**(kernel.firewall or {}), "nft -j": listed}), names=["lan"])
    assert {one.code for one in found} == ({code} if code else set())
    assert {one.remedy for one in found} <= {f"nft delete rule {family} own own handle 2"}
