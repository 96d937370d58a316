# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documents of netplan and nmstate that make a bridge, from those that are there."""

from __future__ import annotations

import copy
import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any, Optional

from ansible_collections.virtfleet.network.plugins.module_utils._bridge import Bridge, Ip
from ansible_collections.virtfleet.network.plugins.module_utils._bridge_host import Data, Host

Documents = Mapping[str, Optional[Data]]

NETPLAN = "/etc/netplan/90-host-bridge-"
# What of a device is about IP in netplan, and so is the bridge's.
_IP = set(
    "addresses gateway4 gateway6 routes routing-policy nameservers dhcp4 dhcp6 dhcp4-overrides dhcp6-overrides"
    " dhcp-identifier accept-ra link-local ipv6-privacy ipv6-address-generation ipv6-address-token ipv6-mtu"
    " optional-addresses ra-overrides".split()
)
_KINDS = ("ethernets", "bonds", "vlans", "bridges")
DEFAULT = {4: "0.0.0.0/0", 6: "::/0"}


# ---- netplan ----


def netplan_by_hand(bridge: Bridge, host: Host) -> bool:
    """Whether documents of somebody else make the bridge."""
    return any(
        bridge.name in _devices(document, "bridges")
        for path, document in host.documents.items()
        if path != f"{NETPLAN}{bridge.name}.yaml"
    )


def netplan(bridge: Bridge, host: Host) -> Documents:
    """A document for a bridge, and those that are there without the port's addresses."""
    own = f"{NETPLAN}{bridge.name}.yaml"
    if not bridge.present and not any(bridge.name in _devices(one, "bridges") for one in host.documents.values()):
        return {}
    changed = {path: copy.deepcopy(dict(document)) for path, document in host.documents.items()}
    moved = _taken(changed.pop(own, {}), "bridges", bridge.name)
    for document in changed.values():
        taken = _without(document, bridge)
        moved = moved or taken
    if not bridge.present:
        if bridge.vlan is None:
            _place(changed, bridge.port).update({name: value for name, value in moved.items() if name in _IP})
        return {**changed, **({own: None} if own in host.documents else {})}
    return {**changed, own: {"network": _network(bridge, changed, moved)}}


def _network(bridge: Bridge, documents: Mapping[str, Data], moved: Data) -> dict[str, Any]:
    """What is in the bridge's own document."""
    ip = {name: value for name, value in moved.items() if name in _IP} if bridge.ip is None else _netplan_ip(bridge.ip)
    port = _identity(documents, bridge.port)
    device = {
        "interfaces": [bridge.member if bridge.vlan else port],
        "macaddress": bridge.mac,
        "parameters": {"stp": bridge.stp, **({} if bridge.stp else {"forward-delay": 0})},
        **{name: moved[name] for name in ("renderer",) if name in moved},
        **ip,
    }
    network: dict[str, Any] = {"version": 2, "bridges": {bridge.name: device}}
    if bridge.vlan:
        network["vlans"] = {bridge.member: {"id": bridge.vlan, "link": port}}
    if not any(_named(document, bridge.port) for document in documents.values()):
        network["ethernets"] = {bridge.port: {}}
    return network


def _devices(document: Data, kind: str) -> dict[str, Any]:
    devices: dict[str, Any] = document.get("network", {}).get(kind) or {}
    return devices


def _named(document: Data, device: str) -> tuple[str, str] | None:
    """The kind and the name under which a document has a device, which may be matched or renamed."""
    for kind in _KINDS:
        for name, options in _devices(document, kind).items():
            known = options or {}
            if device in (name, known.get("set-name"), known.get("match", {}).get("name")):
                return kind, name
    return None


def _identity(documents: Mapping[str, Data], port: str) -> str:
    found = [_named(document, port) for document in documents.values()]
    return next((name for _kind, name in filter(None, found)), port)


def _taken(document: dict[str, Any], kind: str, name: str) -> dict[str, Any]:
    return dict(_devices(document, kind).pop(name, None) or {})


def _without(document: dict[str, Any], bridge: Bridge) -> dict[str, Any]:
    """Take the bridge and what its port has of IP out of a document, and return the better of the two."""
    found = _named(document, bridge.name)
    made = _taken(document, *found) if found and found[0] == "bridges" else {}
    port = _named(document, bridge.port)
    if not port or bridge.vlan:
        return made
    options = _devices(document, port[0])[port[1]] or {}
    taken = {name: options.pop(name) for name in list(options) if name in _IP}
    return made or ({**taken, **{name: options[name] for name in ("renderer",) if name in options}} if taken else {})


def _place(documents: dict[str, dict[str, Any]], port: str) -> dict[str, Any]:
    """Where a port's options are to go."""
    for document in documents.values():
        found = _named(document, port)
        if found:
            devices = _devices(document, found[0])
            devices[found[1]] = devices[found[1]] or {}
            place: dict[str, Any] = devices[found[1]]
            return place
    device: dict[str, Any] = {}
    documents[f"{NETPLAN}port-{port}.yaml"] = {"network": {"version": 2, "ethernets": {port: device}}}
    return device


def _netplan_ip(ip: Ip) -> dict[str, Any]:
    routes = [{"to": DEFAULT[_version(one)], "via": one} for one in ip.gateways]
    names = {name: list(value) for name, value in (("addresses", ip.nameservers), ("search", ip.search)) if value}
    silent = {} if ip.addresses or ip.dhcp else {"link-local": [], "accept-ra": False}
    options = {"dhcp4": ip.dhcp, "addresses": list(ip.addresses), "routes": routes, "nameservers": names}
    return {name: value for name, value in options.items() if value or name == "dhcp4"} | silent


# ---- nmstate ----


def nmstate(bridges: Sequence[Bridge], state: Data) -> dict[str, Any]:
    """The state that nmstate is to apply; empty when it is there already."""
    wanted: dict[str, list[dict[str, Any]]] = {"interfaces": [], "routes": [], "servers": []}
    for bridge in bridges:
        _describe(bridge, state, wanted)
    document: dict[str, Any] = {"interfaces": wanted["interfaces"]}
    if wanted["routes"]:
        document["routes"] = {"config": wanted["routes"]}
    if wanted["servers"]:
        document["dns-resolver"] = {"config": wanted["servers"][-1]}
    return {} if _holds(document, state) else document


def _describe(bridge: Bridge, state: Data, wanted: dict[str, list[dict[str, Any]]]) -> None:
    devices = {one["name"]: one for one in state.get("interfaces", ())}
    source = bridge.name if bridge.name in devices else bridge.port
    target = bridge.name if bridge.present else bridge.port
    moved = {family: devices.get(source, {}).get(family, {"enabled": False}) for family in ("ipv4", "ipv6")}
    ip = {family: _fixed(one) for family, one in moved.items()} if bridge.ip is None else _nmstate_ip(bridge.ip)
    routes = [one for one in state.get("routes", {}).get("config", ()) if one.get("next-hop-interface") == source]
    silent = {"ipv4": {"enabled": False}, "ipv6": {"enabled": False}}
    if not bridge.present:
        if bridge.name in devices:
            wanted["interfaces"].append({"name": bridge.name, "type": "linux-bridge", "state": "absent"})
            wanted["interfaces"].append({"name": bridge.port, "state": "up", **({} if bridge.vlan else ip)})
            wanted["routes"] += [{**one, "next-hop-interface": target} for one in routes if not bridge.vlan]
        return
    if bridge.ip is not None:
        hops = [{"destination": DEFAULT[_version(one)], "next-hop-address": one} for one in bridge.ip.gateways]
        routes = [{**hop, "next-hop-interface": target} for hop in hops]
    options = {"stp": {"enabled": bridge.stp}}
    wanted["interfaces"].append(
        {
            "name": bridge.name,
            "type": "linux-bridge",
            "state": "up",
            "mac-address": bridge.mac.upper(),
            **ip,
            "bridge": {"options": options, "port": [{"name": bridge.member}]},
        }
    )
    if bridge.vlan:
        vlan = {"base-iface": bridge.port, "id": bridge.vlan}
        wanted["interfaces"].append({"name": bridge.member, "type": "vlan", "state": "up", "vlan": vlan, **silent})
    else:
        wanted["interfaces"].append({"name": bridge.port, "state": "up", **silent})
    wanted["routes"] += [{**one, "next-hop-interface": target} for one in routes]
    if bridge.ip and (bridge.ip.nameservers or bridge.ip.search):
        wanted["servers"].append({"server": list(bridge.ip.nameservers), "search": list(bridge.ip.search)})


def _fixed(family: Data) -> dict[str, Any]:
    """What is configured of a family: addresses that are leased, or made of the MAC, are not."""
    fixed = [
        {name: one[name] for name in ("ip", "prefix-length")}
        for one in family.get("address", ())
        if "valid-life-time" not in one and not one["ip"].startswith("fe80:")
    ]
    return {**{name: value for name, value in family.items() if name != "address"}, "address": fixed}


def _nmstate_ip(ip: Ip) -> dict[str, Any]:
    families = {}
    for name, version in (("ipv4", 4), ("ipv6", 6)):
        one = [ipaddress.ip_interface(address) for address in ip.of(version).addresses]
        address = [{"ip": str(each.ip), "prefix-length": each.network.prefixlen} for each in one]
        auto = {"dhcp": ip.dhcp and version == 4} if version == 4 else {"autoconf": ip.dhcp, "dhcp": ip.dhcp}
        enabled = bool(address) or ip.dhcp
        families[name] = {"enabled": True, **auto, "address": address} if enabled else {"enabled": False}
    return families


def _holds(wanted: Any, there: Any) -> bool:
    """Whether what is wanted is a part of what is there; entries of lists are compared with all that are there."""
    if isinstance(wanted, Mapping):
        if wanted.get("state") == "absent":
            return False
        return isinstance(there, Mapping) and all(_holds(value, there.get(name)) for name, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(there, (list, tuple)) and all(any(_holds(one, other) for other in there) for one in wanted)
    if isinstance(wanted, str) and isinstance(there, str):
        return wanted.lower() == there.lower()
    return bool(wanted == there)


def _version(text: str) -> int:
    return 6 if ":" in text else 4
