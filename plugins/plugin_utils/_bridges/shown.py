# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What users see of a file: the values that a bridge is made of. What else is in it may be a secret, and is not shown.

A line is shown because its key is known here, so that one that nobody thought of is not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .documents import KINDS

# The first line of files that are ours.
NOTE = "# Made by the role virtfleet.network.host_bridge."
HIDDEN = "(not shown)"

_INI = {
    "Match": "Name",
    "NetDev": "Name Kind MACAddress",
    "Bridge": "STP",
    "VLAN": "Id",
    "Link": "MTUBytes",
    "Network": "Bridge VLAN DHCP LinkLocalAddressing IPv6AcceptRA Address Gateway DNS Domains",
    "Address": "Address",
    "Route": "Gateway Destination Metric",
    "connection": "id uuid type interface-name autoconnect master controller slave-type port-type zone",
    "bridge": "mac-address stp forward-delay hello-time max-age ageing-time priority",
    "ethernet": "mtu mac-address",
    "vlan": "id parent",
    "ipv4": "method gateway dns dns-search",
    "ipv6": "method gateway dns dns-search",
}
_KNOWN = {section: frozenset(keys.split()) for section, keys in _INI.items()}
_NUMBERED = re.compile(r"(?:address|route)\d+")
_STANZA = re.compile(r"(?:auto|iface|allow-[a-z]+|source|source-directory)")
_OPTION = re.compile(
    r"address|netmask|gateway|broadcast|metric|mtu|hwaddress|dns-(?:nameservers|search|domain)|vlan[-_]raw[-_]device"
    r"|bridge[-_](?:ports|stp|fd|hw)"
)
_TREE: Mapping[str, Any] = {
    "version": True,
    "renderer": True,
    "*": {
        "*": {
            **dict.fromkeys(
                "addresses routes dhcp4 dhcp6 gateway4 gateway6 match set-name mtu macaddress interfaces id link"
                " renderer accept-ra link-local optional".split(),
                True,
            ),
            "nameservers": True,
            "parameters": {"stp": True, "forward-delay": True},
        }
    },
}


def shown_document(document: Mapping[str, Any]) -> dict[str, Any]:
    """The same document of netplan with what is shown."""
    known = {"version": True, "renderer": True, **dict.fromkeys(KINDS, _TREE["*"])}
    return {name: _pruned(value, known if name == "network" else {}) for name, value in document.items()}


def shown_sections(text: str) -> list[str]:
    """The lines of a file of sections: systemd's, and NetworkManager's."""
    lines, section = [], ""
    for line in (line.strip() for line in text.split("\n") if text):
        key, sign, _value = line.partition("=")
        key = key.strip()
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
            lines.append(line if section in _KNOWN else f"[{HIDDEN}]")
        elif line in ("", NOTE):
            lines.append(line)
        else:
            known = key in _KNOWN.get(section, ()) or (section in ("ipv4", "ipv6") and _NUMBERED.fullmatch(key))
            lines.append(line if known and sign else HIDDEN)
    return lines


def shown_options(text: str) -> list[str]:
    """The lines of a file of ifupdown."""
    lines, goes_on = [], False
    for line in text.split("\n") if text else ():
        word = (line.split() or [""])[0]
        if goes_on:
            lines.append(HIDDEN)
        elif not word or line == NOTE or _STANZA.fullmatch(word) or _OPTION.fullmatch(word):
            lines.append(line)
        else:
            lines.append(HIDDEN)
        goes_on = line.endswith("\\")
    return lines


def _pruned(value: Any, known: Any) -> Any:
    if known is True:
        return value
    if not isinstance(value, Mapping) or not known:
        return HIDDEN if value not in ("", None, {}) else value
    return {name: _pruned(one, known.get(name, known.get("*", {}))) for name, one in value.items()}
