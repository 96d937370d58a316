# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What there is to do for bridges on a host: files, profiles or a state, and what has to be so afterwards."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Callable

from ansible_collections.virtfleet.network.plugins.module_utils._bridge import Bridge, problems, wanted
from ansible_collections.virtfleet.network.plugins.module_utils._bridge_documents import (
    netplan,
    netplan_by_hand,
    nmstate,
)
from ansible_collections.virtfleet.network.plugins.module_utils._bridge_files import (
    ifupdown,
    ifupdown_by_hand,
    ifupdown_knows,
    networkd,
    networkd_by_hand,
)
from ansible_collections.virtfleet.network.plugins.module_utils._bridge_host import Host, Link
from ansible_collections.virtfleet.network.plugins.module_utils._bridge_profiles import (
    profiles,
    profiles_by_hand,
    to_drop,
    to_start,
    wide,
)

_BY_HAND: Mapping[str, Callable[[Bridge, Host], bool]] = {
    "networkd": networkd_by_hand,
    "ifupdown": ifupdown_by_hand,
    "netplan": netplan_by_hand,
    "networkmanager": profiles_by_hand,
}
_NOTHING = Link("", 0, "")


def bridge_plan(items: Sequence[Mapping[str, Any]], host: Host, provider: str | None) -> dict[str, Any]:
    """The plan: problems, or what is to be done.

    ``texts`` and ``documents`` are files by path (None: it goes), ``profiles`` options of nmcli, ``state`` is for
    nmstate, ``steps`` are words for users, ``checks`` what has to be so afterwards, ``back`` what is so when it is
    undone, ``words`` what the guard is told.
    """
    found = problems(items, host)
    chosen, doubts = _provider(items, host, provider)
    bridges = [wanted(item, host) for item in items]
    if chosen == "ifupdown":
        unknown = [bridge.port for bridge in bridges if not ifupdown_knows(bridge, host)]
        doubts += [f"no file of ifupdown configures {port}" for port in unknown]
        doubts += (
            [] if "brctl" in host.commands else ["ifupdown makes bridges with bridge-utils, which is not installed"]
        )
    if found or doubts:
        return {"problems": [*found, *doubts], "provider": chosen}
    doubtful = [one for one in bridges if not _settled(one, host) or not _by_hand(chosen, one, host)]
    plan: dict[str, Any] = {"problems": [], "provider": chosen}
    plan.update({"texts": {}, "documents": {}, "profiles": [], "state": {}})
    plan, changed = {**plan, **_ways(chosen, doubtful, host)}, _changed(chosen, doubtful, host)
    return {
        **plan,
        "drifted": any(not _settled(bridge, host) for bridge in bridges),
        "steps": [_step(bridge, host) for bridge in changed],
        "checks": [check for bridge in changed for check in _checks(bridge, host)],
        "back": [check for bridge in changed for check in _back(bridge, host)],
        "words": _words(changed, host),
    }


def _provider(items: Sequence[Mapping[str, Any]], host: Host, given: str | None) -> tuple[str, list[str]]:
    ports = [(item["port"], item["name"]) for item in items]
    managing = {port: host.provider(port, name) for port, name in ports if port in host.links}
    if given:
        return given, list(_doubts(given, managing, host))
    nobody = sorted(port for port, provider in managing.items() if not provider)
    if nobody:
        told = "NetworkManager, systemd-networkd, netplan and ifupdown do not"
        return "", [f"nothing manages {port}: {told}; set host_bridge_provider" for port in nobody]
    chosen = sorted(set(managing.values()))
    several = [f"{' and '.join(chosen)} manage the ports; change those of one provider at a time"]
    return "".join(chosen[:1]), several if len(chosen) > 1 else []


def _doubts(given: str, managing: Mapping[str, str], host: Host) -> Iterator[str]:
    if given == "nmstate" and host.nmstate is None:
        yield "nmstatectl is not there, or NetworkManager does not run"
    for port, provider in managing.items():
        if provider not in ("", given) and {provider, given} != {"networkmanager", "nmstate"}:
            yield f"{provider} manages {port}, and {given} would disturb it"


def _ways(provider: str, bridges: Sequence[Bridge], host: Host) -> dict[str, Any]:
    """What a provider is given for bridges, each of them made on what those before it leave."""
    if provider == "networkmanager":
        return {"profiles": [options for bridge in bridges for options in profiles(bridge, host)]}
    if provider == "nmstate":
        return {"state": nmstate(bridges, host.nmstate or {})}
    texts: dict[str, Any] = {}
    documents: dict[str, Any] = {}
    for bridge in bridges:
        now = host.after(texts, documents)
        if provider == "netplan":
            documents.update(netplan(bridge, now))
        else:
            texts.update((networkd if provider == "networkd" else ifupdown)(bridge, now))
    return {
        "texts": {path: text for path, text in texts.items() if host.files.get(path) != text},
        "documents": {path: data for path, data in documents.items() if host.documents.get(path) != data},
    }


def _changed(provider: str, bridges: Sequence[Bridge], host: Host) -> list[Bridge]:
    """The bridges that something is done about; what profiles need is known only when they are compared."""
    return [bridge for bridge in bridges if not _settled(bridge, host) or any(_ways(provider, [bridge], host).values())]


def _by_hand(provider: str, bridge: Bridge, host: Host) -> bool:
    return bridge.present and provider in _BY_HAND and _BY_HAND[provider](bridge, host)


def _settled(bridge: Bridge, host: Host) -> bool:
    """Whether a bridge runs as it is wanted."""
    there, member = host.links.get(bridge.name), host.links.get(bridge.member, _NOTHING)
    if there is None or not bridge.present:
        return there is None and not bridge.present
    if member.master != bridge.name or there.stp != bridge.stp:
        return False
    if bridge.ip is None:
        return True
    gateways = set(host.gateways.get(bridge.name, ()))
    fixed = {_same(one) for one in bridge.ip.addresses} <= {_same(one) for one in there.addresses}
    return fixed and (there.leased or not bridge.ip.dhcp) and set(bridge.ip.gateways) <= gateways


def _source(bridge: Bridge, host: Host) -> Link:
    """The device that has the addresses now."""
    return host.links.get(bridge.name) or host.links.get(bridge.port, _NOTHING)


def _checks(bridge: Bridge, host: Host) -> Iterator[list[str]]:
    """What has to be so afterwards, in the guard's words."""
    source, device = _source(bridge, host), bridge.name if bridge.present else bridge.port
    if bridge.present:
        yield ["port", bridge.name, bridge.member]
        yield ["stp", bridge.name, "1" if bridge.stp else "0"]
        if bridge.name not in host.links and not bridge.vlan:
            yield ["mac", bridge.name, bridge.mac]
    else:
        yield ["gone", bridge.name]
    if bridge.vlan and not bridge.present:
        return
    if bridge.ip is not None and bridge.present:
        fixed, leased, gateways = bridge.ip.addresses, bridge.ip.dhcp, bridge.ip.gateways
    else:
        fixed, leased = source.fixed, source.leased
        gateways = tuple(one for one in host.gateways.get(source.name, ()) if one in host.answering)
    yield from (["address", device, one] for one in fixed)
    yield from [["lease", device]] if leased else []
    yield from (["answer", device, one] for one in gateways)


def _back(bridge: Bridge, host: Host) -> Iterator[list[str]]:
    """What is so now, in the guard's words."""
    source = _source(bridge, host)
    if bridge.name not in host.links:
        yield ["gone", bridge.name]
    elif host.links.get(bridge.member, _NOTHING).master == bridge.name:
        yield ["port", bridge.name, bridge.member]
    yield from (["address", source.name, one] for one in source.fixed)
    yield from [["lease", source.name]] if source.leased else []


def _words(bridges: Sequence[Bridge], host: Host) -> dict[str, list[str]]:
    """What the guard is told, in its names: devices that are there before or afterwards only, and what to start."""
    there = [bridge for bridge in bridges if bridge.name in host.links]
    made = [bridge for bridge in bridges if bridge.present and bridge not in there]
    gone = [bridge for bridge in bridges if not bridge.present]
    drifted = [bridge for bridge in there if bridge.present and not _settled(bridge, host)]
    return {
        "made": [name for bridge in made for name in _devices(bridge)],
        "gone": [name for bridge in gone for name in _devices(bridge)],
        "ports": [bridge.port for bridge in made],
        "freed": [bridge.port for bridge in gone],
        "again": [name for bridge in drifted for name in (bridge.member, bridge.name)],
        "old": [*(bridge.name for bridge in there), *(bridge.port for bridge in made if not bridge.vlan)],
        # ifupdown starts a VLAN before its bridge
        "new": [
            *(name for bridge in bridges if bridge.present for name in reversed(_devices(bridge))),
            *(bridge.port for bridge in gone if not bridge.vlan),
        ],
        "moves": [
            *(f"{bridge.port}={bridge.name}" for bridge in made if not bridge.vlan),
            *(f"{bridge.name}={bridge.port}" for bridge in gone if not bridge.vlan),
        ],
        "stp": [f"{bridge.name}={int(bridge.stp)}" for bridge in drifted],
        "start": [one for bridge in bridges if not _settled(bridge, host) for one in to_start(bridge, host)],
        "reapplied": [bridge.name for bridge in there if bridge.present],
        "dropped": [one for bridge in bridges for one in to_drop(bridge, host)],
        "wide": [f"{bridge.name}-port={mtu}" for bridge in bridges if (mtu := wide(bridge, host))],
    }


def _devices(bridge: Bridge) -> list[str]:
    return [bridge.name, *([bridge.member] if bridge.vlan else [])]


def _step(bridge: Bridge, host: Host) -> str:
    verb = "remove" if not bridge.present else "change" if bridge.name in host.links else "make"
    return f"{verb} bridge {bridge.name} of {bridge.member}"


def _same(address: str) -> str:
    return str(ipaddress.ip_interface(address))
