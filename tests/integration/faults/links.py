"""Faults at the first hops: the guest's link, its tap, and the port of the bridge.

The lab's kernel has no filtering of VLANs, and opens ports again that are set to blocking or disabled: those are tried
in pure tests.
"""

from __future__ import annotations

from .kinds import EVERY, Kind

MASTER = "ip link set TAP master BRIDGE up"
STRAY = "ip link add WORD type veth peer name WORDb"
BLOCKED = "ip link set BRIDGE type bridge stp_state 0; ip link set TAP type bridge_slave state {}"
OPEN = "ip link set TAP type bridge_slave state 3; ip link set BRIDGE type bridge stp_state 1"
QUEUE_OFF = "tc qdisc del dev {} root"

LINKS = {
    "link of the NIC down": Kind(
        "virsh -q domif-setlink DOMAIN MAC down", "virsh -q domif-setlink DOMAIN MAC up", "nic_link_down", "MAC", EVERY
    ),
    "tap down": Kind("ip link set TAP down", "ip link set TAP up", "nic_tap_down", "TAP", EVERY),
    "tap on no bridge": Kind("ip link set TAP nomaster", MASTER, "nic_disconnected", "TAP", EVERY),
    "tap on another bridge": Kind(
        "ip link add WORD up type bridge; ip link set TAP master WORD",
        f"{MASTER}; ip link del WORD",
        "nic_disconnected",
        "WORD",
        EVERY,
    ),
    "tap renamed": Kind(
        "ip link set TAP down; ip link set TAP name WORD up",
        "ip link set WORD down; ip link set WORD name TAP up",
        "nic_disconnected",
        "TAP",
        EVERY,
    ),
    "tap without carrier": Kind(
        "ip link set TAP carrier off", "ip link set TAP carrier on", "nic_disconnected", "TAP", EVERY
    ),
    "MTU of the tap": Kind(
        "ip link set TAP mtu 1300; ip link set BRIDGE mtu 1500",
        "ip link set TAP mtu 1500; ip link set BRIDGE mtu 1500",
        "mtu_small",
        "TAP",
        EVERY,
    ),
    "MTU of the tap and the bridge": Kind(
        "ip link set TAP mtu 1300; ip link set BRIDGE mtu 1300",
        "ip link set TAP mtu 1500; ip link set BRIDGE mtu 1500",
        "mtu_small",
        "TAP",
        EVERY,
    ),
    "tap with the guest's own MAC address": Kind(
        "ip link set TAP address MAC", "ip link set TAP address fe:54:00:90:00:NUMBERH", "mac_elsewhere", "MAC", EVERY
    ),
    "black hole as the tap's queue": Kind(
        "tc qdisc add dev TAP root blackhole", QUEUE_OFF.format("TAP"), "queue_drops", "TAP", EVERY
    ),
    "ring of the tap without room": Kind(
        "ip link set TAP txqueuelen 0", "ip link set TAP txqueuelen 1000", "queue_drops", "TAP", EVERY
    ),
    "tap in another namespace": Kind(
        "ip netns add WORD; ip link set TAP netns WORD",
        f"ip netns exec WORD ip link set TAP netns 1; ip netns del WORD; {MASTER}",
        "nic_disconnected",
        "TAP",
        EVERY,
    ),
    "queue of the tap without room": Kind(
        "tc qdisc add dev TAP root pfifo limit 0\nfor _ in 1 2 3 4 5 6; do ping -c 1 -W 0.1 -I BRIDGE GUEST; done",
        QUEUE_OFF.format("TAP"),
        "queue_drops",
        "TAP",
    ),
    "filter of the tap that redirects all": Kind(
        f"{STRAY}; ip link set WORD up; tc qdisc add dev TAP ingress; "
        "tc filter add dev TAP ingress protocol all pref NUMBER u32 match u32 0 0 "
        "action mirred egress redirect dev WORD",
        "tc qdisc del dev TAP ingress; ip link del WORD",
        "queue_drops",
        "TAP",
        EVERY,
    ),
    "filter of the tap by protocol": Kind(
        f"{STRAY}; ip link set WORD up; tc qdisc add dev TAP clsact; "
        "tc filter add dev TAP ingress protocol ip pref NUMBER u32 match u32 0 0 "
        "action mirred egress redirect dev WORD",
        "tc qdisc del dev TAP clsact; ip link del WORD",
        "queue_drops",
        "pref NUMBER",
        EVERY,
    ),
    "filter of the tap for what goes to the guest": Kind(
        f"{STRAY}; ip link set WORD up; tc qdisc add dev TAP clsact; "
        "tc filter add dev TAP egress protocol all pref NUMBER u32 match u32 0 0 "
        "action mirred egress redirect dev WORD",
        "tc qdisc del dev TAP clsact; ip link del WORD",
        "queue_drops",
        "TAP egress pref NUMBER",
        EVERY,
    ),
    "program of XDP on the bridge": Kind(
        "xdp BRIDGE",
        "ip link set dev BRIDGE xdpgeneric off",
        "",
        "ip link set dev BRIDGE xdpgeneric off",
        probe=True,
    ),
    "filter of the bridge that redirects all": Kind(
        f"{STRAY}; ip link set WORD up; tc qdisc add dev BRIDGE clsact; "
        "tc filter add dev BRIDGE ingress protocol all pref NUMBER u32 match u32 0 0 "
        "action mirred egress redirect dev WORD",
        "tc qdisc del dev BRIDGE clsact; ip link del WORD",
        "queue_drops",
        "BRIDGE ingress pref NUMBER",
    ),
}
PORTS = {
    **{
        f"port {state}": Kind(BLOCKED.format(number), OPEN, "port_blocked", "TAP", EVERY)
        for number, state in ((1, "listening"), (2, "learning"))
    },
    "port locked": Kind(
        "bridge link set dev TAP locked on", "bridge link set dev TAP locked off", "port_closed", "TAP", EVERY
    ),
    "port without broadcasts": Kind(
        "bridge link set dev TAP bcast_flood off", "bridge link set dev TAP bcast_flood on", "port_closed", "TAP", EVERY
    ),
    "port without multicasts": Kind(
        "bridge link set dev TAP mcast_flood off", "bridge link set dev TAP mcast_flood on", "port_closed", "TAP"
    ),
    "port that nothing is sent to": Kind(
        "bridge link set dev TAP flood off learning off",
        "bridge link set dev TAP flood on learning on",
        "port_closed",
        "TAP",
        EVERY,
    ),
    "ports isolated from each other": Kind(
        "bridge link set dev TAP isolated on; bridge link set dev PEERTAP isolated on",
        "bridge link set dev TAP isolated off; bridge link set dev PEERTAP isolated off",
        "port_isolated",
        "TAP",
        EVERY,
    ),
    "port isolated from the uplink's": Kind(
        "bridge link set dev TAP isolated on; bridge link set dev vf-port isolated on",
        "bridge link set dev TAP isolated off; bridge link set dev vf-port isolated off",
        "port_isolated",
        "TAP",
        "out",
    ),
    "MAC address fixed at another port": Kind(
        f"{STRAY}; ip link set WORD master BRIDGE up; bridge fdb replace MAC dev WORD master static",
        "ip link del WORD",
        "mac_elsewhere",
        "WORD",
        EVERY,
    ),
    "port at the uplink down": Kind(
        "ip link set vf-port down", "ip link set vf-port up", "port_blocked", "vf-port", "out"
    ),
    "queue of the uplink's port": Kind(
        "tc qdisc add dev vf-port root blackhole", QUEUE_OFF.format("vf-port"), "queue_drops", "vf-port", "out"
    ),
    "MTU of the uplink's port": Kind(
        "ip link set vf-port mtu 1200; ip link set BRIDGE mtu 1500",
        "ip link set vf-port mtu 1500; ip link set BRIDGE mtu 1500",
        "mtu_small",
        "vf-port",
        "out",
    ),
}
