# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host has that a bridge is made of: its devices, and who manages them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

Files = Mapping[str, str]
Data = Mapping[str, Any]

PROVIDERS = ("networkmanager", "networkd", "netplan", "ifupdown")


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
    """A host as it is: ``files`` are those of all providers, ``documents`` what the YAML ones hold.

    ``modes`` are their permissions, ``broken`` what is wrong with YAML that cannot be read, and ``profiles`` the paths
    of NetworkManager's keyfiles by uuid.
    """

    links: Mapping[str, Link] = field(default_factory=dict)
    gateways: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    answering: frozenset[str] = frozenset()
    files: Files = field(default_factory=dict)
    modes: Mapping[str, int] = field(default_factory=dict)
    documents: Mapping[str, Data] = field(default_factory=dict)
    broken: Mapping[str, str] = field(default_factory=dict)
    networkd: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    devices: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    profiles: Mapping[str, str] = field(default_factory=dict)
    up: frozenset[str] = frozenset()
    commands: frozenset[str] = frozenset()

    def provider(self, *devices: str) -> str:
        """Who manages the first of these devices that anybody manages; nobody is an empty string."""
        for device in devices:
            found = self._networkmanager(device) or self._networkd(device) or ("ifupdown" if device in self.up else "")
            if found:
                return found
        return ""

    def network_file(self, device: str) -> str:
        """The path of the file by which networkd configures a device."""
        link = self.links.get(device)
        return self.networkd.get(link.index, {}).get("NETWORK_FILE", "") if link else ""

    def strictest(self, *paths: str) -> str:
        """The file with the fewest readers, of those that exist; empty when none does."""
        known = [path for path in paths if path in self.modes]
        return min(known, key=lambda path: (self.modes[path] & 0o007, self.modes[path] & 0o077), default="")

    def after(self, texts: Mapping[str, str | None], documents: Mapping[str, Data | None]) -> Host:
        """The host when these files are written; None is one that goes."""
        files = {**self.files, **texts}
        known = {**self.documents, **documents}
        return replace(
            self,
            files={path: text for path, text in files.items() if text is not None},
            documents={path: document for path, document in known.items() if document is not None},
        )

    def _networkmanager(self, device: str) -> str:
        known = self.devices.get(device, {})
        state = known.get("GENERAL.STATE", "")
        if not state.startswith("100") or "externally" in state:
            return ""
        path = self.profiles.get(known.get("GENERAL.CON-UUID", ""), "")
        return "netplan" if "/netplan-" in path else "networkmanager"

    def _networkd(self, device: str) -> str:
        link = self.links.get(device)
        state = self.networkd.get(link.index, {}).get("ADMIN_STATE", "") if link else ""
        if state in ("", "unmanaged", "linger"):
            return ""
        return "netplan" if "-netplan-" in self.network_file(device) else "networkd"


def link_of(entry: Data) -> Link:
    """A device as `ip -details -json address` prints it."""
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


def _cidr(address: Data) -> str:
    return f"{address['local']}/{address['prefixlen']}"
