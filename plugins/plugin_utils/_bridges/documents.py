# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documents of netplan that make a bridge, from those that are there.

Scalars are strings, as netplan itself sees them: what YAML takes a MAC address or a password for is another matter.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Optional

from .bridge import Bridge, Ip
from .host import Data, Host

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


def netplan_by_hand(bridge: Bridge, host: Host) -> bool:
    """Whether documents that are not ours define the bridge."""
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
        "parameters": {"stp": "true"} if bridge.stp else {"stp": "false", "forward-delay": "0"},
        **{name: moved[name] for name in ("renderer",) if name in moved},
        **ip,
    }
    network: dict[str, Any] = {"version": "2", "bridges": {bridge.name: device}}
    if bridge.vlan:
        network["vlans"] = {bridge.member: {"id": str(bridge.vlan), "link": port}}
    if not any(_named(document, bridge.port) for document in documents.values()):
        network["ethernets"] = {bridge.port: {}}
    return network


def _devices(document: Data, kind: str) -> dict[str, Any]:
    devices: dict[str, Any] = (document.get("network") or {}).get(kind) or {}
    return devices


def _named(document: Data, device: str) -> tuple[str, str] | None:
    """The kind and the name under which a document has a device, which may be matched or renamed."""
    for kind in _KINDS:
        for name, options in _devices(document, kind).items():
            known = options or {}
            match = known.get("match")
            if device in (name, known.get("set-name"), match.get("name") if isinstance(match, Mapping) else None):
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
    documents[f"{NETPLAN}port-{port}.yaml"] = {"network": {"version": "2", "ethernets": {port: device}}}
    return device


def _netplan_ip(ip: Ip) -> dict[str, Any]:
    routes = [{"to": DEFAULT[_version(one)], "via": one} for one in ip.gateways]
    names = {name: list(value) for name, value in (("addresses", ip.nameservers), ("search", ip.search)) if value}
    silent = {} if ip.addresses or ip.dhcp else {"link-local": [], "accept-ra": "false"}
    options = {
        "dhcp4": "true" if ip.dhcp else "false",
        "addresses": list(ip.addresses),
        "routes": routes,
        "nameservers": names,
    }
    return {name: value for name, value in options.items() if value} | silent


def _version(text: str) -> int:
    return 6 if ":" in text else 4
