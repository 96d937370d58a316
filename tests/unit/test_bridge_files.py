"""The files that the role host_bridge writes for systemd-networkd, ifupdown and netplan.

What no kernel of the lab has is seen here only: a VLAN under a bridge.
"""

from __future__ import annotations

import configparser
from dataclasses import replace

import yaml

from tests.unit.bridge_hosts import (
    BRIDGED,
    FIXED,
    IFUPDOWN,
    MAC,
    NETPLAN,
    NETWORKD,
    bridge,
    link,
)
from tests.unit.bridge_plans import ABSENT, BR0, GIVEN, NETD, NETIF, PLAN, files, plan

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
