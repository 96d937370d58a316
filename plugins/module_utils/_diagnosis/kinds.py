# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a kind of finding is, and the kinds where a packet's way ends; the command of the finding comes with it."""

from __future__ import annotations

from typing import NamedTuple


class FindingKind(NamedTuple):
    """``severity`` is error, or warning for what works now and will not always; ``repair`` is what of this collection
    repairs it, "" for nothing."""

    severity: str
    meaning: str
    remedy: str
    repair: str = ""


RESTART_DAEMON = "Restart the daemon that runs networks: systemctl restart DAEMON (libvirtd or virtnetworkd)"
# From cause to consequence, like the way itself.
WAY_KINDS = {
    "port_blocked": FindingKind(
        "error",
        "A port of the bridge does not forward frames.",
        "Let the port forward: ip link set dev PORT type bridge_slave state 3.",
    ),
    "port_closed": FindingKind(
        "error",
        "A port of the bridge is locked, or gets no frames for stations that the bridge does not know.",
        "Open the port: bridge link set dev PORT locked off learning on flood on.",
    ),
    "port_isolated": FindingKind(
        "error",
        "Two ports of the bridge are isolated from each other, which nobody asked for in the guest's NIC.",
        "Undo it: bridge link set dev PORT isolated off.",
    ),
    "port_vlan": FindingKind(
        "error",
        "The bridge filters VLANs, and the guest's port is not in the VLAN of the other end.",
        "Add the VLAN to the port: bridge vlan add dev PORT vid VLAN.",
    ),
    "mac_elsewhere": FindingKind(
        "error",
        "The bridge sends frames for the guest, or for itself, to another port.",
        "Delete the entry: bridge fdb del MAC dev PORT master.",
    ),
    "queue_drops": FindingKind(
        "error",
        "A queue or a filter of a device lets no packet through.",
        "Delete it with tc qdisc del or tc filter del.",
    ),
    "mtu_small": FindingKind(
        "error",
        "A device or a route on the way takes only smaller packets than guests send: large ones are lost.",
        "Give it the MTU of the others: ip link set dev DEVICE mtu SIZE, or set mtu.size of the network.",
    ),
    "arp_off": FindingKind(
        "error",
        "A device takes no part in ARP, so neither side finds the other's MAC address.",
        "Switch it on: ip link set dev DEVICE arp on.",
    ),
    "address_prefix": FindingKind(
        "error",
        "The bridge has the network's address with another prefix.",
        "Give it the network's prefix, or restart the network.",
    ),
    "address_duplicate": FindingKind(
        "error",
        "Another machine has the address of the bridge, or answers for it.",
        "Give one of them another address, then restart the network.",
    ),
    "rival_server": FindingKind(
        "error",
        "Somebody else on the network leases addresses to guests, or poses as their router.",
        "Stop that server, or keep its answers from guests by a network filter.",
    ),
    "neighbour_wrong": FindingKind(
        "error",
        "A permanent neighbour entry has the wrong MAC address.",
        "Delete the entry: ip neigh del ADDRESS dev DEVICE.",
    ),
    "route_dropped": FindingKind(
        "error",
        "A policy rule or a route of the hypervisor drops the packets of guests.",
        "Delete it with ip rule del or ip route del.",
    ),
    "route_elsewhere": FindingKind(
        "error",
        "The hypervisor's route leads packets elsewhere.",
        "See ip rule and ip route, and restore the route.",
    ),
    "conntrack_full": FindingKind(
        "error",
        "The kernel's table of connections is full: it drops packets of new ones.",
        "Raise the sysctl net.netfilter.nf_conntrack_max.",
    ),
    "connections_forgotten": FindingKind(
        "error",
        "The kernel forgets connections at once, so answers to guests belong to none and are dropped.",
        "Set the sysctl that the evidence names to the kernel's default.",
    ),
    "firewall_drops": FindingKind(
        "error",
        "A rule of a firewall drops packets of guests.",
        "Delete the rule, or let its owner accept the network's bridge.",
    ),
    "filter_drops": FindingKind(
        "warning",
        "The network filter of a guest's NIC drops packets: it is there for that, or drops too much.",
        "Change the filter with virt_nwfilter, or the NIC's with virt_iface, unless that is what you want.",
    ),
    "ipsec_blocks": FindingKind(
        "error",
        "An IPsec policy of the kernel blocks packets of guests, or wants them in a tunnel.",
        "Delete it with ip xfrm policy delete, or let its owner leave the network out.",
    ),
    "neighbours_full": FindingKind(
        "error",
        "The kernel's table of neighbours is full: it cannot add a neighbour that it does not know yet.",
        "Raise the sysctl that the evidence names.",
    ),
    "dns_upstream": FindingKind(
        "error",
        "The network's dnsmasq reaches none of the servers that it asks: guests cannot resolve names of the outside.",
        "Correct /etc/resolv.conf of the hypervisor, or the way to the servers in it.",
    ),
    "not_translated": FindingKind(
        "error",
        "Packets of guests leave with their own address, to which nobody outside can answer.",
        f"{RESTART_DAEMON}, which creates its rules again.",
    ),
    "translated_wrongly": FindingKind(
        "warning",
        "Packets of guests leave with an address that the hypervisor does not have, where answers may not come.",
        "Delete the rule, or give the hypervisor the address.",
    ),
    "firewall_redirects": FindingKind(
        "warning",
        "A rule of a firewall sends packets of guests to another destination.",
        "Delete the rule, unless that is what you want.",
    ),
    "packets_expire": FindingKind(
        "error",
        "A rule of a firewall sets the time to live of guests' packets so that they get no further.",
        "Delete the rule.",
    ),
    "uplink_down": FindingKind(
        "error",
        "The device that the route leads to has no link.",
        "Set it up, and check its cable.",
    ),
    "uplink_taken": FindingKind(
        "error",
        "The device that the route leads to is a port of another one, so its own addresses and routes do not work.",
        "Move its addresses and routes to the other device, or take this device out of the other.",
    ),
    "no_answer": FindingKind(
        "error",
        "A client that asks as a guest does gets no answer: what the trace names drops the question, or the answer.",
        "See what the evidence names.",
    ),
    "router_silent": FindingKind(
        "warning",
        "The hypervisor's router does not answer: guests reach nobody outside.",
        "See whether the router runs, and whether its address is right.",
    ),
}
