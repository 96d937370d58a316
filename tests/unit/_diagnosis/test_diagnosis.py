"""What a diagnosis finds: each thing that can be broken, alone and in pairs, and nothing else."""

from __future__ import annotations

import itertools

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._diagnosis.diagnosis import diagnose, names_of
from ansible_collections.virtfleet.network.plugins.module_utils._diagnosis.findings import (
    KINDS,
    Finding,
    ranked,
    sentence,
)
from ansible_collections.virtfleet.network.plugins.module_utils._values.host_facts import Rule, Socket
from ansible_collections.virtfleet.network.plugins.module_utils._values.observed import ObservedGuest
from ansible_collections.virtfleet.network.plugins.module_utils._values.parking import parking_of
from ansible_collections.virtfleet.network.plugins.module_utils._xml.definition import ABSENT, Definition
from tests.unit import obstacles, scenes
from tests.unit.breakages import BREAKS, HINDRANCES
from tests.unit.scenes import MAC, healthy, observed

# in test_way, since it takes two guests, and in test_check, since it is not about a scene
TRIED_ELSEWHERE = (
    "port_isolated",
    "libvirt_down",
    "no_answer",
    "untraced",
    "rival_server",
    "offer_wrong",
    "definition_broken",
)
ABOUT_A_GUEST = ("guest_missing", "guest_stopped", "guest_without_nic")


def codes(scene, networks=(), domains=()):
    return [finding.code for finding in diagnose(scene, networks, domains)]


def test_all_is_well():
    assert codes(healthy()) == []
    assert codes(healthy(), ["lan"]) == codes(healthy(), domains=["web"]) == []


@pytest.mark.parametrize("what", BREAKS)
def test_what_is_broken_is_found(what):
    breaks, expected = BREAKS[what]
    assert codes(breaks(healthy())) == [*expected]


@pytest.mark.parametrize("what", HINDRANCES)
def test_what_hinders_a_start_is_found(what):
    breaks, expected = HINDRANCES[what]
    found = diagnose(breaks(scenes.stopped(healthy())), ["lan"], [])
    assert [finding.code for finding in found] == [*expected]
    assert found[0].network == "lan"


@pytest.mark.parametrize("one, other", [*itertools.combinations(BREAKS, 2)])
def test_of_two_that_are_broken_the_first_is_found_first_and_nothing_else(one, other):
    (first, expected), (second, more) = BREAKS[one], BREAKS[other]
    found = codes(second(first(healthy())))
    both = ranked({Finding(code, "", "") for code in (*expected, *more)})
    # One may undo the other, as when an address is taken from a bridge that is gone.
    if {*codes(first(second(healthy())))} == {*found}:
        assert found[0] == both[0].code
    assert {*found} <= {finding.code for finding in both}
    assert found


def test_every_code_is_tried():
    tried = {code for cases in (BREAKS, HINDRANCES) for _breaks, expected in cases.values() for code in expected}
    walked = {code for _breaks, code, _remedy in obstacles.BREAKS.values()}
    assert tried | walked | {*ABOUT_A_GUEST, *TRIED_ELSEWHERE} == {*KINDS}


def test_guests_that_are_named():
    scene = healthy()
    assert codes(scene, domains=["nobody"]) == ["guest_missing"]
    (guest,) = scene.guests
    assert codes(scene._replace(guests=(guest._replace(live=ABSENT),)), domains=["web"]) == ["guest_stopped"]
    bare = ObservedGuest("web", "1", *[Definition("<domain><devices/></domain>")] * 3)
    assert codes(scene._replace(guests=(bare,)), domains=["web"]) == ["guest_without_nic"]


def test_only_what_is_named_is_looked_at():
    scene = scenes.down(scenes.network(healthy(), autostart=False), "br0")
    assert codes(scene, ["out"]) == ["host_bridge_down"]
    assert codes(scene, ["lan"]) == codes(scene, domains=["web"]) == ["autostart_off"]
    assert codes(scene, ["nowhere"]) == ["network_missing"]
    assert names_of(scene, [], ["web"]) == ["lan"]


def test_the_network_where_nics_wait_is_not_one_to_be_judged():
    scene, parking = healthy(), parking_of("lan")
    networks = {**scene.networks, parking.network: observed(parking.network, "<network/>")}
    assert codes(scene._replace(networks=networks)) == []


def test_away_from_the_hypervisor_only_libvirt_is_asked():
    broken = BREAKS["the bridge is gone"][0](scenes.network(healthy(), autostart=False))
    assert codes(broken._replace(host=None)) == ["autostart_off"]


def test_what_could_not_be_read_is_not_judged():
    blind = scenes.host(healthy(), rules=None, servers={}, settings={}, answers={}, offers={})
    assert codes(blind) == []


def test_rules_of_nftables():
    chains = ("guest_output", "guest_input", "guest_cross")
    jumps = [
        Rule(version, "forward", f"counter packets 0 bytes 0 jump {chain}") for version in (4, 6) for chain in chains
    ]
    rules = [Rule(version, chain, 'oif "virbr5" counter reject') for version in (4, 6) for chain in chains]
    net = scenes.NET
    nat = [
        Rule(4, "guest_nat", f"{what}ip saddr {net} ip daddr != {net} masquerade")
        for what in ("meta l4proto tcp ", "meta l4proto udp ", "")
    ]
    assert codes(scenes.host(healthy(), rules=(*jumps, *rules, *nat))) == []
    found = diagnose(scenes.host(healthy(), rules=(*jumps[1:], *rules[:-1])), ["lan"], [])
    assert [one.code for one in found] == ["firewall_rules_missing"]
    assert found[0].evidence == (
        "the firewall lacks the jump from chain forward to guest_output (IPv4), a rule for virbr5 in chain "
        "LIBVIRT_FWX or guest_cross (IPv6), the translation of addresses of 192.168.50.0/24"
    )


def test_a_range_that_is_exhausted_explains_why_dhcp_is_silent():
    full = scenes.host(BREAKS["the range is leased"][0](healthy()), offers={"lan": False})
    assert codes(full) == ["range_exhausted"]


def test_a_dnsmasq_that_hangs_is_one_finding():
    (found,) = diagnose(scenes.host(healthy(), answers={"192.168.50.1": False}, offers={"lan": False}), [], [])
    assert (found.code, found.evidence) == (
        "dns_silent",
        "process 7 does not answer at 192.168.50.1 nor a DHCP discover",
    )


def test_an_isolated_network_needs_no_way_out():
    scene = scenes.both(healthy(), '<forward mode="nat"/>', "")
    off = scenes.settings(scene, net__ipv4__conf__all__forwarding="0")
    assert codes(scenes.host(off, routes=())) == []


def test_dhcp_of_another_dnsmasq_shares_its_port():
    other = Socket("udp", "0.0.0.0", "", 67, "dnsmasq (process 9)")
    assert codes(scenes.sockets(scenes.stopped(healthy()), other), ["lan"]) == ["network_inactive"]


def test_who_keeps_dnsmasq_from_its_port_is_named():
    other = Socket("udp", "0.0.0.0", "", 53, "named (process 8)")
    (found,) = diagnose(scenes.host(healthy(), sockets=(*healthy().host.sockets[2:], other)), [], [])
    assert (found.code, found.evidence) == ("port_taken", "named (process 8) listens on udp port 53 at all addresses")


def test_networkmanager_is_named_where_it_has_taken_a_bridge_over():
    scene = scenes.devices(healthy(), virbr5=healthy().host.devices["virbr5"]._replace(addresses=()))
    (found,) = diagnose(scenes.host(scene, connections={"virbr5": "my office"}), ["lan"], [])
    where = "bridge virbr5 lacks 192.168.50.1, fd00:50::1; NetworkManager has put its connection 'my office' on virbr5"
    assert (found.code, found.evidence) == ("address_missing", where)
    assert found.remedy.startswith("nmcli connection modify 'my office' connection.autoconnect no")
    assert codes(scenes.host(healthy(), connections={"virbr5": "my office"})) == []


def test_who_may_not_see_whose_sockets_they_are_counts_them():
    sockets = tuple(one._replace(program="") for one in healthy().host.sockets)
    assert codes(scenes.host(healthy(), sockets=sockets)) == []
    assert codes(scenes.host(healthy(), sockets=(*sockets, sockets[0]))) == ["port_taken"]


def test_a_reservation_is_named_where_its_guest_has_no_address():
    kept = f'{scenes.RANGE}<host mac="{MAC}" ip="192.168.50.9"/>'
    scene = scenes.both(healthy(), scenes.RANGE, kept)._replace(addresses={})
    (found,) = diagnose(scene, [], [])
    assert "no lease of the reserved 192.168.50.9" in found.evidence


def test_dnsmasq_spells_a_mac_address_as_it_was_written():
    kept = f'{scenes.RANGE}<host mac="52:54:00:00:AA:01" ip="192.168.50.10"/>'
    assert codes(scenes.both(healthy(), scenes.RANGE, kept)) == []


def test_findings_are_told_with_what_to_do():
    assert sentence(Finding("autostart_off", "lan", "it is off")) == "it is off (autostart_off): Set autostart"


def test_a_network_that_is_off_on_purpose_is_looked_at_only_by_name():
    off = scenes.network(scenes.stopped(healthy()), autostart=False)._replace(guests=())
    assert codes(off) == []
    assert codes(off, ["lan"]) == ["network_inactive", "autostart_off"]


def test_the_filter_of_a_guest_that_does_not_run():
    """It is why the guest does not start; where libvirt lists no filters, nothing is said."""
    scene = scenes.guest(healthy(), "<target", "<filterref filter='own'/><target")
    (guest,) = scene.guests
    scene = scene._replace(guests=(guest._replace(saved=guest.live, live=ABSENT),))
    assert codes(scene, domains=["web"]) == ["guest_stopped"]
    assert codes(scene._replace(filters={}), domains=["web"]) == ["guest_stopped", "nic_filter"]
    lacking = {"own": {"rules": [{"ip": {"srcipaddr": "$SERVER"}}]}}
    (found,) = [one for one in diagnose(scene._replace(filters=lacking), [], ["web"]) if one.code == "nic_filter"]
    assert "filter 'own' needs SERVER" in found.evidence
    assert codes(scene._replace(filters={"own": {}}), domains=["web"]) == ["guest_stopped"]
