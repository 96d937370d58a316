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


def test_a_direct_rule_of_firewalld_is_no_matter_of_zones():
    listed = (
        "*filter\n:INPUT ACCEPT [0:0]\n:INPUT_direct - [0:0]\n-A INPUT -j INPUT_direct\n"
        "-A INPUT_direct -i vf0 -j DROP\nCOMMIT\n"
    )
    packet = DHCP._replace(inbound="vf0")
    verdict = passage(ruleset("", [Saved(4, listed)]), "input", packet)
    assert (verdict.passes, verdict.owner, opening(NAT, packet, verdict)) == (False, "firewalld", "")
