"""The files that the role host_bridge writes for ifupdown."""

from __future__ import annotations

from dataclasses import replace

from tests.unit._bridges.hosts import IFUPDOWN, MAC
from tests.unit._bridges.plans import BR0, GIVEN, NETIF, files


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


def test_lines_that_ifupdown_itself_refuses_are_kept() -> None:
    odd = "\niface\nauto\niface   \n"
    (path, text), *_others = IFUPDOWN.files.items()
    assert odd.strip() in files(replace(IFUPDOWN, files={path: text + odd}), BR0)[path]


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
