# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The network providers that bridges can be made with, and the one that it is on a host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .bridge import problems, wanted
from .host import Host
from .ifupdown import IFUPDOWN
from .netplan import NETPLAN
from .networkd import NETWORKD
from .networkmanager import NETWORKMANAGER
from .provider import Provider

# The first that manages a device is its provider.
PROVIDERS = {one.name: one for one in (NETWORKMANAGER, NETWORKD, NETPLAN, IFUPDOWN)}


def provider_of(items: Sequence[Mapping[str, Any]], host: Host, given: str | None) -> tuple[Provider | None, list[str]]:
    """The provider that is given, or else manages the ports, and all that stands against bridges of these options."""
    provider, doubts = _chosen(items, host, given)
    if "systemd" not in host.commands:
        doubts.append("the host undoes a change by timers of systemd, which does not run there")
    doubts += [lack for item in items if provider for lack in provider.lacks(wanted(item, host), host)]
    return provider, [*problems(items, host), *dict.fromkeys(doubts)]


def _chosen(items: Sequence[Mapping[str, Any]], host: Host, given: str | None) -> tuple[Provider | None, list[str]]:
    ports = {item["port"]: item["name"] for item in items if item["port"] in host.links}
    managing = {port: _managing((port, bridge), host) for port, bridge in ports.items()}
    if given:
        others = [(port, name) for port, name in managing.items() if name not in ("", given)]
        return PROVIDERS[given], [f"{name} manages {port}, and {given} would disturb it" for port, name in others]
    if nobody := sorted(port for port, name in managing.items() if not name):
        *titles, last = (one.title for one in PROVIDERS.values())
        known = f"{', '.join(titles)} and {last} do not"
        return None, [f"nothing manages {port}: {known}; set host_bridge_provider" for port in nobody]
    names = sorted(set(managing.values()))
    several = f"{' and '.join(names)} manage the ports; change those of one provider at a time"
    return PROVIDERS[names[0]] if names else None, [several] if len(names) > 1 else []


def _managing(devices: Sequence[str], host: Host) -> str:
    """The provider of the first of these devices that has one; empty when nothing manages them."""
    found = (name for device in devices for name, one in PROVIDERS.items() if one.manages(device, host))
    return next(found, "")
