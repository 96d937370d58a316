"""What is refused, each with its reason and before anything is touched."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ..plays import network
from ..stage import Stage

pytestmark = pytest.mark.lab

NEIGHBOUR = """\
<network><name>neighbour</name><bridge name='vf-near'/><ip address='192.168.80.1' prefix='24'/></network>
"""
BRIDGE = {"name": "vf-new"}


def ips(*addresses: str, **more: Any) -> list[dict[str, Any]]:
    return [{"address": address, **more} for address in addresses]


# What is asked for, and every reason that must be given.
REFUSED: dict[str, tuple[dict[str, Any], list[str]]] = {
    "many problems": (
        {
            "bridge": {"name": "a-bridge-with-a-long-name"},
            "mac": {"address": "53:54:00:00:00:01"},
            "domain": {"name": "not a domain"},
            "ips": [
                {
                    "address": "192.168.81.1/24",
                    "dhcp": {
                        "ranges": [
                            {"start": "192.168.81.10", "end": "192.168.81.50"},
                            {"start": "192.168.82.10", "end": "192.168.82.20"},
                        ],
                        "hosts": [
                            {"mac": "52:54:00:00:00:01", "ip": "192.168.81.5", "name": "twin"},
                            {"mac": "52:54:00:00:00:02", "ip": "192.168.81.5", "name": "twin"},
                            {"mac": "52:54:00:00:00:03", "ip": "192.168.81.255"},
                        ],
                    },
                }
            ],
        },
        [
            "bridge.name must be a device name of 1 to 15",
            "mac.address must be a unicast MAC address",
            "domain.name must be a name of letters",
            "192.168.82.10-192.168.82.20 outside its subnet 192.168.81.0/24",
            "reservation for 52:54:00:00:00:03 at 192.168.81.255, the address of the network itself or its broadcast",
        ],
    ),
    "a subnet inside another's": (
        {"ips": ips("192.168.80.129/25")},
        ["subnet 192.168.80.128/25 overlaps 192.168.80.0/24 of network 'neighbour'"],
    ),
    "a subnet around another's": (
        {"ips": ips("192.168.81.1/23")},
        ["subnet 192.168.80.0/23 overlaps 192.168.80.0/24 of network 'neighbour'"],
    ),
    "the host's own subnet": (
        {"ips": ips("192.0.2.129/25", "2001:db8:ffff::5/64")},
        ["192.0.2.128/25 overlaps 192.0.2.2/24, the hypervisor's own address on uplink", "2001:db8:ffff::2/64"],
    ),
    "another network's bridge": ({"bridge": {"name": "vf-near"}}, ["vf-near is the bridge of network 'neighbour'"]),
    "an interface as bridge": ({"bridge": {"name": "uplink"}}, ["bridge.name uplink is an interface"]),
    "a missing host bridge": (
        {"forward": {"mode": "bridge"}, "bridge": {"name": "br-none"}},
        ["the host bridge br-none does not exist: create it first"],
    ),
    "a missing host bridge in the short form": (
        {"kind": "bridged", "bridge": {"name": "br-none"}},
        ["the host bridge br-none does not exist: create it first, with the host's NIC as its port (role host_bridge)"],
    ),
    "no host bridge": ({"kind": "bridged"}, ["needs bridge.name or forward.interfaces", "role host_bridge makes one"]),
    "a subnet on a host bridge": (
        {"kind": "bridged", "bridge": {"name": "uplink"}, "subnet": "192.168.82.0/24"},
        ["kind: bridged and subnet contradict each other"],
    ),
    "no subnet": ({"kind": "nat"}, ["set subnet, or nat_network_subnet of the role nat_network"]),
    "another network's subnet in the short form": (
        {"kind": "nat", "subnet": "192.168.80.0/24"},
        ["192.168.80.0/24 overlaps 192.168.80.0/24 of network 'neighbour'"],
    ),
    "a short form and a full one that contradict": (
        {"kind": "nat", "subnet": "192.168.81.0/24", "gateway": "192.168.82.1", "forward": {"mode": "route"}},
        ["kind: nat and forward.mode: route contradict each other", "gateway 192.168.82.1 is not in it"],
    ),
    "a mode in place of forward": (
        {"forward": "nat"},
        ["forward must be a dictionary, not 'nat': write forward: {mode: nat} or kind: nat"],
    ),
    "an interface as host bridge": (
        {"forward": {"mode": "bridge"}, "bridge": {"name": "uplink"}},
        ["uplink is an interface of the hypervisor, but no bridge"],
    ),
    "control characters": (
        {"dns": {"txts": [{"name": "x", "value": "a\nconf-file=/etc/shadow"}]}, "dnsmasq_options": ["a\rb"]},
        ["dns.txts[0].value must not contain control", "dnsmasq_options[0] must not contain control"],
    ),
    "options of another mode": (
        {"forward": {"mode": "bridge", "nat": {"ipv6": True}}, "bridge": {"name": "uplink"}, "mtu": {"size": 1400}},
        ["forward.nat is only possible in mode nat, not in bridge", "mtu is not possible in forward.mode bridge"],
    ),
    "a definition of another network": ({"xml": "<network><name>other</name></network>"}, ["whose <name> is 'new'"]),
    "a definition that is no XML": ({"xml": "<network><name>new</network>"}, ["not well-formed XML"]),
    "a definition that the schema refuses": (
        {"xml": "<network><name>new</name><bridge name='vf-new' colour='blue'/></network>"},
        ['libvirt does not know, and would drop, a part of the definition: <bridge colour="blue"></bridge>'],
    ),
    "a definition with an entity": (
        {"xml": "<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/shadow'>]><network><name>new</name>&e;</network>"},
        ["must not have a document type"],
    ),
    "a name with a slash": ({"name": "../new"}, ["name must be a name without a slash"]),
}


@pytest.fixture
def neighbour(stage: Stage) -> Iterator[Stage]:
    stage.define(NEIGHBOUR, start=True)
    return stage


def test_wrong_input_is_refused_before_anything_is_touched(neighbour: Stage) -> None:
    before = neighbour.look()
    tasks = [network(**{"name": "new", **options}) for options, _reasons in REFUSED.values()]
    results = neighbour.play(*tasks)
    for (what, (_options, reasons)), result in zip(REFUSED.items(), results):
        assert result.get("failed"), f"{what} was not refused"
        assert [reason for reason in reasons if reason not in result["msg"]] == [], f"{what}: {result['msg']}"
        assert result["look"] == before, f"{what} touched the host"


def test_change_that_is_refused_leaves_the_network(neighbour: Stage) -> None:
    other = NEIGHBOUR.replace("neighbour", "other").replace("vf-near", "vf-far").replace(".80.", ".81.")
    neighbour.define(other, start=True)
    before = neighbour.look()
    wide = network(name="neighbour", ips=ips("192.168.80.1/23"), dnsmasq_options=["log-queries"])
    (result,) = neighbour.play(wide)
    assert "subnet 192.168.80.0/23 overlaps 192.168.81.0/24 of network 'other'" in result["msg"]
    assert result["problems"] == [result["msg"].partition(": ")[2]]
    assert result["look"] == before


def test_missing_host_bridge_is_a_warning_while_inactive(stage: Stage) -> None:
    options = {"name": "bridged", "forward": {"mode": "bridge"}, "bridge": {"name": "br-later"}, "autostart": False}
    result = stage.network(**options, active=False)
    assert result["changed"]
    assert ["the host bridge br-later does not exist" in warning for warning in result["warnings"]] == [True]
    assert "br-later does not exist" in stage.refused(**options)
    assert stage.active() == set()
    stage.bridge("br-later")
    stage.network(**options)
    assert stage.active() == {"bridged"}


def test_overlap_of_inactive_networks_is_a_warning(stage: Stage) -> None:
    stage.define(NEIGHBOUR)
    options = {"name": "new", "bridge": BRIDGE, "ips": ips("192.168.80.1/24")}
    result = stage.network(**options, active=False, autostart=False)
    assert ["overlaps 192.168.80.0/24 of network 'neighbour'" in warning for warning in result["warnings"]] == [True]
    stage.host.virsh("net-start", "neighbour")
    assert "overlaps" in stage.refused(**options)
    assert stage.active() == {"neighbour"}


# An option, a network that may have it, and the libvirt that brought it.
NEWER = [
    ("title", {"title": "a title"}, (9, 7, 0)),
    ("domain.register", {"domain": {"name": "new.test", "local_only": True, "register": True}}, (10, 1, 0)),
    ("dns.forwarders.port", {"dns": {"forwarders": [{"addr": "192.0.2.1", "port": 5353}]}}, (12, 0, 0)),
]


@pytest.mark.parametrize("option, options, since", NEWER, ids=[name for name, _options, _since in NEWER])
def test_options_that_the_libvirt_is_too_old_for(
    stage: Stage, option: str, options: dict[str, Any], since: tuple[int, ...]
) -> None:
    # A domain is registered with systemd-resolved, which the lab's machines do not have: it is saved, not started.
    wanted = {"name": "new", "bridge": BRIDGE, "ips": ips("192.168.82.1/24"), **options, "active": False}
    if stage.version >= since:
        assert stage.network(**wanted)["changed"]
        return
    has = ".".join(str(part) for part in stage.version)
    reason = f"{option} needs libvirt {'.'.join(str(part) for part in since)}, the hypervisor has {has}"
    assert reason in stage.refused(**wanted)
    assert stage.networks() == set()
