"""The rules that libvirt is said to install for a network, and those that real libvirts do."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._diagnosis.libvirt_rules import (
    missing_rules,
    own_rules,
    wanted,
)
from ansible_collections.virtfleet.network.plugins.module_utils._diagnosis.nft_rules import Saved, ruleset
from ansible_collections.virtfleet.network.plugins.module_utils._diagnosis.ruleset import Ruleset
from ansible_collections.virtfleet.network.plugins.module_utils._schema.network import NetworkDefinition

from ..nftables import nftables_backend
from ..stage import Stage

pytestmark = pytest.mark.lab

IP4 = "<ip address='192.168.{}.1' prefix='24'>{}</ip>"
IP6 = "<ip family='ipv6' address='fd00:{}::1' prefix='64'>{}</ip>"
DHCP4 = "<dhcp><range start='192.168.{0}.10' end='192.168.{0}.20'/></dhcp>"
DHCP6 = "<dhcp><range start='fd00:{0}::10' end='fd00:{0}::20'/></dhcp>"
NAT6 = "<nat ipv6='yes'/>"
ADDRESSES = "<nat><address start='192.0.2.1' end='192.0.2.9'/><port start='2000' end='3000'/></nat>"
ONE_ADDRESS = "<nat><address start='192.0.2.1' end='192.0.2.1'/></nat>"
SHAPES = {
    "nat": ("<forward mode='nat'/>", True, True),
    "nat6": (f"<forward mode='nat'>{NAT6}</forward>", True, True),
    "dev": (f"<forward mode='nat' dev='uplink'>{NAT6}</forward>", True, True),
    "addr": (f"<forward mode='nat'>{ADDRESSES}</forward>", True, False),
    "one": (f"<forward mode='nat'>{ONE_ADDRESS}</forward>", True, False),
    "route": ("<forward mode='route'/>", True, True),
    "rdev": ("<forward mode='route' dev='uplink'/>", True, True),
    "iso": ("", True, True),
    "only6": ("<forward mode='route'/>", False, True),
    "open": ("<forward mode='open'/>", True, True),
    "none": ("", False, False),
}
TFTP = "<tftp root='/srv'/>"


def definition(name: str, number: int) -> str:
    forward, four, six = SHAPES[name]
    inner = (TFTP if name == "iso" else "") + DHCP4.format(number)
    ips = (IP4.format(number, inner) if four else "") + (IP6.format(number, DHCP6.format(number)) if six else "")
    own = " ipv6='yes'" if name == "none" else ""
    return f"<network{own}><name>{name}</name>{forward}<bridge name='vf-{name}'/>{ips}</network>"


def read(stage: Stage) -> Ruleset:
    run = stage.host.run
    saved = [Saved(4, run(["iptables-save", "-c"]).stdout), Saved(6, run(["ip6tables-save", "-c"]).stdout)]
    lists = (run(["nft", *words]).stdout for words in (["-j", "list", "ruleset"], ["-a", "list", "ruleset"]))
    return ruleset(next(lists), saved, next(lists))


@pytest.fixture
def networks(stage: Stage) -> Stage:
    for number, name in enumerate(SHAPES, 101):
        stage.define(definition(name, number), start=True)
    return stage


@pytest.fixture
def nftables(stage: Stage) -> Iterator[Stage]:
    """The networks with libvirt's other back end for the firewall."""
    with nftables_backend(stage):
        for number, name in enumerate(SHAPES, 101):
            stage.define(definition(name, number), start=True)
        yield stage
        stage.clear()


def compared(stage: Stage, delete: str) -> None:
    """Each rule that is expected is there, and none that is not; one that is deleted is missing, and no other."""
    rules = read(stage)
    specs = {name: NetworkDefinition(stage.xml(name, saved=False)).spec for name in SHAPES}
    assert {name: missing_rules(spec, rules) for name, spec in specs.items()} == {name: [] for name in SHAPES}
    expected = {rule.text for spec in specs.values() for rule in own_rules(spec, rules)}
    tables = {"filter", "nat", "libvirt_network"}
    installed = {
        (chain.table.family, chain.table.name, chain.name, rule.text)
        for chain in rules.chains.values()
        for rule in chain.rules
        if chain.table.name in tables and re.search(r"LIBVIRT_|libvirt_network", f"{chain.table.name} {chain.name}")
    }
    links = {text for text in expected if re.search(r"(-j LIBVIRT_\w+|jump guest_\w+)$", text)}
    jumps = {one for one in installed if "jump guest_" in one[3]}
    assert len(expected - links) == len(installed - jumps)
    assert len(list(wanted(specs["open"]))) > len(own_rules(specs["open"], rules)) == 0
    stage.host.run(["sh", "-ec", delete])
    rules = read(stage)
    gone = {name: missing_rules(spec, rules) for name, spec in specs.items()}
    assert {name: len(texts) for name, texts in gone.items() if texts} == {"nat": 1}
    (text,) = gone["nat"]
    assert "192.168.101.0/24" in text
    assert "udp" in text
    assert "1024-65535" in text


def test_rules_of_iptables(networks: Stage) -> None:
    rule = "LIBVIRT_PRT -s 192.168.101.0/24 ! -d 192.168.101.0/24 -p udp -j MASQUERADE --to-ports 1024-65535"
    compared(networks, f"iptables -t nat -D {rule}")


def test_rules_of_nftables(nftables: Stage) -> None:
    find = "nft -a list chain ip libvirt_network guest_nat | sed -n '/udp.*192.168.101.0/s/.*handle //p'"
    compared(nftables, f"nft delete rule ip libvirt_network guest_nat handle $({find})")
