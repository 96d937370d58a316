# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A network's spec from its short form, and whether the short form agrees with the options of the full one."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from typing import Any, Callable

from .._errors.errors import PlanError
from .._schema.network import NETWORK
from .._schema.shared import subnet_key
from .._values.mode import MANAGED_MODES
from .._xml.codec import normalise
from .._xml.fields import Spec
from .short_options import FAMILIES, MODES, OF_A_SUBNET
from .subnets import subnet_plan

LONGEST_DEVICE = 15
Short = Mapping[str, Any]


def _listed(ip: Spec, name: str) -> list[Spec] | None:
    """A list of an <ip>'s DHCP; None where nothing is said about it."""
    dhcp = ip.get("dhcp")
    return [] if dhcp == {} else (dhcp or {}).get(name)


def _end(ip: Spec, place: int, name: str) -> str | None:
    ranges = _listed(ip, "ranges")
    return ranges[place].get(name) if ranges else None if ranges is None else ""


# What an <ip> says of each option of the short form, and where.
_SAID: dict[str, tuple[str, Callable[[Spec], Any]]] = {
    "gateway": ("address", lambda ip: ip.get("address")),
    "dhcp": ("dhcp.ranges", lambda ip: None if _listed(ip, "ranges") is None else bool(_listed(ip, "ranges"))),
    "dhcp_start": ("dhcp.ranges", lambda ip: _end(ip, 0, "start")),
    "dhcp_end": ("dhcp.ranges", lambda ip: _end(ip, -1, "end")),
    "reservations": ("dhcp.hosts", lambda ip: _listed(ip, "hosts")),
}


def complete(short: Short, full: Spec) -> tuple[Spec, list[str]]:
    """The spec of a network from its short form and from options of the full one, which win; and what is wrong with the
    short form, or contradicts the full one."""
    derived: Spec = {}
    lacked = [*_lacked(short)]
    problems = [_contradiction(f"kind: {short['kind']}", name) for name in lacked]
    short = {name: value for name, value in short.items() if name not in lacked}
    problems += _subnets_missing(short)
    if "kind" in short:
        derived["forward"] = _forward(short)
        problems += _forward_contradictions(short["kind"], full.get("forward"))
    ips, wrong = _ips(short)
    problems += wrong
    for family, ip in ips.items() if "ips" in full else ():
        problems += _ip_contradictions(short, family, ip, full["ips"])
    if ips:
        derived["ips"] = list(ips.values())
    spec = _merged(derived, full)
    if ips and "ips" in full:
        by_subnet = {subnet_key(ip): ip for ip in derived["ips"]}
        spec["ips"] = [_merged(by_subnet.get(subnet_key(ip), {}), ip) for ip in full["ips"]]
    return spec, problems


def default_bridge(network: str, short: Short, full: Spec) -> str:
    """The name of the bridge that a new network of this kind gets, "" where libvirt makes none or the task has one."""
    bridge = full.get("bridge", {"name": None})
    return bridge_name(network) if "kind" in short and _is_own(short) and bridge and bridge.get("name") is None else ""


def bridge_name(network: str) -> str:
    """A name for a network's bridge, always the same, that a device can have."""
    name = "vbr-" + re.sub(r"[^A-Za-z0-9_.-]", "-", network)
    if name == f"vbr-{network}" and len(name) <= LONGEST_DEVICE:
        return name
    named = network.encode("utf-8", "backslashreplace").decode()  # half a surrogate pair has no UTF-8
    return f"{name[: LONGEST_DEVICE - 5]}-{uuid.uuid5(uuid.NAMESPACE_URL, named).hex[:4]}"


def _is_own(short: Short) -> bool:
    """Whether networks of this kind have a bridge of libvirt's own, and with it subnets."""
    return MODES.get(short.get("kind", ""), "") in MANAGED_MODES


def _lacked(short: Short) -> Iterator[str]:
    """Options of the short form that ask for what networks of this kind do not have."""
    yield from (name for name, value in short.items() if value and name != "kind" and not _is_own(short))


def _forward(short: Short) -> Spec:
    mode = MODES[short["kind"]]
    both = mode == "nat" and "subnet_ipv6" in short
    return {**({"mode": mode} if mode else {}), **({"nat": {"ipv6": True}} if both else {})}


def _forward_contradictions(kind: str, forward: Spec | None) -> Iterator[str]:
    mode = MODES[kind]
    if forward is not None and (forward.get("mode", mode) != mode or bool(forward) != bool(mode)):
        said = f".mode: {forward['mode']}" if "mode" in forward else "" if forward else ": {}"
        yield _contradiction(f"kind: {kind}", f"forward{said}")


def _subnets_missing(short: Short) -> Iterator[str]:
    """Options that say something about a subnet which the task does not give."""
    there = [family for family in FAMILIES if f"subnet{family}" in short]
    for family in FAMILIES:
        given = [f"{name}{family}" for name in OF_A_SUBNET if f"{name}{family}" in short]
        yield from (f"{name} needs subnet{family}" for name in given if family not in there)
    if not there:
        yield from (f"{name} needs subnet or subnet_ipv6" for name in ("dhcp", "reservations") if short.get(name))


def _ips(short: Short) -> tuple[dict[str, Spec], list[str]]:
    """The <ip> of each family's subnet, and what is wrong with subnets and reservations."""
    hosts, problems = _reservations(short)
    there, ips = [family for family in FAMILIES if f"subnet{family}" in short], {}
    for family in there:
        try:
            ips[family] = _ip(short, family, hosts.get(family))
        except PlanError as error:
            problems.append(str(error))
    lost = [(family, host) for family in FAMILIES if there and family not in there for host in hosts.get(family, ())]
    problems += [f"reservations lists {host.get('ip')}, which needs subnet{family}" for family, host in lost]
    return ips, problems


def _reservations(short: Short) -> tuple[dict[str, list[Spec]], list[str]]:
    """The reservations of each family, by their addresses; nothing where the task does not list any."""
    if "reservations" not in short:
        return {}, []
    spec, problems = normalise(NETWORK, {"ips": [{"dhcp": {"hosts": short["reservations"]}}]})
    listed = spec["ips"][0]["dhcp"]["hosts"]
    hosts = {family: [one for one in listed if (":" in str(one.get("ip"))) == bool(family)] for family in FAMILIES}
    return hosts, [problem.replace("ips[0].dhcp.hosts", "reservations", 1) for problem in problems]


def _ip(short: Short, family: str, hosts: list[Spec] | None) -> Spec:
    subnet, gateway, start, end = (short.get(f"{name}{family}") for name in OF_A_SUBNET)
    planned = subnet_plan(str(subnet), gateway=gateway, dhcp=short.get("dhcp", True), start=start, end=end)["ip"]
    if (":" in planned["address"]) != bool(family):
        right = "an IPv4 subnet goes into subnet" if family else "an IPv6 subnet goes into subnet_ipv6"
        raise PlanError(f"subnet{family} must not be {subnet}: {right}")
    ip: Spec = normalise(NETWORK, {"ips": [planned]})[0]["ips"][0]
    return ip if hosts is None else {**ip, "dhcp": {"ranges": [], **ip["dhcp"], "hosts": hosts}}


def _ip_contradictions(short: Short, family: str, ip: Spec, full: list[Spec]) -> Iterator[str]:
    (subnet,) = key = subnet_key(ip)
    given = [one for one in full if subnet_key(one) == key]
    if not given:
        yield f"subnet{family}: {subnet} and ips contradict each other: list an address of it in ips, or leave ips out"
    for name, (place, said) in _SAID.items():
        option = name if name in short else f"{name}{family}"
        if option in short and any(said(one) not in (None, said(ip)) for one in given):
            yield _contradiction(option, f"ips[{subnet}].{place}")


def _contradiction(one: str, other: str) -> str:
    return f"{one} and {other} contradict each other: leave one of them out"


def _merged(under: Spec, over: Spec) -> Spec:
    """Both dictionaries together: what stands in the second one wins, also where it is empty."""
    both = {name: (under[name], over[name]) for name in under if over.get(name)}
    inner = {name: _merged(*pair) for name, pair in both.items() if all(isinstance(one, dict) for one in pair)}
    return {**under, **over, **inner}
