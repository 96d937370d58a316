# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The firewall rules that libvirt itself installs for a network, each compared with what is there.

libvirt's back ends (network_iptables.c, network_nftables.c) say the same in two languages, save that the one for
nftables has nothing to open towards the hypervisor itself. Not among them is the repair of checksums of DHCP's answers:
libvirt goes on where the kernel cannot do it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import NamedTuple

from .._schema.shared import subnet
from .._values.mode import has_firewall, mode
from .._xml.fields import Spec
from .ruleset import NFT, Rule, Ruleset

Test = tuple[str, str]
NFT_TABLE, NFT_SINCE = "libvirt_network", 10_004_000
# What a chain is for, with its names: table and chain of iptables, and libvirt's own chain there; that of nftables.
ASK, ANSWER, OUT, IN, ACROSS, TRANSLATE = range(6)
CHAINS = {
    ASK: ("filter", "INPUT", "LIBVIRT_INP", ""),
    ANSWER: ("filter", "OUTPUT", "LIBVIRT_OUT", ""),
    OUT: ("filter", "FORWARD", "LIBVIRT_FWO", "guest_output"),
    IN: ("filter", "FORWARD", "LIBVIRT_FWI", "guest_input"),
    ACROSS: ("filter", "FORWARD", "LIBVIRT_FWX", "guest_cross"),
    TRANSLATE: ("nat", "POSTROUTING", "LIBVIRT_PRT", "guest_nat"),
}
# The ports of the hypervisor's dnsmasq by version of IP: protocol, where it listens, where its answers go.
PORTS = {
    4: (("tcp", 67, 68), ("udp", 67, 68), ("tcp", 53, 53), ("udp", 53, 53)),
    6: (("tcp", 53, 53), ("udp", 53, 53), ("udp", 547, 546)),
}
TFTP = ("udp", 69, 69)
LOCAL = {4: ("224.0.0.0/24", "255.255.255.255/32"), 6: ("ff02::/16",)}  # never leaves, so it is not translated
# A test in the words of both languages.
IPTABLES_WORDS = {
    "saddr": "-s {}",
    "daddr": "-d {}",
    "not daddr": "! -d {}",
    "iif": "-i {}",
    "oif": "-o {}",
    "ports": "-m {0} --dport {1}",
    "l4proto": "-p {}",
    "state": "-m conntrack --ctstate RELATED,ESTABLISHED",
}
NFT_WORDS = {
    "saddr": "{layer} saddr {}",
    "daddr": "{layer} daddr {}",
    "not daddr": "{layer} daddr != {}",
    "iif": "iif {}",
    "oif": "oif {}",
    "l4proto": "meta l4proto {}",
    "state": "ct state established,related",
}
IPTABLES_ENDS = {
    "accept": "-j ACCEPT",
    "return": "-j RETURN",
    "reject": "-j REJECT --reject-with {unreachable}",
    "masquerade": "-j MASQUERADE",
    "snat": "-j SNAT --to-source",
}
COUNTER = re.compile(r'counter packets \d+ bytes \d+|"')
CANONICAL = {"iifname": "iif", "oifname": "oif"}  # libvirt 10 to 11 names a bridge by its number


class Wanted(NamedTuple):
    """A rule that libvirt installs: the ``chain`` by what it is for, tests, and the end; ``to`` is what NAT makes of
    addresses and ports."""

    version: int
    chain: int
    tests: tuple[Test, ...]
    end: str
    to: str = ""


class OwnRule(NamedTuple):
    """A rule of libvirt's as its tool prints it; ``packets`` are those that it has counted, None when it is missing."""

    text: str
    packets: int | None


def missing_rules(spec: Spec, rules: Ruleset, version: int = 0) -> list[str]:
    """The rules of a running network that libvirt has installed and that are gone; ``version`` is libvirt's."""
    return [rule.text for rule in own_rules(spec, rules, version) if rule.packets is None]


def own_rules(spec: Spec, rules: Ruleset, version: int = 0) -> list[OwnRule]:
    """Each rule that libvirt installs for a network, with the packets that it has counted."""
    if not has_firewall(spec):
        return []
    nft = _by_nft(rules, version)
    there: dict[tuple[str, ...], dict[tuple[str, ...], Rule]] = {}
    for (table, name), chain in rules.chains.items():
        if (table.tool == NFT) == nft:
            known = there.setdefault((table.family, table.name, name), {})
            known.update((_words(rule.text), rule) for rule in chain.rules)
    found = []
    for place, text in dict.fromkeys(_texts(spec, nft)):
        rule = there.get(place, {}).get(_words(text))
        found.append(OwnRule(" ".join((*place, text)), None if rule is None else rule.packets or 0))
    return found


def _by_nft(rules: Ruleset, version: int) -> bool:
    """Whether libvirt's rules are nftables': where nothing is left of either back end, its version decides."""
    if any(name.startswith("LIBVIRT_") and chain.rules for (_table, name), chain in rules.chains.items()):
        return False
    return version >= NFT_SINCE or any(table.name == NFT_TABLE for table, _name in rules.chains)


@functools.cache  # the rules of all networks are read for each of them
def _words(text: str) -> tuple[str, ...]:
    words = COUNTER.sub("", text).replace(",", " ").split()
    return tuple(sorted(CANONICAL.get(word, word) for word in words))


# ---- what libvirt installs ----


def wanted(spec: Spec) -> Iterator[Wanted]:
    """The rules that libvirt installs for a network: those of any network, then those of each of its subnets."""
    bridge = spec.get("bridge", {}).get("name", "")
    versions = {_version(item) for item in spec.get("ips", [])}
    for version in (4, 6):
        if version in versions or version == 4 or spec.get("ipv6"):
            yield Wanted(version, OUT, (("iif", bridge),), "reject")
            yield Wanted(version, IN, (("oif", bridge),), "reject")
            yield Wanted(version, ACROSS, (("iif", bridge), ("oif", bridge)), "accept")
        if version in versions or version == 4:
            for protocol, here, there in (*PORTS[version], *((TFTP,) if version == 4 and _tftp(spec) else ())):
                for chain, way, port in ((ASK, "iif", here), (ANSWER, "oif", there)):
                    tests = ((way, bridge), ("l4proto", protocol), ("ports", f"{protocol} {port}"))
                    yield Wanted(version, chain, tests, "accept")
    for item in spec.get("ips", []):
        yield from _of_subnet(spec, item, bridge)


def _version(item: Spec) -> int:
    return 6 if ":" in str(item.get("address", "")) else 4


def _tftp(spec: Spec) -> bool:
    """Only the first subnet of IPv4 that serves anything counts."""
    serving = (item for item in spec.get("ips", []) if _version(item) == 4)
    first: Spec = next((one for one in serving if _leases(one) or one.get("tftp", {}).get("root")), {})
    return bool(first.get("tftp", {}).get("root"))


def _leases(item: Spec) -> bool:
    return bool(item.get("dhcp", {}).get("ranges") or item.get("dhcp", {}).get("hosts"))


def _of_subnet(spec: Spec, item: Spec, bridge: str) -> Iterator[Wanted]:
    if mode(spec) not in ("nat", "route"):
        return
    version, net, nat = _version(item), str(subnet(item)), spec["forward"].get("nat", {})
    devices = [one["dev"] for one in spec["forward"].get("interfaces", []) if "dev" in one][:1]
    out = tuple(("oif", device) for device in devices)
    yield Wanted(version, OUT, (("saddr", net), ("iif", bridge), *out), "accept")
    back = (("daddr", net), *(("iif", device) for device in devices), ("oif", bridge))
    if mode(spec) == "route" or (version == 6 and not nat.get("ipv6")):
        yield Wanted(version, IN, back, "accept")
        return
    yield Wanted(version, IN, (*back, ("state", "")), "accept")
    for local in LOCAL[version]:
        yield Wanted(version, TRANSLATE, (("saddr", net), ("daddr", local), *out), "return")
    given = nat.get("address", {}) if version == 4 else {}
    addresses = "-".join(dict.fromkeys(filter(None, (given.get("start"), given.get("end")))))
    ports = f":{nat.get('port', {}).get('start', 1024)}-{nat.get('port', {}).get('end', 65535)}"
    for protocol in ("tcp", "udp", ""):
        tests = (("saddr", net), ("not daddr", net), *out, *((("l4proto", protocol),) if protocol else ()))
        to = addresses + (ports if protocol else "")
        yield Wanted(version, TRANSLATE, tests, "snat" if addresses else "masquerade", to)


# ---- in the tools' words ----


def _texts(spec: Spec, nft: bool) -> Iterator[tuple[tuple[str, ...], str]]:
    """Each rule's place, and its text; before it, what leads to its chain."""
    for rule in wanted(spec):
        table, start, chain, other = CHAINS[rule.chain]
        family = {4: "ip", 6: "ip6"}[rule.version]
        if not nft:
            yield (family, table, start), f"-j {chain}"
            yield (family, table, chain), _by_iptables(rule)
        elif other:
            if rule.chain != TRANSLATE:
                yield (family, NFT_TABLE, "forward"), f"jump {other}"
            yield (family, NFT_TABLE, other), _in_nft(rule, family)


def _by_iptables(rule: Wanted) -> str:
    unreachable = {4: "icmp-port-unreachable", 6: "icmp6-port-unreachable"}[rule.version]
    words = [IPTABLES_WORDS[key].format(*(value.split() if key == "ports" else (value,))) for key, value in rule.tests]
    words.append(IPTABLES_ENDS[rule.end].format(unreachable=unreachable))
    if rule.to:
        words.append(rule.to if rule.end == "snat" else f"--to-ports {rule.to.lstrip(':')}")
    return " ".join(words)


def _in_nft(rule: Wanted, layer: str) -> str:
    words = [NFT_WORDS[key].format(value.replace("/32", ""), layer=layer) for key, value in rule.tests]
    return " ".join((*words, f"{rule.end} to {rule.to}" if rule.to else rule.end))
