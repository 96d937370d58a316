# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of ifupdown that make a bridge (interfaces(5)): the port's stanzas move to the bridge."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence

from .bridge import Bridge, Ip
from .host import Host
from .provider import Changes, Provider
from .shown import NOTE, shown_options

Stanza = tuple[str, list[str]]  # its family and method, and its options

FOLDER = "/etc/network"
INTERFACES = f"{FOLDER}/interfaces"
_KEYWORD = re.compile(r"(?:iface|auto|allow-\S+|mapping|source|source-directory|no-auto-down|no-scripts|rename)\s")
_SOURCED = re.compile(r"source(?:-directory)?\s+\S*interfaces\.d(?:/\*)?\s*$")
_OF_BRIDGE, _OF_PORT = re.compile(r"bridge[-_]"), re.compile(r"(?:bond|vlan|ethernet|link)[-_]")
_OF_DEVICE = re.compile(rf"{_OF_BRIDGE.pattern}|{_OF_PORT.pattern}|hwaddress ")


def _manages(device: str, host: Host) -> bool:
    # A /run that was full loses the list of what ifupdown has started.
    started = {word.partition("=")[0] for word in host.text("ifstate").split()}
    return device in started or bool(_stanzas_of(device, _paths(host), host))


def _is_by_hand(bridge: Bridge, host: Host) -> bool:
    return bool(_stanzas_of(bridge.name, [path for path in _paths(host) if path != _own(bridge)], host))


def _lacks(bridge: Bridge, host: Host) -> Iterator[str]:
    if not _sources(bridge, host):  # what is in no file could not be brought back
        yield f"no file of ifupdown configures {bridge.port}"
    if "brctl" not in host.commands:
        yield "ifupdown makes bridges with bridge-utils, which is not installed"
    if "." in bridge.name:
        yield f"{bridge.name}: ifupdown takes a name with a dot for a VLAN; choose one without"


def _sources(bridge: Bridge, host: Host) -> list[str]:
    return [path for path in _paths(host) if any(_stanzas_of(one, [path], host) for one in (bridge.port, bridge.name))]


def _files(bridge: Bridge, host: Host) -> Changes:
    """A file for the bridge, and those that exist without its stanzas and the port's."""
    own = _own(bridge)
    others = [path for path in _paths(host) if path != own]
    for_bridge = _stanzas_of(bridge.name, (own, *others), host)
    for_port = _stanzas_of(bridge.port, (*others, own), host)
    if not bridge.present and not for_bridge:
        return {}
    gone = {bridge.name} if bridge.vlan else {bridge.name, bridge.port}
    texts = {path: _without(host.files[path], gone) for path in others}
    main, source = texts.get(INTERFACES) or "", f"source {own}"
    of_port = [line for _head, lines in for_port for line in lines if _OF_PORT.match(line)]
    if not bridge.present:
        back = "" if bridge.vlan else "\n" + _text(bridge.port, _given_back(for_bridge, of_port))
        return {**texts, INTERFACES: main.replace(f"{source}\n", "") + back, own: None}
    if source not in main and not any(_SOURCED.match(line) for line in main.splitlines()):
        texts[INTERFACES] = f"{main}{source}\n"
    stanzas = (for_bridge or for_port) if bridge.ip is None else _given(bridge.ip)
    under = [f"vlan-raw-device {bridge.port}"] if bridge.vlan else of_port
    member = _text(bridge.member, [("inet manual", under)], auto=bool(bridge.vlan))
    return {**texts, own: f"{NOTE}\n{_text(bridge.name, _moved(bridge, stanzas))}\n{member}"}


def _moved(bridge: Bridge, stanzas: Sequence[Stanza]) -> list[Stanza]:
    """Stanzas as those of the bridge, without what is about the port whatever its addresses are."""
    (head, options), *others = stanzas
    stp = ["bridge_stp on"] if bridge.stp else ["bridge_stp off", "bridge_fd 0"]
    made = [f"bridge_ports {bridge.member}", *stp, f"bridge_hw {bridge.mac}"]
    named = [re.sub(rf"\bdev {re.escape(bridge.port)}(?![\w.-])", f"dev {bridge.name}", line) for line in options]
    return [(head, [*made, *(line for line in named if not _OF_DEVICE.match(line))]), *others]


def _given_back(stanzas: Iterable[Stanza], of_port: Iterable[str]) -> list[Stanza]:
    """The bridge's stanzas as those of its port, which keeps what it had beside."""
    back = [(head, [line for line in lines if not _OF_BRIDGE.match(line)]) for head, lines in stanzas]
    return [(back[0][0], [*of_port, *back[0][1]]), *back[1:]]


def _own(bridge: Bridge) -> str:
    return f"{INTERFACES}.d/host-bridge-{bridge.name}"


def _paths(host: Host) -> list[str]:
    return [path for path in host.files if path.startswith(f"{FOLDER}/")]


def _stanzas_of(device: str, paths: Iterable[str], host: Host) -> list[Stanza]:
    return [stanza for path in paths for stanza in _stanzas(host.files.get(path, ""), device)]


def _given(ip: Ip) -> list[Stanza]:
    stanzas: list[Stanza] = [("inet dhcp", [])] if ip.dhcp else []
    for family, one in (("inet", ip.of(4)), ("inet6", ip.of(6))):
        for number, address in enumerate(one.addresses):
            first = [f"gateway {gateway}" for gateway in one.gateways]
            first += [f"dns-nameservers {' '.join(one.nameservers)}"] if one.nameservers else []
            first += [f"dns-search {' '.join(one.search)}"] if one.search else []
            stanzas.append((f"{family} static", [f"address {address}", *([] if number else first)]))
    if not stanzas or not stanzas[0][0].startswith("inet "):
        stanzas.insert(0, ("inet manual", []))
    return stanzas


def _blocks(text: str) -> list[tuple[list[str], list[str]]]:
    """A file's lines, in pieces that begin with a keyword each, but for the first; each with the words of that line."""
    blocks: list[list[str]] = [[]]
    for line in text.splitlines(keepends=True):
        if _KEYWORD.match(line.lstrip() + " ") and not (blocks[-1] and blocks[-1][-1].endswith("\\\n")):
            blocks.append([])
        blocks[-1].append(line)
    return [(block[0].split() if block else [], block) for block in blocks]


def _stanzas(text: str, device: str) -> list[Stanza]:
    """The stanzas of a device."""
    found = []
    for words, block in _blocks(text):
        if words[:2] == ["iface", device]:
            options = [line.strip() for line in block[1:] if line.strip() and not line.lstrip().startswith("#")]
            found.append((" ".join(words[2:]), options))
    return found


def _without(text: str, devices: Collection[str]) -> str:
    """A file without the stanzas of devices; comments and blank lines stay."""
    kept: list[str] = []
    for words, block in _blocks(text):
        if words[:1] == ["iface"] and set(words[1:2]) & set(devices):
            kept += [line for line in block[1:] if line.startswith("#") or not line.strip()]
        elif words[:1] and (words[0] == "auto" or words[0].startswith("allow-")) and set(words[1:]) & set(devices):
            rest = [word for word in words if word not in devices]
            kept += ([" ".join(rest) + "\n"] if rest[1:] else []) + block[1:]
        else:
            kept += block
    return "".join(kept)


def _text(device: str, stanzas: Sequence[Stanza], *, auto: bool = True) -> str:
    texts = ["".join([f"iface {device} {head}\n", *(f"    {line}\n" for line in lines)]) for head, lines in stanzas]
    return (f"auto {device}\n" if auto else "") + "\n".join(texts)


IFUPDOWN = Provider(
    name="ifupdown",
    title="ifupdown",
    folder=FOLDER,
    manages=_manages,
    is_by_hand=_is_by_hand,
    files=_files,
    shown=shown_options,
    lacks=_lacks,
    sources=_sources,
)
