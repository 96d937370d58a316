"""Random firewalls in nft's and in iptables' own words, and random packets that they are about."""

from __future__ import annotations

import random
from collections.abc import Sequence

from ansible_collections.virtfleet.network.plugins.module_utils._values.way import Packet

from .site import BRIDGE_MAC, GUEST_MAC, OTHER_MAC

SOURCES = {4: ("10.60.0.9", "10.60.0.77", "192.0.2.5"), 6: ("fd60::9", "fd60::77", "2001:db8::5")}
NETS = {
    4: ("10.60.0.0/24", "10.60.0.9", "10.0.0.0/8", "10.61.0.0/16", "10.60.0.1-10.60.0.20", "0.0.0.0/0", "192.0.2.5"),
    6: ("fd60::/64", "fd60::9", "fd00::/8", "fd61::2", "fd60::1-fd60::20", "2001:db8::/32", "fe80::/10"),
}
HOST, OUTSIDE, OTHER = (
    {4: ("10.60.0.1", "10.61.0.1"), 6: ("fd60::1", "fd61::1")},
    {4: ("10.61.0.2", "198.51.100.7"), 6: ("fd61::2", "2001:db8:9::7")},
    {4: ("10.60.0.8",), 6: ("fd60::8",)},
)
PORTS = ("22", "53", "67", "80", "443")
DEVICES = ("br0", "u0", "lo", "eth0", "b*", "u*")
BRIDGE_PORTS = ("p1", "p2", "p*", "br0")
HOOKS = ("prerouting", "input", "forward", "postrouting")
PRIORITIES = (-300, -150, 0, 0, 0, 10, 50)
UNKNOWN = ("limit rate 1000/second", "meta length 40-1000", "ip ttl 64", "numgen random mod 2 == 0", "meta skuid 0")


def packets(chance: random.Random, first: int, count: int) -> list[Packet]:
    """Return packets of the guest: to the hypervisor, to the outside, to another guest."""
    return [_packet(chance, 1024 + number % 60000) for number in range(first, first + count)]


def _packet(chance: random.Random, port: int) -> Packet:
    version = chance.choice((4, 4, 6))
    to = chance.choice((HOST, OUTSIDE, OUTSIDE, OTHER))
    source, destination = chance.choice(SOURCES[version]), chance.choice(to[version])
    packet = Packet(version, source, destination, chance.choice(("udp", "tcp", "icmp")), port, inbound="br0")
    macs = {"source_mac": GUEST_MAC, "destination_mac": OTHER_MAC if to is OTHER else BRIDGE_MAC}
    back = source != SOURCES[version][2]
    packet = packet._replace(port_in="p1", reverse=back, **macs)
    if packet.protocol != "icmp":
        packet = packet._replace(port=int(chance.choice(PORTS)))
    outbound = {"outbound": "u0"} if to is OUTSIDE else {"outbound": "br0", "port_out": "p2"} if to is OTHER else {}
    return packet._replace(**outbound)


# ---- nft ----


def nft(chance: random.Random) -> str:
    """Return a ruleset for ``nft -f``."""
    tables = [_table(chance, f"t{number}") for number in range(chance.choice((1, 1, 2, 3)))]
    return "\n".join(tables)


def _table(chance: random.Random, name: str) -> str:
    family = chance.choice(("inet", "inet", "inet", "ip", "ip6", "bridge", "netdev"))
    version = {"ip": 4, "ip6": 6}.get(family) or chance.choice((4, 6))
    nets = ", ".join(chance.sample(NETS[version][:4], 2) if version == 4 else (NETS[6][0], "2001:db8::/32"))
    nets = {"10.0.0.0/8": nets}.get(nets, nets)
    lines = [
        f"table {family} {name} {{",
        f"set nets {{ type ipv{version}_addr; flags interval; auto-merge; elements = {{ {nets} }}; }}",
        f"set ports {{ type inet_service; elements = {{ {', '.join(chance.sample(PORTS, 2))} }}; }}",
        f"map ends {{ type inet_service : verdict; elements = {{ {_map(chance, ())} }}; }}",
    ]
    others: list[str] = []
    for number in range(chance.choice((0, 1, 2))):
        rules = "; ".join(_rule(chance, family, version, others) for _each in range(chance.choice((1, 2, 4))))
        lines.append(f"chain c{number} {{ {rules}; }}")
        others.append(f"c{number}")
    lines += [_base(chance, f"b{number}", family, version, others) for number in range(chance.choice((1, 1, 2)))]
    return "\n".join([*lines, "}"])


def _base(chance: random.Random, name: str, family: str, version: int, others: Sequence[str]) -> str:
    hook = chance.choice(HOOKS) if family != "netdev" else "ingress"
    device = f' device "{chance.choice(("p1", "br0"))}"' if family == "netdev" else ""
    rules = [_rule(chance, family, version, others) for _each in range(chance.choice((1, 3, 6)))]
    kind = "filter"
    if family in ("ip", "ip6", "inet") and hook == "postrouting" and chance.random() < 0.5:
        kind = "nat"
        rules = [
            f"{_tests(chance, family, version)} {chance.choice(('masquerade', 'accept', 'return'))}" for _rule in rules
        ]
    policy = "drop" if chance.random() < 0.15 and kind == "filter" else "accept"
    hang = f"type {kind} hook {hook}{device} priority {chance.choice(PRIORITIES)}; policy {policy};"
    return f"chain {name} {{ {hang} {'; '.join(rules)}; }}"


def _rule(chance: random.Random, family: str, version: int, others: Sequence[str]) -> str:
    if chance.random() < 0.08:
        return f"{_tests(chance, family, version)} meta mark set {chance.choice(('1', '2'))}"
    if chance.random() < 0.12:
        return f"{_tests(chance, family, version)} tcp dport vmap {{ {_map(chance, others)} }}"
    if chance.random() < 0.05:
        return f"{_tests(chance, family, version)} th dport vmap @ends"
    ends = ["accept", "drop", "drop", "return", "counter", "counter drop", "continue"]
    if family in ("ip", "ip6", "inet"):
        ends += ["reject", "ct state new counter accept"]
    ends += [f"{chance.choice(('jump', 'goto'))} {other}" for other in others]
    return f"{_tests(chance, family, version)} {chance.choice(ends)}"


def _map(chance: random.Random, others: Sequence[str]) -> str:
    ends = ["accept", "drop", "return", *(f"jump {other}" for other in others)]
    return ", ".join(f"{port} : {chance.choice(ends)}" for port in chance.sample(PORTS, 2))


def _tests(chance: random.Random, family: str, version: int) -> str:
    tests = [_test(chance, family, version) for _each in range(chance.choice((0, 1, 1, 2, 3)))]
    # One about a transport: nft refuses two that cannot both be.
    transports = [test for test in tests if any(word in test for word in ("tcp", "udp", "th ", "icmp", "58"))]
    return " ".join(test for test in tests if test not in transports[1:])


def _test(chance: random.Random, family: str, version: int) -> str:
    pick, no = chance.choice, chance.choice(("", "", "!= "))
    if chance.random() < 0.04:
        return pick([one for one in UNKNOWN if family in ("ip", "inet") or "ip ttl" not in one])
    layer = {4: "ip", 6: "ip6"}[version]
    icmp = {4: "icmp", 6: "icmpv6"}[version]
    bits = pick(("syn", "ack"))
    tests = [
        f"{layer} {pick(('saddr', 'daddr'))} {no}{pick(NETS[version])}",
        f"{layer} {pick(('saddr', 'daddr'))} {no}{{ {NETS[version][0]}, {NETS[version][3]} }}",
        f"{layer} {pick(('saddr', 'daddr'))} {no}@nets",
        f"{pick(('tcp', 'udp'))} dport {no}{pick((*PORTS, '50-100', '{ 53, 67-80 }', '@ports'))}",
        f"meta l4proto {no}{pick(('tcp', 'udp', '{ tcp, udp }', 'icmp', '58'))}",
        f"meta l4proto {{ tcp, udp }} th dport {no}{pick((*PORTS, '{ 22, 443 }'))}",
        f"{icmp} type {no}{pick(('echo-request', 'echo-reply', '{ echo-request, 1 }'))}",
        f"meta mark {no}{pick(('0', '1', '2'))}",
        f"meta mark & 0x1 {pick(('==', '!='))} {pick(('0', '1'))}",
        f"tcp flags & (fin|syn|rst|ack) {pick(('==', '!='))} {bits}",
        f"tcp flags {bits}",
        f"ether saddr {no}{pick((GUEST_MAC, OTHER_MAC))}",
        f"{layer} saddr . tcp dport {no}{{ {SOURCES[version][0]} . {pick(PORTS)}, {SOURCES[version][1]} . 80 }}",
        f"meta protocol {no}{pick(('ip', 'ip6', 'arp'))}",
        f"meta pkttype {no}{pick(('host', 'broadcast', 'other'))}",
    ]
    if family in ("ip", "ip6", "inet"):
        tests += [
            f"{pick(('iifname', 'oifname'))} {no}{_quoted(pick(DEVICES))}",
            f'iif {no}"{pick(("br0", "u0", "lo"))}"',
            f"iifname {no}{{ {_quoted(pick(DEVICES[:4]))}, {_quoted('lo')} }}" if chance.random() < 0.5 else "",
            f"ct state {pick(('new', 'established,related', 'invalid', '{ new, established }', 'new,related'))}",
            f"fib daddr type {no}{pick(('local', 'unicast', 'broadcast'))}",
            f"meta nfproto {no}{pick(('ipv4', 'ipv6'))}" if family == "inet" else "",
        ]
    elif family == "bridge":
        tests += [f"{pick(('iifname', 'oifname'))} {no}{_quoted(pick(BRIDGE_PORTS))}"] * 2
        tests.append(f"ether type {no}{pick(('ip', 'ip6', 'arp'))}")
    return pick(tests)


def _quoted(device: str) -> str:
    return f'"{device}"'


# ---- iptables ----


def iptables(chance: random.Random, version: int) -> str:
    """Return rules for iptables-restore, or ip6tables-restore."""
    lines = []
    for table, chains in (("filter", ("INPUT", "FORWARD")), ("mangle", ("PREROUTING", "FORWARD"))):
        lines += [f"*{table}", ":MINE - [0:0]", ":OTHER - [0:0]"]
        lines += [f":{chain} {'DROP' if chance.random() < 0.1 else 'ACCEPT'} [0:0]" for chain in chains]
        for chain in (*chains, "MINE", "OTHER") * chance.choice((1, 2, 4)):
            onward = {"MINE": ["OTHER"], "OTHER": []}.get(chain, ["MINE", "OTHER"])
            lines.append(f"-A {chain} {_line(chance, version, table, [chain, *onward])}")
        lines.append("COMMIT")
    nat = [f"-A POSTROUTING {_fields(chance, version, 'POSTROUTING')} -j MASQUERADE"] if chance.random() < 0.4 else []
    return "\n".join([*lines, "*nat", *nat, "COMMIT", ""])


MARKS = (
    *("-j MARK --set-mark 1", "-j MARK --set-xmark 0x2/0x2"),
    *("-j CONNMARK --set-xmark 0x1/0x3", "-j CONNMARK --save-mark", "-j CONNMARK --restore-mark --nfmask 1"),
)


def _line(chance: random.Random, version: int, table: str, place: Sequence[str]) -> str:
    chain, *onward = place
    ends = ["-j ACCEPT", "-j DROP", "-j DROP", "-j RETURN", ""]
    ends += [f"{chance.choice(('-j', '-g'))} {other}" for other in onward]
    ends += ["-j REJECT"] if table == "filter" else [*MARKS]
    return f"{_fields(chance, version, chain)} {chance.choice(ends)}"


def _fields(chance: random.Random, version: int, chain: str) -> str:
    pick, no = chance.choice, chance.choice(("", "", "! "))
    into = chain not in ("POSTROUTING",)
    device = pick(("br0", "u0", "b+", "lo"))
    first = pick(("", "", f"{no}-s {pick(NETS[version][:3])}", f"{no}-d {pick((NETS[version][3], NETS[version][0]))}"))
    second = pick(("", f"{no}-i {device}" if into else f"{no}-o {device}"))
    icmp = {4: "-p icmp -m icmp --icmp-type 8", 6: "-p ipv6-icmp -m icmp6 --icmpv6-type 128"}[version]
    port = f"{no}--dport {pick((*PORTS, '50:100'))}"
    third = pick((f"-p udp -m udp {port}", f"-p tcp -m tcp {port}", f"{no}-p tcp", icmp, "", "", ""))
    mask = f"-p tcp -m tcp {no}--tcp-flags SYN,ACK {pick(('SYN', 'ACK'))}"
    many = f"-p tcp -m multiport {no}--dports 22,60:90"
    more = [
        '-m comment --comment "it is -j DROP"',
        f"-m conntrack {no}--ctstate {pick(('NEW', 'RELATED,ESTABLISHED', 'NEW,DNAT', 'DNAT'))}",
        f"-m state --state {pick(('NEW', 'ESTABLISHED'))}",
        f"-m mark {no}--mark {pick(('0x0', '0x1', '0x2/0x2'))}",
        f"-m connmark {no}--mark {pick(('0x0', '0x1', '0x2/0x2'))}",
        f"-m dscp {no}--dscp {pick(('0x00', '0x0a'))}",
        f"-m policy --dir in --pol {pick(('none', 'ipsec'))}" if into else "",
        f"-m addrtype {no}--dst-type {pick(('LOCAL', 'UNICAST', 'BROADCAST'))}",
        f"-m pkttype {no}--pkt-type {pick(('unicast', 'broadcast'))}",
        f"-m iprange {no}--src-range {NETS[version][4]}",
        "-m physdev --physdev-is-bridged" if chain == "FORWARD" else "",
        "-m limit --limit 100/sec" if chance.random() < 0.3 else "",
        f"-m mac {no}--mac-source {GUEST_MAC}" if into else "",
        "",
        "",
        "",
    ]
    return " ".join((first, second, third or pick((mask, many, "", "", "")), pick(more)))
