"""Libvirt's own rules for a network: which are missing; tests/integration/firewall compares them with real ones."""

from __future__ import annotations

import re

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._diagnosis.libvirt_rules import missing_rules, own_rules
from ansible_collections.virtfleet.network.plugins.module_utils._diagnosis.nft_rules import Saved, ruleset

from .test_evaluation import FIREWALLS, firewall

NAT = {
    "name": "nat",
    "forward": {"mode": "nat"},
    "bridge": {"name": "vf-nat"},
    "ips": [
        {"address": "192.168.101.1", "prefix": 24, "dhcp": {"ranges": [{"start": "192.168.101.10"}]}},
        {"address": "fd00:101::1", "prefix": 64},
    ],
}
ROUTE = {
    **NAT,
    "name": "route",
    "forward": {"mode": "route"},
    "bridge": {"name": "vf-route"},
    "ips": [{"address": "192.168.106.1", "prefix": 24}, {"address": "fd00:106::1", "prefix": 64}],
}
BACK_ENDS = ["libvirt-iptables", "libvirt-nftables"]


@pytest.mark.parametrize("name", BACK_ENDS)
@pytest.mark.parametrize("spec", [NAT, ROUTE], ids=["nat", "route"])
def test_nothing_is_missing(name, spec):
    rules = own_rules(spec, firewall(name))
    assert [rule.text for rule in rules if rule.packets is None] == []
    assert len(rules) > 15


@pytest.mark.parametrize("name", BACK_ENDS)
def test_an_open_network_has_none(name):
    assert own_rules({**NAT, "forward": {"mode": "open"}}, firewall(name)) == []


@pytest.mark.parametrize("file", ["iptables", "ip6tables"])
def test_each_rule_of_iptables_that_goes_is_named(file):
    version = {"iptables": 4, "ip6tables": 6}[file]
    folder = FIREWALLS / "libvirt-iptables"
    texts = {name: (folder / name).read_text() for name in ("iptables", "ip6tables")}
    lines = [line for line in texts[file].splitlines() if re.search(r"vf-nat\b|192\.168\.101|fd00:101", line)]
    named = 0
    for line in (line for line in lines if "CHECKSUM" not in line):
        changed = {**texts, file: texts[file].replace(f"{line}\n", "", 1)}
        saved = [Saved(4, changed["iptables"]), Saved(6, changed["ip6tables"])]
        (text,) = missing_rules(NAT, ruleset("", saved))
        assert text.endswith(line.partition("-A ")[2])
        assert text.startswith({4: "ip ", 6: "ip6 "}[version])
        named += 1
    assert named > 7


def test_a_link_to_libvirts_chain_that_goes_is_named():
    text = (FIREWALLS / "libvirt-nftables" / "nft.txt").read_text()
    listed = (FIREWALLS / "libvirt-nftables" / "nft.json").read_text()
    lost = ruleset(listed, (), text.replace("jump guest_input", "jump guest_cross"))
    assert missing_rules(NAT, lost) == [
        f"{family} libvirt_network forward jump guest_input" for family in ("ip", "ip6")
    ]


@pytest.mark.parametrize("version, chain", [(9_000_000, "LIBVIRT_FWO"), (11_003_000, "guest_output")])
def test_where_nothing_is_left_the_version_says_what_is_missing(version, chain):
    missing = missing_rules(NAT, ruleset(""), version)
    assert [text for text in missing if chain in text]
    assert len(missing) == len(own_rules(NAT, ruleset(""), version))
