# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a network, worked out from its kind and its subnets."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Any

from .._errors.errors import PlanError
from .._xml.given import given
from .subnets import subnet_plan

# What becomes of the short form's kinds. A network without a mode is isolated.
FORWARD: dict[str, dict[str, Any]] = {
    "nat": {"mode": "nat"},
    "routed": {"mode": "route"},
    "isolated": {},
    "bridged": {"mode": "bridge"},
}
FAMILIES = ("", "_ipv6")
OF_A_SUBNET = ("subnet", "gateway", "dhcp_start", "dhcp_end")
SHORT = ("kind", "dhcp", "reservations", *(f"{name}{family}" for family in FAMILIES for name in OF_A_SUBNET))
LONGEST_DEVICE = 15


def network_plan(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The options of virt_network for a network in its short form. Raises PlanError."""
    options = given(wanted) or {}
    short = {name: options.pop(name) for name in SHORT if name in options}
    kind, derived = short.get("kind"), {}
    if kind is not None:
        if kind not in FORWARD:
            raise PlanError(f"Cannot plan network {options.get('name')}: kind {kind} is none of {', '.join(FORWARD)}")
        derived["forward"] = dict(FORWARD[kind])
        if kind == "nat" and "subnet_ipv6" in short:
            derived["forward"]["nat"] = {"ipv6": True}
        if kind != "bridged":
            derived["bridge"] = {"name": bridge_name(str(options.get("name", "")))}
    ips = [_ip(short, family) for family in FAMILIES if short.get(f"subnet{family}")]
    return _merged({**derived, **({"ips": ips} if ips else {})}, options)


def bridge_name(network: str) -> str:
    """A name for a network's bridge, always the same, that a device can have."""
    name = "vbr-" + re.sub(r"[^A-Za-z0-9_.-]", "-", network)
    if name == f"vbr-{network}" and len(name) <= LONGEST_DEVICE:
        return name
    named = network.encode("utf-8", "backslashreplace").decode()  # half a surrogate pair has no UTF-8
    return f"{name[: LONGEST_DEVICE - 5]}-{uuid.uuid5(uuid.NAMESPACE_URL, named).hex[:4]}"


def _ip(short: Mapping[str, Any], family: str) -> dict[str, Any]:
    subnet, gateway, start, end = (short.get(f"{name}{family}") for name in OF_A_SUBNET)
    dhcp = short.get("dhcp", True)
    ip: dict[str, Any] = subnet_plan(str(subnet), gateway=gateway, dhcp=dhcp, start=start, end=end)["ip"]
    if "reservations" in short:
        hosts = [host for host in short["reservations"] if (":" in str(host.get("ip"))) == bool(family)]
        ip["dhcp"] = {"ranges": [], **ip["dhcp"], "hosts": hosts}
    return ip


def _merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Both dictionaries together: what stands in the second one wins."""
    both = {name: (under[name], over[name]) for name in under if name in over}
    inner = {name: _merged(*pair) for name, pair in both.items() if all(isinstance(one, Mapping) for one in pair)}
    return {**under, **over, **inner}
