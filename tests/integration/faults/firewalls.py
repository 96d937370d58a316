"""Faults of nftables: every family and hook that a packet passes, and the ways of saying that it does not.

The lab's kernel queues no packets to programs, so a queue without one is not tried.
"""

from __future__ import annotations

from .kinds import OUTWARDS, Kind

DROPS = "firewall_drops bridge_netfilter"
NO_TABLE = "nft delete table {} WORD"
CHAIN = "'add chain {family} WORD own {{ type {kind} hook {hook} priority {priority}; {policy} }}'"
NET, NET6 = "ip saddr SUBNET", "ip6 saddr SUBNET6"


def nft(
    family: str,
    hook: str,
    rule: str = "",
    *,
    before: str = "",
    policy: str = "",
    names: str = "",
    on: str = OUTWARDS,
    codes: str = DROPS,
    priority: str = "PRIORITY",
    kind: str = "filter",
    probe: bool = False,
) -> Kind:
    """A table of somebody's nftables, with whatever stands ``before`` its rule."""
    chain = CHAIN.format(
        family=family, hook=hook, kind=kind, priority=priority, policy=f"policy {policy};" if policy else ""
    )
    lines = [f"nft add table {family} WORD", *filter(None, before.split("\n")), f"nft {chain}"]
    lines += [f"nft 'add rule {family} WORD own {rule}'"] if rule else []
    return Kind("\n".join(lines), NO_TABLE.format(family), codes, names or f"{family} WORD own", on, probe)


def own(family: str, what: str) -> str:
    """A line that adds something to that table."""
    return f"nft 'add {what.format(f'{family} WORD')}'"


FAMILIES = {
    f"policy of {family} at {hook}": nft(family, hook, policy="drop", on=on)
    for family, hook, on in (
        ("ip", "prerouting", "nat rt iso"),
        ("ip", "input", "nat rt iso"),
        ("ip", "forward", OUTWARDS),
        ("ip", "output", "nat rt iso"),
        ("ip", "postrouting", "nat rt iso"),
        ("inet", "prerouting", "nat rt iso"),
        ("inet", "input", "nat rt iso"),
        ("inet", "forward", OUTWARDS),
        ("inet", "output", "nat rt iso"),
        ("inet", "postrouting", "nat rt iso"),
        ("ip6", "prerouting", "nat rt iso"),
        ("ip6", "input", "nat rt iso"),
        ("ip6", "forward", OUTWARDS),
        ("ip6", "output", "nat rt iso"),
        ("arp", "input", "nat rt iso"),
        ("arp", "output", "nat rt iso"),
        ("bridge", "prerouting", "nat rt iso out"),
        ("bridge", "input", "nat rt iso"),
        ("bridge", "forward", "nat rt iso out"),
        ("bridge", "output", "nat rt iso"),
        ("bridge", "postrouting", "nat rt iso out"),
        ("netdev", "ingress device UPLINK", OUTWARDS),
        ("netdev", "ingress device TAP", "nat rt iso out"),
        ("netdev", "ingress device BRIDGE", "nat rt iso"),
        ("netdev", "egress device UPLINK", OUTWARDS),
        ("netdev", "egress device TAP", "nat rt iso out"),
        ("inet", "ingress device UPLINK", OUTWARDS),
    )
}
WAYS = {
    "drop by subnet": nft("ip", "forward", f"{NET} counter drop"),
    "drop by the guest's address": nft("inet", "forward", "ip saddr GUEST drop"),
    "drop of what comes back": nft("ip", "forward", "ip daddr SUBNET drop"),
    "drop by MAC address": nft("inet", "prerouting", "ether saddr MAC drop", on="nat rt iso"),
    "drop by device": nft("inet", "forward", "iifname BRIDGE drop"),
    "drop by the device's number": nft("inet", "forward", "iif BRIDGE drop"),
    "drop by wildcard": nft("inet", "forward", 'iifname "vf-*" oifname != "vf-*" drop'),
    "reject": nft("inet", "forward", f"{NET} reject"),
    "reject with a reset": nft("ip", "forward", f"{NET} tcp dport 443 reject with tcp reset"),
    "jump": nft(
        "ip",
        "forward",
        f"{NET} jump other",
        before="\n".join((own("ip", "chain {} other"), own("ip", "rule {} other drop"))),
        names="ip WORD other",
    ),
    "goto": nft(
        "inet",
        "forward",
        "goto other",
        before="\n".join((own("inet", "chain {} other"), own("inet", f"rule {{}} other {NET6} drop"))),
        names="inet WORD other",
    ),
    "verdict map": nft(
        "inet", "forward", "meta iifname vmap {{ BRIDGE : drop, lo : accept }}".replace("{{", "{").replace("}}", "}")
    ),
    "set without a name": nft("ip", "forward", "ip saddr { 10.9.0.0/16, SUBNET } drop"),
    "set with a name": nft(
        "ip",
        "forward",
        "ip saddr @bad drop",
        before=own("ip", "set {} bad {{ type ipv4_addr; flags interval; elements = {{ SUBNET }}; }}"),
    ),
    "set of pairs": nft("inet", "forward", "iifname . ip saddr { BRIDGE . GUEST } drop"),
    "state new": nft("inet", "forward", "ct state new iifname BRIDGE drop"),
    "not established": nft("inet", "forward", "ct state != established iifname BRIDGE drop"),
    "replies": nft("inet", "forward", "ct state established oifname BRIDGE drop"),
    "direction of replies": nft("inet", "forward", "ct direction reply oifname BRIDGE drop"),
    "mark, then drop": nft(
        "inet",
        "forward",
        "meta mark NUMBER drop",
        before="\n".join(
            (
                own("inet", "chain {} first {{ type filter hook prerouting priority -5; }}"),
                own("inet", "rule {} first iifname BRIDGE meta mark set NUMBER"),
            )
        ),
    ),
    "quota": nft("inet", "forward", "iifname BRIDGE quota over 1 bytes drop", probe=True),
    "length": nft("inet", "forward", "iifname BRIDGE meta length > 1 drop"),
    "time to live": nft("ip", "forward", "ip ttl < 255 iifname BRIDGE drop"),
    "hop limit": nft("inet", "forward", "ip6 hoplimit < 255 iifname BRIDGE drop"),
    "type of service": nft("ip", "forward", "ip dscp cs0 iifname BRIDGE drop"),
    "fragment's offset": nft("ip", "forward", "ip frag-off & 0x1fff == 0 iifname BRIDGE drop"),
    "group of devices": nft("inet", "forward", "iifgroup 0 oifname != BRIDGE iifname BRIDGE drop", probe=True),
    "type of device": nft("inet", "forward", "iiftype ether iifname BRIDGE drop"),
    "route's reverse": nft("inet", "prerouting", "iifname BRIDGE fib saddr . iif oif exists drop", on="nat rt iso"),
    "dynamic set": nft(
        "ip",
        "forward",
        "ip saddr SUBNET add @seen { ip saddr } drop",
        before=own("ip", "set {} seen {{ type ipv4_addr; size 99; flags dynamic; }}"),
    ),
    "clock": nft("inet", "forward", 'iifname BRIDGE meta hour "00:00"-"23:59" drop', probe=True),
    "DNS over UDP": nft("inet", "input", "iifname BRIDGE udp dport 53 drop", on="nat rt iso"),
    "DNS over TCP": nft("inet", "input", "iifname BRIDGE meta l4proto tcp th dport 53 drop", on="nat rt iso"),
    "DHCP": nft("ip", "input", "udp dport 67 iifname BRIDGE drop", on="nat rt iso"),
    "DHCP's answers": nft("ip", "output", "udp sport 67 oifname BRIDGE drop", on="nat rt iso"),
    "neighbour discovery": nft("ip6", "input", "iifname BRIDGE icmpv6 type nd-neighbor-solicit drop", on="nat rt iso"),
    "neighbour discovery's answers": nft(
        "ip6", "output", "oifname BRIDGE icmpv6 type nd-neighbor-advert drop", on="nat rt iso"
    ),
    "ARP": nft("arp", "input", "iifname BRIDGE arp operation request drop", on="nat rt iso"),
    "ARP of the bridge's frames": nft("bridge", "input", "ether type arp drop", on="nat rt iso"),
    "frames by address": nft("bridge", "prerouting", f"{NET} drop"),
    "frames by MAC address": nft("bridge", "prerouting", "ether saddr MAC drop", on="nat rt iso out"),
    "frames to a MAC address": nft("bridge", "postrouting", "ether daddr MAC drop", on="nat rt iso"),
    "frames of a port": nft("bridge", "input", "iifname TAP drop", on="nat rt iso"),
    "what comes in by the uplink": nft("netdev", "ingress device UPLINK", "ip protocol { icmp, tcp, udp } drop"),
    "what comes in by the tap": nft("netdev", "ingress device TAP", "ether type ip drop", on="nat rt iso"),
    "not tracked": nft("ip", "prerouting", f"{NET} notrack", priority="-300", codes="not_translated", on="nat"),
    "not tracked, so invalid": nft(
        "inet",
        "forward",
        "ct state untracked iifname BRIDGE drop",
        before="\n".join(
            (
                own("inet", "chain {} first {{ type filter hook prerouting priority -300; }}"),
                own("inet", "rule {} first iifname BRIDGE notrack"),
            )
        ),
    ),
    "names hijacked": nft(
        "ip",
        "prerouting",
        "iifname BRIDGE udp dport 53 dnat to 192.0.2.99",
        kind="nat",
        priority="-100",
        codes="firewall_redirects",
        on="nat rt iso",
    ),
    "names redirected": nft(
        "ip",
        "prerouting",
        "iifname BRIDGE udp dport 53 redirect to :5353",
        kind="nat",
        priority="-100",
        codes="firewall_redirects",
        on="nat rt iso",
    ),
    "all redirected": nft(
        "ip",
        "prerouting",
        "iifname BRIDGE tcp dport 443 dnat to 192.0.2.99",
        kind="nat",
        priority="-100",
        codes="firewall_redirects",
        on=OUTWARDS,
    ),
    "another address as the source": nft(
        "ip",
        "postrouting",
        f"{NET} oifname uplink snat to 203.0.113.9",
        kind="nat",
        priority="90",
        codes="translated_wrongly",
        on=OUTWARDS,
    ),
    "another destination, without tracking": nft(
        "ip", "prerouting", "iifname BRIDGE ip daddr set 192.0.2.99", codes="firewall_redirects"
    ),
    "another port, without tracking": nft(
        "ip", "prerouting", "iifname BRIDGE udp dport set 9", codes="firewall_redirects", on="nat rt iso"
    ),
    "another MAC address as the destination": nft(
        "bridge",
        "prerouting",
        "iifname TAP ether daddr set 02:00:00:00:00:NUMBERH",
        codes="firewall_redirects",
        on="nat rt iso out",
    ),
    "another source, without tracking": nft(
        "ip", "forward", "iifname BRIDGE ip saddr set 203.0.113.9", codes="translated_wrongly"
    ),
    "led to another device": nft("netdev", "ingress device TAP", "fwd to lo", on="nat rt iso out"),
    "set whose elements end": nft(
        "ip",
        "forward",
        "ip saddr @bad drop",
        before=own(
            "ip", "set {} bad {{ type ipv4_addr; flags interval,timeout; elements = {{ SUBNET timeout 1h }}; }}"
        ),
    ),
    "verdict map with a name": nft(
        "ip",
        "forward",
        "ip saddr vmap @bad",
        before=own("ip", "map {} bad {{ type ipv4_addr : verdict; flags interval; elements = {{ SUBNET : drop }}; }}"),
    ),
    "number of connections": nft("inet", "forward", "iifname BRIDGE ct count over 0 drop", probe=True),
    "rate": nft("inet", "forward", "iifname BRIDGE limit rate over 1/day drop", probe=True),
    "quota with a name": nft(
        "inet",
        "forward",
        'iifname BRIDGE quota name "few" drop',
        before=own("inet", "quota {} few {{ over 1 bytes; }}"),
        probe=True,
    ),
    "by turns": nft("inet", "forward", "iifname BRIDGE numgen inc mod 1 == 0 drop", probe=True),
    "bits of the header": nft("ip", "forward", "@nh,96,24 0xc0a85b drop", on="nat"),
    "time to live of one": nft("ip", "prerouting", "iifname BRIDGE ip ttl set 1", codes="packets_expire"),
    "hop limit of one": nft("ip6", "prerouting", "iifname BRIDGE ip6 hoplimit set 1", codes="packets_expire"),
}
