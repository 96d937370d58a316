# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parking network, where NICs wait while theirs is restarted, and the XML that moves a NIC. Pure."""

from __future__ import annotations

import copy
import hashlib
from typing import NamedTuple

from .._xml.codec import Element, etree
from .._xml.definition import Definition

# Of a definition, what a NIC keeps while it is parked: the frames' size, its part of the bandwidth, its isolation; and
# the gateway's MAC address. Else frames to it go to the other ports, and there the kernel, with br_netfilter, ends
# the NAT of their connections, as they leave by another device (nf_nat_oif_changed() in nf_nat_core.c).
_KEPT = ("mac", "mtu", "bandwidth", "port", "portgroup")
_METADATA = "https://github.com/virtfleet/virtfleet.network/parking"


class Place(NamedTuple):
    """A network that a NIC can be plugged into, and its bridge."""

    network: str
    bridge: str


def parking_of(network: str) -> Place:
    """The parking network of a network: always the same, so that another task finds what a killed one left."""
    digest = hashlib.sha256(network.encode()).hexdigest()[:10]
    return Place(f"{network[:50]}-parking-{digest}", f"vfp-{digest}")


def parking_network(network: str, live: Definition) -> Definition:
    """The definition of the parking network of a running network: a bridge without addresses, so that guests can talk
    to each other there and to nobody else."""
    place, source = parking_of(network), live.tree
    root = etree.Element("network")
    etree.SubElement(root, "name").text = place.network
    metadata = etree.SubElement(root, "metadata")
    etree.SubElement(metadata, f"{{{_METADATA}}}parking", {"network": network}, {"parking": _METADATA})
    # A port of a bridge without STP forwards at once.
    etree.SubElement(root, "bridge", name=place.bridge, stp="off", delay="0")
    root.extend(copy.deepcopy(child) for tag in _KEPT for child in source.findall(tag))
    if source.find("forward[@mode='bridge']") is not None:
        # What only the host's own bridge can do, the parking network's bridge cannot.
        for group in root.findall("portgroup"):
            for child in (*group.findall("vlan"), *group.findall("virtualport")):
                group.remove(child)
    return Definition(tree=root)


def moved(nic: Element, place: Place) -> str:
    """The XML that moves a NIC to another network, from the NIC as it was declared, without what it has of its network
    and portgroup: that would become its own, and would not follow a change of theirs any more."""
    nic = copy.deepcopy(nic)
    source = nic.find("source")
    if nic.get("type") == "bridge":
        source.set("bridge", place.bridge)
    else:
        source.set("network", place.network)
    return str(etree.tostring(nic, encoding="unicode", with_tail=False))
