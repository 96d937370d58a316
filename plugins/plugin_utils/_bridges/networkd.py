# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of systemd-networkd that make a bridge (systemd.network(5)).

They come before all others, so that those need no change: what is configured for the port is copied to the bridge.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from .bridge import Bridge, Ip
from .host import Host, pairs
from .networkmanager import running_profile
from .provider import Changes, Provider
from .shown import NOTE, shown_sections

Section = tuple[str, list[str]]

FOLDER = "/etc/systemd/network"
PREFIX = f"{FOLDER}/05-host-bridge-"
# What of [Network] is about devices on the port and not about IP.
_ON_PORT = re.compile(r"(?:VLAN|MACVLAN|MACVTAP|IPVLAN|IPVTAP|VXLAN|Tunnel|Xfrm|BindCarrier|Bridge)=")


def network_file(device: str, host: Host) -> str:
    """The path of the file by which systemd-networkd configures a device, if it does."""
    return _state(device, host).get("NETWORK_FILE", "")


def is_configured(device: str, host: Host) -> bool:
    """Whether systemd-networkd configures a device."""
    return _state(device, host).get("ADMIN_STATE", "") not in ("", "unmanaged", "linger")


def _state(device: str, host: Host) -> dict[str, str]:
    link = host.links.get(device)
    return pairs(dict(host.records.get("networkd", ())).get(str(link.index), ""), "=") if link else {}


def _manages(device: str, host: Host) -> bool:
    by_networkd = running_profile(device, host) is None and is_configured(device, host)
    return by_networkd and "-netplan-" not in network_file(device, host)


def _is_by_hand(bridge: Bridge, host: Host) -> bool:
    name = re.compile(rf"\s*Name\s*=\s*{re.escape(bridge.name)}\s*")
    made = [path for path, text in host.files.items() if any(map(name.fullmatch, _lines(text, "[NetDev]")))]
    return bool(made) and not any(path.startswith(PREFIX) for path in made)


def _sources(bridge: Bridge, host: Host) -> Iterable[str]:
    yield from (path for path in host.files if path.startswith(f"{PREFIX}{bridge.name}"))
    for device in (bridge.port, bridge.name):
        yield from _with_drop_ins(network_file(device, host), host)


def _files(bridge: Bridge, host: Host) -> Changes:
    own, of_port = f"{PREFIX}{bridge.name}", network_file(bridge.port, host)
    drop_in = f".d/host-bridge-{bridge.name}.conf"
    if not bridge.present:
        ours = re.compile(rf"{re.escape(own)}(?:-\w+)?\.net")
        return {path: None for path in host.files if ours.match(path) or path.endswith(drop_in)}
    netdev = [f"Name={bridge.name}", "Kind=bridge", f"MACAddress={bridge.mac}"]
    files = {
        f"{own}.netdev": _text(("[NetDev]", netdev), ("[Bridge]", [f"STP={'yes' if bridge.stp else 'no'}"])),
        f"{own}.network": _text(("[Match]", [f"Name={bridge.name}"]), *_ip(bridge, host)) + "\n",
        f"{own}-port.network": _text(("[Match]", [f"Name={bridge.member}"]), *_port(bridge, host)),
    }
    if bridge.vlan:
        netdev, on_port = [f"Name={bridge.member}", "Kind=vlan"], [f"VLAN={bridge.member}"]
        files[f"{own}-vlan.netdev"] = _text(("[NetDev]", netdev), ("[VLAN]", [f"Id={bridge.vlan}"]))
        if of_port in ("", f"{own}-nic.network"):
            alone = ("[Network]", [*on_port, "LinkLocalAddressing=no"])
            files[f"{own}-nic.network"] = _text(("[Match]", [f"Name={bridge.port}"]), alone)
        else:
            files[f"{FOLDER}/{of_port.rpartition('/')[2]}{drop_in}"] = _text(("[Network]", on_port))
    return files


def _ip(bridge: Bridge, host: Host) -> list[Section]:
    """What the bridge is given, or else what it or its port has beside [Match] and [Link]."""
    if bridge.ip is not None:
        return [_given(bridge.ip)]
    now = network_file(bridge.name, host) or network_file(bridge.port, host)
    return _about(_read(f"{PREFIX}{bridge.name}.network", now, host), lambda head: head not in ("[Match]", "[Link]"))


def _port(bridge: Bridge, host: Host) -> list[Section]:
    """What makes a port of the bridge, with what that has of its link and of devices on it."""
    if bridge.vlan:
        return [("[Network]", [f"Bridge={bridge.name}"])]
    now = _read(f"{PREFIX}{bridge.name}-port.network", network_file(bridge.port, host), host)
    link = _about(now, lambda head: head == "[Link]")
    on_port = [line for line in _lines(now, "[Network]") if _ON_PORT.match(line) and not line.startswith("Bridge=")]
    return [*link, ("[Network]", [f"Bridge={bridge.name}", *on_port])]


def _given(ip: Ip) -> Section:
    lines = [f"DHCP={'ipv4' if ip.dhcp else 'no'}"]
    lines += [] if ip.addresses or ip.dhcp else ["LinkLocalAddressing=no", "IPv6AcceptRA=no"]
    lines += [f"Address={one}" for one in ip.addresses]
    lines += [f"Gateway={one}" for one in ip.gateways]
    lines += [f"DNS={one}" for one in ip.nameservers]
    lines += [f"Domains={' '.join(ip.search)}"] if ip.search else []
    return "[Network]", lines


def _read(own: str, other: str, host: Host) -> str:
    """A file of ours, or else another one with its drop-ins."""
    return host.files.get(own) or "\n".join(host.files[path] for path in _with_drop_ins(other, host))


def _with_drop_ins(path: str, host: Host) -> list[str]:
    """A file and its drop-ins, without ours."""
    name = path.rpartition("/")[2]
    drop_ins = sorted(one for one in host.files if name and f"/{name}.d/" in one and "/host-bridge-" not in one)
    return [one for one in (path, *drop_ins) if one in host.files]


def _sections(text: str) -> list[Section]:
    """The sections of a file: each its head, and its lines."""
    sections: list[Section] = []
    for line in (line.rstrip() for line in text.splitlines()):
        if line.startswith("["):
            sections.append((line, []))
        elif sections and line and line[0] not in "#;":
            sections[-1][1].append(line)
    return sections


def _about(text: str, wanted: Callable[[str], bool]) -> list[Section]:
    """The sections with certain heads, without what is about devices on the port."""
    found = [(head, lines) for head, lines in _sections(text) if wanted(head)]
    return [(head, [line for line in lines if not _ON_PORT.match(line)]) for head, lines in found]


def _lines(text: str, head: str) -> list[str]:
    return [line for one, lines in _sections(text) if one == head for line in lines]


def _text(*sections: Section) -> str:
    return f"{NOTE}\n" + "\n".join("".join(f"{line}\n" for line in (head, *lines)) for head, lines in sections)


NETWORKD = Provider(
    name="networkd",
    title="systemd-networkd",
    folder=FOLDER,
    manages=_manages,
    is_by_hand=_is_by_hand,
    files=_files,
    shown=shown_sections,
    sources=_sources,
)
