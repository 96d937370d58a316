# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of systemd-networkd and ifupdown that make a bridge, from those that are there.

What is configured for the port moves to the bridge: the IP part of its file, whatever that is. A path with None is a
file that goes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Callable, Optional

from .bridge import Bridge, Ip
from .host import Files, Host

Changes = Mapping[str, Optional[str]]
Stanza = tuple[str, list[str]]

NOTE = "# Made by the role virtfleet.network.host_bridge.\n"
NETWORKD = "/etc/systemd/network/05-host-bridge-"
# What of [Network] is about devices on the port and not about IP.
_ON_PORT = re.compile(r"(?:VLAN|MACVLAN|MACVTAP|IPVLAN|IPVTAP|VXLAN|Tunnel|Xfrm|BindCarrier|Bridge)=")
INTERFACES, OWN_INTERFACES = "/etc/network/interfaces", "/etc/network/interfaces.d/host-bridge-"
_STANZA = re.compile(r"(?:iface|auto|allow-\S+|mapping|source|source-directory|no-auto-down|no-scripts|rename)\s")
_SOURCED = re.compile(r"source(?:-directory)?\s+\S*interfaces\.d(?:/\*)?\s*$")
_BRIDGE_LINE, _PORT_LINE = re.compile(r"\s*bridge[-_]"), re.compile(r"\s*(?:bond|vlan|ethernet|link)[-_]")


# ---- systemd-networkd ----


def networkd_by_hand(bridge: Bridge, host: Host) -> bool:
    """Whether files that are not ours define the bridge."""
    made = [path for path, text in host.files.items() if ["Name", bridge.name] in _keys(text, "[NetDev]")]
    return bool(made) and not any(path.startswith(NETWORKD) for path in made)


def networkd(bridge: Bridge, host: Host) -> Changes:
    """The files for a bridge; they come before all others, so that those need no change."""
    own = f"{NETWORKD}{bridge.name}"
    lead = f"{host.network_file(bridge.port)}.d/host-bridge-{bridge.name}.conf"
    if not bridge.present:
        return {path: None for path in host.files if re.match(rf"{re.escape(own)}(?:-\w+)?\.net", path) or path == lead}
    mine, port = f"{own}.network", f"{own}-port.network"
    there = host.network_file(bridge.name) if bridge.name in host.links else ""
    source = host.files.get(mine) or _with_drop_ins(there or host.network_file(bridge.port), host.files)
    ip = (
        _sections(source, lambda head: head not in ("[Match]", "[Link]"))
        if bridge.ip is None
        else _networkd_ip(bridge.ip)
    )
    files = {
        f"{own}.netdev": f"{NOTE}[NetDev]\nName={bridge.name}\nKind=bridge\nMACAddress={bridge.mac}\n\n"
        f"[Bridge]\nSTP={'yes' if bridge.stp else 'no'}\n",
        mine: f"{NOTE}[Match]\nName={bridge.name}\n\n{ip}",
    }
    if bridge.vlan:
        vlan = f"[NetDev]\nName={bridge.member}\nKind=vlan\n\n[VLAN]\nId={bridge.vlan}\n"
        files[f"{own}-vlan.netdev"] = NOTE + vlan
        files[port] = f"{NOTE}[Match]\nName={bridge.member}\n\n[Network]\nBridge={bridge.name}\n"
        nic = f"[Network]\nVLAN={bridge.member}\n"
        if host.network_file(bridge.port) in ("", f"{own}-nic.network"):
            files[f"{own}-nic.network"] = f"{NOTE}[Match]\nName={bridge.port}\n\n{nic}LinkLocalAddressing=no\n"
        else:
            files[f"/etc/systemd/network/{lead.rpartition('/network/')[2]}"] = NOTE + nic
        return files
    old = host.files.get(port) or _with_drop_ins(host.network_file(bridge.port), host.files)
    link = _sections(old, lambda head: head == "[Link]")
    kept = [line for line in _lines(old, "[Network]") if _ON_PORT.match(line) and not line.startswith("Bridge=")]
    network = "\n".join(["[Network]", f"Bridge={bridge.name}", *kept])
    files[port] = f"{NOTE}[Match]\nName={bridge.port}\n\n{link}{network}\n"
    return files


def networkd_sources(bridge: Bridge, host: Host) -> list[str]:
    """The files that something may move from."""
    own = [path for path in host.files if path.startswith(f"{NETWORKD}{bridge.name}")]
    named = [host.network_file(device) for device in (bridge.port, bridge.name)]
    return [*own, *(one for path in named for one in _and_drop_ins(path, host.files))]


def _with_drop_ins(path: str, files: Files) -> str:
    return "\n".join(files[one] for one in _and_drop_ins(path, files))


def _and_drop_ins(path: str, files: Files) -> list[str]:
    name = path.rpartition("/")[2]
    drop_ins = sorted(one for one in files if f"/{name}.d/" in one and name and "/host-bridge-" not in one)
    return [one for one in (path, *drop_ins) if one in files]


def _parts(text: str) -> list[tuple[str, list[str]]]:
    """The sections of a file: each its head, and its lines."""
    parts: list[tuple[str, list[str]]] = []
    for line in (line.rstrip() for line in text.splitlines()):
        if line.startswith("["):
            parts.append((line, []))
        elif parts and line and line[0] not in "#;":
            parts[-1][1].append(line)
    return parts


def _lines(text: str, head: str) -> list[str]:
    return [line for one, lines in _parts(text) if one == head for line in lines]


def _keys(text: str, head: str) -> list[list[str]]:
    return [[word.strip() for word in line.split("=", 1)] for line in _lines(text, head)]


def _sections(text: str, wanted: Callable[[str], bool]) -> str:
    parts = [
        (head, [line for line in lines if not _ON_PORT.match(line)]) for head, lines in _parts(text) if wanted(head)
    ]
    return "".join("\n".join([head, *lines]) + "\n\n" for head, lines in parts)


def _networkd_ip(ip: Ip) -> str:
    lines = [f"DHCP={'ipv4' if ip.dhcp else 'no'}"]
    if not ip.addresses and not ip.dhcp:
        lines += ["LinkLocalAddressing=no", "IPv6AcceptRA=no"]
    lines += [f"Address={one}" for one in ip.addresses]
    lines += [f"Gateway={one}" for one in ip.gateways]
    lines += [f"DNS={one}" for one in ip.nameservers]
    lines += [f"Domains={' '.join(ip.search)}"] if ip.search else []
    return "\n".join(["[Network]", *lines]) + "\n\n"


# ---- ifupdown ----


def ifupdown_by_hand(bridge: Bridge, host: Host) -> bool:
    """Whether files that are not ours define the bridge."""
    made = {path for path in _interfaces(host) if _stanzas(host.files[path], bridge.name)}
    return bool(made - {f"{OWN_INTERFACES}{bridge.name}"})


def ifupdown_knows(bridge: Bridge, host: Host) -> bool:
    """Whether the port, or the bridge, is configured: what is not could not be brought back."""
    devices = (bridge.port, bridge.name)
    return any(_stanzas(host.files[path], device) for path in _interfaces(host) for device in devices)


def ifupdown_sources(bridge: Bridge, host: Host) -> list[str]:
    """The files that something may move from."""
    devices = (bridge.port, bridge.name)
    return [path for path in _interfaces(host) if any(_stanzas(host.files[path], device) for device in devices)]


def ifupdown(bridge: Bridge, host: Host) -> Changes:
    """A file for a bridge, and those that are there without its stanzas and the port's."""
    own = f"{OWN_INTERFACES}{bridge.name}"
    others = [path for path in _interfaces(host) if path != own]
    for_bridge = [one for path in (own, *others) for one in _stanzas(host.files.get(path, ""), bridge.name)]
    for_port = [one for path in (*others, own) for one in _stanzas(host.files.get(path, ""), bridge.port)]
    if not bridge.present and not for_bridge:
        return {}
    gone = {bridge.name} if bridge.vlan else {bridge.name, bridge.port}
    texts: dict[str, str | None] = {path: _without(host.files[path], gone) for path in others}
    main = texts.get(INTERFACES) or ""
    if not bridge.present:
        texts[INTERFACES] = main.replace(f"source {own}\n", "") + _given_back(bridge, for_bridge, for_port)
        return {**texts, **({own: None} if own in host.files else {})}
    if not any(_SOURCED.match(line) for line in main.splitlines()) and f"source {own}" not in main:
        texts[INTERFACES] = f"{main}source {own}\n"
    stanzas = (for_bridge or for_port) if bridge.ip is None else _ifupdown_ip(bridge.ip)
    text = NOTE + _rendered(bridge.name, [(stanzas[0][0], _moved(bridge, stanzas[0][1])), *stanzas[1:]])
    kept = [line for _head, lines in for_port for line in lines if _PORT_LINE.match(line)]
    under = (bridge.member, [f"vlan-raw-device {bridge.port}"]) if bridge.vlan else (bridge.port, kept)
    alone = _rendered(under[0], [("inet manual", under[1])], auto=bool(bridge.vlan))
    return {**texts, own: f"{text}\n{alone}"}


def _given_back(bridge: Bridge, stanzas: Sequence[Stanza], port: Iterable[Stanza]) -> str:
    """The stanzas of a bridge as those of its port, which keeps what it had beside."""
    if bridge.vlan:
        return ""
    back = [(head, [line for line in lines if not _BRIDGE_LINE.match(line)]) for head, lines in stanzas]
    kept = [line for _head, lines in port for line in lines if _PORT_LINE.match(line)]
    return "\n" + _rendered(bridge.port, [(back[0][0], [*kept, *back[0][1]]), *back[1:]])


def _interfaces(host: Host) -> list[str]:
    return [path for path in host.files if path.startswith("/etc/network/")]


def _blocks(text: str) -> list[list[str]]:
    """A file's lines, in pieces that begin with a keyword each, but for the first."""
    blocks: list[list[str]] = [[]]
    for line in text.splitlines(keepends=True):
        if _STANZA.match(line.lstrip() + " ") and not (blocks[-1] and blocks[-1][-1].endswith("\\\n")):
            blocks.append([])
        blocks[-1].append(line)
    return blocks


def _stanzas(text: str, device: str) -> list[Stanza]:
    """The stanzas of a device: each its family and method, and its options."""
    found = []
    for block in _blocks(text):
        words = block[0].split() if block else []
        if words[:2] == ["iface", device]:
            options = [line.strip() for line in block[1:] if line.strip() and not line.lstrip().startswith("#")]
            found.append((" ".join(words[2:]), options))
    return found


def _without(text: str, devices: Iterable[str]) -> str:
    """A file without the stanzas of devices; comments and blank lines stay."""
    kept: list[str] = []
    for block in _blocks(text):
        words = block[0].split() if block else []
        if words[:1] == ["iface"] and words[1] in devices:
            kept += [line for line in block[1:] if line.startswith("#") or not line.strip()]
        elif words[:1] and (words[0] == "auto" or words[0].startswith("allow-")) and set(words[1:]) & set(devices):
            rest = [word for word in words if word not in devices]
            kept += ([" ".join(rest) + "\n"] if rest[1:] else []) + block[1:]
        else:
            kept += block
    return "".join(kept)


def _moved(bridge: Bridge, lines: Iterable[str]) -> list[str]:
    """A port's options as those of the bridge."""
    made = [f"bridge_ports {bridge.member}", *(["bridge_stp on"] if bridge.stp else ["bridge_stp off", "bridge_fd 0"])]
    kept = [re.sub(rf"\bdev {re.escape(bridge.port)}(?![\w.-])", f"dev {bridge.name}", line) for line in lines]
    kept = [line for line in kept if not _BRIDGE_LINE.match(line) and not _PORT_LINE.match(line)]
    kept = [line for line in kept if not line.startswith("hwaddress ")]
    return [*made, f"bridge_hw {bridge.mac}", *kept]


def _ifupdown_ip(ip: Ip) -> list[Stanza]:
    stanzas: list[Stanza] = [("inet dhcp", [])] if ip.dhcp else []
    for family, one in (("inet", ip.of(4)), ("inet6", ip.of(6))):
        for number, address in enumerate(one.addresses):
            first = [*(f"gateway {gateway}" for gateway in one.gateways), *_dns(one)] if number == 0 else []
            stanzas.append((f"{family} static", [f"address {address}", *first]))
    if not stanzas or not stanzas[0][0].startswith("inet "):
        stanzas.insert(0, ("inet manual", []))
    return stanzas


def _dns(ip: Ip) -> list[str]:
    servers = [f"dns-nameservers {' '.join(ip.nameservers)}"] if ip.nameservers else []
    return [*servers, *([f"dns-search {' '.join(ip.search)}"] if ip.search else [])]


def _rendered(device: str, stanzas: Iterable[Stanza], auto: bool = True) -> str:
    texts = ["".join([f"iface {device} {head}\n", *(f"    {line}\n" for line in lines)]) for head, lines in stanzas]
    return (f"auto {device}\n" if auto else "") + "\n".join(texts)
