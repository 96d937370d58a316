import json

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor import evidence as _evidence
from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor.drops import Fate
from ansible_collections.virtfleet.network.plugins.module_utils._values.probe import Evidence

FILTER = Fate("br", "ip_rcv_finish_core", "IP_RPFILTER", True, 0x0800)
FIREWALL = Fate("br", "nf_hook_slow", "NETFILTER_DROP", True, 0x0800)
WAYS = [["get", "10.0.0.254", "from", "10.0.0.1"]]


def test_what_the_kernel_drops():
    (found,) = _evidence.of_kernel(4, [FILTER, FILTER, Fate("br"), Fate("br", "arp_rcv")], by_rule=False)
    assert (found.kind, found.reason, found.place, found.device) == ("drop", "IP_RPFILTER", "ip_rcv_finish_core", "br")
    assert found.text == "the kernel drops it in ip_rcv_finish_core() with the reason IP_RPFILTER, after br"


def test_a_packet_of_the_other_version_is_not_the_question():
    assert list(_evidence.of_kernel(6, [FILTER], by_rule=False)) == []


def test_what_a_rule_drops_is_said_once():
    assert list(_evidence.of_kernel(4, [FIREWALL], by_rule=True)) == []
    (found,) = _evidence.of_kernel(4, [FIREWALL], by_rule=False)
    assert "cannot be traced" in found.text


@pytest.fixture
def routes(monkeypatch):
    """What iproute2 prints, by its command; it fails where that is an error."""
    told = {"-j neighbour": "[]"}

    def ip(*words):
        printed = next(told[key] for key in told if " ".join(words).startswith(key))
        if isinstance(printed, OSError):
            raise printed
        return printed

    monkeypatch.setattr(_evidence, "ip", ip)
    return told


def of_routes():
    return list(_evidence.of_routes("br", "10.0.0.254", "02:76:66:00:00:01", WAYS))


def test_routes_that_lead_to_the_client_are_no_evidence(routes):
    routes["route get"] = "10.0.0.254 from 10.0.0.1 dev br uid 0 \n    cache \n"
    routes["-j neighbour"] = json.dumps([{"dst": "10.0.0.254", "lladdr": "02:76:66:00:00:01", "state": ["REACHABLE"]}])
    assert of_routes() == []


def test_routes_that_lead_elsewhere_or_nowhere(routes):
    routes["route get"] = OSError("RTNETLINK answers: Invalid argument")
    text = "ip route get 10.0.0.254 from 10.0.0.1: RTNETLINK answers: Invalid argument"
    assert of_routes() == [Evidence("route", text, reason="RTNETLINK answers: Invalid argument")]
    routes["route get"] = "10.0.0.254 from 10.0.0.1 via 192.0.2.1 dev eth0 uid 0"
    assert [found.text for found in of_routes()] == [f"ip route get 10.0.0.254 from 10.0.0.1: {routes['route get']}"]


def test_a_wrong_neighbour(routes):
    routes["route get"] = "10.0.0.254 from 10.0.0.1 dev br uid 0"
    routes["-j neighbour"] = json.dumps([{"dst": "10.0.0.254", "lladdr": "52:54:00:00:00:01", "state": ["PERMANENT"]}])
    text = "ip neighbour: 10.0.0.254 dev br lladdr 52:54:00:00:00:01 PERMANENT"
    assert of_routes() == [Evidence("neighbour", text, reason="PERMANENT")]


@pytest.mark.parametrize(
    "fates, kind, said",
    [
        ([Fate("vfp", "br_flood"), Fate("br", "arp_rcv")], "end", "arp_rcv() takes it"),
        ([Fate("br", "icmp_rcv"), Fate("br")], "seen", "nothing drops it"),
        ([], "nothing", "did not come in by br"),
    ],
)
def test_where_it_was_seen_last(fates, kind, said):
    found = _evidence.of_end(fates, "br")
    assert found.kind == kind
    assert said in found.text
