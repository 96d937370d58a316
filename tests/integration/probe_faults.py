"""How a network that answers all that a client asks is broken, how it is mended, and what is seen of each fault."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

BRIDGE, GATEWAY, GATEWAY6 = "vf-asked", "192.168.77.1", "fd00:77::1"
GUEST, MAC, LAST = "192.168.77.9", "52:54:00:77:00:09", "192.168.77.254"
NETWORK = f"""
<network>
  <name>asked</name><forward mode='nat'><nat ipv6='yes'/></forward><bridge name='{BRIDGE}' stp='off'/>
  <ip address='{GATEWAY}' prefix='24'><dhcp><range start='192.168.77.100' end='192.168.77.149'/></dhcp></ip>
  <ip family='ipv6' address='{GATEWAY6}' prefix='64'><dhcp><range start='fd00:77::100' end='fd00:77::1ff'/></dhcp></ip>
</network>
"""
EVERYTHING = {("dhcp", 4), ("dhcp", 6), ("router", 6), ("guest", 4)} | {
    (question, version) for question in ("neighbour", "gateway", "dns", "dns_tcp", "outside") for version in (4, 6)
}
TO_GATEWAY = {("gateway", 4), ("dns", 4), ("dns_tcp", 4)}


class Fault(NamedTuple):
    """How something is broken and mended, which questions are not answered then, and what is seen of each."""

    breaks: str
    mends: str
    silent: set[tuple[str, int]]
    evidence: str


def table(family: str, hook: str, rule: str) -> tuple[str, str]:
    """A foreign table: what makes it, and what deletes it."""
    chain = f"{{ type filter hook {hook} priority 10;\n{rule}\n}}"
    return f"nft 'table {family} foreign {{\nchain stop {chain}\n}}'", f"nft delete table {family} foreign"


FAULTS: Mapping[str, Fault] = {
    "FORWARD": Fault(
        f"iptables -I FORWARD -i {BRIDGE} -j DROP",
        f"iptables -D FORWARD -i {BRIDGE} -j DROP",
        {("outside", 4)},
        rf'rule ip filter FORWARD iifname "{BRIDGE}" .*drop \(handle \d+\)',
    ),
    "DNS in INPUT": Fault(
        "iptables -I INPUT -p udp --dport 53 -j DROP",
        "iptables -D INPUT -p udp --dport 53 -j DROP",
        {("dns", 4)},
        r"rule ip filter INPUT .*udp dport 53 .*drop \(handle \d+\)",
    ),
    "DHCP in INPUT": Fault(
        "iptables -I INPUT -p udp --dport 67 -j REJECT",
        "iptables -D INPUT -p udp --dport 67 -j REJECT",
        {("dhcp", 4)},
        r"rule ip filter INPUT .*udp dport 67 .*reject.* \(handle \d+\)",
    ),
    "answers": Fault(
        *table("ip", "output", "icmp type echo-reply drop"),
        {("gateway", 4)},
        r"rule ip foreign stop icmp type echo-reply drop \(handle \d+\)",
    ),
    "bridge": Fault(
        *table("bridge", "input", "tcp dport 53 drop"),
        {("dns_tcp", 4), ("dns_tcp", 6)},
        r"rule bridge foreign stop tcp dport 53 drop \(handle \d+\)",
    ),
    "inet policy": Fault(
        *table("inet", "forward", "policy drop;"),
        {("outside", 4), ("outside", 6)},
        r"rule inet foreign stop policy drop",
    ),
    "netdev": Fault(
        *table("netdev", f"ingress device {BRIDGE}", "ether type ip6 drop"),
        {("neighbour", 6), ("router", 6), ("dhcp", 6)},
        r"rule netdev foreign stop ether type ip6 drop \(handle \d+\)",
    ),
    "legacy": Fault(
        f"iptables-legacy -I FORWARD -i {BRIDGE} -j DROP",
        f"iptables-legacy -D FORWARD -i {BRIDGE} -j DROP",
        {("outside", 4)},
        rf"counter iptables-legacy -t filter -A FORWARD -i {BRIDGE} -j DROP",
    ),
    "blackhole": Fault(
        "ip route add blackhole 192.168.77.128/25",
        "ip route del blackhole 192.168.77.128/25",
        TO_GATEWAY,
        rf"route ip route get {LAST} from {GATEWAY}: .*Invalid argument",
    ),
    "policy": Fault(
        "ip rule add from 192.168.77.0/24 prohibit",
        "ip rule del from 192.168.77.0/24 prohibit",
        TO_GATEWAY | {("outside", 4)},
        rf"drop .*ip_error.*; route ip route get 198.41.0.4 from {LAST} iif {BRIDGE}: .*Permission denied"
        rf"|route ip route get {LAST} from {GATEWAY}: .*Permission denied",
    ),
    "rp_filter": Fault(
        "echo 1 >/proc/sys/net/ipv4/conf/all/rp_filter; ip route add 192.168.77.128/25 via 192.0.2.1",
        "echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter; ip route del 192.168.77.128/25",
        {("neighbour", 4)},  # there is no answer even to ARP
        rf"drop .*IP_RPFILTER, after {BRIDGE}; route ip route get .* via 192.0.2.1 dev uplink .*",
    ),
    "forwarding off": Fault(
        "echo 0 >/proc/sys/net/ipv4/ip_forward",
        "echo 1 >/proc/sys/net/ipv4/ip_forward",
        {("outside", 4)},
        rf"drop .*after {BRIDGE}; route ip route get 198.41.0.4 from {LAST} iif {BRIDGE}: .*No route to host",
    ),
    "wrong neighbour": Fault(
        f"ip neigh replace {LAST} lladdr 52:54:00:77:77:77 dev {BRIDGE} nud permanent",
        f"ip neigh del {LAST} dev {BRIDGE}",
        TO_GATEWAY,
        rf"neighbour ip neighbour: {LAST} dev {BRIDGE} lladdr 52:54:00:77:77:77 PERMANENT",
    ),
    "ARP off": Fault(
        f"ip link set {BRIDGE} arp off",
        f"ip link set {BRIDGE} arp on",
        {("neighbour", 4), ("neighbour", 6), ("router", 6), ("dhcp", 4), ("dhcp", 6)},
        r"end .*(arp_rcv|icmpv6_rcv)\(\) takes it.*|seen .*",
    ),
    "port blocked": Fault(
        "bridge link set dev client1 state 1",
        "bridge link set dev client1 state 3",
        {("guest", 4)},
        "port bridge link: client1 state listening",
    ),
    "dnsmasq dead": Fault(
        "kill $(cat /run/libvirt/network/asked.pid); sleep 0.3",
        "virsh -q net-destroy asked; virsh -q net-start asked; ip link set client1 master vf-asked",
        {(question, version) for question in ("dns", "dns_tcp", "dhcp") for version in (4, 6)} | {("router", 6)},
        r"drop .*(NO_SOCKET|udp4_lib_rcv|ip6_mc_input).*|end .*icmpv6_rcv.*",
    ),
    "dnsmasq stuck": Fault(
        "kill -STOP $(cat /run/libvirt/network/asked.pid)",
        "kill -CONT $(cat /run/libvirt/network/asked.pid)",
        {(question, version) for question in ("dns", "dns_tcp", "dhcp") for version in (4, 6)} | {("router", 6)},
        # who does not accept connections gets no more of them after a while
        rf"seen it came in by {BRIDGE}, nothing drops it|end .*icmpv6_rcv.*|drop .*tcp_v[46]_rcv.*",
    ),
}
