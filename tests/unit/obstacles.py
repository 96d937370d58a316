"""The ways to break what the kernel of a healthy hypervisor does, each with what is found and what mends it."""

from __future__ import annotations

from tests.unit.scenes import BRIDGE_MAC, MAC

from .kernels import (
    GATEWAY,
    GATEWAY_6,
    LINK_LOCAL,
    UP,
    Break,
    answered,
    both,
    bridged,
    device,
    entry,
    filtered,
    neighbour,
    outwards,
    policy,
    port,
    ported,
    queue,
    resolved_by,
    route,
    setting,
    to_guests,
    unlearnt,
    vlans,
    without_route,
)
from .rule_obstacles import RULES

ADDRESS = {"family": "inet", "local": GATEWAY, "prefixlen": 16}
ADDRESS_6 = {"family": "inet6", "local": GATEWAY_6, "prefixlen": 64}
INVALID, NO_HOST, NO_NET = "Invalid argument", "No route to host", "Network is unreachable"
REDIRECT = {"kind": "mirred", "mirred_action": "redirect", "to_dev": "x"}
PVID, TAGGED = ["PVID", "Egress Untagged"], []
# How the kernel is broken, the code of what is found, and the remedy (with "*" for what the code says).
BREAKS: dict[str, tuple[Break, str, str]] = {
    "the port is blocked by hand": (
        both(bridged(), ported("vnet0", state="listening")),
        "port_blocked",
        "ip link set dev vnet0 type bridge_slave state 3",
    ),
    "the port is blocked by STP": (
        ported("vnet0", state="blocking"),
        "port_blocked",
        "remove the loop that STP found, or: ip link set dev virbr5 type bridge stp_state 0",
    ),
    "the port is locked": (
        both(ported("vnet0", locked=True), unlearnt),
        "port_closed",
        "bridge link set dev vnet0 locked off",
    ),
    "the port gets no broadcasts": (
        ported("vnet0", bcast_flood=False),
        "port_closed",
        "bridge link set dev vnet0 bcast_flood on",
    ),
    "the port gets nothing": (
        both(ported("vnet0", learning=False, flood=False), unlearnt),
        "port_closed",
        "bridge link set dev vnet0 learning on flood on",
    ),
    "the port is in no VLAN": (
        vlans(vnet0=[(7, TAGGED)], virbr5=[(1, PVID)]),
        "port_vlan",
        "bridge vlan add dev vnet0 vid 1 pvid untagged",
    ),
    "the port is in another VLAN": (
        vlans(vnet0=[(7, PVID)], virbr5=[(1, PVID)]),
        "port_vlan",
        "bridge vlan add dev virbr5 vid 7 pvid untagged self",
    ),
    "the guest's MAC address is fixed elsewhere": (
        entry(mac=MAC, ifname="vnet9", state="static"),
        "mac_elsewhere",
        f"bridge fdb del {MAC} dev vnet9 master",
    ),
    "a queue drops": (
        queue(dev="vnet0", kind="pfifo", drops=9, packets=0),
        "queue_drops",
        "tc qdisc del dev vnet0 root",
    ),
    "the tap has no room": (
        device("vnet0", linkinfo={**port("vnet0", "virbr5")["linkinfo"], "info_kind": "tun"}),
        "queue_drops",
        "ip link set dev vnet0 txqueuelen 1000",
    ),
    "a queue is a black hole": (
        queue(dev="virbr5", kind="blackhole"),
        "queue_drops",
        "tc qdisc del dev virbr5 root",
    ),
    "a filter drops": (
        filtered(kind="matchall", pref=9, options={"actions": [{"kind": "gact", "control_action": {"type": "drop"}}]}),
        "queue_drops",
        "tc filter del dev vnet0 ingress pref 9",
    ),
    "a filter redirects": (
        filtered(kind="matchall", pref=9, options={"actions": [{"kind": "mirred", "mirred_action": "redirect"}]}),
        "queue_drops",
        "tc filter del dev vnet0 ingress pref 9",
    ),
    "the bridge takes smaller packets": (
        device("virbr5", mtu=1400),
        "mtu_small",
        "ip link set dev virbr5 mtu 1500",
    ),
    "the bridge is too small for IPv6": (
        device("virbr5", mtu=1000, addr_info=[{**ADDRESS, "prefixlen": 24}]),
        "mtu_small",
        "ip link set dev virbr5 mtu 1500",
    ),
    "the bridge has no ARP": (
        device("virbr5", flags=[*UP, "NOARP"]),
        "arp_off",
        "ip link set dev virbr5 arp on",
    ),
    "the bridge ignores ARP": (
        setting("net.ipv4.conf.virbr5.arp_ignore", "8"),
        "arp_off",
        "sysctl -w net.ipv4.conf.virbr5.arp_ignore=0",
    ),
    "the uplink has no ARP": (
        device("br0", flags=[*UP, "NOARP"]),
        "arp_off",
        "ip link set dev br0 arp on",
    ),
    "the address has another prefix": (
        device("virbr5", addr_info=[ADDRESS, ADDRESS_6, LINK_LOCAL]),
        "address_prefix",
        f"ip address add {GATEWAY}/24 dev virbr5; ip address del {GATEWAY}/16 dev virbr5",
    ),
    "the address is another machine's": (
        device("virbr5", addr_info=[{**ADDRESS, "prefixlen": 24}, {**ADDRESS_6, "dadfailed": True}, LINK_LOCAL]),
        "address_duplicate",
        f"find who else has {GATEWAY_6}; then restart the network",
    ),
    "the guest's neighbour entry is wrong": (
        neighbour("192.168.50.100", lladdr="02:00:00:00:00:77", state=["PERMANENT"]),
        "neighbour_wrong",
        "ip neigh del 192.168.50.100 dev virbr5",
    ),
    "the router's neighbour entry is wrong": (
        neighbour("192.0.2.1", lladdr="52:54:00:00:00:ee", state=["PERMANENT"]),
        "neighbour_wrong",
        "ip neigh del 192.0.2.1 dev br0",
    ),
    "the router is silent": (
        lambda kernel: kernel._replace(neighbours=[{"dst": "192.0.2.1", "dev": "br0", "state": ["FAILED"]}]),
        "router_silent",
        "*",
    ),
    "a rule drops": (
        both(
            policy(priority=9, src="192.168.50.0", srclen=24, action="blackhole"),
            answered(INVALID)(outwards),
        ),
        "route_dropped",
        "ip rule del from 192.168.50.0/24 blackhole priority 9",
    ),
    "a route drops": (
        both(route(type="blackhole", dst="192.168.50.64/26", table="main"), answered(INVALID)(to_guests)),
        "route_dropped",
        "ip route del blackhole 192.168.50.64/26 table main",
    ),
    "nobody knows what drops": (answered(INVALID)(outwards), "route_dropped", "see ip rule and ip route"),
    "the route to guests takes smaller packets": (
        both(
            without_route("192.168.50.0/24"),
            route(dst="192.168.50.0/24", dev="virbr5", protocol="kernel", scope="link", metrics=[{"mtu": 500}]),
        ),
        "mtu_small",
        "ip route change 192.168.50.0/24 dev virbr5 proto kernel scope link",
    ),
    "the default route takes smaller packets": (
        both(
            without_route("default"),
            route(dst="default", gateway="192.0.2.1", dev="br0", metric=9, metrics=[{"mtu": 500}]),
        ),
        "mtu_small",
        "ip route change default via 192.0.2.1 dev br0 metric 9",
    ),
    "the way back is gone": (
        both(without_route("192.168.50.0/24"), answered(dev="br0", gateway="192.0.2.1")(to_guests)),
        "route_elsewhere",
        f"ip route replace 192.168.50.0/24 dev virbr5 proto kernel scope link src {GATEWAY}",
    ),
    "the way back is filtered": (
        both(route(type="unicast", dst="192.168.50.64/26", dev="eth0", table="main"), answered(INVALID)(outwards)),
        "route_elsewhere",
        "ip route del 192.168.50.64/26 dev eth0 table main",
    ),
    "a rule leads the way back elsewhere": (
        both(
            policy(priority=9, src="all", dst="192.168.50.0", dstlen=24, table="7"),
            route(type="unicast", dst="default", dev="eth0", table="7"),
            answered(dev="eth0", gateway="192.0.2.1")(to_guests),
        ),
        "route_elsewhere",
        "ip rule del from all to 192.168.50.0/24 lookup 7 priority 9",
    ),
    "a VPN's rule for everything leads the way back elsewhere": (
        both(
            policy(priority=220, src="all", table="220"),
            route(type="unicast", dst="default", dev="eth0", table="220"),
            answered(dev="eth0", gateway="192.0.2.1")(to_guests),
        ),
        "route_elsewhere",
        "ip rule add to 192.168.50.0/24 lookup main priority 219",
    ),
    "the kernel does not know its address": (
        both(without_route(GATEWAY), answered(dev="virbr5")(lambda one: one.destination == GATEWAY)),
        "route_elsewhere",
        f"ip route add local {GATEWAY} dev virbr5 table local proto kernel scope host src {GATEWAY}",
    ),
    "the table of connections is full": (
        both(setting("net.netfilter.nf_conntrack_count", "9"), setting("net.netfilter.nf_conntrack_max", "9")),
        "conntrack_full",
        "sysctl -w net.netfilter.nf_conntrack_max=18",
    ),
    "connections are forgotten": (
        setting("net.netfilter.nf_conntrack_udp_timeout", "0"),
        "connections_forgotten",
        "sysctl -w net.netfilter.nf_conntrack_udp_timeout=30",
    ),
    "the bridge has no address of its link": (
        device("virbr5", addr_info=[{**ADDRESS, "prefixlen": 24}, ADDRESS_6]),
        "address_missing",
        "ip address add fe80::5054:ff:fe00:1/64 dev virbr5",
    ),
    "the bridge makes no address of its link": (
        both(
            device("virbr5", addr_info=[{**ADDRESS, "prefixlen": 24}, ADDRESS_6]),
            setting("net.ipv6.conf.virbr5.addr_gen_mode", "1"),
        ),
        "address_missing",
        "sysctl -w net.ipv6.conf.virbr5.addr_gen_mode=0",
    ),
    "the bridge's MAC address is fixed at a port": (
        entry(mac=BRIDGE_MAC, ifname="vnet9", state="static"),
        "mac_elsewhere",
        f"bridge fdb replace {BRIDGE_MAC} dev virbr5 self permanent",
    ),
    "the tap has the guest's own MAC address": (
        entry(mac=MAC, ifname="vnet0", state="permanent"),
        "mac_elsewhere",
        f"ip link set dev vnet0 address fe:{MAC[3:]}",
    ),
    "the tap takes smaller packets": (
        device("vnet0", mtu=1400),
        "mtu_small",
        "ip link set dev vnet0 mtu 1500",
    ),
    "the port gets no multicasts": (
        ported("vnet0", mcast_flood=False),
        "port_closed",
        "bridge link set dev vnet0 mcast_flood on",
    ),
    "a filter of another kind takes all": (
        filtered(
            kind="u32",
            pref=9,
            way="egress",
            protocol="ip",
            options={"match": {"value": "0", "mask": "0"}, "actions": [REDIRECT]},
        ),
        "queue_drops",
        "tc filter del dev vnet0 egress pref 9",
    ),
    "bridged frames are dropped": (
        setting("net.bridge.bridge-nf-call-iptables", "1"),
        "bridge_netfilter",
        "iptables -t filter -I FORWARD -i br0 -o br0 -j ACCEPT",
    ),
    "the uplink does not forward": (
        setting("net.ipv4.conf.br0.forwarding", "0"),
        "forwarding_off",
        "sysctl -w net.ipv4.conf.br0.forwarding=1",
    ),
    "the uplink is a port": (
        device("br0", master="bond0", linkinfo={"info_slave_kind": "bond"}),
        "uplink_taken",
        "ip link set dev br0 nomaster; or move its addresses and routes to bond0",
    ),
    "dnsmasq has nobody to ask": (resolved_by(), "dns_upstream", "*"),
    "dnsmasq asks where nobody listens": (resolved_by("127.0.0.77"), "dns_upstream", "*"),
    "the uplink has no carrier": (
        device("br0", flags=["BROADCAST", "UP"]),
        "uplink_down",
        "ip link set dev br0 up; look at its cable",
    ),
    **RULES,
}
