# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How firewalld's own command lets a network through: it moves the bridge, or opens the zone or policy that drops."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from .._network.conflicts import nets
from .._values.mode import mode
from .._values.way import Packet
from .._xml.fields import Spec
from .ruleset import Chain, Rule
from .services import bridge_of

NAME = "firewalld"
COMMAND = "firewall-cmd"
# Its chains for a zone or a policy.
OWN = re.compile(r"filter_(?:IN|FWD)_(policy_)?(.+?)(?:_(?:pre|log|deny|allow|post))?")
DEVICES = ("iif", "iifname", "oif", "oifname")
# A negative priority comes before all that a zone or a policy says otherwise.
RICH = "--add-rich-rule='rule priority=-1 {} accept'"
SERVED = {4: ("dns", "dhcp"), 6: ("dns", "dhcpv6")}


def beginning(chain: Chain, rule: Rule | None, path: Sequence[Rule] = ()) -> str:
    """How the command begins that lets packets past a rule, to which the rules of ``path`` have led them: of a zone or
    a policy its name, where a source's zone is chosen that source; nothing more where the bridge is in no zone that
    takes them, "" where no zone decides."""
    if chain.name.endswith("_direct"):
        return ""
    own = OWN.fullmatch(chain.name)
    if own:
        sources = [value for one in path for field, value in _asked(one) if field == "saddr" and not own[1]]
        zone = f"{COMMAND} --{'policy' if own[1] else 'zone'}={own[2]}"
        return f"{zone} --change-source={sources[0]}" if sources else zone
    asked = _asked(rule) if rule else []
    others = [(field, value) for field, value in asked if field not in DEVICES]
    if not others:
        return COMMAND
    field, value = others[0]
    return f"{COMMAND} --change-source={value}" if (len(others), field) == (1, "saddr") and value else ""


def _asked(rule: Rule) -> list[tuple[Any, str]]:
    return [_asks(one) for one in rule.expressions if "match" in one or "vmap" in one]


def _asks(expression: Mapping[str, Any]) -> tuple[Any, str]:
    body = expression.get("match", {})
    left, right = body.get("left", {}), body.get("right")
    field = {**left.get("meta", {}), **left.get("payload", {})} if isinstance(left, dict) else {}
    prefix = right.get("prefix") if isinstance(right, dict) else None
    value = f"{prefix['addr']}/{prefix['len']}" if prefix else right if isinstance(right, str) else ""
    return field.get("key", field.get("field")), value


def opening(begins: str, spec: Spec, packet: Packet) -> str:
    """The whole command, "" where there is none."""
    zone = spec.get("bridge", {}).get("zone") or ("libvirt-routed" if mode(spec) == "route" else "libvirt")
    own = f"{COMMAND} --zone={zone}"
    subnets = [str(net) for net in nets(spec) if net.version == packet.version]
    begins, _word, source = begins.partition(" --change-source=")
    if source and begins != own:
        return f"{own} --change-source={source}" if source in subnets else ""
    if begins != own and "--policy=" not in begins:
        return f"{own} --change-interface={bridge_of(spec)}"
    if not packet.outbound:
        return _rich(begins, _served(packet))
    if begins == own:  # a zone says nothing of what is forwarded
        policy = f"{COMMAND} --permanent --policy={bridge_of(spec)}"
        new = f"{COMMAND} --permanent --new-policy={bridge_of(spec)}"
        ends = f"--add-ingress-zone={zone} && {policy} --add-egress-zone=ANY && {policy} --set-target=ACCEPT"
        return f"{new} && {policy} {ends} && {COMMAND} --reload"
    return _rich(begins, [f"family=ipv{packet.version} source address={subnet}" for subnet in subnets])


def _served(packet: Packet) -> list[str]:
    if packet.protocol == "icmp":
        return [f"protocol value={'ipv6-icmp' if packet.version == 6 else 'icmp'}"]
    return [f"service name={name}" for name in SERVED[packet.version]]


def _rich(begins: str, what: Sequence[str]) -> str:
    return " && ".join(f"{begins} {RICH.format(one)}" for one in what)
