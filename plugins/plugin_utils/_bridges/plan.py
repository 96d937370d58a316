# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to do for bridges on a host: files, and what has to be so afterwards."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Callable

from .bridge import Bridge, problems, wanted
from .documents import NETPLAN, netplan, netplan_by_hand
from .files import (
    ifupdown,
    ifupdown_by_hand,
    ifupdown_knows,
    ifupdown_sources,
    networkd,
    networkd_by_hand,
    networkd_sources,
)
from .host import Host, Link
from .keyfiles import keyfiles, keyfiles_by_hand, keyfiles_unknown, to_resume, to_start

_BY_HAND: Mapping[str, Callable[[Bridge, Host], bool]] = {
    "networkd": networkd_by_hand,
    "ifupdown": ifupdown_by_hand,
    "netplan": netplan_by_hand,
    "networkmanager": keyfiles_by_hand,
}
_FILES: Mapping[str, Callable[[Bridge, Host], Mapping[str, Any]]] = {
    "networkd": networkd,
    "ifupdown": ifupdown,
    "networkmanager": keyfiles,
}
_NOTHING = Link("", 0, "")


def bridge_plan(items: Sequence[Mapping[str, Any]], host: Host, provider: str | None) -> dict[str, Any]:
    """The plan: problems, or what is to be done.

    ``texts`` and ``documents`` are files by path (None: it goes), ``likes`` the files whose owners and modes they get,
    ``steps`` are words for users, ``checks`` what has to be so afterwards, ``back`` what is so when it is undone,
    ``words`` the guard's arguments.
    """
    found = problems(items, host)
    chosen, doubts = _provider(items, host, provider)
    bridges = [wanted(item, host) for item in items]
    doubts += [doubt for bridge in bridges for doubt in _unready(chosen, bridge, host)]
    doubts = list(dict.fromkeys(doubts))
    if found or doubts:
        return {"problems": [*found, *doubts], "provider": chosen}
    doubtful = [one for one in bridges if not _settled(one, host) or not _by_hand(chosen, one, host)]
    files, changed = _files(chosen, doubtful, host), _changed(chosen, doubtful, host)
    return {
        "problems": [],
        "provider": chosen,
        **files,
        "likes": {path: _like(chosen, path, doubtful, host) for paths in files.values() for path in paths},
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
        return given, list(_doubts(given, managing))
    nobody = sorted(port for port, provider in managing.items() if not provider)
    if nobody:
        told = "NetworkManager, systemd-networkd, netplan and ifupdown do not"
        return "", [f"nothing manages {port}: {told}; set host_bridge_provider" for port in nobody]
    chosen = sorted(set(managing.values()))
    several = [f"{' and '.join(chosen)} manage the ports; change those of one provider at a time"]
    return "".join(chosen[:1]), several if len(chosen) > 1 else []


def _doubts(given: str, managing: Mapping[str, str]) -> Iterator[str]:
    for port, provider in managing.items():
        if provider not in ("", given):
            yield f"{provider} manages {port}, and {given} would disturb it"


def _unready(provider: str, bridge: Bridge, host: Host) -> Iterator[str]:
    """What a provider lacks for a bridge."""
    if "systemd" not in host.commands:
        yield "the host undoes a change by timers of systemd, which does not run there"
    if provider == "netplan":
        yield from (f"{path} on the host cannot be read: {why}" for path, why in host.broken.items())
    if provider == "networkmanager" and (unknown := keyfiles_unknown(bridge, host)):
        yield unknown
    if provider == "ifupdown":
        if not ifupdown_knows(bridge, host):
            yield f"no file of ifupdown configures {bridge.port}"
        if "brctl" not in host.commands:
            yield "ifupdown makes bridges with bridge-utils, which is not installed"
        if "." in bridge.name:
            yield f"{bridge.name}: ifupdown takes a name with a dot for a VLAN; choose one without"


def _files(provider: str, bridges: Sequence[Bridge], host: Host) -> dict[str, dict[str, Any]]:
    """The files that make bridges, each of them made on what those before it leave."""
    texts: dict[str, Any] = {}
    documents: dict[str, Any] = {}
    for bridge in bridges:
        now = host.after(texts, documents)
        if provider == "netplan":
            documents.update(netplan(bridge, now))
        else:
            texts.update(_FILES[provider](bridge, now))
    return {
        "texts": {path: text for path, text in texts.items() if host.files.get(path) != text},
        "documents": {path: data for path, data in documents.items() if host.documents.get(path) != data},
    }


def _like(provider: str, path: str, bridges: Sequence[Bridge], host: Host) -> str:
    """The file whose owner and mode a file gets: nobody may read more of what moves to it than before."""
    if path in host.files and all(bridge.present for bridge in bridges):
        return path
    sources = {"networkd": networkd_sources, "ifupdown": ifupdown_sources}.get(provider)
    found = [one for bridge in bridges for one in (sources(bridge, host) if sources else ())]
    own = [one for one in host.files if one.startswith(NETPLAN)] if path in host.files else []
    return host.strictest(path, *found, *own)


def _changed(provider: str, bridges: Sequence[Bridge], host: Host) -> list[Bridge]:
    """The bridges that something is done about."""
    alone = {bridge: _files(provider, [bridge], host) for bridge in bridges}
    return [bridge for bridge in bridges if not _settled(bridge, host) or any(alone[bridge].values())]


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
    """What the guard gets, in its names: devices that are there before or afterwards only, and what to start."""
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
        "resumed": [one for bridge in bridges for one in to_resume(bridge, host)],
        "reapplied": [bridge.name for bridge in there if bridge.present],
    }


def _devices(bridge: Bridge) -> list[str]:
    return [bridge.name, *([bridge.member] if bridge.vlan else [])]


def _step(bridge: Bridge, host: Host) -> str:
    verb = "remove" if not bridge.present else "change" if bridge.name in host.links else "make"
    return f"{verb} bridge {bridge.name} of {bridge.member}"


def _same(address: str) -> str:
    return str(ipaddress.ip_interface(address))
