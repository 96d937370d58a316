"""What networks do for their guests, judged by packets: NAT, isolation, routes, and what the bridge is like."""

from __future__ import annotations

import pytest

from ..clients import UPLINK, UPLINK6, WORLD, WORLD6, captured, give_address, reaches
from ..stage import Stage

pytestmark = pytest.mark.lab

MTU_OF_BRIDGES = (7, 1)  # libvirt 7.0 leaves it to the first guest's tap


def test_nat_hides_guests_behind_the_hypervisor(stage: Stage) -> None:
    stage.network(
        name="nat",
        forward={"mode": "nat", "nat": {"ipv6": True}},
        bridge={"name": "vf-nat"},
        ips=[
            {"address": "192.168.60.1/24", "dhcp": {"ranges": [{"start": "192.168.60.100", "end": "192.168.60.200"}]}},
            {"address": "fd00:60::1/64", "dhcp": {"ranges": [{"start": "fd00:60::100", "end": "fd00:60::1ff"}]}},
        ],
    )
    assert stage.addresses("vf-nat") == {"192.168.60.1/24", "fd00:60::1/64"}
    client = stage.client("vf-nat")
    client.dhcp()
    client.dhcp(family=6)
    with captured(stage.host.world, "icmp or icmp6[icmp6type] = icmp6-echo") as packets:
        assert reaches(client, WORLD)
    assert f"{UPLINK} > {WORLD}: ICMP echo request" in packets[0]
    with captured(stage.host.world, "icmp6[icmp6type] = icmp6-echo") as packets:
        assert reaches(client, WORLD6)
    assert f"{UPLINK6} > {WORLD6}: ICMP6, echo request" in packets[0]
    assert not reaches(stage.host.world, client.dhcp()["address"].partition("/")[0])


def test_isolated_guests_reach_each_other_alone(stage: Stage) -> None:
    dhcp = {"ranges": [{"start": "192.168.61.100", "end": "192.168.61.200"}]}
    stage.network(name="isolated", bridge={"name": "vf-iso"}, ips=[{"address": "192.168.61.1/24", "dhcp": dhcp}])
    one, other = stage.client("vf-iso"), stage.client("vf-iso")
    lease, address = one.dhcp(), other.dhcp()["address"].partition("/")[0]
    assert "router" not in lease
    one.run(["ip", "route", "add", "default", "via", "192.168.61.1"])
    assert reaches(one, address)
    assert not reaches(one, WORLD)


@pytest.mark.parametrize("mode", ["route", "open"])
def test_routed_guests_keep_their_addresses(stage: Stage, mode: str) -> None:
    stage.network(
        name="routed", forward={"mode": mode}, bridge={"name": "vf-route"}, ips=[{"address": "192.168.62.1/24"}]
    )
    rules = stage.host.run(["iptables-save"]).stdout
    assert ("vf-route" in rules) == (mode == "route")
    client, world = stage.client("vf-route"), stage.host.world
    give_address(client, "192.168.62.9/24", "192.168.62.1")
    assert not reaches(client, WORLD)  # the world has no way back
    world.run(["ip", "route", "add", "192.168.62.0/24", "via", UPLINK])
    with captured(world, "icmp") as packets:
        assert reaches(client, WORLD)
    assert f"192.168.62.9 > {WORLD}: ICMP echo request" in packets[0]
    assert reaches(world, "192.168.62.9")
    world.run(["ip", "route", "delete", "192.168.62.0/24"])


def test_routes_lead_through_a_guest(stage: Stage) -> None:
    stage.network(
        name="routed",
        forward={"mode": "route"},
        bridge={"name": "vf-route"},
        ips=[{"address": "192.168.62.1/24"}],
        routes=[{"address": "10.62.0.0/16", "gateway": "192.168.62.254", "metric": 3}],
    )
    routes = stage.host.run(["ip", "route", "show", "10.62.0.0/16"]).stdout
    assert "via 192.168.62.254 dev vf-route" in routes
    assert "metric 3" in routes
    client = stage.client("vf-route")
    give_address(client, "192.168.62.254/24", "192.168.62.1")
    client.run(["ip", "address", "add", "10.62.0.1/32", "dev", "lo"])
    assert reaches(stage.host, "10.62.0.1")


def test_bridge_is_as_described(stage: Stage) -> None:
    options = {"name": "bridge", "forward": {"mode": "open"}, "ips": [{"address": "192.168.63.1/25"}]}
    mac = {"address": "52:54:00:63:00:01"}
    stage.network(**options, bridge={"name": "vf-bridge", "stp": False}, mtu={"size": 1400}, mac=mac)
    link = stage.links()["vf-bridge"]
    assert (link["mtu"] == 1400) == (stage.version >= MTU_OF_BRIDGES)
    assert link["address"] == "52:54:00:63:00:01"
    assert link["linkinfo"]["info_data"]["stp_state"] == 0
    assert stage.addresses("vf-bridge") == {"192.168.63.1/25"}

    # The address moves inside its subnet, the MTU grows, and the bridge gets another name: all by one restart.
    moved = [{"address": "192.168.63.2/25"}]
    changed = stage.network(name="bridge", bridge={"name": "vf-other", "stp": True}, mtu={"size": 9000}, ips=moved)
    assert {step["action"] for step in changed["plan"]} == {"define", "stop", "start"}
    links = stage.links()
    assert "vf-bridge" not in links
    assert (links["vf-other"]["mtu"] == 9000) == (stage.version >= MTU_OF_BRIDGES)
    assert links["vf-other"]["address"] == "52:54:00:63:00:01"
    assert links["vf-other"]["linkinfo"]["info_data"]["stp_state"] == 1
    assert stage.addresses("vf-other") == {"192.168.63.2/25"}


def test_isolated_ports_do_not_talk(stage: Stage) -> None:
    """What port.isolated does to guests is libvirt's: here it is asked for, and the network starts with it."""
    ips = [{"address": "192.168.61.1/24"}]
    stage.network(name="ports", bridge={"name": "vf-ports"}, ips=ips, port={"isolated": True})
    assert "<port isolated='yes'/>" in stage.xml("ports", saved=False)
