# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why the kernel has no route for a packet: the policy rule or route that decides, and the command that deletes it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from .._values.host_facts import NONE
from .._values.way import Kernel, Lookup
from .trip import destination, within

DROPS = ("blackhole", "unreachable", "prohibit")
# What guests' packets do not have: a device that they leave by before there is a route, a tunnel, a type of service.
NEVER = ("oif", "tos", "tun_id")
WORDS = ("iif", "oif", "tos", "ipproto", "sport", "dport", "tun_id")
# Of a route, what ip prints and how it is said.
WRITTEN = {
    "gateway": "via",
    "dev": "dev",
    "table": "table",
    "protocol": "proto",
    "scope": "scope",
    "prefsrc": "src",
    "metric": "metric",
}
RANGES = {"sport": "sport", "dport": "dport", "uid": "uidrange"}  # of numbers, and how ip rule calls them
UNSAID = {4: "udp", 6: ""}  # the protocol of a lookup that names none
ROOT = 0  # the kernel's own user: that of what it forwards
ALL_BITS = 0xFFFFFFFF


class Decision(NamedTuple):
    """What decides on a packet: ``what`` is the policy rule or route, ``drops`` whether it drops the packet, else it
    leaves by ``device`` ("": there is no route); ``remedy`` deletes it, "" for a route of the table main that any
    packet takes; ``before`` is the priority of a policy rule that comes before one for all packets, ``route`` the route
    where there is one."""

    what: str = ""
    drops: bool = False
    device: str = ""
    remedy: str = ""
    before: int = 0
    route: Mapping[str, Any] = NONE


def decision(kernel: Kernel, lookup: Lookup) -> Decision:
    """What decides on a packet, read from the tables as the kernel reads them."""
    thrown: Decision | None = None
    first = 0
    for rule in sorted(kernel.policies.get(lookup.version, ()), key=lambda one: int(one["priority"])):
        if int(rule["priority"]) < first or not _holds(kernel, rule, lookup):
            continue
        first = int(rule.get("goto", first))
        if rule.get("action", "") in DROPS:
            return Decision(*_rule(rule, lookup.version))
        route = next(_routes(kernel, rule, lookup), None)
        found = _taken(rule, route, lookup.version) if route is not None else None
        if route is not None and route.get("type") == "throw":
            thrown = thrown or found
        elif found is not None:
            return found._replace(what=thrown.what, remedy=thrown.remedy) if thrown and not found.drops else found
    return thrown or Decision()


def beyond(kernel: Kernel, lookup: Lookup) -> Iterator[str]:
    """The devices by which a packet for the outside could leave if nothing dropped it, the likeliest first."""
    version = lookup.version
    rules = [one for one in kernel.policies.get(version, ()) if one.get("action", "") not in DROPS]
    routes = [one for one in kernel.routes.get(version, ()) if one.get("type", "unicast") not in DROPS]
    yield decision(kernel._replace(policies={version: rules}, routes={version: routes}), lookup).device
    every = (one for routes in kernel.routes.values() for one in routes)
    yield from (str(one.get("dev", "")) for one in every if one["dst"] == "default")


def narrowed(kernel: Kernel, lookup: Lookup, least: int) -> tuple[str, str] | None:
    """A route that takes only packets smaller than ``least`` bytes, and the command that has it take those of its
    device; None where the route does."""
    route = decision(kernel, lookup).route
    mtu = min((int(one["mtu"]) for one in route.get("metrics", ()) if one.get("mtu")), default=least)
    if mtu >= least:
        return None
    words = [str(route["dst"])]
    words += [part for name, word in WRITTEN.items() if route.get(name) for part in (word, str(route[name]))]
    six = "-6 " if lookup.version == 6 else ""
    return f"the route {' '.join(words)!r} has an MTU of {mtu}", f"ip {six}route change {' '.join(words)}"


def is_unread(kernel: Kernel, version: int) -> bool:
    """Whether no policy rule leads to the table main, where devices' own routes are."""
    rules = kernel.policies.get(version, ())
    return bool(rules) and not any(str(rule.get("table", "")) in ("main", "254") for rule in rules)


def _taken(rule: Mapping[str, Any], route: Mapping[str, Any], version: int) -> Decision:
    kind, table = route.get("type", "unicast"), str(route.get("table", "main"))
    device = str(route.get("dev", ""))
    if kind not in DROPS and table != "main":
        what, _drops, _device, remedy = _rule(rule, version)
        limited = "iif" in rule or "not" in rule or {rule.get("src", "all"), rule.get("dst", "all")} != {"all"}
        before = 0 if limited or table == "local" else int(rule["priority"]) - 1
        remedy = remedy if table != "local" else ""
        return Decision(f"{what}, whose table leads through {device}", False, device, remedy, before, route)
    text = (
        f"{kind if kind != 'unicast' else ''} {route['dst']}{f' dev {device}' if device else ''} table {table}".strip()
    )
    metric = f" metric {route['metric']}" if route.get("metric") else ""
    everybody = kind not in DROPS and not destination(route, version).prefixlen
    remedy = "" if everybody else _command(version, "route", text + metric)
    return Decision(f"the route {text!r}", kind in DROPS, device, remedy, route=route)


def _rule(rule: Mapping[str, Any], version: int) -> tuple[str, bool, str, str]:
    text = _rule_text(rule)
    return f"the policy rule {text!r}", rule.get("action", "") in DROPS, "", _command(version, "rule", text)


def _holds(kernel: Kernel, rule: Mapping[str, Any], lookup: Lookup) -> bool:
    places = (("src", "srclen", lookup.source), ("dst", "dstlen", lookup.destination))
    held = all(_is_in(address, rule.get(name, "all"), rule.get(size)) for name, size, address in places)
    held = held and _is_marked(rule, lookup.mark) and _is_for(rule, lookup) and not any(name in rule for name in NEVER)
    held = held and ("l3mdev" not in rule or bool(_vrf(kernel, lookup)))
    held = held and rule.get("iif", lookup.inbound) in (lookup.inbound, "" if lookup.inbound else "lo")
    return held != ("not" in rule)


def _is_marked(rule: Mapping[str, Any], mark: int) -> bool:
    value, mask = (int(str(rule.get(name, otherwise)), 0) for name, otherwise in (("fwmark", 0), ("fwmask", ALL_BITS)))
    return "fwmark" not in rule or mark & mask == value & mask


def _is_for(rule: Mapping[str, Any], lookup: Lookup) -> bool:
    """Whether a rule for a protocol, for ports or for users is for this packet."""
    own = {"sport": lookup.source_port, "dport": lookup.port, "uid": ROOT}
    spans = {name: _span(rule, name, number) for name, number in own.items()}
    inside = all(low <= own[name] <= high for name, (low, high) in spans.items())
    protocol = lookup.protocol or UNSAID[lookup.version]
    return inside and rule.get("ipproto", protocol) == protocol


def _span(rule: Mapping[str, Any], name: str, otherwise: int) -> tuple[int, int]:
    one = rule.get(name, otherwise)
    return int(rule.get(f"{name}_start", one)), int(rule.get(f"{name}_end", one))


def _vrf(kernel: Kernel, lookup: Lookup) -> str:
    """The table of the VRF that the packet comes in by, "" when there is none."""
    master = kernel.links.get(str(kernel.links.get(lookup.inbound, NONE).get("master", "")), NONE)
    info = master.get("linkinfo", {})
    return str(info.get("info_data", {}).get("table", "")) if info.get("info_kind") == "vrf" else ""


def _is_in(address: str, net: str, size: int | None) -> bool:
    if net == "all":
        return True
    if not address:
        return False
    return ipaddress.ip_address(address) in ipaddress.ip_network(f"{net}/{size}" if size is not None else net, False)


def _routes(kernel: Kernel, rule: Mapping[str, Any], lookup: Lookup) -> Iterator[Mapping[str, Any]]:
    """The routes to the destination in a rule's table that count, the closest first."""
    table = _vrf(kernel, lookup) if "l3mdev" in rule else str(rule.get("table", ""))
    found = [
        (-destination(route, lookup.version).prefixlen, int(route.get("metric", 0)), place, route)
        for place, route in enumerate(kernel.routes.get(lookup.version, ()))
        if str(route.get("table", "main")) == table and within(lookup.destination, route, lookup.version)
    ]
    least = rule.get("suppress_prefixlen")
    for size, _metric, _place, route in sorted(found, key=lambda one: one[:3]):
        if "dead" not in route.get("flags", ()) and (least is None or -size > int(least)):
            yield route


def _rule_text(rule: Mapping[str, Any]) -> str:
    source, to = (
        f"{rule[name]}/{rule[size]}" if size in rule else str(rule.get(name, "all"))
        for name, size in (("src", "srclen"), ("dst", "dstlen"))
    )
    words = ["not"] if "not" in rule else []
    words += ["from", source, *(["to", to] if to != "all" else [])]
    words += [part for name in WORDS if rule.get(name) for part in (name, str(rule[name]))]
    ranges = [
        (word, rule[f"{name}_start"], rule[f"{name}_end"]) for name, word in RANGES.items() if f"{name}_start" in rule
    ]
    words += [part for word, low, high in ranges for part in (word, f"{low}-{high}")]
    if "fwmark" in rule:
        words += ["fwmark", f"{rule['fwmark']}{'/' + rule['fwmask'] if 'fwmask' in rule else ''}"]
    table = ["l3mdev"] if "l3mdev" in rule else ["lookup", str(rule.get("table", "main"))]
    table = ["goto", str(rule["goto"])] if "goto" in rule else table
    words += [str(rule["action"])] if rule.get("action") else table
    return " ".join([*words, "priority", str(rule["priority"])])


def _command(version: int, kind: str, text: str) -> str:
    return f"ip {'-6 ' if version == 6 else ''}{kind} del {text}"
