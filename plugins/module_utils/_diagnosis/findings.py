# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a diagnosis can find, each with a stable code, what it means and what to do about it."""

from __future__ import annotations

from typing import Any, NamedTuple

from .kinds import RESTART_DAEMON, WAY_KINDS, FindingKind


class Finding(NamedTuple):
    """What is wrong with a network, or with a NIC (its MAC address) of a guest on it; ``evidence`` is what was seen,
    ``remedy`` the very command where there is one, else that of its kind is right."""

    code: str
    network: str
    evidence: str
    domain: str = ""
    mac: str = ""
    remedy: str = ""


RESTART = "virt_network with state=restarted"
# From cause to consequence: what comes first explains what comes later.
KINDS = {
    "libvirt_down": FindingKind(
        "error",
        "libvirt does not answer, or refuses: nobody can change networks or guests. What runs keeps running.",
        "Start or restart the daemon that the evidence names.",
    ),
    "network_missing": FindingKind(
        "error",
        "There is no such network.",
        "Create it, and reattach its running guests; or correct the name in the guest.",
        "virt_network",
    ),
    "definition_broken": FindingKind(
        "error",
        "libvirt returns a definition that is not XML, as it does not escape all values: nobody can read or change it.",
        "Define it again without &, < and ' in names and profiles (virsh net-define), or delete it (net-undefine).",
    ),
    "definition_invalid": FindingKind(
        "error",
        "The persistent config contradicts itself; libvirt refuses it, or what it says does not work.",
        "Change what the evidence names.",
        "virt_network",
    ),
    "definition_odd": FindingKind(
        "warning",
        "libvirt accepts something in the persistent config that does not work as it is written.",
        "Change what the evidence names.",
        "virt_network",
    ),
    "bridge_left_behind": FindingKind(
        "error",
        "The network does not run, but its bridge exists: a daemon was killed while it started or stopped the network.",
        "Start the network with virt_network, which removes the bridge first.",
        "virt_network",
    ),
    "bridge_taken": FindingKind(
        "error",
        # seen with 11.3 and newer, not with 9.0: a start that fails takes the bridge of that name down
        "The bridge's name belongs to another device of the hypervisor; libvirt 11 removes it when the network starts.",
        "Give the network another bridge.name.",
        "virt_network",
    ),
    "host_bridge_missing": FindingKind(
        "error",
        "The hypervisor has no such bridge, and libvirt does not make it in this mode.",
        "Create the bridge with the hypervisor's NIC as its port.",
        "the role host_bridge",
    ),
    "host_bridge_down": FindingKind(
        "error",
        "The hypervisor's bridge is set down.",
        "Set it up: ip link set dev BRIDGE up, also in its configuration.",
    ),
    "host_bridge_alone": FindingKind(
        "warning",
        "No NIC of the hypervisor is a port of the bridge: guests on it reach nobody outside.",
        "Make the hypervisor's NIC its port.",
        "the role host_bridge",
    ),
    "subnet_overlap": FindingKind(
        "error",
        "Another network, address or route of the hypervisor covers addresses of this network.",
        "Give one of them another subnet.",
        "virt_network",
    ),
    "uplink_missing": FindingKind(
        "error",
        "The device that the network forwards to is not there, or set down.",
        "Correct forward.dev, or set the device up: ip link set dev DEVICE up.",
        "virt_network",
    ),
    "port_taken": FindingKind(
        "error",
        "Another program listens on the port of DNS (53) or DHCP (67) at all addresses, or at the network's own: "
        "dnsmasq cannot start, or guests ask the other one.",
        "Let it listen at its own addresses only, or stop it; then start the network.",
    ),
    "network_inactive": FindingKind("error", "The network does not run.", "Start it.", "virt_network"),
    "bridge_missing": FindingKind(
        "error", "libvirt calls the network active, but its bridge is gone.", "Restart the network.", RESTART
    ),
    "bridge_down": FindingKind("error", "The network's bridge is set down.", "Restart the network.", RESTART),
    "address_missing": FindingKind(
        "error",
        "The network's bridge lacks an address of the network, or its own link-local one.",
        "Restart the network.",
        RESTART,
    ),
    "dnsmasq_missing": FindingKind(
        "error",
        "The network's dnsmasq does not run: guests get neither leases nor names.",
        "Restart the network.",
        RESTART,
    ),
    "dnsmasq_options": FindingKind(
        "error",
        "The configuration of the network's dnsmasq is not what the running network needs.",
        "Restart the network, and do not edit that file.",
        RESTART,
    ),
    "dnsmasq_not_listening": FindingKind(
        "error", "The network's dnsmasq runs, but does not listen where it should.", "Restart the network.", RESTART
    ),
    "dns_silent": FindingKind("error", "The network's DNS does not answer.", "Restart the network.", RESTART),
    "range_exhausted": FindingKind(
        "error",
        "Every address of the DHCP ranges is leased or reserved: a new guest gets none.",
        "Widen the range, or shorten the lease time.",
        "virt_dhcp_range",
    ),
    "dhcp_refused": FindingKind(
        "error",
        "A line in the files of the network's dnsmasq makes it lease nothing to a guest, or to anybody; the "
        "network's definition has no such line.",
        "Restart the network: libvirt writes dnsmasq's files again, and starts it without that line.",
        RESTART,
    ),
    "offer_wrong": FindingKind(
        "error",
        "The network's DHCP offers an address, a mask, a router or a DNS server that does not fit the network.",
        "Restart the network: libvirt writes dnsmasq's files again.",
        RESTART,
    ),
    "dhcp_silent": FindingKind(
        "error",
        "The network's DHCP does not answer.",
        "See whether a firewall drops UDP port 67; restart the network.",
        RESTART,
    ),
    "forwarding_off": FindingKind(
        "error",
        "The kernel does not forward packets, so guests reach nobody outside.",
        "Set the sysctl that the evidence names to 1, now with sysctl -w and for later in /etc/sysctl.d.",
        "the role hypervisor",
    ),
    # A reload or a restart of the network brings rules back, but no jumps from FORWARD (libvirt 9.0).
    "firewall_rules_missing": FindingKind(
        "error",
        "Rules that libvirt makes for this network are not in the firewall: somebody has flushed them.",
        f"{RESTART_DAEMON}, which creates them again and leaves networks and guests as they are. With nftables, "
        "restart it once more if some are still missing.",
    ),
    "bridge_netfilter": FindingKind(
        "error",
        "The kernel sends bridged frames through the firewall, which drops what is forwarded.",
        "Accept the bridge's frames in the chain that the evidence names, or set the sysctl to 0 if nothing needs it.",
    ),
    **WAY_KINDS,
    "no_default_route": FindingKind(
        "warning", "The hypervisor has no default route: guests reach only what it reaches.", "Give it one."
    ),
    "reservation_outside": FindingKind(
        "error",
        "A reservation's address is not in the subnet that it belongs to, so it is never given.",
        "Correct its address.",
        "virt_dhcp_host",
    ),
    "guest_missing": FindingKind("error", "There is no such guest.", "Correct the name."),
    "guest_stopped": FindingKind("error", "The guest does not run.", "Start it."),
    "guest_without_nic": FindingKind("error", "The guest has no NIC.", "Give it one.", "virt_iface"),
    "nic_parked": FindingKind(
        "error",
        "A task that was killed has left the NIC on the network where NICs wait for a restart.",
        "Run any task of this collection for the network.",
        "virt_network",
    ),
    "nic_link_down": FindingKind(
        "error", "The NIC's link is set down.", "Set its link up.", "virt_iface with link.state=up"
    ),
    "nic_filter": FindingKind(
        "error",
        "The NIC refers to a network filter that is missing, or lacks a parameter: with it the guest does not start.",
        "Create the filter with virt_nwfilter, or correct the filterref of the NIC with virt_iface.",
    ),
    # Neither virt_iface nor a restart of the network touches it (libvirt 9.0).
    "nic_tap_down": FindingKind(
        "error", "The NIC's device on the hypervisor is set down.", "Set it up: ip link set dev DEVICE up."
    ),
    "nic_disconnected": FindingKind(
        "error",
        "The NIC is not connected to its network, usually because the network was restarted without restart=replug.",
        "Reattach it.",
        RESTART,
    ),
    "mac_duplicate": FindingKind(
        "error",
        "Two NICs on one network have the same MAC address, so frames for one go to the other.",
        "Give one of them another MAC address.",
        "virt_iface",
    ),
    "address_outside": FindingKind(
        "error",
        "The guest uses an address that is in no subnet of its network.",
        "Correct the address in the guest, or let the guest use DHCP.",
    ),
    "untraced": FindingKind(
        "error",
        "A client that asks as a guest does gets no answer, and no trace says who drops the question or the answer.",
        "Repair what other findings name, then look again with probe=true.",
    ),
    "no_address": FindingKind(
        "warning",
        "The NIC is connected, but its network's DHCP has leased it no address.",
        "See on the guest's console whether it has set the NIC up and asks for an address.",
    ),
    "transient": FindingKind(
        "warning",
        "The network is transient: it is gone once it stops.",
        "Make it persistent.",
        "virt_network",
    ),
    "restart_pending": FindingKind(
        "warning",
        "The persistent config differs from the live one, and takes effect with the next start.",
        "Restart the network, or save the live config.",
        RESTART,
    ),
    "autostart_off": FindingKind(
        "warning",
        "The network does not start with the hypervisor.",
        "Set autostart.",
        "virt_network with autostart=true",
    ),
}
ORDER = list(KINDS)
SEVERITIES = ("error", "warning")


def ranked(findings: set[Finding]) -> list[Finding]:
    """Errors first, and causes before consequences."""
    return sorted(
        findings, key=lambda one: (SEVERITIES.index(KINDS[one.code].severity), ORDER.index(one.code), *one[1:])
    )


def describe(finding: Finding) -> dict[str, Any]:
    """A finding as users get it."""
    kind = KINDS[finding.code]
    return {**finding._asdict(), **kind._asdict(), "remedy": _remedy(finding)}


def sentence(finding: Finding) -> str:
    """A finding as a part of another sentence: what was seen, and what to do."""
    return f"{finding.evidence} ({finding.code}): {_remedy(finding).rstrip('.')}"


def _remedy(finding: Finding) -> str:
    return finding.remedy or KINDS[finding.code].remedy
