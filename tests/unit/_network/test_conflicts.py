"""What stands in the way of a network: the other networks, and the host's own devices."""

from __future__ import annotations

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._network.conflicts import conflicts, refusals
from ansible_collections.virtfleet.network.plugins.module_utils._values.observed import Device, Observed
from ansible_collections.virtfleet.network.plugins.module_utils._values.surroundings import Surroundings
from ansible_collections.virtfleet.network.plugins.module_utils._xml.definition import ABSENT
from tests.unit.case_files import network_of as defined

NIC = Device(False, "52:54:00:ff:00:01", {}, ("192.0.2.7/24", "fe80::1/64"))
MAC = "52:54:00:aa:00:01"
LAN = {"bridge": {"name": "virbr50"}, "mac": {"address": MAC}, "ips": [{"address": "10.0.0.1/24"}]}
BRIDGED = {"forward": {"mode": "bridge"}, "bridge": {"name": "br0"}}


def network(options, live=False, autostart=False, name="other"):
    made = defined(options, name)
    return Observed(name, made, made if live else ABSENT, autostart, True)


def found(options, observed=None, active=True, networks=(), devices=None):
    spec = defined(options).spec
    return conflicts(spec, observed or Observed("n"), active, Surroundings(tuple(networks), devices))


def test_nothing_stands_in_the_way():
    other = network({"ips": [{"address": "10.0.1.1/24"}], "bridge": {"name": "virbr1"}}, live=True)
    assert found(LAN, networks=[other], devices={"eth0": NIC, "br0": NIC}) == ([], [], "")


# ---- other networks ----


ROUTED = {"ips": [{"address": "10.1.0.1/24"}], "routes": [{"address": "10.0.0.0/24", "gateway": "10.1.0.7"}]}


@pytest.mark.parametrize(
    "mine,other,told",
    [
        (LAN, ROUTED, "subnet 10.0.0.0/24 is also a route of network 'other'"),
        (ROUTED, LAN, "route 10.0.0.0/24 is also the subnet of network 'other'"),
    ],
)
def test_a_subnet_is_no_route_of_another_network(mine, other, told):
    assert found(mine, networks=[network(other, live=True)]).problems == [told]
    wider = {**ROUTED, "routes": [{"address": "10.0.0.0/16", "gateway": "10.1.0.7"}]}
    assert found(LAN, networks=[network(wider, live=True)]) == ([], [], "")


def test_a_route_is_no_subnet_of_the_host():
    wanted = {**ROUTED, "routes": [{"address": "192.0.2.0/24", "gateway": "10.1.0.7"}]}
    told = "route 192.0.2.0/24 is the subnet of 192.0.2.7/24, the hypervisor's own address on eth0"
    assert found(wanted, devices={"eth0": NIC}).problems == [told]


def domain(subnet, local=True, name="shop.example", **hosts):
    """A network with a domain and names in its DNS."""
    names = [{"ip": ip, "hostnames": [host]} for host, ip in hosts.items()]
    ips = [{"address": f"10.{subnet}.0.1/24"}]
    return {"ips": ips, "domain": {"name": name, "local_only": local}, "dns": {"hosts": names}}


def test_many_networks_of_one_domain_are_one_warning():
    others = [network(domain(2 + number, www=f"10.9.0.{number}"), live=True, name=f"n{number}") for number in range(20)]
    local, named = found(domain(1, www="10.1.0.5"), networks=others).warnings
    assert "is local to networks 'n0', 'n1', 'n2', 'n3', 'n4' and 15 more as well" in local
    assert named.startswith("dns.hosts www has another address in networks 'n0', ")


@pytest.mark.parametrize(
    "mine,other,told",
    [
        (domain(1), domain(2), ["domain shop.example is local to network 'other' as well"]),
        (domain(1), domain(2, local=False), []),
        (domain(1), domain(2, name="other.example"), []),
        (LAN, {"ips": [{"address": "10.1.0.1/24"}]}, []),
        (
            domain(1, False, www="10.1.0.5"),
            domain(2, www="10.2.0.5"),
            ["www has another address in network 'other'"],
        ),
        (domain(1, False, www="10.1.0.5", a="10.1.0.6"), domain(2, www="10.1.0.5", b="10.1.0.6"), []),
    ],
)
def test_names_that_mean_something_else_there(mine, other, told):
    found_there = found(mine, networks=[network(other, live=True)])
    assert found_there.problems == []
    assert [text for text, words in zip(found_there.warnings, told) if words in text] == found_there.warnings
    assert len(found_there.warnings) == len(told)


@pytest.mark.parametrize("address", ["10.0.0.1/24", "10.0.0.129/25", "10.0.1.1/23", "10.255.255.1/8"])
def test_subnets_overlap_whatever_their_size(address):
    other = network({"ips": [{"address": address}]}, live=True)
    told = found(LAN, networks=[other])
    assert len(told.problems) == 1
    assert told.problems[0].startswith("subnet 10.0.0.0/24 overlaps 10.")
    assert "network 'other'" in told.problems[0]


@pytest.mark.parametrize("address", ["10.0.1.1/24", "fd00::1/64", "9.255.255.1/8"])
def test_others_do_not(address):
    assert found(LAN, networks=[network({"ips": [{"address": address}]}, live=True)]) == ([], [], "")


@pytest.mark.parametrize(
    "active,live,autostart,hard",
    [
        (True, True, False, True),
        (True, False, True, True),
        (True, False, False, False),
        (False, True, True, False),
    ],
)
def test_two_that_never_run_at_once_may_share_a_subnet(active, live, autostart, hard):
    told = found(LAN, active=active, networks=[network({"ips": [{"address": "10.0.0.2/24"}]}, live, autostart)])
    assert (len(told.problems), len(told.warnings)) == ((1, 0) if hard else (0, 1))


def test_the_running_definition_of_another_network_counts_too():
    saved, live = (defined({"ips": [{"address": f"10.{net}.0.1/24"}]}) for net in (9, 0))
    told = found(LAN, networks=[Observed("other", saved, live, False, True)])
    assert told.problems == ["subnet 10.0.0.0/24 overlaps 10.0.0.0/24 of network 'other'"]


@pytest.mark.parametrize("address,taken", [("10.7.0.0", True), ("10.7.0.9", True), ("10.8.0.0", False)])
def test_a_route_belongs_to_one_network(address, taken):
    """libvirt only finds out at the start, when the network has a bridge already."""
    mine = {"routes": [{"address": "10.7.0.0", "prefix": 24, "gateway": "10.0.0.2"}], **LAN}
    there = [{"address": address, "prefix": 24, "gateway": "10.1.0.2"}]
    told = found(mine, networks=[network({"ips": [{"address": "10.1.0.1/24"}], "routes": there}, live=True)])
    assert told.problems == ["route 10.7.0.0/24 is also a route of network 'other'"] * taken


@pytest.mark.parametrize("live", [True, False])
def test_a_bridge_belongs_to_one_network(live):
    told = found({"bridge": {"name": "virbr50"}}, active=False, networks=[network(LAN, live)])
    assert told.problems == ["bridge.name virbr50 is the bridge of network 'other'"]


def test_a_bridge_of_the_host_may_serve_several_networks():
    assert found(BRIDGED, networks=[network(BRIDGED, True)], devices={"br0": Device(True, MAC, {}, ())}) == ([], [], "")


# ---- the host ----


def test_an_address_of_the_host_is_in_the_way():
    told = found({"ips": [{"address": "192.0.2.1/28"}]}, devices={"eth0": NIC})
    assert told.problems == ["subnet 192.0.2.0/28 overlaps 192.0.2.7/24, the hypervisor's own address on eth0"]


def test_it_is_a_warning_while_the_network_shall_not_run():
    told = found({"ips": [{"address": "192.0.2.1/28"}]}, active=False, devices={"eth0": NIC})
    assert (told.problems, len(told.warnings)) == ([], 1)


def test_nothing_is_known_of_a_host_that_is_elsewhere():
    assert found({"ips": [{"address": "192.0.2.1/28"}], **BRIDGED}, devices=None) == ([], [], "")


def test_a_network_is_not_in_its_own_way():
    own = {"virbr50": Device(True, MAC, {"vnet0": True}, ("10.0.0.1/24",))}
    assert found(LAN, network(LAN, live=True, name="n"), devices=own) == ([], [], "")


def test_a_network_that_runs_is_told_once_and_not_as_the_host_too():
    other, bridge = network(LAN, live=True), {"virbr50": Device(True, MAC, {}, ("10.0.0.1/24",))}
    told = found({"ips": [{"address": "10.0.0.2/24"}]}, networks=[other], devices=bridge)
    assert told.problems == ["subnet 10.0.0.0/24 overlaps 10.0.0.0/24 of network 'other'"]


def test_a_new_network_takes_no_device_of_the_host():
    told = found({"bridge": {"name": "eth0"}}, active=False, devices={"eth0": NIC})
    assert told.problems == ["bridge.name eth0 is an interface of the hypervisor already: choose another name"]


def test_other_names_of_a_device_are_taken_too():
    told = found({"bridge": {"name": "lan0"}}, devices={"eth0": NIC._replace(names=("lan0",))})
    assert told.problems == ["bridge.name lan0 is an interface of the hypervisor already: choose another name"]


def test_a_bridge_of_the_host_is_not_libvirts_to_make_for_a_network_that_used_it():
    running, saved = network(BRIDGED, live=True), network({**LAN, "bridge": {"name": "br0"}})
    devices = {"br0": Device(True, MAC, {"eth0": True}, ("10.0.0.7/16",))}
    for observed in (running, saved._replace(live=running.live)):
        problems = found({**LAN, "bridge": {"name": "br0"}}, observed, devices=devices).problems
        assert problems[0] == "bridge.name br0 is an interface of the hypervisor already: choose another name"
        assert problems[1:] == ["subnet 10.0.0.0/24 overlaps 10.0.0.7/16, the hypervisor's own address on br0"]


@pytest.mark.parametrize(
    "routes,told",
    [
        (("10.0.0.0/24",), ["subnet 10.0.0.0/24 is a route of the hypervisor already, through eth0"]),
        (("10.9.0.0/24",), ["route 10.9.0.0/24 is a route of the hypervisor already, through eth0"]),
        (("10.0.0.0/25", "10.0.0.0/23", "0.0.0.0/0", "10.9.0.0/16"), []),
    ],
)
def test_a_route_of_the_host_is_in_the_way_if_it_is_the_same(routes, told):
    wanted = {**LAN, "routes": [{"address": "10.9.0.0", "prefix": 24, "gateway": "10.0.0.7"}]}
    devices = {"eth0": NIC._replace(routes=routes)}
    assert found(wanted, devices=devices).problems == told
    running = network(wanted, live=True, name="n")
    assert refusals(running.saved.spec, running, devices) == told
    own = {"virbr50": Device(True, MAC, {}, ("10.0.0.1/24",), routes=("10.0.0.0/24", "10.9.0.0/24"))}
    assert (refusals(running.saved.spec, running, own), found(wanted, running, devices=own).problems) == ([], [])


@pytest.mark.parametrize(
    "wanted,told",
    [
        (
            {"bridge": {"name": "all"}},
            "bridge.name all is a name that the kernel keeps for itself: choose another name",
        ),
        (
            {"mtu": {"size": 1279}, "ips": [{"address": "fd00::1/64"}]},
            "mtu.size 1279 is too small for the IPv6 addresses in ips, which need 1280",
        ),
        ({"mtu": {"size": 1280}, "ips": [{"address": "fd00::1/64"}]}, ""),
        ({"mtu": {"size": 100}, **LAN}, ""),
    ],
)
def test_the_kernel_refuses_it_on_any_host(wanted, told):
    assert found(wanted, devices={}).problems == [told] * bool(told)
    assert found(wanted, active=False, devices={}).warnings == [told] * bool(told)


def test_a_uuid_is_one_networks():
    uuid = {"uuid": "8e0a2f4b-6f3c-4d7a-9f10-2b5c6d7e8f90"}
    assert found({**LAN, **uuid}, networks=[network(uuid)]).problems == [
        f"uuid {uuid['uuid']} is the uuid of network 'other'"
    ]


@pytest.mark.parametrize("active", [True, False])
def test_a_missing_bridge_of_the_host_matters_while_the_network_runs(active):
    told = found(BRIDGED, active=active, devices={"eth0": NIC})
    texts = ["the host bridge br0 does not exist: create it first, with the host's NIC as its port (role host_bridge)"]
    assert (told.problems, told.warnings) == ((texts, []) if active else ([], texts))


def test_a_bridge_of_the_host_is_a_bridge():
    assert found(BRIDGED, devices={"br0": NIC}).problems == [
        "bridge.name br0 is an interface of the hypervisor, but no bridge"
    ]
    assert found({**BRIDGED, "virtualport": {"type": "openvswitch"}}, devices={"br0": NIC}).problems == []


# ---- the bridge that a killed daemon left behind ----

LEFT = Device(True, MAC, {"vnet0": False}, ("10.0.0.1/24",))


def test_a_bridge_left_behind_is_removed_with_the_start():
    assert found(LAN, network(LAN, name="n"), devices={"virbr50": LEFT}) == ([], [], "virbr50")


def test_it_stays_while_nothing_is_started():
    assert found(LAN, network(LAN, name="n"), active=False, devices={"virbr50": LEFT}) == ([], [], "")


@pytest.mark.parametrize(
    "device",
    [
        LEFT._replace(mac="52:54:00:ff:00:01"),
        LEFT._replace(ports={"vnet0": False, "eth5": True}),
        LEFT._replace(bridge=False),
    ],
    ids=["other MAC address", "a port with a carrier", "no bridge"],
)
def test_a_device_that_may_be_somebody_elses_is_not_removed(device):
    told = found(LAN, network(LAN, name="n"), devices={"virbr50": device})
    assert told.stale_bridge == ""
    assert "bridge.name virbr50 is an interface of the hypervisor already: choose another name" in told.problems


def test_a_running_network_has_left_nothing_behind():
    assert found(LAN, network(LAN, live=True, name="n"), devices={"virbr50": LEFT}).stale_bridge == ""
