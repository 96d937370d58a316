# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what look.sh tells of a host."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any, Callable

from ansible_collections.virtfleet.network.plugins.module_utils._bridge_host import Host, link_of, pairs


def host_of(look: str, read: Callable[[str], Any]) -> Host:
    """The host that look.sh told of; ``read`` reads a YAML document."""
    records = [_record(line) for line in look.splitlines() if line.count(" ") >= 2]
    of: dict[str, list[tuple[str, str]]] = {}
    for kind, name, text in records:
        of.setdefault(kind, []).append((name, text))
    links = [link_of(entry) for _name, text in of.get("links", ()) for entry in json.loads(text or "[]") if entry]
    files = dict(of.get("file", ()))
    names = pairs("\n".join(text for _name, text in of.get("filenames", ())), ":")
    profiles = {name: {**pairs(text, ":"), "FILENAME": names.get(name, "")} for name, text in of.get("profile", ())}
    states = [json.loads(text) for _name, text in of.get("nmstate", ())]
    return Host(
        links={link.name: link for link in links},
        gateways=_gateways(route for _name, text in of.get("routes", ()) for route in json.loads(text or "[]")),
        answering=frozenset(name for name, _text in of.get("answering", ())),
        files=files,
        documents={path: read(text) or {} for path, text in files.items() if path.endswith(".yaml")},
        networkd={int(name): pairs(text, "=") for name, text in of.get("networkd", ())},
        devices=_devices("\n".join(text for _name, text in of.get("devices", ()))),
        profiles=profiles,
        up=frozenset(line.partition("=")[0] for _name, text in of.get("ifstate", ()) for line in text.split()),
        commands=frozenset(name for name, _text in of.get("command", ())),
        nmstate=states[0] if states else None,
    )


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
