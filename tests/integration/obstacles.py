"""What can stand in the way of a guest's packets: how the kernel is broken at each hop, and what is found there."""

from __future__ import annotations

from typing import NamedTuple

from .breakage import NAT_MAC


class Obstacle(NamedTuple):
    """How the way is broken, and the code of what is found. Its remedy is a command, which mends it; ``rest`` is what
    was only there for the break. Where the remedy is no command, ``mends`` does it."""

    breaks: str
    code: str
    rest: str = "true"
    mends: str = ""


NET, NET_6 = "192.168.91.0/24", "fd00:91::/64"
GUEST = "192.168.91.100"
CHAIN = "{{ type filter hook {} priority 0; {} }}"
FOREIGN = "nft delete table {} foreign"
RESTORED = f"ip route replace {NET} dev vf-nat proto kernel scope link src 192.168.91.1"


def foreign(family: str, hook: str, rule: str = "", policy: str = "") -> Obstacle:
    """A table of somebody's nftables."""
    chain = CHAIN.format(hook, f"policy {policy};" if policy else "")
    rules = f"; nft 'add rule {family} foreign own {rule}'" if rule else ""
    breaks = f"nft add table {family} foreign; nft 'add chain {family} foreign own {chain}'{rules}"
    return Obstacle(breaks, "firewall_drops", FOREIGN.format(family))


def rule(text: str, tool: str = "iptables", table: str = "filter") -> Obstacle:
    """A rule of somebody's iptables."""
    return Obstacle(f"{tool} -t {table} -I {text}", "firewall_drops")


OBSTACLES: dict[str, Obstacle] = {
    "STP's state": Obstacle(
        'ip link set dev vf-nat type bridge stp_state 0; ip link set dev "$(tap)" type bridge_slave state 1',
        "port_blocked",
        "ip link set dev vf-nat type bridge stp_state 1; sleep 5",
    ),
    "port locked": Obstacle('bridge link set dev "$(tap)" locked on', "port_closed"),
    "port without broadcasts": Obstacle('bridge link set dev "$(tap)" bcast_flood off', "port_closed"),
    "port that nothing is sent to": Obstacle('bridge link set dev "$(tap)" flood off learning off', "port_closed"),
    "MAC address fixed elsewhere": Obstacle(
        "ip link add vf-x type veth peer name vf-y; ip link set vf-x master vf-nat up; "
        f"bridge fdb replace {NAT_MAC} dev vf-x master static",
        "mac_elsewhere",
        "ip link del vf-x",
    ),
    "queue of the bridge": Obstacle("tc qdisc add dev vf-nat root blackhole", "queue_drops"),
    "queue of the tap": Obstacle(
        'tc qdisc add dev "$(tap)" root pfifo limit 0\n'
        f"for _ in 1 2 3 4 5 6; do ping -c 1 -W 0.1 -I vf-nat {GUEST}; done",
        "queue_drops",
    ),
    "MTU of the bridge": Obstacle("ip link set vf-nat mtu 1400", "mtu_small"),
    "MTU too small for IPv6": Obstacle(
        "ip link set vf-nat mtu 1000", "mtu_small", "ip address add fd00:91::1/64 dev vf-nat nodad"
    ),
    "ARP off": Obstacle("ip link set vf-nat arp off", "arp_off"),
    "ARP ignored": Obstacle("sysctl -qw net.ipv4.conf.vf-nat.arp_ignore=8", "arp_off"),
    "ARP off on the uplink": Obstacle("ip link set uplink arp off", "arp_off"),
    "prefix of the address": Obstacle(
        "ip address add 192.168.91.1/16 dev vf-nat; ip address del 192.168.91.1/24 dev vf-nat", "address_prefix"
    ),
    "neighbour fixed": Obstacle(
        f"ip neigh replace {GUEST} lladdr 02:00:00:00:00:77 dev vf-nat nud permanent", "neighbour_wrong"
    ),
    "router's neighbour fixed": Obstacle(
        'ip neigh replace 192.0.2.1 lladdr "$(cat /sys/class/net/uplink/address)" dev uplink nud permanent',
        "neighbour_wrong",
    ),
    "blackhole for the subnet": Obstacle(f"ip route replace blackhole {NET}", "route_dropped", RESTORED),
    "blackhole for the guest": Obstacle(f"ip route add blackhole {GUEST}", "route_dropped"),
    "blackhole for all": Obstacle(
        "ip route replace blackhole default", "route_dropped", "ip route replace default via 192.0.2.1"
    ),
    "blackhole in another table": Obstacle(
        f"ip route add blackhole default table 77; ip rule add from {NET} lookup 77",
        "route_dropped",
        f"ip rule del from {NET} lookup 77",
    ),
    "policy rule": Obstacle(f"ip rule add from {NET} blackhole", "route_dropped"),
    "policy rule by device": Obstacle("ip rule add iif vf-nat unreachable", "route_dropped"),
    "policy rule towards guests": Obstacle(f"ip rule add to {NET} prohibit", "route_dropped"),
    "policy rule of IPv6": Obstacle(f"ip -6 rule add from {NET_6} prohibit", "route_dropped"),
    "policy rule that leads elsewhere": Obstacle(
        f"ip route add default via 192.0.2.1 table 78; ip rule add from {NET} lookup 78",
        "route_elsewhere",
        "ip route flush table 78",
    ),
    "policy of IPsec": Obstacle(
        f"ip xfrm policy add src {NET} dst 0.0.0.0/0 dir fwd action block priority 7", "ipsec_blocks"
    ),
    "route gone": Obstacle(f"ip route del {NET} dev vf-nat", "route_elsewhere"),
    "route of IPv6 gone": Obstacle(f"ip -6 route del {NET_6} dev vf-nat", "route_elsewhere"),
    "local route gone": Obstacle("ip route del local 192.168.91.1 dev vf-nat table local", "route_elsewhere"),
    "DROP in FORWARD": rule("FORWARD -i vf-nat -j DROP"),
    "DROP on the way back": rule("FORWARD -o vf-nat -j DROP"),
    "DROP in FORWARD of IPv6": rule("FORWARD -i vf-nat -j DROP", "ip6tables"),
    "DROP for DNS": rule("INPUT -p udp --dport 53 -j DROP"),
    "REJECT for DHCP": rule("INPUT -i vf-nat -p udp --dport 67 -j REJECT"),
    "DROP by MAC address": rule(f"INPUT -m mac --mac-source {NAT_MAC} -j DROP"),
    "DROP in OUTPUT": rule("OUTPUT -o vf-nat -j DROP"),
    "DROP in mangle": rule("PREROUTING -i vf-nat -j DROP", table="mangle"),
    "DROP in raw": rule(f"PREROUTING -s {NET} -j DROP", table="raw"),
    "table of inet": foreign("inet", "forward", policy="drop"),
    "table of bridge": foreign("bridge", "prerouting", f"ip saddr {NET} drop"),
    "table of bridge for frames": foreign("bridge", "forward", policy="drop"),
    "table of bridge for ARP": foreign("bridge", "input", "ether type arp drop"),
    "table of arp": foreign("arp", "input", "iifname vf-nat drop"),
    "table of netdev": foreign("netdev", "ingress device uplink", policy="drop"),
    "table of ip with a set": foreign("ip", "forward", f"ip saddr {{ 10.9.0.0/16, {NET} }} counter drop"),
    "not translated": Obstacle(f"iptables -t nat -I POSTROUTING -s {NET} -j RETURN", "not_translated"),
    "accepted before it is translated": Obstacle(
        f"iptables -t nat -I LIBVIRT_PRT -s {NET} -j ACCEPT", "not_translated"
    ),
    "router silent": Obstacle(
        "ip route replace default via 192.0.2.77; ping -c 1 -W 2 203.0.113.1; sleep 2",
        "router_silent",
        mends="ip route replace default via 192.0.2.1; ip neigh del 192.0.2.77 dev uplink",
    ),
}
COMMANDS = ["ip", "bridge", "tc", "sysctl", "nft", "iptables", "ip6tables"]
