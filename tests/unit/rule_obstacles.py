"""The rules, of firewalls and of routing, that break what the kernel of a healthy hypervisor does."""

from __future__ import annotations

from ansible_collections.virtfleet.network.plugins.module_utils._values.way import Answer

from .kernels import Break, asked_back, asked_of, before, both, ipsec, policy, ruled, setting

DROPS = {"action": "prohibit"}
INVALID, NO_HOST = "Invalid argument", "No route to host"
TRANSLATES = "-A POSTROUTING -j LIBVIRT_PRT"
# As in obstacles.py.
RULES: dict[str, tuple[Break, str, str]] = {
    "a foreign rule drops": (
        ruled("-A FORWARD -j LIBVIRT_FWX", "-A FORWARD -i virbr5 -j DROP\n-A FORWARD -j LIBVIRT_FWX"),
        "firewall_drops",
        "iptables -t filter -D FORWARD -i virbr5 -j DROP",
    ),
    "a rule drops DNS": (
        ruled("-A FORWARD -j LIBVIRT_FWX", "-A INPUT -p tcp --dport 53 -j DROP\n-A FORWARD -j LIBVIRT_FWX"),
        "firewall_drops",
        "iptables -t filter -D INPUT -p tcp --dport 53 -j DROP",
    ),
    "firewalld drops": (
        ruled(
            "-A FORWARD -j LIBVIRT_FWX\n",
            ":FORWARD_direct - [0:0]\n-A FORWARD -j FORWARD_direct\n-A FORWARD_direct -i virbr5 -j DROP\n",
        ),
        "firewall_drops",
        (
            "have firewalld accept the network's bridge, or delete its rule: "
            "iptables -t filter -D FORWARD_direct -i virbr5 -j DROP"
        ),
    ),
    "a network filter drops": (
        ruled(
            "-A FORWARD -j LIBVIRT_FWX\n",
            ":FI-vnet0 - [0:0]\n-A FORWARD -j FI-vnet0\n-A FI-vnet0 -i virbr5 -j DROP\n-A FORWARD -j LIBVIRT_FWX\n",
        ),
        "filter_drops",
        "*",
    ),
    "libvirt's own rule accepts no more": (
        ruled("-A LIBVIRT_FWO -s 192.168.50.0/24 -i virbr5 -j ACCEPT\n", ""),
        "firewall_rules_missing",
        "*",
    ),
    "nothing is translated": (ruled("-A POSTROUTING -j LIBVIRT_PRT\n", ""), "not_translated", "*"),
    "a rule leads DNS elsewhere": (
        before("PREROUTING", "-i virbr5 -p udp -m udp --dport 53 -j REDIRECT --to-ports 5353", "nat"),
        "firewall_redirects",
        "iptables -t nat -D PREROUTING -i virbr5 -p udp -m udp --dport 53 -j REDIRECT --to-ports 5353",
    ),
    "a rule leaves guests no time to live": (
        before("PREROUTING", "-i virbr5 -j TTL --ttl-set 1", "mangle"),
        "packets_expire",
        "iptables -t mangle -D PREROUTING -i virbr5 -j TTL --ttl-set 1",
    ),
    "a rule keeps guests from being tracked": (
        before("PREROUTING", "-s 192.168.50.0/24 -j NOTRACK", "raw"),
        "not_translated",
        "iptables -t raw -D PREROUTING -s 192.168.50.0/24 -j NOTRACK",
    ),
    "a rule has guests tracked apart": (
        before("PREROUTING", "-i virbr5 -j CT --zone 7", "raw"),
        "not_translated",
        "iptables -t raw -D PREROUTING -i virbr5 -j CT --zone 7",
    ),
    "a rule stands before the translation": (
        ruled(
            "-A POSTROUTING -j LIBVIRT_PRT",
            "-A POSTROUTING -s 192.168.50.0/24 -j RETURN\n-A POSTROUTING -j LIBVIRT_PRT",
        ),
        "not_translated",
        "iptables -t nat -D POSTROUTING -s 192.168.50.0/24 -j RETURN",
    ),
    "a rule translates to an address that nobody has": (
        ruled(
            "-A POSTROUTING -j LIBVIRT_PRT",
            "-A POSTROUTING -j SNAT --to-source 203.0.113.9\n-A POSTROUTING -j LIBVIRT_PRT",
        ),
        "translated_wrongly",
        "iptables -t nat -D POSTROUTING -j SNAT --to-source 203.0.113.9",
    ),
    "a rule drops what is old": (
        before("FORWARD", "-i virbr5 -m ttl --ttl-lt 200 -j DROP"),
        "firewall_drops",
        "iptables -t filter -D FORWARD -i virbr5 -m ttl --ttl-lt 200 -j DROP",
    ),
    "dnsmasq's questions are dropped": (
        before("OUTPUT", "-o br0 -p udp -m udp --dport 53 -j DROP"),
        "dns_upstream",
        "iptables -t filter -D OUTPUT -o br0 -p udp -m udp --dport 53 -j DROP",
    ),
    "a policy of IPsec wants a tunnel that is not there": (
        ipsec({"src": "0.0.0.0/0", "dst": "192.168.50.0/24", "dir": "out", "tmpl": "src 192.0.2.2 dst 192.0.2.9 esp"}),
        "ipsec_blocks",
        "ip xfrm policy delete src 0.0.0.0/0 dst 192.168.50.0/24 dir out",
    ),
    "a policy of IPsec takes nothing but what comes out of a tunnel": (
        ipsec({"src": "192.168.50.0/24", "dst": "0.0.0.0/0", "dir": "fwd", "tmpl": "src 192.0.2.9 dst 192.0.2.2 esp"}),
        "ipsec_blocks",
        "ip xfrm policy delete src 192.168.50.0/24 dst 0.0.0.0/0 dir fwd",
    ),
    "IPsec blocks what no policy is for": (
        ipsec({"src": "0.0.0.0/0", "dst": "0.0.0.0/0", "dir": "fwd", "action": "block", "default": "fwd"}),
        "ipsec_blocks",
        "ip xfrm policy setdefault fwd accept",
    ),
    "a policy of IPsec blocks what guests send": (
        ipsec({"src": "192.168.50.0/24", "dst": "0.0.0.0/0", "dir": "fwd", "action": "block"}),
        "ipsec_blocks",
        "ip xfrm policy delete src 192.168.50.0/24 dst 0.0.0.0/0 dir fwd",
    ),
    "a policy of IPsec blocks answers": (
        ipsec(
            {"src": "0.0.0.0/0", "dst": "0.0.0.0/0", "dir": "out", "if_id": "0x3", "action": "block"},
            {"src": "0.0.0.0/0", "dst": "192.168.50.100/32", "proto": "tcp", "dir": "fwd"},
            {"src": "192.168.50.1/32", "dst": "192.168.50.0/24", "proto": "udp", "dir": "out", "action": "block"},
        ),
        "ipsec_blocks",
        "ip xfrm policy delete src 192.168.50.1/32 dst 192.168.50.0/24 proto udp dir out",
    ),
    "the table of neighbours is full": (
        setting("net.ipv4.neigh.default.gc_thresh3", "2"),
        "neighbours_full",
        "sysctl -w net.ipv4.neigh.default.gc_thresh3=4",
    ),
    "a policy rule asks for the port of an answer": (
        both(
            policy(
                priority=9, src="all", ipproto="tcp", sport_start=440, sport_end=450, uid_start=0, uid_end=9, **DROPS
            ),
            lambda kernel: kernel._replace(
                answers={**kernel.answers, **{key: Answer(error=NO_HOST) for key in asked_back(kernel)}}
            ),
        ),
        "route_dropped",
        "ip rule del from all ipproto tcp sport 440-450 uidrange 0-9 prohibit priority 9",
    ),
    "a policy rule asks for a port": (
        both(
            policy(priority=9, src="all", iif="virbr5", ipproto="tcp", dport=443, action="prohibit"),
            lambda kernel: kernel._replace(
                answers={**kernel.answers, **{key: Answer(error=NO_HOST) for key in asked_of(kernel, port=443)}}
            ),
        ),
        "route_dropped",
        "ip rule del from all iif virbr5 ipproto tcp dport 443 prohibit priority 9",
    ),
    "a policy rule asks for a mark": (
        both(
            before("PREROUTING", "-i virbr5 -j MARK --set-xmark 0x7/0xffffffff", "mangle"),
            policy(priority=9, src="all", fwmark="0x7", action="blackhole"),
            lambda kernel: kernel._replace(
                answers={**kernel.answers, **{key: Answer(error=INVALID) for key in asked_of(kernel, port=443, mark=7)}}
            ),
        ),
        "route_dropped",
        "ip rule del from all fwmark 0x7 blackhole priority 9",
    ),
}
