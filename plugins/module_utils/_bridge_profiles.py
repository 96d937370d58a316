# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The profiles of NetworkManager that make a bridge, as options of community.general.nmcli."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.virtfleet.network.plugins.module_utils._bridge import Bridge, Ip
from ansible_collections.virtfleet.network.plugins.module_utils._bridge_host import Host

Profile = Mapping[str, str]
Options = dict[str, Any]

# What moves from the port's profile to the bridge's: the property, the module's option, and what kind of value it is.
_MOVED = (
    ("ipv4.method", "method4", str),
    ("ipv4.addresses", "ip4", list),
    ("ipv4.gateway", "gw4", str),
    ("ipv4.dns", "dns4", list),
    ("ipv4.dns-search", "dns4_search", list),
    ("ipv4.dns-options", "dns4_options", list),
    ("ipv4.ignore-auto-dns", "dns4_ignore_auto", bool),
    ("ipv4.ignore-auto-routes", "gw4_ignore_auto", bool),
    ("ipv4.routes", "routes4", list),
    ("ipv4.route-metric", "route_metric4", int),
    ("ipv4.never-default", "never_default4", bool),
    ("ipv4.may-fail", "may_fail4", bool),
    ("ipv4.dhcp-client-id", "dhcp_client_id", str),
    ("ipv6.method", "method6", str),
    ("ipv6.addresses", "ip6", list),
    ("ipv6.gateway", "gw6", str),
    ("ipv6.dns", "dns6", list),
    ("ipv6.dns-search", "dns6_search", list),
    ("ipv6.dns-options", "dns6_options", list),
    ("ipv6.ignore-auto-dns", "dns6_ignore_auto", bool),
    ("ipv6.ignore-auto-routes", "gw6_ignore_auto", bool),
    ("ipv6.routes", "routes6", list),
    ("ipv6.route-metric", "route_metric6", int),
    ("connection.zone", "zone", str),
)
# What the module sets to a default of its own where it is not told, in a profile that has it and in a bridge's.
_SWITCHES = (
    *("ipv4.ignore-auto-dns", "ipv4.ignore-auto-routes", "ipv4.never-default", "ipv4.may-fail"),
    *("ipv6.ignore-auto-dns", "ipv6.ignore-auto-routes"),
)
_TIMES = (
    ("bridge.forward-delay", "forwarddelay", int),
    ("bridge.hello-time", "hellotime", int),
    ("bridge.max-age", "maxage", int),
    ("bridge.ageing-time", "ageingtime", int),
    ("bridge.priority", "priority", int),
)
_ETHERNET = "802-3-ethernet"


def profiles_by_hand(bridge: Bridge, host: Host) -> bool:
    """Whether profiles of somebody else make the bridge, and will do so at the next start."""
    made, ports = _of_bridge(bridge, host), _of_port(bridge, host)
    names = {profile["connection.id"] for profile in (*made, *ports)}
    lasting = all(profile.get("connection.autoconnect") == "yes" for profile in (*made, *ports))
    return bool(made and ports) and lasting and not names <= {bridge.name, f"{bridge.name}-port"}


def profiles(bridge: Bridge, host: Host) -> list[Options]:
    """The options for each profile, in the order in which they are to be given."""
    made, ports, old = _of_bridge(bridge, host), _of_port(bridge, host), _old(bridge, host)
    if not bridge.present:
        back = [{**_named(profile), "autoconnect": True} for profile in old] if made or ports else []
        gone = [{"conn_name": one["connection.id"], "state": "absent"} for one in (*ports, *made)]
        return [*back, *gone]
    source = made or _active(bridge, host) or old
    name = made[0]["connection.id"] if made else bridge.name
    controller = _controller(ports[0]) if ports else bridge.name
    ip = _read(source[0] if source else {}, _MOVED) if bridge.ip is None else _given(bridge.ip)
    layers = {"type": "bridge", "ifname": bridge.name, "mac": bridge.mac, "stp": bridge.stp, "autoconnect": True}
    layers.update(_read(made[0], _TIMES) if made else {})
    port = {
        "conn_name": ports[0]["connection.id"] if ports else f"{bridge.name}-port",
        "ifname": bridge.member,
        "master": controller,
        "slave_type": "bridge",
        "autoconnect": True,
        **(_mtu(ports[0]) if ports else {}),
    }
    if bridge.vlan:
        return [
            {"conn_name": name, **layers, **ip},
            {**port, "type": "vlan", "vlandev": bridge.port, "vlanid": bridge.vlan},
        ]
    aside = [
        {**_named(profile), "autoconnect": False} for profile in old if profile.get("connection.autoconnect") == "yes"
    ]
    return [{"conn_name": name, **layers, **ip}, {**port, "type": "ethernet"}, *aside]


def to_drop(bridge: Bridge, host: Host) -> list[str]:
    """The profiles that go."""
    gone = [] if bridge.present else [*_of_port(bridge, host), *_of_bridge(bridge, host)]
    return [profile["connection.uuid"] for profile in gone]


def wide(bridge: Bridge, host: Host) -> int:
    """The MTU that a new profile of the port is to have, as its old one has it; 0 when that says nothing."""
    old = [] if bridge.vlan or not bridge.present or _of_port(bridge, host) else _active(bridge, host)
    mtu: int = _mtu(old[0]).get("mtu", 0) if old else 0
    return mtu


def to_start(bridge: Bridge, host: Host) -> list[str]:
    """The profiles that are to be started, in their order."""
    if not bridge.present:
        return [profile["connection.uuid"] for profile in _old(bridge, host)[:1]]
    ports = _of_port(bridge, host)
    return [ports[0]["connection.uuid"] if ports else f"{bridge.name}-port"]


def _of_bridge(bridge: Bridge, host: Host) -> list[Profile]:
    return [
        profile
        for profile in host.profiles.values()
        if profile.get("connection.type") == "bridge" and profile.get("connection.interface-name") == bridge.name
    ]


def _of_port(bridge: Bridge, host: Host) -> list[Profile]:
    masters = {bridge.name, *(profile["connection.uuid"] for profile in _of_bridge(bridge, host))}
    return [
        profile
        for profile in host.profiles.values()
        if _controller(profile) in masters and profile.get("connection.interface-name") == bridge.member
    ]


def _controller(profile: Profile) -> str:
    return profile.get("connection.controller") or profile.get("connection.master", "")


def _active(bridge: Bridge, host: Host) -> list[Profile]:
    uuid = host.devices.get(bridge.port, {}).get("GENERAL.CON-UUID", "")
    return [host.profiles[uuid]] if uuid in host.profiles else []


def _old(bridge: Bridge, host: Host) -> list[Profile]:
    """The port's own profiles, the one that runs first."""
    active = _active(bridge, host)
    others = [
        profile
        for profile in host.profiles.values()
        if profile.get("connection.type") == _ETHERNET and profile.get("connection.interface-name") == bridge.port
    ]
    found = {profile["connection.uuid"]: profile for profile in (*active, *others) if not _controller(profile)}
    return list(found.values())


def _named(profile: Profile) -> Options:
    """What says which profile is meant, and keeps the rest of it."""
    ifname = profile.get("connection.interface-name")
    kept = _read(profile, [row for row in _MOVED if row[0] in _SWITCHES])
    return {
        "conn_name": profile["connection.id"],
        "type": "ethernet",
        **({"ifname": ifname} if ifname else {}),
        **_mtu(profile),
        **kept,
    }


def _mtu(profile: Profile) -> Options:
    mtu = profile.get(f"{_ETHERNET}.mtu", "")
    return {"mtu": int(mtu)} if mtu.isdigit() and mtu != "0" else {}


def _read(profile: Profile, table: Iterable[tuple[str, str, type]]) -> Options:
    values = {option: _value(profile.get(name, ""), kind) for name, option, kind in table}
    if not values.get("never_default4"):
        values.pop("never_default4", None)  # the module takes it for a contradiction of gw4, whatever it says
    return {option: value for option, value in values.items() if value is not None}


def _value(text: str, kind: type) -> Any:
    text = "" if text in ("--", "-1") else text
    if kind is bool:
        return text == "yes" if text else None
    if kind is list:
        return [one.strip() for one in re.split(r"[,;]", text) if one.strip()] or None
    return kind(text) if text else None


def _given(ip: Ip) -> Options:
    options: Options = {}
    for version, method in ((4, "auto"), (6, "auto")):
        one = ip.of(version)
        names = {"ip": list(one.addresses), "dns": list(one.nameservers), "gw": "".join(one.gateways)}
        used = "manual" if one.addresses and not one.dhcp else method if ip.dhcp else "disabled"
        # what is not wanted any more has to be said as well
        options.update({f"{name}{version}": value for name, value in names.items()})
        options[f"method{version}"] = used
        options[f"dns{version}_search"] = list(ip.search) if used != "disabled" else []
    return options
