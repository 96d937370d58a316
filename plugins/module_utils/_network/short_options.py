# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a network's short form: what the network is for, and its subnets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# The forward mode of each kind: an isolated network has none.
MODES = {"nat": "nat", "isolated": "", "routed": "route", "bridged": "bridge", "open": "open"}
FAMILIES = ("", "_ipv6")
OF_A_SUBNET = ("subnet", "gateway", "dhcp_start", "dhcp_end")
SHORT = ("kind", *(f"{name}{family}" for family in FAMILIES for name in OF_A_SUBNET), "dhcp", "reservations")


def short_options(network: Mapping[str, Any]) -> dict[str, Any]:
    """The argument specification of the short form; ``network`` is that of a network's definition."""
    own = {
        "kind": {"type": "str", "choices": list(MODES)},
        "dhcp": {"type": "bool"},
        "reservations": network["ips"]["options"]["dhcp"]["options"]["hosts"],
    }
    return {name: own.get(name, {"type": "str"}) for name in SHORT}


def short_form(params: Mapping[str, Any]) -> dict[str, Any]:
    """What a task says in the short form. An empty text is left out, as surveys leave empty what nobody answers."""
    return {name: params[name] for name in SHORT if params.get(name) not in (None, "")}
