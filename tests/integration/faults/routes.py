"""Faults of routes, policy rules and the uplink."""

from __future__ import annotations

from .kinds import MANAGED, OUTWARDS, Kind

STRAY = "ip link add WORD up type veth peer name WORDb; ip link set WORDb up"
NO_STRAY = "ip link del WORD"
HOME = "ip route replace SUBNET dev BRIDGE proto kernel scope link src GATEWAY"
HOME6 = "ip -6 route replace SUBNET6 dev BRIDGE proto kernel metric 256"
OUT, OUT6 = "ip route replace default via ROUTER", "ip -6 route replace default via ROUTER6"
DEAD = "no_default_route route_dropped route_elsewhere uplink_down"


def policy(selector: str, names: str = "", *, six: bool = False, on: str = OUTWARDS) -> Kind:
    """A policy rule that lets nothing pass."""
    ip = "ip -6" if six else "ip"
    words = f"rule {{}} {selector} KILLS priority PREFERENCE"
    return Kind(
        f"{ip} {words.format('add')}",
        f"{ip} {words.format('del')}",
        "route_dropped",
        names or "priority PREFERENCE",
        on,
    )


def closer(net: str, kind: str, *, six: bool = False) -> Kind:
    """A route for a part of the guests, or for all."""
    if six:
        words = f"{kind} {net} metric 1"
        return Kind(f"ip -6 route add {words}", f"ip -6 route del {words}", "route_dropped", f"{kind} {net}")
    return Kind(f"ip route prepend {kind} {net}", f"ip route del {kind} {net}", "route_dropped", f"{kind} {net}")


def ipsec(text: str, on: str = MANAGED) -> Kind:
    """A policy of IPsec that blocks."""
    words = f"{text} action block priority NUMBER"
    return Kind(f"ip xfrm policy add {words}", f"ip xfrm policy delete {text}", "ipsec_blocks", text, on)


def tunnel(text: str, on: str) -> Kind:
    """A policy of IPsec that wants a tunnel which is not there."""
    ends = "tmpl src 192.0.2.2 dst 192.0.2.NUMBER proto esp mode tunnel"
    return Kind(
        f"ip xfrm policy add {text} priority NUMBER {ends}", f"ip xfrm policy delete {text}", "ipsec_blocks", text, on
    )


ROUTES = {
    "route for the guest drops": closer("GUEST", "KILLS"),
    "route for guests drops": closer("SUBNET", "KILLS"),
    "route of IPv6 for the guest drops": closer("GUEST6", "KILLS", six=True),
    "route of IPv6 for guests drops": closer("SUBNET6", "KILLS", six=True),
    "route for the guest leads elsewhere": Kind(
        f"{STRAY}; ip route add GUEST dev WORD", NO_STRAY, "route_elsewhere subnet_overlap", "GUEST"
    ),
    "route of IPv6 for the guest leads elsewhere": Kind(
        f"{STRAY}; ip -6 route add GUEST6 dev WORD", NO_STRAY, "route_elsewhere subnet_overlap", "GUEST6"
    ),
    "route for the guest by a router": Kind(
        "ip route add GUEST via ROUTER", "ip route del GUEST via ROUTER", "route_elsewhere subnet_overlap", "GUEST"
    ),
    "guests are the hypervisor's own addresses": Kind(
        "ip route add local SUBNET dev lo",
        "ip route del local SUBNET dev lo",
        "route_elsewhere subnet_overlap",
        "SUBNET",
    ),
    "default route to nowhere": Kind("ip route replace default dev lo", OUT, "route_elsewhere", "to lo", OUTWARDS),
    "default route to guests": Kind("ip route replace default dev vf-iso", OUT, "route_elsewhere", "vf-iso", OUTWARDS),
    "table main is not read": Kind(
        "ip rule del lookup main", "ip rule add lookup main priority 32766", "route_elsewhere", "lookup main", MANAGED
    ),
    "route is thrown": Kind(
        "ip route prepend throw SUBNET",
        "ip route del throw SUBNET",
        "route_elsewhere",
        "throw SUBNET",
        MANAGED,
    ),
    "route gone": Kind("ip route del SUBNET dev BRIDGE", HOME, "route_elsewhere", "SUBNET"),
    "route of IPv6 gone": Kind("ip -6 route del SUBNET6 dev BRIDGE", HOME6, "route_elsewhere", "SUBNET6"),
    "local route gone": Kind(
        "ip route del local GATEWAY dev BRIDGE table local",
        "ip route add local GATEWAY dev BRIDGE table local proto kernel scope host src GATEWAY",
        "route_elsewhere",
        "GATEWAY",
    ),
    "local route of IPv6 gone": Kind(
        "ip -6 route del local GATEWAY6 dev BRIDGE table local",
        "ip -6 route add local GATEWAY6 dev BRIDGE table local proto kernel metric 0",
        "route_elsewhere",
        "GATEWAY6",
    ),
    "no default route": Kind("ip route del default", OUT, "no_default_route", "default route of IPv4", OUTWARDS),
    "no default route of IPv6": Kind(
        "ip -6 route del default", OUT6, "no_default_route", "default route of IPv6", "nat"
    ),
    "default route drops": Kind(
        "ip route replace KILLS default",
        f"ip route del KILLS default; {OUT}",
        "route_dropped",
        "KILLS default",
        OUTWARDS,
    ),
    "default route of IPv6 drops": Kind(
        "ip -6 route add KILLS default metric 1",
        "ip -6 route del KILLS default metric 1",
        "route_dropped",
        "KILLS default",
        OUTWARDS,
    ),
    "default route by a next hop that drops": Kind(
        "ip nexthop add id NUMBER blackhole; ip route replace default nhid NUMBER",
        f"{OUT}; ip nexthop del id NUMBER",
        "route_dropped",
        "default",
        OUTWARDS,
    ),
    "default route to a cable without an end": Kind(
        "ip link add WORD up type veth peer name WORDb; ip route replace default dev WORD",
        f"{OUT}; {NO_STRAY}",
        DEAD,
        "WORD",
        OUTWARDS,
    ),
    "two default routes, one dead": Kind(
        "ip link add WORD up type veth peer name WORDb; "
        "ip route replace default nexthop via ROUTER dev UPLINK nexthop dev WORD weight 200",
        f"{OUT}; {NO_STRAY}",
        DEAD,
        "WORD",
        OUTWARDS,
    ),
    "closer routes of a dead VPN": Kind(
        "ip link add WORD up type veth peer name WORDb; "
        "ip route add 0.0.0.0/1 dev WORD; ip route add 128.0.0.0/1 dev WORD",
        NO_STRAY,
        DEAD,
        "WORD",
        OUTWARDS,
    ),
    "MTU of the route to guests": Kind(f"{HOME} mtu NUMBER", HOME, "mtu_small", "SUBNET", OUTWARDS),
    "MTU of the route of IPv6 to guests": Kind(f"{HOME6} mtu 1300", HOME6, "mtu_small", "SUBNET6", OUTWARDS),
    "MTU of the route to one guest": Kind(
        "ip route add GUEST dev BRIDGE mtu 1000", "ip route del GUEST dev BRIDGE", "mtu_small", "GUEST", OUTWARDS
    ),
    "MTU of the default route": Kind(f"{OUT} mtu lock 500", OUT, "mtu_small", "default", OUTWARDS),
    "policy rule from guests": policy("from SUBNET"),
    "policy rule from one guest": policy("from GUEST"),
    "policy rule to guests": policy("to SUBNET", on=MANAGED),
    "policy rule by the bridge": policy("iif BRIDGE"),
    "policy rule by protocol": policy("iif BRIDGE ipproto tcp"),
    "policy rule by port": policy("iif BRIDGE ipproto tcp dport 443"),
    "policy rule by the port of DNS": policy("from SUBNET ipproto udp dport 53"),
    "policy rule by a range of ports": policy("iif BRIDGE ipproto tcp dport 440-450"),
    "policy rule by the source's ports": policy("iif BRIDGE ipproto udp sport 1024-65534"),
    "policy rule for answers of DNS": policy("to SUBNET ipproto udp sport 53", on=MANAGED),
    "policy rule by the user": policy("iif BRIDGE uidrange 0-65534"),
    "policy rule by what it is not": policy("not oif lo iif BRIDGE"),
    "policy rule by the type of service": policy("iif BRIDGE tos 0x00"),
    "policy rule of IPv6 from guests": policy("from SUBNET6", six=True),
    "policy rule of IPv6 to guests": policy("to SUBNET6", six=True, on=MANAGED),
    "policy rule of IPv6 by the bridge": policy("iif BRIDGE", six=True),
    "policy rule by a mark": Kind(
        "ip rule add fwmark NUMBER KILLS priority PREFERENCE; "
        "iptables -t mangle -I PREROUTING -i BRIDGE -j MARK --set-mark NUMBER",
        "ip rule del fwmark NUMBER KILLS priority PREFERENCE; "
        "iptables -t mangle -D PREROUTING -i BRIDGE -j MARK --set-mark NUMBER",
        "route_dropped",
        "priority PREFERENCE",
        OUTWARDS,
    ),
    "policy rule by a mark of nftables": Kind(
        "ip rule add fwmark NUMBER KILLS priority PREFERENCE; nft add table inet WORD; "
        "nft 'add chain inet WORD c { type filter hook prerouting priority PRIORITY; }'; "
        "nft add rule inet WORD c iifname BRIDGE meta mark set NUMBER",
        "ip rule del fwmark NUMBER KILLS priority PREFERENCE; nft delete table inet WORD",
        "route_dropped",
        "priority PREFERENCE",
        OUTWARDS,
    ),
    "policy rule that leads elsewhere": Kind(
        f"{STRAY}; ip route add default dev WORD table NUMBER; ip rule add to SUBNET lookup NUMBER priority PREFERENCE",
        f"ip rule del to SUBNET lookup NUMBER priority PREFERENCE; {NO_STRAY}",
        "route_elsewhere",
        "priority PREFERENCE",
        MANAGED,
    ),
    "policy rule with a table that drops": Kind(
        "ip route add KILLS default table NUMBER; ip rule add from SUBNET lookup NUMBER priority PREFERENCE",
        "ip rule del from SUBNET lookup NUMBER priority PREFERENCE; ip route flush table NUMBER",
        "route_dropped",
        "NUMBER",
        OUTWARDS,
    ),
    "policy rule that leads on to another": Kind(
        "ip rule add from all KILLS priority 200; ip rule add from SUBNET goto 200 priority 100; "
        "ip rule add from all lookup main priority 150",
        "ip rule del priority 100; ip rule del priority 150; ip rule del priority 200",
        "route_dropped",
        "priority 200",
        OUTWARDS,
    ),
    "policy rule after routes but the default one": Kind(
        "ip rule add from SUBNET lookup main suppress_prefixlength 0 priority 100; "
        "ip rule add from SUBNET KILLS priority 101",
        "ip rule del priority 100; ip rule del priority 101",
        "route_dropped",
        "priority 101",
        OUTWARDS,
    ),
    "policy of IPsec with a tunnel for what guests send": tunnel("src SUBNET dst 0.0.0.0/0 dir fwd", OUTWARDS),
    "policy of IPsec with a tunnel for guests": tunnel("src 0.0.0.0/0 dst SUBNET dir out", MANAGED),
    "policy of IPsec by default": Kind(
        "ip xfrm policy setdefault fwd block",
        "ip xfrm policy setdefault fwd accept",
        "ipsec_blocks",
        "setdefault fwd",
        OUTWARDS,
    ),
    "policy of IPsec for what guests send": ipsec("src SUBNET dst 0.0.0.0/0 dir fwd", OUTWARDS),
    "policy of IPsec for what comes back": ipsec("src 0.0.0.0/0 dst SUBNET dir out", OUTWARDS),
    "policy of IPsec for questions": ipsec("src SUBNET dst GATEWAY/32 proto udp dport 53 dir in"),
    "policy of IPsec for answers": ipsec("src GATEWAY/32 dst SUBNET dir out"),
    "policy of IPsec for IPv6": ipsec("src SUBNET6 dst ::/0 dir fwd", "nat"),
    "route of IPv6 by source drops": Kind(
        "ip -6 route add KILLS default from SUBNET6 metric 1",
        "ip -6 route del KILLS default from SUBNET6 metric 1",
        "route_dropped",
        "KILLS default",
        OUTWARDS,
    ),
}
UPLINKS = {
    "MTU of the uplink too small for IPv6": Kind(
        "ip link set uplink mtu 600", "ip link set uplink mtu 1500; uplinked", "mtu_small", "uplink", OUTWARDS
    ),
    "uplink down": Kind(
        "ip link set uplink down", "ip link set uplink up; uplinked", "no_default_route uplink_down", "IPv", OUTWARDS
    ),
    "address of the uplink gone": Kind(
        "ip address del 192.0.2.2/24 dev uplink",
        "ip address add 192.0.2.2/24 dev uplink; uplinked",
        "no_default_route",
        "IPv4",
        OUTWARDS,
    ),
    "ARP off on the uplink": Kind(
        "ip link set uplink arp off", "ip link set uplink arp on; uplinked", "arp_off", "uplink", OUTWARDS
    ),
    "router's neighbour fixed": Kind(
        'ip neigh replace ROUTER lladdr "$(cat /sys/class/net/uplink/address)" dev uplink nud permanent',
        "ip neigh del ROUTER dev uplink",
        "neighbour_wrong",
        "ROUTER",
        OUTWARDS,
    ),
    "router silent": Kind(
        "ip route replace default via 192.0.2.NUMBER; ping -c 1 -W 2 203.0.113.1; sleep 2",
        f"{OUT}; ip neigh del 192.0.2.NUMBER dev uplink",
        "router_silent",
        "192.0.2.NUMBER",
        OUTWARDS,
    ),
    "black hole as the uplink's queue": Kind(
        "tc qdisc add dev uplink root blackhole", "tc qdisc del dev uplink root", "queue_drops", "uplink", OUTWARDS
    ),
    "filter of the uplink": Kind(
        f"{STRAY}; tc qdisc add dev uplink clsact; "
        "tc filter add dev uplink egress protocol all pref NUMBER u32 match u32 0 0 "
        "action mirred egress redirect dev WORD",
        f"tc qdisc del dev uplink clsact; {NO_STRAY}",
        "queue_drops",
        "uplink egress pref NUMBER",
        OUTWARDS,
    ),
    "filter of what comes in by the uplink": Kind(
        f"{STRAY}; tc qdisc add dev uplink ingress; "
        "tc filter add dev uplink ingress protocol all pref NUMBER u32 match u32 0 0 "
        "action mirred egress redirect dev WORD",
        f"tc qdisc del dev uplink ingress; {NO_STRAY}",
        "queue_drops",
        "uplink ingress pref NUMBER",
        OUTWARDS,
    ),
    "uplink is a port of a bridge": Kind(
        "ip link add WORD up type bridge; ip link set uplink master WORD",
        "ip link set uplink nomaster; ip link del WORD; uplinked",
        "uplink_taken",
        "WORD",
        OUTWARDS,
    ),
}
