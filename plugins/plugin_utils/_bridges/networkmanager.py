# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keyfiles of NetworkManager that make a bridge, from those that exist (nm-settings-keyfile(5)).

The port's own profile stays, but is not started any more: what it has of IP is copied to the bridge, the rest to the
profile that puts the port into the bridge.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from .bridge import DEFAULT_ROUTE, Bridge, Ip
from .host import Host, pairs
from .provider import Changes, Provider
from .shown import NOTE, shown_sections

Keys = dict[str, str]
Sections = dict[str, Keys]

FOLDER = "/etc/NetworkManager/system-connections"
_ETHERNET = ("ethernet", "802-3-ethernet")
_IP = ("ipv4", "ipv6", "proxy")
# What of [connection] is about IP and not about the device.
_IP_KEYS = ("zone", "metered", "mdns", "llmnr", "dns-over-tls", "gateway-ping-timeout", "ip-ping-timeout")


def running_profile(device: str, host: Host) -> str | None:
    """The path of the profile that NetworkManager runs on a device; None when it leaves the device alone."""
    state = _state(device, host).get("GENERAL.STATE", "")
    if not state.startswith("100") or "externally" in state:
        return None
    return _paths(host).get(_running(device, host), "")


def _state(device: str, host: Host) -> Mapping[str, str]:
    """What nmcli says of a device: blocks of lines, and a blank one between them."""
    blocks = (pairs(block, ":") for block in host.text("devices").split("\n\n"))
    return next((block for block in blocks if block.get("GENERAL.DEVICE") == device), {})


def _running(device: str, host: Host) -> str:
    """The uuid of the profile that a device has, whoever manages it."""
    return _state(device, host).get("GENERAL.CON-UUID", "")


def _paths(host: Host) -> Mapping[str, str]:
    """The paths of profiles by uuid."""
    return pairs(host.text("filenames"), ":")


class Profile(NamedTuple):
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


class Profiles(NamedTuple):
    """The keyfiles that a bridge is about."""

    made: list[Profile]  # the bridge's
    ports: list[Profile]  # its port's, in it
    running: list[Profile]  # the port's that runs
    alone: list[Profile]  # its port's, in no bridge, the one that runs first


def _profiles(bridge: Bridge, host: Host) -> Profiles:
    every = [Profile(one, path, _read(host.files[path])) for one, path in _paths(host).items() if path in host.files]
    made = [one for one in every if one.get("type") == "bridge" and one.get("interface-name") == bridge.name]
    names = {bridge.name, *(one.uuid for one in made)}
    ports = [one for one in every if one.controller in names and one.get("interface-name") == bridge.member]
    running = [one for one in every if one.uuid == _running(bridge.port, host)]
    named = [one for one in every if one.get("type") in _ETHERNET and one.get("interface-name") == bridge.port]
    alone = {one.uuid: one for one in (*running, *named) if not one.controller}
    return Profiles(made, ports, running, list(alone.values()))


def _manages(device: str, host: Host) -> bool:
    path = running_profile(device, host)
    return path is not None and "/netplan-" not in path


def _is_by_hand(bridge: Bridge, host: Host) -> bool:
    made, ports = _profiles(bridge, host)[:2]
    lasting = all(one.starts for one in (*made, *ports))
    return bool(made and ports) and lasting and not {one.path for one in (*made, *ports)} <= set(_own(bridge))


def _lacks(bridge: Bridge, host: Host) -> Iterable[str]:
    path = _paths(host).get(_running(bridge.port, host), "")
    if path and path not in host.files:
        yield (
            f"the profile of {bridge.port} is {path}, which is no keyfile of an Ethernet NIC; with NetworkManager, port"
            " is an Ethernet NIC, and `nmcli connection migrate` makes keyfiles of ifcfg files"
        )


def _files(bridge: Bridge, host: Host) -> Changes:
    """The keyfiles for the bridge, and those of its port that are not started any more; only what is to be written."""
    known = _profiles(bridge, host)
    made, ports, alone = known.made, known.ports, known.alone
    if not bridge.present:
        back = {_lasting(one.path): _started(one, host, starts=True) for one in alone if made or ports}
        return {**back, **dict.fromkeys(one.path for one in (*ports, *made))}
    own, own_port = _own(bridge)
    wanted = {
        made[0].path if made else own: _bridge(bridge, known),
        ports[0].path if ports else own_port: _port(bridge, known),
    }
    files = {path: _text(one) for path, one in wanted.items() if _read(host.files.get(path, "")) != one}
    aside = [] if bridge.vlan else [one for one in alone if one.starts]
    return {**files, **{_lasting(one.path): _started(one, host, starts=False) for one in aside}}


def _to_start(bridge: Bridge, host: Host) -> list[str]:
    """The uuids of profiles."""
    known = _profiles(bridge, host)
    if not bridge.present:
        return [one.uuid for one in known.alone[:1]]
    return [known.ports[0].uuid if known.ports else _uuid(f"{bridge.name}-port")]


def _to_resume(bridge: Bridge, host: Host) -> Iterable[str]:
    """The profiles that run now, as uuid=device."""
    running = [(_running(device, host), device) for device in (bridge.port, bridge.member)]
    return dict.fromkeys(f"{profile}={device}" for profile, device in running if profile in _paths(host))


def _bridge(bridge: Bridge, known: Profiles) -> Sections:
    """The profile of the bridge: another one's IP, and what an old one of its own has beside."""
    old = _first(known.made)
    source = _first((*known.made, *known.running, *known.alone))
    connection = {
        "id": bridge.name,
        "uuid": _uuid(bridge.name),
        **{name: value for name, value in source.get("connection", {}).items() if name in _IP_KEYS},
        **{name: value for name, value in old.get("connection", {}).items() if name != "autoconnect"},
        "type": "bridge",
        "interface-name": bridge.name,
    }
    layers = {**old.get("bridge", {}), "mac-address": bridge.mac, "stp": "true" if bridge.stp else "false"}
    ip = {name: source[name] for name in _IP if name in source} if bridge.ip is None else _given(bridge.ip)
    beside = {name: keys for name, keys in old.items() if name not in ("connection", "bridge", *_IP)}
    return {"connection": connection, "bridge": layers, **beside, **ip}


def _port(bridge: Bridge, known: Profiles) -> Sections:
    """The profile of the port: what the old one has of the NIC."""
    old, name = _first(known.ports), f"{bridge.name}-port"
    connection = {
        "id": name,
        "uuid": _uuid(name),
        **({} if known.ports else {"master": bridge.name, "slave-type": "bridge"}),
        **{key: value for key, value in old.get("connection", {}).items() if key != "autoconnect"},
        "interface-name": bridge.member,
    }
    if bridge.vlan:
        vlan = {**old.get("vlan", {}), "id": str(bridge.vlan), "parent": bridge.port}
        return {**old, "connection": {**connection, "type": "vlan"}, "vlan": vlan}
    source = old or _first((*known.running, *known.alone))
    nic = {one: keys for one, keys in source.items() if one not in ("connection", *_IP) and one[:1] != "."}
    return {"connection": {"type": "ethernet", **connection}, **nic}


def _first(profiles: Sequence[Profile]) -> Sections:
    return profiles[0].sections if profiles else {}


def _given(ip: Ip) -> Sections:
    return {f"ipv{version}": _family(ip.of(version), version, ip.dhcp) for version in (4, 6)}


def _family(ip: Ip, version: int, dhcp: bool) -> Keys:
    if not ip.addresses and not dhcp:
        return {"method": "disabled"}
    keys = {"method": "auto" if dhcp else "manual"}
    keys.update({f"address{number}": address for number, address in enumerate(ip.addresses, 1)})
    # a gateway beside no address is refused by NetworkManager
    route = DEFAULT_ROUTE[version]
    keys.update(("gateway", one) if ip.addresses else ("route1", f"{route},{one}") for one in ip.gateways)
    lists = (("dns", ip.nameservers), ("dns-search", ip.search))
    return {**keys, **{name: "".join(f"{one};" for one in values) for name, values in lists if values}}


def _own(bridge: Bridge) -> list[str]:
    return [f"{FOLDER}/host-bridge-{name}.nmconnection" for name in (bridge.name, f"{bridge.name}-port")]


def _lasting(path: str) -> str:
    """Where a profile is kept: one of /run or /usr/lib gives way to one in /etc."""
    return f"{FOLDER}/{path.rpartition('/')[2]}"


def _uuid(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{name}.host-bridge.virtfleet.network"))


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
    return "\n".join([NOTE, *parts])


def _started(profile: Profile, host: Host, *, starts: bool) -> str:
    """A keyfile that starts by itself, or not; nothing else of it is touched."""
    kept, head = [], ""
    for line in host.files[profile.path].split("\n"):
        head = line.strip() if line.strip().startswith("[") else head
        if head == "[connection]" and line.partition("=")[0].strip() == "autoconnect":
            continue
        kept.append(line)
        if not starts and line.strip() == "[connection]":
            kept.append("autoconnect=false")
    return "\n".join(kept)


NETWORKMANAGER = Provider(
    name="networkmanager",
    title="NetworkManager",
    folder=FOLDER,
    manages=_manages,
    is_by_hand=_is_by_hand,
    files=_files,
    shown=shown_sections,
    private=True,
    lacks=_lacks,
    to_start=_to_start,
    to_resume=_to_resume,
)
