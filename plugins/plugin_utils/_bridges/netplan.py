# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documents of netplan that make a bridge: what they have of the port's addresses moves to the bridge's own one."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence

from .bridge import DEFAULT_ROUTE, Bridge, Ip, version_of
from .documents import KINDS, Document, document_text, read_document
from .host import Host
from .networkd import is_configured, network_file
from .networkmanager import running_profile
from .provider import Changes, Provider
from .shown import NOTE, shown_document

FOLDER = "/etc/netplan"
PREFIX = f"{FOLDER}/90-host-bridge-"
# What of a device is about IP in netplan, and so is the bridge's.
_IP = set(
    "addresses gateway4 gateway6 routes routing-policy nameservers dhcp4 dhcp6 dhcp4-overrides dhcp6-overrides"
    " dhcp-identifier accept-ra link-local ipv6-privacy ipv6-address-generation ipv6-address-token ipv6-mtu"
    " optional-addresses ra-overrides".split()
)


def _manages(device: str, host: Host) -> bool:
    by_networkd = is_configured(device, host) and "-netplan-" in network_file(device, host)
    return by_networkd or "/netplan-" in (running_profile(device, host) or "")


def _is_by_hand(bridge: Bridge, host: Host) -> bool:
    others = (document for path, document in host.documents.read.items() if path != _own(bridge))
    return any(bridge.name in _devices(document, "bridges") for document in others)


def _lacks(_bridge: Bridge, host: Host) -> Iterable[str]:
    return (f"{path} on the host cannot be read: {why}" for path, why in host.documents.broken.items())


def _sources(_bridge: Bridge, host: Host) -> Iterable[str]:
    return (path for path in host.files if path.startswith(PREFIX))


def _files(bridge: Bridge, host: Host) -> Changes:
    """A document for the bridge, and those that exist without the port's addresses."""
    if not bridge.present and not any(bridge.name in _devices(one, "bridges") for one in host.documents.read.values()):
        return {}
    documents = copy.deepcopy(host.documents.read)
    own = documents.pop(_own(bridge), {})
    found = [_devices(own, "bridges").get(bridge.name), *(_take(bridge, document) for document in documents.values())]
    moved: Document = next(filter(None, found), {})
    if bridge.present:
        documents[_own(bridge)] = {"network": _network(bridge, list(documents.values()), moved)}
    elif not bridge.vlan:
        _place(documents, bridge.port).update(_ip_of(moved))
    changed = {path: document for path, document in documents.items() if document != host.documents.read.get(path)}
    notes = {path: f"{NOTE}\n" if path.startswith(PREFIX) else "" for path in changed}
    gone = {} if bridge.present else {_own(bridge): None}
    return {**gone, **{path: notes[path] + document_text(document) for path, document in changed.items()}}


def _take(bridge: Bridge, document: Document) -> Document:
    """Take the bridge and what its port has of IP out of a document, and return the better of the two."""
    kind, name = _find(document, bridge.name)
    made = _devices(document, kind).pop(name) or {} if kind == "bridges" else {}
    kind, name = _find(document, bridge.port)
    if not kind or bridge.vlan:
        return made
    options = _devices(document, kind)[name] or {}
    taken = {one: options.pop(one) for one in list(options) if one in _IP}
    renderer = {one: options[one] for one in ("renderer",) if one in options}
    return made or ({**taken, **renderer} if taken else {})


def _network(bridge: Bridge, others: Sequence[Document], moved: Document) -> Document:
    """What is in the bridge's own document."""
    ports = [name for kind, name in (_find(document, bridge.port) for document in others) if kind]
    port = ports[0] if ports else bridge.port
    device = {
        "interfaces": [bridge.member if bridge.vlan else port],
        "macaddress": bridge.mac,
        "parameters": {"stp": "true"} if bridge.stp else {"stp": "false", "forward-delay": "0"},
        **{name: moved[name] for name in ("renderer",) if name in moved},
        **(_ip_of(moved) if bridge.ip is None else _given(bridge.ip)),
    }
    vlans = {"vlans": {bridge.member: {"id": str(bridge.vlan), "link": port}}} if bridge.vlan else {}
    ethernets: Document = {} if ports else {"ethernets": {bridge.port: {}}}
    return {"version": "2", "bridges": {bridge.name: device}, **vlans, **ethernets}


def _own(bridge: Bridge) -> str:
    return f"{PREFIX}{bridge.name}.yaml"


def _devices(document: Document, kind: str) -> Document:
    devices: Document = (document.get("network") or {}).get(kind) or {}
    return devices


def _find(document: Document, device: str) -> tuple[str, str]:
    """The kind and the name under which a document has a device, which may be matched or renamed; empty without."""
    for kind in KINDS:
        for name, options in _devices(document, kind).items():
            known = options or {}
            match = known.get("match")
            if device in (name, known.get("set-name"), match.get("name") if isinstance(match, Mapping) else None):
                return kind, name
    return "", ""


def _place(documents: dict[str, Document], port: str) -> Document:
    """Where a port's options are to go."""
    for document in documents.values():
        kind, name = _find(document, port)
        if kind:
            devices = _devices(document, kind)
            devices[name] = devices[name] or {}
            place: Document = devices[name]
            return place
    device: Document = {}
    documents[f"{PREFIX}port-{port}.yaml"] = {"network": {"version": "2", "ethernets": {port: device}}}
    return device


def _ip_of(options: Document) -> Document:
    return {name: value for name, value in options.items() if name in _IP}


def _shown(text: str) -> list[str]:
    return document_text(shown_document(read_document(text))).splitlines()


def _given(ip: Ip) -> Document:
    names = {name: list(value) for name, value in (("addresses", ip.nameservers), ("search", ip.search)) if value}
    silent = {} if ip.addresses or ip.dhcp else {"link-local": [], "accept-ra": "false"}
    options = {
        "dhcp4": "true" if ip.dhcp else "false",
        "addresses": list(ip.addresses),
        "routes": [{"to": DEFAULT_ROUTE[version_of(one)], "via": one} for one in ip.gateways],
        "nameservers": names,
    }
    return {name: value for name, value in options.items() if value} | silent


NETPLAN = Provider(
    name="netplan",
    title="netplan",
    folder=FOLDER,
    manages=_manages,
    is_by_hand=_is_by_hand,
    files=_files,
    shown=_shown,
    read=read_document,
    private=True,
    lacks=_lacks,
    sources=_sources,
)
