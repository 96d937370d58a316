"""Plans of the role host_bridge for hosts without a machine."""

from __future__ import annotations

from typing import Any

from ansible_collections.virtfleet.network.plugins.filter.host_bridge_plan import host_bridge_plan
from tests.unit._bridges.hosts import FIXED, IFUPDOWN, NETPLAN, NETWORKD, NETWORKMANAGER, Told

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
HOSTS = {"networkd": NETWORKD, "ifupdown": IFUPDOWN, "netplan": NETPLAN, "networkmanager": NETWORKMANAGER}
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
