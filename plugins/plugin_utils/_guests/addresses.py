# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses of a guest's NIC, from whoever knows them, and the one that Ansible is to use. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ...module_utils._xml.fields import Spec

SOURCES = ("lease", "reservation", "agent", "neighbour")
FAMILIES = {"ipv4": 4, "ipv6": 6}
# How a DUID begins that ends with the MAC address of its NIC (RFC 8415, 11.2 and 11.4), and how long it is.
_BY_MAC = {"00:01:00:01:": 14, "00:03:00:01:": 10}


class Order(NamedTuple):
    """What an address is chosen by, the first choice first: networks ([]: any, in the order of the NICs), families,
    and who knows it."""

    networks: Sequence[str]
    families: Sequence[str]
    sources: Sequence[str]


def usable(address: str) -> bool:
    """Whether Ansible could connect to it from elsewhere; agents are programs of guests, which say what they like."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return "%" not in address and not (found.is_link_local or found.is_loopback or found.is_multicast or not int(found))


def reserved(network: Spec, mac: str, guest: str) -> list[str]:
    """The addresses that a network reserves for a NIC with this MAC address of a guest of this name."""
    hosts = (host for item in network.get("ips", []) for host in item.get("dhcp", {}).get("hosts", []))
    return [host["ip"] for host in hosts if host.get("ip") and _is_for(host, mac, guest)]


def _is_for(host: Spec, mac: str, guest: str) -> bool:
    """Whether a reservation is for a NIC: by its MAC address, by a DUID that is made of it, or else by its name."""
    if host.get("mac"):
        return str(host["mac"]).lower() == mac
    if host.get("id"):
        return made_of(str(host["id"]), mac)
    return bool(guest) and host.get("name") == guest


def made_of(duid: str, mac: str) -> bool:
    """Whether a DUID is made of a MAC address."""
    duid = duid.lower()
    return len(duid.split(":")) == _BY_MAC.get(duid[:12]) and duid.endswith(f":{mac}")


def choose(nics: Iterable[Mapping[str, Any]], order: Order) -> tuple[str, Mapping[str, Any]] | None:
    """The best address by this order, with its NIC; None when there is none."""
    families = [FAMILIES[name] for name in order.families]
    best: list[tuple[tuple[int, ...], str, Mapping[str, Any]]] = []
    for number, nic in enumerate(nics):
        if order.networks and nic["network"] not in order.networks:
            continue
        place = order.networks.index(nic["network"]) if order.networks else number
        for one in nic["addresses"]:
            family = 6 if ":" in one["address"] else 4
            if family in families and one["source"] in order.sources and usable(one["address"]):
                rank = (place, families.index(family), order.sources.index(one["source"]), number)
                best.append((rank, one["address"], nic))
    return min(best, key=lambda one: one[0])[1:] if best else None
