# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keyfiles of NetworkManager that make a bridge, from those that exist (nm-settings-keyfile(5)).

The port's own profile stays, but is not started any more: what it has of IP is copied to the bridge, the rest to the
profile that puts the port into the bridge.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Optional

from .bridge import Bridge, Ip
from .host import Host

Changes = Mapping[str, Optional[str]]
Keys = dict[str, str]
Sections = dict[str, Keys]

FOLDER = "/etc/NetworkManager/system-connections/"
NOTE = "# Made by the role virtfleet.network.host_bridge.\n"
_ETHERNET = ("ethernet", "802-3-ethernet")
_IP = ("ipv4", "ipv6", "proxy")
# What of [connection] is about IP and not about the device.
_IP_KEYS = ("zone", "metered", "mdns", "llmnr", "dns-over-tls", "gateway-ping-timeout", "ip-ping-timeout")


@dataclass(frozen=True)
class Profile:
    """A keyfile as it is read."""

    uuid: str
    path: str
    sections: Sections

    def get(self, name: str) -> str:
        """A key of [connection]."""
        return self.sections.get("connection", {}).get(name, "")

    @property
    def controller(self) -> str:
        """The name or the uuid of the bridge that its device is put into."""
        return self.get("controller") or self.get("master")

    @property
    def starts(self) -> bool:
        """Whether it starts by itself."""
        return self.get("autoconnect").lower() not in ("false", "no", "0")


def keyfiles_by_hand(bridge: Bridge, host: Host) -> bool:
    """Whether profiles that the role did not write make the bridge, and will do so at the next start."""
    made, ports = _of_bridge(bridge, host), _of_port(bridge, host)
    own = {_path(bridge.name), _path(f"{bridge.name}-port")}
    lasting = all(profile.starts for profile in (*made, *ports))
    return bool(made and ports) and lasting and not {profile.path for profile in (*made, *ports)} <= own


def keyfiles_unknown(bridge: Bridge, host: Host) -> str:
    """What of the port's profile no keyfile says, as a part of a sentence."""
    active = host.devices.get(bridge.port, {}).get("GENERAL.CON-UUID", "")
    path = host.profiles.get(active, "")
    if path and path not in host.files:
        return (
            f"the profile of {bridge.port} is {path}, which is no keyfile of an Ethernet NIC; with NetworkManager, port"
            " is an Ethernet NIC, and `nmcli connection migrate` makes keyfiles of ifcfg files"
        )
    return ""


def keyfiles(bridge: Bridge, host: Host) -> Changes:
    """The keyfiles for a bridge, and those of its port that are not started any more; only what is to be written."""
    made, ports, old = _of_bridge(bridge, host), _of_port(bridge, host), _old(bridge, host)
    if not bridge.present:
        back = {_lasting(profile.path): _started(profile, host, starts=True) for profile in old if made or ports}
        gone: dict[str, str | None] = {one.path: None for one in (*ports, *made)}
        return {**back, **gone}
    source = next(iter((*made, *_active(bridge, host), *old)), None)
    wanted: dict[str, Sections] = {
        made[0].path if made else _path(bridge.name): _bridge(bridge, made, source),
        ports[0].path if ports else _path(f"{bridge.name}-port"): _port(bridge, ports, old, host),
    }
    files = {path: _text(one) for path, one in wanted.items() if _read(host.files.get(path, "")) != one}
    aside = {} if bridge.vlan else {_lasting(one.path): _started(one, host, starts=False) for one in old if one.starts}
    return {**files, **aside}


def to_start(bridge: Bridge, host: Host) -> list[str]:
    """The uuids of the profiles that are to be started."""
    if not bridge.present:
        return [profile.uuid for profile in _old(bridge, host)[:1]]
    ports = _of_port(bridge, host)
    return [ports[0].uuid if ports else _uuid(f"{bridge.name}-port")]


def to_resume(bridge: Bridge, host: Host) -> list[str]:
    """The profiles that run now, as uuid=device: they are started when the change is undone."""
    running = [(host.devices.get(name, {}).get("GENERAL.CON-UUID", ""), name) for name in (bridge.port, bridge.member)]
    return list(dict.fromkeys(f"{profile}={name}" for profile, name in running if profile in host.profiles))


def _bridge(bridge: Bridge, made: Sequence[Profile], source: Profile | None) -> Sections:
    """The profile of the bridge: another one's IP, and what an old one of its own has beside."""
    there = made[0].sections if made else {}
    old = source.sections if source else {}
    connection = {
        "id": bridge.name,
        "uuid": _uuid(bridge.name),
        **{name: value for name, value in old.get("connection", {}).items() if name in _IP_KEYS},
        **{name: value for name, value in there.get("connection", {}).items() if name != "autoconnect"},
        "type": "bridge",
        "interface-name": bridge.name,
    }
    layers = {**there.get("bridge", {}), "mac-address": bridge.mac, "stp": "true" if bridge.stp else "false"}
    ip = {name: old[name] for name in _IP if name in old} if bridge.ip is None else _ip(bridge.ip)
    beside = {name: keys for name, keys in there.items() if name not in ("connection", "bridge", *_IP)}
    return {"connection": connection, "bridge": layers, **beside, **ip}


def _port(bridge: Bridge, ports: Sequence[Profile], old: Sequence[Profile], host: Host) -> Sections:
    """The profile of the port: what the old one has of the NIC."""
    there = ports[0].sections if ports else {}
    name = f"{bridge.name}-port"
    connection = {
        "id": name,
        "uuid": _uuid(name),
        **({} if ports else {"master": bridge.name, "slave-type": "bridge"}),
        **{key: value for key, value in there.get("connection", {}).items() if key != "autoconnect"},
        "interface-name": bridge.member,
    }
    if bridge.vlan:
        vlan = {**there.get("vlan", {}), "id": str(bridge.vlan), "parent": bridge.port}
        return {**there, "connection": {**connection, "type": "vlan"}, "vlan": vlan}
    source = there or next((one.sections for one in (*_active(bridge, host), *old)), {})
    nic = {one: keys for one, keys in source.items() if one not in ("connection", *_IP) and one[:1] != "."}
    return {"connection": {"type": "ethernet", **connection}, **nic}


def _ip(ip: Ip) -> Sections:
    return {f"ipv{version}": _family(ip.of(version), version, ip.dhcp) for version in (4, 6)}


def _family(ip: Ip, version: int, dhcp: bool) -> Keys:
    if not ip.addresses and not dhcp:
        return {"method": "disabled"}
    keys = {"method": "auto" if dhcp else "manual"}
    keys.update({f"address{number}": address for number, address in enumerate(ip.addresses, 1)})
    # a gateway beside no address is refused by NetworkManager
    default = "0.0.0.0/0" if version == 4 else "::/0"
    keys.update(("gateway", one) if ip.addresses else ("route1", f"{default},{one}") for one in ip.gateways)
    if ip.nameservers:
        keys["dns"] = "".join(f"{one};" for one in ip.nameservers)
    if ip.search:
        keys["dns-search"] = "".join(f"{one};" for one in ip.search)
    return keys


def _path(name: str) -> str:
    return f"{FOLDER}host-bridge-{name}.nmconnection"


def _lasting(path: str) -> str:
    """Where a profile is kept: one of /run or /usr/lib gives way to one in /etc."""
    return FOLDER + path.rpartition("/")[2]


def _uuid(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{name}.host-bridge.virtfleet.network"))


def _all(host: Host) -> list[Profile]:
    paths = [(one, path) for one, path in host.profiles.items() if path in host.files]
    return [Profile(one, path, _read(host.files[path])) for one, path in paths]


def _of_bridge(bridge: Bridge, host: Host) -> list[Profile]:
    return [one for one in _all(host) if one.get("type") == "bridge" and one.get("interface-name") == bridge.name]


def _of_port(bridge: Bridge, host: Host) -> list[Profile]:
    masters = {bridge.name, *(profile.uuid for profile in _of_bridge(bridge, host))}
    return [one for one in _all(host) if one.controller in masters and one.get("interface-name") == bridge.member]


def _active(bridge: Bridge, host: Host) -> list[Profile]:
    active = host.devices.get(bridge.port, {}).get("GENERAL.CON-UUID", "")
    return [one for one in _all(host) if one.uuid == active]


def _old(bridge: Bridge, host: Host) -> list[Profile]:
    """The port's own profiles, the one that runs first."""
    others = [
        one for one in _all(host) if one.get("type") in _ETHERNET and one.get("interface-name") in ("", bridge.port)
    ]
    named = [one for one in others if one.get("interface-name")]
    found = {one.uuid: one for one in (*_active(bridge, host), *named) if not one.controller}
    return list(found.values())


def _read(text: str) -> Sections:
    sections: Sections = {}
    keys: Keys = {}
    for line in (line.strip() for line in text.split("\n")):
        if line.startswith("[") and line.endswith("]"):
            keys = sections.setdefault(line[1:-1], {})
        elif "=" in line and line[0] not in "#;":
            name, _sign, value = line.partition("=")
            keys[name.strip()] = value.strip()
    return sections


def _text(sections: Sections) -> str:
    parts = ["".join([f"[{name}]\n", *(f"{key}={keys[key]}\n" for key in keys)]) for name, keys in sections.items()]
    return NOTE + "\n".join(parts)


def _started(profile: Profile, host: Host, *, starts: bool) -> str:
    """A keyfile that starts by itself, or not; nothing else of it is touched."""
    kept, lines = [], host.files[profile.path].split("\n")
    head = ""
    for line in lines:
        head = line.strip() if line.strip().startswith("[") else head
        if head == "[connection]" and line.partition("=")[0].strip() == "autoconnect":
            continue
        kept.append(line)
        if not starts and line.strip() == "[connection]":
            kept.append("autoconnect=false")
    return "\n".join(kept)
