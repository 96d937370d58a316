# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command that lets a network's packets through somebody's firewall, and nothing else.

Where a firewall drops all that it does not accept, to delete that rule or to change that policy opens it for everybody.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from .._values.mode import mode
from .._values.way import Packet, Verdict
from .._xml.fields import Spec
from . import firewalld
from .ruleset import NFT, SERVICE, Chain, Rule
from .services import bridge_of

HOOKS = ("input", "forward", "output")
FAMILIES = {"ip": "", "ip6": "6", "inet": ""}
SERVED = {4: "53,67", 6: "53,547"}  # the ports of the network's dnsmasq
ANSWERS = ("-o {bridge} -m conntrack --ctstate RELATED,ESTABLISHED", "oifname {bridge} ct state established,related")
# What is let through, as iptables and as nft say it.
ACCEPTED: dict[str, tuple[tuple[str, str], ...]] = {
    "input": (
        ("-i {bridge} -p udp -m multiport --dports {ports}", "iifname {bridge} udp dport '{{ {ports} }}'"),
        ("-i {bridge} -p tcp --dport 53", "iifname {bridge} tcp dport 53"),
    ),
    "input icmp": (("-i {bridge} -p ipv6-icmp", "iifname {bridge} meta l4proto ipv6-icmp"),),
    "output": (("-o {bridge}", "oifname {bridge}"),),
    "forward": (("-i {bridge}", "iifname {bridge}"), ("-o {bridge}", "oifname {bridge}")),
    "forward nat": (("-i {bridge}", "iifname {bridge}"), ANSWERS),
    "forward bridge": (("-i {bridge} -o {bridge}", "iifname {bridge} oifname {bridge}"),),
}
# How an owner's own command opens its firewall: that is kept when it starts again.
UFW = "ufw allow in on {bridge} proto udp to any port {ports} && ufw allow in on {bridge} proto tcp to any port 53"
ROUTE = "ufw route allow in on {bridge}"
OWN = {
    "ufw": {"input": UFW, "forward": ROUTE, "forward nat": ROUTE, "forward bridge": ROUTE},
}
KEPT = {SERVICE: "  # the same rules belong into /etc/nftables.conf"}


def insertion(base: Chain, chain: Chain, rule: Rule | None, owner: str, path: Sequence[Rule] = ()) -> str:
    """How the command begins that inserts a rule into the chain at the hook, "" where the rule that drops asks for
    something itself: that one is meant for such packets. ``path`` are the rules that have led a packet there."""
    if owner == firewalld.NAME and base.hook in HOOKS:
        return firewalld.beginning(chain, rule, path)
    asked = rule and any("match" in one or "vmap" in one for one in rule.expressions)
    if asked or base.hook not in HOOKS or base.table.family not in FAMILIES:
        return ""
    tool, family, table = base.table
    if tool == NFT:
        return f"nft insert rule {family} {table} {shlex.quote(base.name)}"
    return f"{tool.replace('ip', 'ip' + FAMILIES[family], 1)} -t {table} -I {base.name}"


def mending(spec: Spec, packet: Packet, verdict: Verdict) -> str:
    """What lets packets like this one through, or else undoes what drops them."""
    by = f"have {verdict.owner} accept the network's bridge, or delete its rule: {verdict.remedy}"
    return opening(spec, packet, verdict) or (verdict.remedy if verdict.owner in ("", SERVICE) else by)


def opening(spec: Spec, packet: Packet, verdict: Verdict) -> str:
    """The command that lets packets like this one through, to and from a network, "" where there is none."""
    if not verdict.insert:
        return ""
    if verdict.owner == firewalld.NAME:
        return firewalld.opening(verdict.insert, spec, packet)
    hook = "forward" if packet.inbound and packet.outbound else "input" if packet.inbound else "output"
    kinds = {"forward": mode(spec), "input": packet.protocol, "output": ""}
    what = next(one for one in (f"{hook} {kinds[hook]}", hook) if one in ACCEPTED)
    words = {"bridge": bridge_of(spec), "ports": SERVED[packet.version]}
    own = OWN.get(verdict.owner, {}).get(what)
    if own:
        return own.format(**words)
    by_nft = verdict.insert.startswith("nft ")
    rules = [f"{pair[by_nft]} {'accept' if by_nft else '-j ACCEPT'}".format(**words) for pair in ACCEPTED[what]]
    return " && ".join(f"{verdict.insert} {rule}" for rule in rules) + KEPT.get(verdict.owner, "")
