"""What the role host_bridge works out: files for each provider, what of them is shown, and what it refuses.

What no kernel of the lab has is seen here only: a VLAN under a bridge.
"""

from __future__ import annotations

import configparser
from dataclasses import replace
from typing import Any

import pytest
import yaml

from ansible_collections.virtfleet.network.plugins.filter.host_bridge_plan import host_bridge_plan
from tests.unit.bridge_hosts import (
    BRIDGED,
    CONNECTIONS,
    FIXED,
    FIXED6,
    IFUPDOWN,
    MAC,
    NETPLAN,
    NETWORKD,
    NETWORKMANAGER,
    WIRED,
    Told,
    bridge,
    devices,
    filenames,
    link,
)

BR0 = {"name": "br0", "port": "eth0"}
ABSENT = {**BR0, "state": "absent"}
GIVEN = {
    **BR0,
    "addresses": [FIXED, "2001:DB8::2/64"],
    "gateway": "192.0.2.1",
    "gateway_ipv6": "fe80::1",
    "nameservers": ["192.0.2.53", "2001:db8::53"],
    "search": ["example.org"],
    "stp": True,
}
BY_FILES = {"networkd": NETWORKD, "ifupdown": IFUPDOWN, "netplan": NETPLAN, "networkmanager": NETWORKMANAGER}
NETD, NETIF, PLAN = "/etc/systemd/network/05-host-bridge-br0", "/etc/network/interfaces", "/etc/netplan/"


def plan(told: Told, *bridges: dict[str, Any], **options: Any) -> dict[str, Any]:
    return host_bridge_plan(list(bridges), told.text, **options)


def files(told: Told, *bridges: dict[str, Any], **options: Any) -> dict[str, Any]:
    found = plan(told, *bridges, **options)
    assert found["problems"] == []
    return {one["path"]: one["text"] for one in found["files"]}


def problems(told: Told, *bridges: dict[str, Any], **options: Any) -> list[str]:
    found: list[str] = plan(told, *bridges, **options)["problems"]
    return found


# ---- for all providers ----


@pytest.mark.parametrize("provider", BY_FILES)
@pytest.mark.parametrize("wanted", [BR0, GIVEN], ids=["moved", "given"])
def test_a_second_plan_is_empty(provider: str, wanted: dict[str, Any]) -> None:
    told = BY_FILES[provider]
    first = plan(told, wanted)
    assert (first["provider"], first["changed"], first["steps"]) == (provider, True, ["make bridge br0 of eth0"])
    after = told.after(first, stp=int(wanted.get("stp", False)))
    if "gateway_ipv6" in wanted:
        after = replace(after, records=(*after.records, ("routes", "", "")))
        wanted = {name: value for name, value in wanted.items() if name != "gateway_ipv6"}
        first = plan(told, wanted)
        after = told.after(first, stp=1)
    second = plan(after, wanted)
    assert (second["files"], second["changed"], second["steps"]) == ([], False, [])


@pytest.mark.parametrize("provider", BY_FILES)
def test_there_and_back(provider: str) -> None:
    told = BY_FILES[provider]
    after = told.after(plan(told, BR0))
    back = plan(after, ABSENT)
    assert back["steps"] == ["remove bridge br0 of eth0"]
    again = replace(told, files=told.after(plan(told, BR0)).after(back).files)
    moved = files(again, BR0)
    first = files(told, BR0)
    assert moved.keys() == first.keys()
    assert {path: text for path, text in moved.items() if "host-bridge-br0" in path} == {
        path: text for path, text in first.items() if "host-bridge-br0" in path
    }


@pytest.mark.parametrize("provider", BY_FILES)
def test_what_is_not_there_is_not_removed(provider: str) -> None:
    found = plan(BY_FILES[provider], ABSENT)
    assert (found["problems"], found["files"], found["changed"]) == ([], [], False)


def test_drift_is_seen() -> None:
    told = NETWORKD.after(plan(NETWORKD, BR0))
    lost = replace(told, links=(link(2, "eth0"), told.links[1]))
    assert (plan(lost, BR0)["changed"], plan(lost, BR0)["files"]) == (True, [])
    assert plan(replace(told, links=(told.links[0], bridge(3, "br0", FIXED, stp=1))), BR0)["changed"]


def test_what_is_wrong_is_told_at_once() -> None:
    told = replace(NETWORKD, links=(*NETWORKD.links, link(4, "eth1", master="br9"), link(5, "eth2")))
    options = [
        {"name": "a-bridge-of-17-ch", "port": "eth7", "vlan": 5000},
        {"name": "br1", "port": "eth1", "addresses": ["192.0.2.7"]},
        {"name": "br2", "port": "eth2", "nameservers": ["ns1"]},
        {"name": "br2", "port": "eth2", "addresses": [], "gateway": "2001:db8::1", "stp": "perhaps"},
    ]
    found = problems(told, *options)
    for expected in (
        "bridge 1: name 'a-bridge-of-17-ch' is not a name",
        "vlan '5000' is not from 1 to 4094",
        "'192.0.2.7' is not an address with a prefix",
        "br2: nameservers 'ns1' is not an address",
        "br2: gateway '2001:db8::1' is not an address of IPv4",
        "br2: stp 'perhaps' is neither true nor false",
    ):
        assert [one for one in found if expected in one], (expected, found)
    surroundings = [
        {"name": "br1", "port": "eth1", "addresses": ["192.0.2.7/24"], "gateway": "198.51.100.1"},
        {"name": "br2", "port": "eth2", "nameservers": ["192.0.2.53"]},
        {"name": "br2", "port": "eth2", "addresses": []},
        {"name": "br3", "port": "eth7"},
    ]
    found = problems(told, *surroundings)
    for expected in (
        "eth1 is in br9 already; take it out there",
        "br1: gateway 198.51.100.1 is not in any subnet of the addresses",
        "br2: nameservers is given without addresses or dhcp",
        "eth2 has no address that the bridge could have",
        "there is no device eth7; there are eth0, eth1, eth2",
        "br2 is listed 2 times",
        "eth2 is put into several bridges",
    ):
        assert [one for one in found if expected in one], (expected, found)


def test_providers() -> None:
    assert "nothing manages eth0" in problems(Told(), BR0)[0]
    assert problems(Told(), {**BR0, "addresses": [FIXED]}, provider="networkd") == []
    assert problems(NETWORKD, BR0, provider="netplan") == ["networkd manages eth0, and netplan would disturb it"]
    assert problems(replace(IFUPDOWN, files={}), BR0) == ["no file of ifupdown configures eth0"]
    bare = replace(IFUPDOWN, records=IFUPDOWN.records[:1])
    assert problems(bare, BR0) == ["ifupdown makes bridges with bridge-utils, which is not installed"]
    assert "host_bridge_provider 'nmstate' is none of" in problems(NETWORKMANAGER, BR0, provider="nmstate")[0]
    unmanaged = ("networkd", "ADMIN_STATE=unmanaged\n", "2")
    assert "nothing manages eth0" in problems(Told(records=(unmanaged,)), BR0)[0]
    both = replace(NETWORKD, links=(*NETWORKD.links, link(4, "eth1", FIXED)), records=(*NETWORKD.records, IFSTATE))
    assert "ifupdown and networkd manage the ports" in problems(both, BR0, {"name": "br1", "port": "eth1"})[0]


IFSTATE = ("ifstate", "eth1=eth1\n", "")


def test_what_has_to_be_so_afterwards() -> None:
    head = plan(NETWORKD, BR0, targets=["203.0.113.1"], timeout=30)["head"]
    for line in (
        "timeout=30\n",
        "want_port br0 eth0",
        f"want_mac br0 {MAC}",
        "want_stp br0 0",
        f"want_address br0 {FIXED}",
        f"want_address br0 {FIXED6}",
        "want_answer br0 192.0.2.1",
        "want_target 203.0.113.1",
        f"want_address eth0 {FIXED}",
    ):
        assert line in head
    leased = replace(NETWORKD, links=(link(2, "eth0", FIXED, dynamic=True),))
    assert "want_lease br0" in plan(leased, BR0)["head"]
    assert plan(NETWORKD, {**BR0, "stp": True}, timeout=30)["timeout"] == 90


# ---- systemd-networkd ----


def test_networkd_moves_what_is_configured() -> None:
    made = files(NETWORKD, BR0)
    assert set(made) == {f"{NETD}.netdev", f"{NETD}.network", f"{NETD}-port.network"}
    assert f"Name=br0\nKind=bridge\nMACAddress={MAC}\n\n[Bridge]\nSTP=no\n" in made[f"{NETD}.netdev"]
    for line in ("Address=192.0.2.2/24", "Address=2001:db8::2/64", "DNS=192.0.2.53", "Domains=example.org"):
        assert line in made[f"{NETD}.network"]
    assert "[Route]\nGateway=192.0.2.1" in made[f"{NETD}.network"]
    assert "VLAN" not in made[f"{NETD}.network"]
    assert "MTUBytes" not in made[f"{NETD}.network"]
    port = "[Match]\nName=eth0\n\n[Link]\nMTUBytes=9000\n\n[Network]\nBridge=br0\nVLAN=eth0.7\n"
    assert made[f"{NETD}-port.network"].endswith(port)


def test_networkd_with_a_vlan() -> None:
    made = files(NETWORKD, {**BR0, "vlan": 12})
    drop_in = "/etc/systemd/network/10-eth0.network.d/host-bridge-br0.conf"
    assert made[drop_in].endswith("[Network]\nVLAN=eth0.12\n")
    assert made[f"{NETD}-vlan.netdev"].endswith("Name=eth0.12\nKind=vlan\n\n[VLAN]\nId=12\n")
    assert made[f"{NETD}-port.network"].endswith("Name=eth0.12\n\n[Network]\nBridge=br0\n")
    assert "LinkLocalAddressing=no" in made[f"{NETD}.network"]
    after = replace(NETWORKD.after(plan(NETWORKD, {**BR0, "vlan": 12})), links=(*NETWORKD.links, bridge(3, "br0")))
    assert set(files(after, {**ABSENT, "vlan": 12}).values()) == {None}


def test_networkd_reads_what_is_written() -> None:
    for text in files(NETWORKD, GIVEN).values():
        configparser.ConfigParser(strict=False, allow_no_value=True).read_string(text)
    assert "Gateway=fe80::1" in files(NETWORKD, GIVEN)[f"{NETD}.network"]


# ---- ifupdown ----


def test_ifupdown_moves_what_is_configured() -> None:
    made = files(IFUPDOWN, BR0)
    assert (
        made[f"{NETIF}.d/host-bridge-br0"]
        == f"""\
# Made by the role virtfleet.network.host_bridge.
auto br0
iface br0 inet static
    bridge_ports eth0
    bridge_stp off
    bridge_fd 0
    bridge_hw {MAC}
    address 192.0.2.2/24
    gateway 192.0.2.1
    mtu 9000
    up ip route add 198.51.100.0/24 via 192.0.2.9 dev br0

iface br0 inet6 static
    address 2001:db8::2/64

iface eth0 inet manual
    bond-mode active-backup
"""
    )
    assert (
        made[NETIF]
        == f"""\
# this host
auto lo
iface lo inet loopback



allow-hotplug eth1
iface eth1 inet dhcp
source {NETIF}.d/host-bridge-br0
"""
    )


def test_ifupdown_with_given_addresses_and_a_vlan() -> None:
    given = files(IFUPDOWN, {**GIVEN, "vlan": 12})
    text = given[f"{NETIF}.d/host-bridge-br0"]
    assert "bridge_ports eth0.12\n    bridge_stp on\n" in text
    assert "dns-nameservers 192.0.2.53\n    dns-search example.org" in text
    assert "iface br0 inet6 static\n    address 2001:db8::2/64\n    gateway fe80::1\n" in text
    assert text.endswith("auto eth0.12\niface eth0.12 inet manual\n    vlan-raw-device eth0\n")
    assert "iface eth0 inet static" in given[NETIF]
    none = files(IFUPDOWN, {**BR0, "addresses": []})[f"{NETIF}.d/host-bridge-br0"]
    assert none.count("iface br0") == none.count("iface br0 inet manual") == 1


# ---- netplan ----


def test_netplan_moves_what_is_configured() -> None:
    made = {path: yaml.safe_load(text)["network"] for path, text in files(NETPLAN, BR0).items()}
    assert made[f"{PLAN}90-host-bridge-br0.yaml"] == {
        "version": 2,
        "bridges": {
            "br0": {
                "interfaces": ["lan"],
                "macaddress": MAC,
                "parameters": {"stp": False, "forward-delay": 0},
                "addresses": ["192.0.2.2/24", "2001:db8::2/64"],
                "routes": [{"to": "0.0.0.0/0", "via": "192.0.2.1"}],
                "nameservers": {"addresses": ["192.0.2.53"]},
            }
        },
    }
    ethernets = made[f"{PLAN}01-site.yaml"]["ethernets"]
    assert ethernets == {"lan": {"match": {"name": "eth0"}, "mtu": 9000}, "other": {"dhcp4": True}}


def test_netplan_with_a_vlan() -> None:
    (made,) = [yaml.safe_load(text)["network"] for text in files(NETPLAN, {**BR0, "vlan": 12, "dhcp": True}).values()]
    assert made["vlans"] == {"eth0.12": {"id": 12, "link": "lan"}}
    assert made["bridges"]["br0"]["interfaces"] == ["eth0.12"]
    assert made["bridges"]["br0"]["dhcp4"] is True


# ---- NetworkManager ----


def test_keyfiles_take_what_is_configured() -> None:
    made = files(NETWORKMANAGER, BR0)
    whole, port, old = (made[path] for path in (f"{BRIDGE0}.nmconnection", f"{BRIDGE0}-port.nmconnection", WIRED))
    assert (
        whole
        == f"""\
# Made by the role virtfleet.network.host_bridge.
[connection]
id=br0
uuid=018ca606-bd85-5d93-af40-ffc0acb0a0a8
zone=lan
type=bridge
interface-name=br0

[bridge]
mac-address={MAC}
stp=false

[ipv4]
method=manual
address1=192.0.2.2/24,192.0.2.1
dns=192.0.2.53;
may-fail=false
route1=198.51.100.0/24,192.0.2.9

[ipv6]
method=manual
address1=2001:db8::2/64
address2=2001:db8::3/64
"""
    )
    assert "interface-name=eth0\n\n[ethernet]\nmtu=9000\n\n[802-1x]\nidentity=host\npassword=sesame\n" in port
    assert "\nmaster=br0\nslave-type=bridge\n" in port
    assert "ipv4" not in port
    before = NETWORKMANAGER.files[WIRED]
    assert old == before.replace("[connection]\n", "[connection]\nautoconnect=false\n")
    found = plan(NETWORKMANAGER, BR0)
    assert {one["mode"] for one in found["files"]} == {"0600"}
    assert "resumed=u1=eth0\n" in found["head"]


BRIDGE0 = f"{CONNECTIONS}host-bridge-br0"


def test_keyfiles_with_a_vlan_and_given_addresses() -> None:
    made = files(NETWORKMANAGER, {**GIVEN, "vlan": 12})
    assert set(made) == {f"{BRIDGE0}.nmconnection", f"{BRIDGE0}-port.nmconnection"}
    port = made[f"{BRIDGE0}-port.nmconnection"]
    assert "interface-name=eth0.12\n" in port
    assert "\ntype=vlan\n" in port
    assert port.endswith("[vlan]\nid=12\nparent=eth0\n")
    assert made[f"{BRIDGE0}.nmconnection"].endswith(
        """\
stp=true

[ipv4]
method=manual
address1=192.0.2.2/24
gateway=192.0.2.1
dns=192.0.2.53;
dns-search=example.org;

[ipv6]
method=manual
address1=2001:db8::2/64
gateway=fe80::1
dns=2001:db8::53;
dns-search=example.org;
"""
    )
    none = files(NETWORKMANAGER, {**BR0, "addresses": []})[f"{BRIDGE0}.nmconnection"]
    assert none.endswith("[ipv4]\nmethod=disabled\n\n[ipv6]\nmethod=disabled\n")
    leased = files(NETWORKMANAGER, {**BR0, "dhcp": True, "gateway": "192.0.2.1"})[f"{BRIDGE0}.nmconnection"]
    assert "[ipv4]\nmethod=auto\nroute1=0.0.0.0/0,192.0.2.1\n" in leased


def test_keyfiles_made_by_hand_are_left_alone() -> None:
    office, cable = f"{CONNECTIONS}Office.nmconnection", f"{CONNECTIONS}Cable"
    made = {
        **NETWORKMANAGER.files,
        office: "[connection]\nid=Office\nuuid=u2\ntype=bridge\ninterface-name=br0\n[bridge]\nstp=false\n",
        cable: "[connection]\nid=Cable\nuuid=u3\ntype=802-3-ethernet\ninterface-name=eth0\nmaster=u2\n",
    }
    ports = (link(2, "eth0", master="br0"), bridge(3, "br0", FIXED))
    records = (devices(eth0="u3", br0="u2"), filenames(u1=WIRED, u2=office, u3=cable))
    told = Told(links=ports, route="br0", files=made, records=records)
    found = plan(told, BR0)
    assert (found["files"], found["changed"]) == ([], False)
    changed = files(told, {**BR0, "stp": True})
    assert "stp=true\n" in changed[office]
    assert cable not in changed
    back = files(told, ABSENT)
    assert (back[office], back[cable]) == (None, None)
    assert "autoconnect" not in back.get(WIRED, "")


def test_a_profile_of_memory_gives_way_to_a_file() -> None:
    path = "/run/NetworkManager/system-connections/Wired connection 1.nmconnection"
    text = "[connection]\nid=Wired connection 1\nuuid=u1\ntype=ethernet\n"
    told = Told(files={path: text}, records=(devices(eth0="u1"), filenames(u1=path)))
    made = files(told, BR0)
    assert "\nautoconnect=false\n" in made[f"{CONNECTIONS}Wired connection 1.nmconnection"]
    ifcfg = Told(records=(devices(eth0="u1"), filenames(u1="/etc/sysconfig/network-scripts/ifcfg-eth0")))
    assert "ifcfg-eth0, which is no keyfile of an Ethernet NIC" in problems(ifcfg, BR0)[0]


def test_files_made_by_hand_are_left_alone() -> None:
    ports = (link(2, "eth0", master="br0"), bridge(3, "br0", FIXED))
    for told, made in (
        (NETWORKD, {"/etc/systemd/network/lan.netdev": "[NetDev]\nName=br0\nKind=bridge\n"}),
        (IFUPDOWN, {NETIF: "auto br0\niface br0 inet static\n  address 192.0.2.2/24\n  bridge-ports eth0\n"}),
        (NETPLAN, {f"{PLAN}01-site.yaml": "network: {bridges: {br0: {interfaces: [eth0]}}, ethernets: {eth0: {}}}"}),
    ):
        there = replace(told, files=made, links=ports, route="br0", records=(*told.records, *BRIDGED))
        assert plan(there, BR0)["changed"] is False, told
        assert plan(there, {**BR0, "stp": True})["changed"] is True, told
