# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The <network> format of libvirt as a table: every position of its network.rng, one line each.

Source of names and meanings: https://libvirt.org/formatnetwork.html; what libvirt assumes, implies and drops was
read in libvirt 9.0 (src/conf/network_conf.c, src/conf/networkcommon_conf.c) and seen with 7.0 to 12.8.
"""

from __future__ import annotations

import functools
from typing import Any

from .._xml import kinds as kind
from .._xml.branches import Element, Many
from .._xml.definition import Definition
from .._xml.fields import Key, Node, Spec, fields
from .._xml.leaves import Attr, Opaque, Text, Values
from .shared import (
    BANDWIDTH,
    CONNECTIONS,
    FAMILY,
    PREFIX,
    ROUTE,
    VLAN,
    complete_family,
    subnet,
    subnet_key,
    virtualport,
)


def _host_key(host: Spec) -> Key:
    """A reservation is of a MAC address or DUID, and only without them of a name."""
    hardware = fields("mac", "id")(host)
    return hardware if any(hardware) else fields("name")(host)


def _same_ip(want: Spec, have: Spec) -> bool:
    """An <ip> that moved, grew or shrank inside its subnet is still the same and keeps its reservations."""
    mine, other = subnet(want), subnet(have)
    return mine is not None and other is not None and mine.version == other.version and mine.overlaps(other)


def _implied_prefix(item: Spec) -> Spec:
    """Without prefix and netmask libvirt takes the address's class, /64 for IPv6 (virSocketAddrGetIPPrefix)."""
    place = subnet(item)
    if item.get("prefix") is not None or place is None:
        return item
    if place.version == 6 or int(place.network_address) == 0:
        return {**item, "prefix": 64 if int(place.network_address) else 0}
    first = int(place.network_address) >> 24
    return {**item, "prefix": 8 if first < 128 else 16 if first < 192 else 24}


def _complete_lease(want: Spec, _have: Spec) -> Spec:
    """libvirt drops the unit of an infinite lease (expiry 0)."""
    return {"expiry": 0} if want.get("expiry") == 0 else want


def _whole_address(address: Spec) -> Spec:
    """An address in which a part that is left out is zero, as libvirt reads it."""
    parts = {name: value for name, value in address.items() if value != ""}
    return {"type": "pci", "domain": "0x0000", "bus": "0x00", "slot": "0x00", "function": "0x0", **parts}


def _address_key(address: Spec) -> Key:
    return fields("domain", "bus", "slot", "function")(_whole_address(address))


def _complete_forward(want: Spec, have: Spec) -> Spec:
    """What excludes what is wanted goes: other sources of devices, and what belonged to another mode."""
    gone: dict[str, Any] = {}
    if any(want.get(source) for source in _DEVICE_SOURCES):
        gone = {source: type(have[source])() for source in _DEVICE_SOURCES if have.get(source)}
    if want.get("mode", have.get("mode")) != have.get("mode"):
        gone.setdefault(*("nat", {}) if have.get("mode") == "nat" else ("managed", False))
    return {**gone, **want}


_DEVICE_SOURCES = ("pf", "interfaces", "addresses")
ADDRESS_RANGE = tuple(Attr(name, kind.IPV4, required=True, removable=False) for name in ("start", "end"))
PORT = kind.integer(1, 65535)
LEASE = Element(
    "lease",
    Attr("expiry", kind.integer(0, 2**32 - 1), required=True),
    Attr("unit", kind.choice("seconds", "minutes", "hours"), assumed="minutes"),
    complete=_complete_lease,
)

NETWORK = (
    CONNECTIONS,
    Attr("ipv6", kind.YES_NO, assumed=False),
    Attr("trustGuestRxFilters", kind.YES_NO, assumed=False),
    Text(
        "name",
        kind.NETWORK_NAME,
        required=True,
        removable=False,
        lines=("##    virsh net-edit {name}", "pid-file=/run/libvirt/network/{name}.pid"),
    ),
    Text("uuid", kind.UUID, generated=True),
    Text("title", kind.TEXT, since="9.7.0", live="title", passive=True),
    Text("description", kind.PARAGRAPHS, since="9.7.0", live="description", passive=True),
    Opaque("metadata", passive=True),
    Element(
        "forward",
        Attr("dev", kind.FIRST_DEVICE, alias_of="interfaces"),
        Attr("mode", kind.choice("nat", "route", "open", "bridge", "private", "vepa", "passthrough", "hostdev")),
        Attr("managed", kind.YES_NO, assumed=False),
        Element(
            "driver",
            Attr("name", kind.choice("vfio", "kvm")),
            Attr("model", kind.TEXT, since="10.0.0"),
            Attr("iommufd", kind.YES_NO, since="12.1.0"),
        ),
        Element(
            "nat",
            Attr("ipv6", kind.YES_NO, assumed=False),
            Element("address", *ADDRESS_RANGE),
            Element(
                "port",
                Attr("start", PORT, assumed=1024, required=True),
                Attr("end", PORT, assumed=65535, required=True),
            ),
        ),
        Element("pf", Attr("dev", kind.DEVICE, required=True)),
        Many(
            "interface",
            Attr("dev", kind.DEVICE, required=True),
            CONNECTIONS,
            key=fields("dev"),
            live="forward-interface",
            ordered=True,
        ),
        Many(
            "address",
            Attr("type", kind.choice("pci")),
            Attr("domain", kind.hexadecimal(4, 0xFFFFFFFF)),
            Attr("bus", kind.hexadecimal(2, 0xFF)),
            Attr("slot", kind.hexadecimal(2, 0x1F)),
            Attr("function", kind.hexadecimal(1, 7)),
            # libvirt reads it and forgets it (virPCIDeviceAddressFormat, 9.0)
            Attr("multifunction", kind.ON_OFF, reported=True),
            CONNECTIONS,
            option="addresses",
            key=_address_key,
            implied=_whole_address,
            complete=lambda want, _have: _whole_address(want),
        ),
        implied=lambda forward: {"mode": "nat", **forward},
        complete=_complete_forward,
    ),
    Element(
        "bridge",
        Attr("name", kind.DEVICE, generated=True),
        Attr("zone", kind.ZONE),
        Attr("stp", kind.ON_OFF, assumed=True, generated=True),
        Attr("delay", kind.integer(0, 2**32 - 1), assumed=0, generated=True),
        Attr("macTableManager", kind.choice("kernel", "libvirt"), assumed="kernel"),
    ),
    Element("mtu", Attr("size", kind.integer(0, 65535), assumed=0)),
    Element("mac", Attr("address", kind.MAC, generated=True)),
    Element(
        "domain",
        Attr("name", kind.DNS_NAME, required=True, lines=("local=/{name}/", "domain={name}")),
        Attr("localOnly", kind.YES_NO, assumed=False),
        Attr("register", kind.YES_NO, assumed=False, since="10.1.0"),
    ),
    Element(
        "dns",
        Attr("enable", kind.YES_NO, assumed=True),
        Attr("forwardPlainNames", kind.YES_NO, assumed=True),
        Many(
            "forwarder",
            Attr("domain", kind.DNS_NAME),
            Attr("addr", kind.IP),
            Attr("port", PORT, since="12.0.0"),
            key=fields("domain", "addr"),
            ordered=True,
            lines=("server={domain:/|/}{addr}{port:#}",),
        ),
        Many(
            "txt",
            Attr("name", kind.TXT_NAME, required=True),
            Attr("value", kind.TEXT, required=True, removable=False),
            key=fields("name"),
            live="dns-txt",
            lines=("txt-record={name},{value}",),
        ),
        Many(
            "srv",
            Attr("service", kind.SERVICE, required=True),
            Attr("protocol", kind.PROTOCOL, required=True),
            Attr("domain", kind.DNS_NAME),
            Attr("target", kind.DNS_NAME),
            # What dnsmasq serves when libvirt writes none; libvirt refuses 0.
            Attr("port", PORT, assumed=1),
            Attr("priority", kind.integer(0, 65535), assumed=0),
            Attr("weight", kind.integer(0, 65535), assumed=0),
            key=fields("service", "protocol", "domain", "target"),
            live="dns-srv",
            lines=("srv-host=_{service}._{protocol}{domain:.}{target:,}{port:,}{priority:,}{weight:,}",),
        ),
        Many(
            "host",
            Attr("ip", kind.IP, required=True),
            Values("hostname", kind.ANY_HOST_NAME, required=True),
            key=fields("ip"),
            live="dns-host",
        ),
    ),
    VLAN,
    BANDWIDTH,
    Element("port", Attr("isolated", kind.YES_NO, assumed=False)),
    Many(
        "ip",
        FAMILY,
        Attr("address", kind.CIDR, slash="prefix", required=True),
        Attr("netmask", kind.NETMASK, alias_of="prefix"),
        PREFIX,
        Attr("localPtr", kind.YES_NO, assumed=False),
        Element("tftp", Attr("root", kind.TEXT, required=True), lines=("tftp-root={root}",)),
        Element(
            "dhcp",
            Many(
                "range",
                Attr("start", kind.IP, required=True),
                Attr("end", kind.IP, required=True),
                LEASE,
                key=fields("start", "end"),
                live="ip-dhcp-range",
            ),
            Many(
                "host",
                Attr("mac", kind.MAC),
                Attr("id", kind.DUID),
                Attr("name", kind.HOST_NAME),
                Attr("ip", kind.IP, required=True),
                LEASE,
                key=_host_key,
                live="ip-dhcp-host",
                lines=("{mac:|,}{id:id:|,}{name:|,}[{ip}]",),
            ),
            Element(
                "bootp",
                Attr("file", kind.TEXT, required=True),
                Attr("server", kind.IP),
                lines=("dhcp-boot={file}{server:,,}",),
            ),
        ),
        key=subnet_key,
        matches=_same_ip,
        implied=_implied_prefix,
        complete=complete_family,
    ),
    ROUTE,
    virtualport(required=True),
    Many(
        "portgroup",
        Attr("name", kind.GROUP_NAME, required=True),
        Attr("default", kind.YES_NO, assumed=False),
        Attr("trustGuestRxFilters", kind.YES_NO),
        VLAN,
        virtualport(),
        BANDWIDTH,
        key=fields("name"),
        live="portgroup",
    ),
    Values(
        "{http://libvirt.org/schemas/network/dnsmasq/1.0}option",
        kind.TEXT,
        option="dnsmasq_options",
        attribute="value",
        wrapper="{http://libvirt.org/schemas/network/dnsmasq/1.0}options",
        lines=("{value}",),
    ),
)


class NetworkDefinition(Definition):
    """A <network>."""

    rows = NETWORK


class LiveNetwork(NetworkDefinition):
    """The <network> that runs, without the devices that libvirt lists below the <pf> they were derived from."""

    @functools.cached_property
    def tree(self) -> Node:
        """The root element."""
        root = self._read()
        forward = root.find("forward[pf]")
        for child in () if forward is None else (*forward.findall("interface"), *forward.findall("address")):
            forward.remove(child)
        return root
