"""The documents that the role host_bridge writes for netplan."""

from __future__ import annotations

from dataclasses import replace

import yaml

from tests.unit._bridges.hosts import MAC, NETPLAN, netplan_of
from tests.unit._bridges.plans import BR0, PLAN, files, plan


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


def test_what_two_devices_share_by_an_alias_stays_with_the_other() -> None:
    (path, text), *_others = NETPLAN.files.items()
    shared = text.replace("nameservers: {", "nameservers: &names {").replace("routes: [", "routes: &routes [")
    shared = shared.replace(
        "other: {dhcp4: true}", "other: &other {nameservers: *names, routes: *routes}\n    more: *other"
    )
    made = files(replace(NETPLAN, files={path: shared.replace("lan:\n", "lan: &lan\n") + "    last: *lan\n"}), BR0)
    kept = yaml.safe_load(made[path])["network"]["ethernets"]
    assert (
        kept["other"]
        == kept["more"]
        == {"nameservers": {"addresses": ["192.0.2.53"]}, "routes": kept["last"]["routes"]}
    )
    assert kept["last"]["addresses"] == ["192.0.2.2/24", "2001:db8::2/64"]
    assert "addresses" not in kept["lan"]


def test_scalars_of_netplan_stay_as_they_are() -> None:
    """YAML takes them for numbers, dates and truths, and would write them as such."""
    (path, text), *_others = NETPLAN.files.items()
    odd = (
        "    vlan7: {macaddress: 12:34:56:12:34:56, a: 0123, b: 2026-11-26, c: 1e3, d: 1_000, e: off, f: ~, g: 'yes'}\n"
    )
    found = plan(replace(NETPLAN, files={path: text + odd}), BR0)
    (written,) = [file["text"] for file in found["files"] if file["path"] == path]
    kept = netplan_of(written)["network"]["ethernets"]["vlan7"]
    assert kept == netplan_of(odd.strip())["vlan7"]
