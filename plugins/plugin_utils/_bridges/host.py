# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host has that a bridge is made of, and how look.sh prints it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from .documents import Documents, read_documents


@dataclass(frozen=True)
class Link:
    """A network device: ``fixed`` are the addresses that nobody leased to it."""

    name: str
    index: int
    mac: str
    kind: str = ""
    master: str = ""
    stp: bool = False
    fixed: tuple[str, ...] = ()
    leased: bool = False
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True)
class Host:
    """A host as it is: ``files`` are those of all providers, ``modes`` their permissions.

    ``records`` are by kind what the host's tools say, each with the name that it is about.
    """

    links: Mapping[str, Link] = field(default_factory=dict)
    gateways: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    answering: frozenset[str] = frozenset()
    files: Mapping[str, str] = field(default_factory=dict)
    modes: Mapping[str, int] = field(default_factory=dict)
    commands: frozenset[str] = frozenset()
    records: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)

    def text(self, kind: str) -> str:
        """All that a tool says of the host."""
        return "\n".join(text for _name, text in self.records.get(kind, ()))

    @cached_property
    def documents(self) -> Documents:
        """What those files hold that are YAML."""
        return read_documents({path: text for path, text in self.files.items() if path.endswith(".yaml")})

    def strictest(self, *paths: str) -> str:
        """The file with the fewest readers, of those that exist; empty when none does."""
        known = [path for path in paths if path in self.modes]
        return min(known, key=lambda path: (self.modes[path] & 0o007, self.modes[path] & 0o077), default="")

    def after(self, texts: Mapping[str, str | None]) -> Host:
        """The host when these files are written; None is one that goes."""
        files = {path: text for path, text in {**self.files, **texts}.items() if text is not None}
        return replace(self, files=files) if texts else self


def host_of(look: str) -> Host:
    """The host that look.sh looked at."""
    records: dict[str, list[tuple[str, str]]] = {}
    for kind, name, text in (_record(line) for line in look.splitlines() if line.count(" ") >= 2):
        records.setdefault(kind, []).append((name, text))
    links = [_link(entry) for _name, text in records.get("links", ()) for entry in json.loads(text or "[]") if entry]
    return Host(
        links={link.name: link for link in links},
        gateways=_gateways(route for _name, text in records.get("routes", ()) for route in json.loads(text or "[]")),
        answering=frozenset(name for name, _text in records.get("answering", ())),
        files=dict(records.get("file", ())),
        modes={path: int(text, 8) for path, text in records.get("mode", ())},
        commands=frozenset(name for name, _text in records.get("command", ())),
        records=records,
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


def _link(entry: Mapping[str, Any]) -> Link:
    found = [one for one in entry.get("addr_info", ()) if one.get("scope") == "global" and one.get("local")]
    info = entry.get("linkinfo", {})
    return Link(
        name=entry["ifname"],
        index=entry["ifindex"],
        mac=entry.get("address", ""),
        kind=info.get("info_kind", ""),
        master=entry.get("master", ""),
        stp=bool(info.get("info_data", {}).get("stp_state")),
        fixed=tuple(_cidr(one) for one in found if not one.get("dynamic")),
        leased=any(one.get("dynamic") and one["family"] == "inet" for one in found),
        addresses=tuple(_cidr(one) for one in found),
    )


def pairs(text: str, separator: str) -> dict[str, str]:
    """Lines of a name, a separator and a value."""
    split = [line.partition(separator) for line in text.splitlines()]
    return {name: value for name, found, value in split if found}


def _cidr(address: Mapping[str, Any]) -> str:
    return f"{address['local']}/{address['prefixlen']}"
