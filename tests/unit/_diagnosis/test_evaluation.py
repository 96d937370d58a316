"""What the firewalls of usual tools do to a guest's packets; tests/integration/firewall asks the kernel the same."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._diagnosis.evaluation import passage
from ansible_collections.virtfleet.network.plugins.module_utils._diagnosis.firewall import Firewall
from ansible_collections.virtfleet.network.plugins.module_utils._diagnosis.nft_rules import Saved, ruleset
from ansible_collections.virtfleet.network.plugins.module_utils._values.way import Packet, Verdict

FIREWALLS = Path(__file__).parents[1] / "cases" / "firewalls"
CONFIGURATION = "#!/usr/sbin/nft -f\nflush ruleset\ntable inet filter {\n\tchain input {\n"
GUEST = Packet(4, "192.168.101.9", "192.168.101.1", "udp", 40000, inbound="virbr0", port_in="vnet0")
DHCP = GUEST._replace(source="0.0.0.0", source_port=68, destination="255.255.255.255", port=67)
DNS, SSH = GUEST._replace(port=53), GUEST._replace(protocol="tcp", port=22)
PING = GUEST._replace(protocol="icmp", source_port=0)
OUT = GUEST._replace(destination="203.0.113.9", protocol="tcp", port=443, outbound="eth0")
GUEST6 = GUEST._replace(version=6, source="fd00:101::9", destination="fd00:101::1")
SOLICIT = GUEST6._replace(protocol="icmp", source_port=0, message="nd-neighbor-solicit")
UNKNOWN = "a rule asks for {}, which is not known of the packet"
POLICY = {"docker": "ip filter FORWARD policy drop", "nftables.service": "inet filter forward policy drop"}


@functools.cache
def firewall(*names):
    """The firewall of several tools together, as if one listed after the other."""
    texts = [{file.name: file.read_text() for file in (FIREWALLS / name).iterdir()} for name in names]
    entries = [entry for text in texts for entry in json.loads(text["nft.json"])["nftables"]]
    saved = [Saved(version, text[file]) for text in texts for version, file in ((4, "iptables"), (6, "ip6tables"))]
    return ruleset(json.dumps({"nftables": entries}), saved, "".join(text["nft.txt"] for text in texts), CONFIGURATION)


CASES = [
    ("docker", "forward", OUT, False, POLICY["docker"], "Docker"),
    ("docker", "forward", OUT._replace(inbound="docker0"), True, "", ""),
    ("docker", "input", DHCP, True, "", ""),
    ("ufw", "input", DHCP, False, "ip filter ufw-skip-to-policy-input -j DROP (0 packets)", "ufw"),
    ("ufw", "input", DNS, False, "ip filter INPUT policy drop", "ufw"),
    ("ufw", "input", SSH, True, "", ""),
    ("ufw", "input", PING, True, "", ""),
    ("ufw", "input", DNS._replace(state="established"), True, "", ""),
    ("ufw", "forward", OUT, False, "ip filter FORWARD policy drop", "ufw"),
    ("ufw", "forward", PING._replace(outbound="eth0"), True, "", ""),
    ("firewalld", "input", DHCP, True, "", ""),
    ("firewalld", "input", SSH, True, "", ""),
    ("firewalld", "forward", OUT, True, "", ""),
    ("nftables.service", "input", SSH, True, "", ""),
    ("nftables.service", "input", DHCP, False, "inet filter input policy drop", "nftables.service"),
    ("nftables.service", "forward", OUT, False, POLICY["nftables.service"], "nftables.service"),
    ("nftables.service", "input", SOLICIT, True, "", ""),
    ("libvirt-iptables", "forward", OUT._replace(inbound="vf-nat"), True, "", ""),
    ("libvirt-nftables", "forward", OUT._replace(inbound="vf-nat"), True, "", ""),
    ("libvirt-iptables", "forward", OUT._replace(inbound="vf-nat", source="192.0.2.7"), False, "", "libvirt"),
    ("libvirt-nftables", "forward", OUT._replace(inbound="vf-nat", source="192.0.2.7"), False, "", "libvirt"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]} {case[1]}")
def test_usual_firewalls(case):
    name, hook, packet, passes, rule, owner = case
    verdict = passage(firewall(name), hook, packet)
    assert (verdict.passes, verdict.owner, verdict.unknown) == (passes, owner, "")
    assert verdict.rule == rule or (rule == "" and not passes)


def test_a_zone_without_libvirts_rules_rejects():
    verdict = passage(firewall("firewalld"), "input", DHCP._replace(inbound="vf0"))
    assert verdict[:3] == (
        False,
        "inet firewalld filter_INPUT reject with icmpx admin-prohibited (handle 47)",
        "firewalld",
    )
    assert verdict.remedy == "nft delete rule inet firewalld filter_INPUT handle 47"


def test_two_tools_at_one_hook_must_both_let_pass():
    """What libvirt accepts in its own table, Docker's policy drops."""
    verdict = passage(firewall("libvirt-nftables", "docker"), "forward", OUT._replace(inbound="vf-nat"))
    assert (verdict.rule, verdict.owner) == (POLICY["docker"], "Docker")
    assert verdict.remedy == "iptables -t filter -P FORWARD ACCEPT"


def test_what_is_not_known_is_no_finding():
    rules = firewall("nftables.service")
    assert passage(rules, "input", PING) == Verdict(
        None,
        "inet filter input policy drop",
        "nftables.service",
        "nft 'add chain inet filter input { policy accept; }'",
        unknown=UNKNOWN.format("limit"),
    )
    blocked = passage(rules, "input", PING._replace(source="198.51.100.7"))
    assert blocked.rule.startswith("inet filter input ip saddr @blocked counter packets 0 bytes 0 drop (handle ")
    back = passage(firewall("firewalld"), "prerouting", GUEST6)
    assert (back.passes, back.unknown) == (None, UNKNOWN.format("fib saddr iif oif"))
    assert passage(firewall("firewalld"), "prerouting", GUEST6._replace(reverse=True)) == Verdict(True)
    assert passage(firewall("firewalld"), "prerouting", GUEST6._replace(reverse=False)).passes is False


@pytest.mark.parametrize("name", ["libvirt-iptables", "libvirt-nftables"])
def test_translation(name):
    out = OUT._replace(inbound="vf-nat")
    verdict = passage(firewall(name), "postrouting", out)
    assert verdict == Verdict(True, translated=True, deeds=verdict.deeds)
    assert {key: (deed.value, deed.owner) for key, deed in verdict.deeds.items()} == {"translate": ("", "libvirt")}
    assert passage(firewall(name), "postrouting", out._replace(state="established")) == Verdict(True)
    assert not passage(
        firewall(name), "postrouting", out._replace(source="192.168.106.9", inbound="vf-route")
    ).translated


def test_iptables_rules_count_once_and_know_their_extensions():
    rules = firewall("ufw")
    assert {chain.table.tool for chain in rules.chains.values()} == {"iptables"}
    assert all(rule.handle for chain in rules.chains.values() for rule in chain.rules)
    legacy = ruleset(
        "", [Saved(4, "*filter\n:FORWARD DROP [1:2]\n[3:4] -A FORWARD -i a+ -j ACCEPT\nCOMMIT\n", legacy=True)]
    )
    verdict = passage(legacy, "forward", OUT)
    assert verdict.remedy == "iptables-legacy -t filter -P FORWARD ACCEPT"
    assert passage(legacy, "forward", OUT._replace(inbound="ab")).passes


STRANGE = "*filter\n:INPUT ACCEPT [0:0]\n{}\nCOMMIT\n"


@pytest.mark.parametrize("target", ["NFQUEUE --queue-num 0", "SYNPROXY --sack-perm --mss 1460"])
def test_who_takes_a_packet_is_named(target):
    verdict = passage(ruleset("", [Saved(4, STRANGE.format(f"-A INPUT -j {target}"))]), "input", DNS)
    assert (verdict.passes, verdict.unknown) == (None, f"nobody knows what {target.split()[0]} does with it")


SETS = """create bad hash:net family inet hashsize 1024 maxelem 65536
add bad 192.168.101.0/24
create few bitmap:ip range 192.168.101.0-192.168.101.99
add few 192.168.101.1-192.168.101.8
create pairs hash:ip,port family inet hashsize 1024 maxelem 65536 timeout 60
add pairs 192.168.101.1,udp:50-60 timeout 7
create out hash:net,iface family inet hashsize 64 maxelem 65536
add out 0.0.0.0/0,virbr0
create macs hash:mac hashsize 1024 maxelem 65536
add macs 52:54:00:00:01:01
create but hash:net family inet hashsize 1024 maxelem 65536
add but 192.168.0.0/16
add but 192.168.101.9 nomatch
create both list:set size 8
add both bad
create none hash:ip family inet hashsize 1024 maxelem 65536
"""


@pytest.mark.parametrize(
    "asks, passes",
    [
        ("--match-set bad src", False),
        ("! --match-set bad src", True),
        ("--match-set few src", True),
        ("--match-set few dst", False),
        ("--match-set pairs dst,dst", False),
        ("--match-set pairs dst,src", True),
        ("--match-set out src,src", False),
        ("--match-set macs src", False),
        ("! --match-set none src", False),
        ("--match-set but src", None),
        ("--match-set both src", None),
        ("--match-set bad src --return-nomatch", None),
    ],
)
def test_sets_of_ipset(asks, passes):
    saved = STRANGE.format(f"-A INPUT -m set {asks} -j DROP")
    firewall = Firewall({"iptables-save": saved, "ipset": SETS})
    assert firewall.verdict("input", DNS._replace(source_mac="52:54:00:00:01:01")).passes is passes


SAVED = "-A INPUT -m connmark"
MARKED = "-A INPUT -i virbr0 -j MARK --set-xmark 0x7/0xffffffff\n"


@pytest.mark.parametrize(
    "lines, passes",
    [
        ("-A INPUT -m dscp --dscp 0x00 -j DROP", False),
        ("-A INPUT -m dscp ! --dscp 0x0a -j DROP", False),
        ("-A INPUT -m dscp --dscp 0x0a -j DROP", True),
        ("-A INPUT -m policy --dir in --pol none -j DROP", False),
        ("-A INPUT -m policy --dir in --pol ipsec --proto esp -j DROP", True),
        ("-A INPUT -m connmark --mark 0x0 -j DROP", False),
        (f"{MARKED}-A INPUT -m connmark --mark 0x0 -j DROP", False),
        (f"{MARKED}-A INPUT -j CONNMARK --restore-mark\n-A INPUT -m mark --mark 0x7 -j DROP", True),
        (f"{MARKED}-A INPUT -j CONNMARK --save-mark\n-A INPUT -m connmark --mark 0x7 -j DROP", False),
        (
            f"{MARKED}-A INPUT -j CONNMARK --save-mark --nfmask 0x3 --ctmask 0xff\n{SAVED} --mark 0x3 -j DROP",
            False,
        ),
        ("-A INPUT -j CONNMARK --set-xmark 0x5/0xff\n-A INPUT -m connmark --mark 0x5/0xf -j DROP", False),
    ],
)
def test_what_iptables_knows_of_a_guests_own_packet(lines, passes):
    rules = ruleset("", [Saved(4, STRANGE.format(lines))])
    assert passage(rules, "input", DNS._replace(followed=True)).passes is passes


@pytest.mark.parametrize(
    "before, asks, passes",
    [
        ("", "meta mark vmap { 0x0 : drop }", False),
        ("meta mark set 7", "meta mark vmap { 7 : drop, 0 : accept }", False),
        ("ct mark set 7", "ct mark vmap { 7 : drop }", False),
        ("ct mark set 7", "meta mark vmap { 7 : drop }", True),
        ("meta mark set 7", "ct mark vmap { 0 : drop }", False),
        ("ct mark set meta mark", "ct mark vmap { 7 : drop }", True),
    ],
)
def test_verdict_maps_over_marks(before, asks, passes):
    def mark(kind, value):
        return {"mangle": {"key": {kind: {"key": "mark"}}, "value": value}}

    words = before.split()
    changes = [mark(words[0], {"meta": {"key": "mark"}} if words[3] == "meta" else 7)] if words else []
    kind, pairs = asks.split()[0], asks[asks.index("{") + 1 : -1].split(",")
    elements = [[int(value, 0), {end.strip(): None}] for value, end in (pair.split(" : ") for pair in pairs)]
    vmap = {"vmap": {"key": {kind: {"key": "mark"}}, "data": {"set": elements}}}
    place = {"family": "inet", "table": "own", "chain": "in"}
    listed = [
        {"chain": {"family": "inet", "table": "own", "name": name, "type": "filter", "hook": hook, "prio": 0}}
        for name, hook in (("early", "prerouting"), ("in", "input"))
    ]
    listed += [{"rule": {**place, "chain": "early", "handle": 1, "expr": changes}}] if changes else []
    listed += [{"rule": {**place, "handle": 2, "expr": [vmap]}}]
    firewall = Firewall({"nft -j": json.dumps({"nftables": listed})})
    verdicts = [verdict.passes for _hook, verdict, _packet in firewall.followed(("prerouting", "input"), DNS)]
    assert (False not in verdicts, None in verdicts) == (passes, False)


@pytest.mark.parametrize(
    "line, asked",
    [
        ("-A INPUT -m set --match-set bad src -j DROP", "the set bad of ipset"),
        ("-A INPUT -m u32 --u32 0x0=0 -j DROP", "-m u32"),
        ("-A INPUT -p icmp -m icmp --icmp-type 3/4 -j DROP", None),
        ("-A INPUT -m recent --rcheck --seconds 3 -j DROP", "-m recent"),
        ("-A INPUT -m policy --dir out --pol ipsec -j DROP", "--pol"),
        ("-A INPUT -s 10.0.0.1/255.0.0.255 -j DROP", "-s"),
        ("-A INPUT -m tcp --dport", "what cannot be read"),
    ],
)
def test_what_nobody_has_taught_it_is_not_known(line, asked):
    verdict = passage(ruleset("", [Saved(4, STRANGE.format(line))]), "input", DNS)
    assert (verdict.passes, verdict.unknown) == ((True, "") if asked is None else (None, UNKNOWN.format(asked)))


@pytest.mark.parametrize("kind, passes", [("UNICAST", False), ("LOCAL", False), ("MULTICAST", True)])
def test_a_local_address_of_ipv6_is_a_unicast_one_to_iptables(kind, passes):
    text = STRANGE.format(f"-A INPUT -m addrtype --dst-type {kind} -j DROP")
    assert passage(ruleset("", [Saved(6, text)]), "input", GUEST6).passes == passes


def test_ten_thousand_foreign_rules():
    lines = [
        f"[0:0] -A BAN -s 10.{number >> 8}.{number & 255}.0/24 -p tcp -m tcp --dport 80 -j DROP"
        for number in range(10000)
    ]
    text = "\n".join(["*filter", ":FORWARD ACCEPT [0:0]", ":BAN - [0:0]", "-A FORWARD -j BAN", *lines, "COMMIT", ""])
    rules = ruleset("", [Saved(4, text)])
    assert passage(rules, "forward", OUT).passes
    assert passage(rules, "forward", OUT._replace(source="10.3.4.5", port=80)).passes is False
