"""The files that the role host_bridge writes for systemd-networkd.

What no kernel of the lab has is seen here only: a VLAN under a bridge.
"""

from __future__ import annotations

import configparser
from dataclasses import replace

from tests.unit._bridges.hosts import MAC, NETWORKD, bridge
from tests.unit._bridges.plans import ABSENT, BR0, GIVEN, NETD, files, plan


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


def test_the_drop_in_of_a_port_whose_file_is_elsewhere_goes_with_the_bridge() -> None:
    elsewhere = {path.replace("/etc/", "/usr/lib/"): text for path, text in NETWORKD.files.items()}
    records = tuple((kind, text.replace("/etc/", "/usr/lib/"), name) for kind, text, name in NETWORKD.records)
    host = replace(NETWORKD, files=elsewhere, records=records)
    after = host.after(plan(host, {**BR0, "vlan": 12}))
    gone = files(replace(after, records=records), {**ABSENT, "vlan": 12})
    assert set(gone) == set(after.files) - set(elsewhere)


def test_networkd_reads_what_is_written() -> None:
    for text in files(NETWORKD, GIVEN).values():
        configparser.ConfigParser(strict=False, allow_no_value=True).read_string(text)
    assert "Gateway=fe80::1" in files(NETWORKD, GIVEN)[f"{NETD}.network"]
