# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what look.sh prints about a host."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any, Callable

from .host import Host, link_of, pairs


def host_of(look: str, read: Callable[[str], Any]) -> Host:
    """The host that look.sh looked at; ``read`` reads a YAML document."""
    records = [_record(line) for line in look.splitlines() if line.count(" ") >= 2]
    of: dict[str, list[tuple[str, str]]] = {}
    for kind, name, text in records:
        of.setdefault(kind, []).append((name, text))
    links = [link_of(entry) for _name, text in of.get("links", ()) for entry in json.loads(text or "[]") if entry]
    files = dict(of.get("file", ()))
    documents, broken = _documents({path: text for path, text in files.items() if path.endswith(".yaml")}, read)
    return Host(
        links={link.name: link for link in links},
        gateways=_gateways(route for _name, text in of.get("routes", ()) for route in json.loads(text or "[]")),
        answering=frozenset(name for name, _text in of.get("answering", ())),
        files=files,
        modes={path: int(text, 8) for path, text in of.get("mode", ())},
        documents=documents,
        broken=broken,
        networkd={int(name): pairs(text, "=") for name, text in of.get("networkd", ())},
        devices=_devices("\n".join(text for _name, text in of.get("devices", ()))),
        profiles=pairs("\n".join(text for _name, text in of.get("filenames", ())), ":"),
        up=frozenset(line.partition("=")[0] for _name, text in of.get("ifstate", ()) for line in text.split()),
        commands=frozenset(name for name, _text in of.get("command", ())),
    )


def _documents(files: Mapping[str, str], read: Callable[[str], Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """What YAML files hold, and what is wrong with those that hold none; no text of a file is in that."""
    documents, broken = {}, {}
    for path, text in files.items():
        try:
            documents[path] = _mappings(read(text) or {})
        except ValueError as error:
            broken[path] = str(error)
    return documents, broken


def _mappings(document: Any) -> Any:
    """A document of netplan whose outer levels are what they have to be."""
    network = document.get("network", {}) if isinstance(document, Mapping) else None
    if not isinstance(network or {}, Mapping) or network is None:
        raise ValueError("it is no mapping with network as its key")
    for kind in ("ethernets", "bonds", "vlans", "bridges"):
        devices = (network or {}).get(kind) or {}
        if not isinstance(devices, Mapping) or not all(isinstance(one or {}, Mapping) for one in devices.values()):
            raise ValueError(f"its {kind} are no mapping of devices and their settings")
    return document


def _record(line: str) -> tuple[str, str, str]:
    kind, text, name = line.split(" ", 2)
    return kind, name, base64.b64decode(text).decode(errors="surrogateescape")


def _gateways(routes: Iterable[Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for route in routes:
        for hop in route.get("nexthops", [route]):
            if "gateway" in hop and "dev" in hop:
                found[hop["dev"]] = (*found.get(hop["dev"], ()), hop["gateway"])
    return found


def _devices(text: str) -> dict[str, dict[str, str]]:
    """What nmcli says of devices: lines of each, and a blank one between them."""
    blocks = [pairs(block, ":") for block in text.split("\n\n")]
    return {block["GENERAL.DEVICE"]: block for block in blocks if "GENERAL.DEVICE" in block}
