"""What lets a network through a firewall: the command of the owner, or rules before those that drop."""

from __future__ import annotations

import json

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._diagnosis.evaluation import passage
from ansible_collections.virtfleet.network.plugins.module_utils._diagnosis.nft_rules import Saved, ruleset
from ansible_collections.virtfleet.network.plugins.module_utils._diagnosis.openings import opening

from .test_evaluation import DHCP, DNS, OUT, PING, firewall

NAT = {"forward": {"mode": "nat"}, "bridge": {"name": "vf0"}}
ROUTE = {"forward": {"mode": "route"}, "bridge": {"name": "vf0"}}
RELATED, KEPT = "-m conntrack --ctstate RELATED,ESTABLISHED", "  # the same rules belong into /etc/nftables.conf"
FRAME = PING._replace(outbound="virbr0", port_out="vnet1")
CASES = [
    (
        ("docker", "forward", OUT, NAT),
        ("iptables -t filter -I FORWARD -i vf0 -j ACCEPT", f"iptables -t filter -I FORWARD -o vf0 {RELATED} -j ACCEPT"),
    ),
    (
        ("docker", "forward", OUT, ROUTE),
        ("iptables -t filter -I FORWARD -i vf0 -j ACCEPT", "iptables -t filter -I FORWARD -o vf0 -j ACCEPT"),
    ),
    (
        ("docker", "forward", FRAME, {"forward": {"mode": "bridge"}, "bridge": {"name": "vf0"}}),
        ("iptables -t filter -I FORWARD -i vf0 -o vf0 -j ACCEPT",),
    ),
    (("ufw", "forward", OUT, NAT), ("ufw route allow in on vf0",)),
    (
        ("ufw", "input", DNS, NAT),
        ("ufw allow in on vf0 proto udp to any port 53,67", "ufw allow in on vf0 proto tcp to any port 53"),
    ),
    (("firewalld", "input", DHCP, NAT), ("firewall-cmd --zone=libvirt --change-interface=vf0",)),
    (("firewalld", "forward", OUT, ROUTE), ("firewall-cmd --zone=libvirt-routed --change-interface=vf0",)),
    (
        ("firewalld", "forward", OUT, {**NAT, "bridge": {"name": "vf0", "zone": "lab"}}),
        ("firewall-cmd --zone=lab --change-interface=vf0",),
    ),
    (
        ("nftables.service", "input", DHCP, NAT),
        (
            "nft insert rule inet filter input iifname vf0 udp dport '{ 53,67 }' accept",
            f"nft insert rule inet filter input iifname vf0 tcp dport 53 accept{KEPT}",
        ),
    ),
    (
        ("nftables.service", "forward", OUT, NAT),
        (
            "nft insert rule inet filter forward iifname vf0 accept",
            f"nft insert rule inet filter forward oifname vf0 ct state established,related accept{KEPT}",
        ),
    ),
    (("nftables.service", "input", PING._replace(source="198.51.100.7"), NAT), ()),
]


@pytest.mark.parametrize("case, commands", CASES)
def test_what_opens_a_firewall_that_drops_what_it_does_not_accept(case, commands):
    name, hook, packet, spec = case
    elsewhere = packet._replace(inbound="vf0", outbound=packet.outbound and packet.outbound.replace("virbr0", "vf0"))
    verdict = passage(firewall(name), hook, elsewhere)
    assert verdict.passes is False
    assert opening(spec, elsewhere, verdict) == " && ".join(commands)


def test_a_zone_is_changed_where_a_rule_asks_for_its_devices_only():
    place = {"family": "inet", "table": "firewalld"}
    hook = {"type": "filter", "hook": "input", "prio": 10, "policy": "accept"}
    asked = {"match": {"op": "==", "left": {"meta": {"key": "iifname"}}, "right": "vf0"}}
    entries = [
        {"chain": {**place, "name": "filter_INPUT", **hook}},
        {"chain": {**place, "name": "filter_INPUT_POLICIES"}},
        {
            "rule": {
                **place,
                "chain": "filter_INPUT",
                "handle": 1,
                "expr": [{"jump": {"target": "filter_INPUT_POLICIES"}}],
            }
        },
        {"rule": {**place, "chain": "filter_INPUT_POLICIES", "handle": 2, "expr": [asked, {"reject": None}]}},
    ]
    packet = DHCP._replace(inbound="vf0")
    verdict = passage(ruleset(json.dumps({"nftables": entries}), []), "input", packet)
    assert verdict.passes is False
    assert opening(NAT, packet, verdict) == "firewall-cmd --zone=libvirt --change-interface=vf0"


@pytest.mark.parametrize(
    "source, command",
    [
        ({"prefix": {"addr": "10.20.0.0", "len": 24}}, "firewall-cmd --zone=libvirt --change-source=10.20.0.0/24"),
        ({"prefix": {"addr": "10.0.0.0", "len": 8}}, ""),
    ],
)
def test_a_source_is_moved_where_it_has_led_packets_to_the_zone_that_drops(source, command):
    place = {"family": "inet", "table": "firewalld"}
    hook = {"type": "filter", "hook": "input", "prio": 10, "policy": "accept"}
    chains = {
        "filter_INPUT": [{"jump": {"target": "filter_INPUT_ZONES"}}],
        "filter_INPUT_ZONES": [
            {"match": {**FROM_DROP["match"], "right": source}},
            {"goto": {"target": "filter_IN_public"}},
        ],
        "filter_IN_public": [{"jump": {"target": "filter_IN_public_deny"}}],
        "filter_IN_public_deny": [{"drop": None}],
    }
    entries = [{"chain": {**place, "name": name, **(hook if name == "filter_INPUT" else {})}} for name in chains] + [
        {"rule": {**place, "chain": name, "handle": 1, "expr": does}} for name, does in chains.items()
    ]
    packet = DNS._replace(inbound="vf0", source="10.20.0.9")
    verdict = passage(ruleset(json.dumps({"nftables": entries}), []), "input", packet)
    assert (verdict.passes, opening(SUBNET, packet, verdict)) == (False, command)


def test_a_direct_rule_of_firewalld_is_no_matter_of_zones():
    listed = (
        "*filter\n:INPUT ACCEPT [0:0]\n:INPUT_direct - [0:0]\n-A INPUT -j INPUT_direct\n"
        "-A INPUT_direct -i vf0 -j DROP\nCOMMIT\n"
    )
    packet = DHCP._replace(inbound="vf0")
    verdict = passage(ruleset("", [Saved(4, listed)]), "input", packet)
    assert (verdict.passes, verdict.owner, opening(NAT, packet, verdict)) == (False, "firewalld", "")


RICH = "firewall-cmd {} --add-rich-rule='rule priority=-1 {} accept'"
SUBNET = {**NAT, "ips": [{"address": "10.20.0.1", "prefix": 24}]}
FROM_DROP = {"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "saddr"}}}}
ZONES = [
    (
        ("filter_IN_libvirt_post", None, DHCP),
        (RICH.format("--zone=libvirt", "service name=dns"), RICH.format("--zone=libvirt", "service name=dhcp")),
    ),
    (
        ("filter_IN_policy_no_guests", None, DHCP),
        (
            RICH.format("--policy=no_guests", "service name=dns"),
            RICH.format("--policy=no_guests", "service name=dhcp"),
        ),
    ),
    (("filter_IN_libvirt_deny", None, PING), (RICH.format("--zone=libvirt", "protocol value=icmp"),)),
    (
        ("filter_FWD_policy_stop_deny", None, OUT),
        (RICH.format("--policy=stop", "family=ipv4 source address=10.20.0.0/24"),),
    ),
    (
        ("filter_FWD_libvirt", None, OUT),
        (
            "firewall-cmd --permanent --new-policy=vf0",
            "firewall-cmd --permanent --policy=vf0 --add-ingress-zone=libvirt",
            "firewall-cmd --permanent --policy=vf0 --add-egress-zone=ANY",
            "firewall-cmd --permanent --policy=vf0 --set-target=ACCEPT",
            "firewall-cmd --reload",
        ),
    ),
    (("filter_IN_drop_deny", None, DHCP), ("firewall-cmd --zone=libvirt --change-interface=vf0",)),
    (
        ("filter_INPUT_POLICIES", {"prefix": {"addr": "10.20.0.0", "len": 24}}, DNS),
        ("firewall-cmd --zone=libvirt --change-source=10.20.0.0/24",),
    ),
    # Others than the network's guests are in that one, too.
    (("filter_INPUT_POLICIES", {"prefix": {"addr": "10.0.0.0", "len": 8}}, DNS), ()),
]


@pytest.mark.parametrize("case, commands", ZONES)
def test_firewalld_opens_the_zone_or_the_policy_that_drops(case, commands):
    name, source, packet = case
    place = {"family": "inet", "table": "firewalld"}
    asked = [{"match": {**FROM_DROP["match"], "right": source}}] if source else []
    hook = "forward" if packet.outbound else "input"
    hung = {"type": "filter", "hook": hook, "prio": 10, "policy": "accept"}
    entries = [
        {"chain": {**place, "name": "at", **hung}},
        {"chain": {**place, "name": name}},
        {"rule": {**place, "chain": "at", "handle": 1, "expr": [{"jump": {"target": name}}]}},
        {"rule": {**place, "chain": name, "handle": 2, "expr": [*asked, {"drop": None}]}},
    ]
    here = packet._replace(inbound="vf0", source="10.20.0.9")
    verdict = passage(ruleset(json.dumps({"nftables": entries}), []), hook, here)
    assert verdict.passes is False
    assert opening(SUBNET, here, verdict) == " && ".join(commands)
