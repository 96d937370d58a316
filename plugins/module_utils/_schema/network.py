# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The <network> format of libvirt as a table: every position of its network.rng, one line each.

Source of names and meanings: https://libvirt.org/formatnetwork.html; what libvirt assumes, implies and drops was
read in libvirt 9.0 (src/conf/network_conf.c, src/conf/networkcommon_conf.c) and seen with 7.0 to 12.8.
"""

from __future__ import annotations

from typing import Any

from .._xml import kinds as kind
from .._xml.fields import Key, Spec, attr, element, fields, many, opaque, text, values
from .shared import BANDWIDTH, CONNECTIONS, FAMILY, PREFIX, ROUTE, VIRTUALPORT, VLAN, settle_family, subnet, subnet_key

# Modes in which libvirt makes the bridge itself; in the others it only uses what the host has.
MANAGED_MODES = (None, "nat", "route", "open")


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


def _settle_lease(want: Spec, _have: Spec) -> Spec:
    """libvirt drops the unit of an infinite lease (expiry 0)."""
    return {"expiry": 0} if want.get("expiry") == 0 else want


def _settle_forward(want: Spec, have: Spec) -> Spec:
    """What excludes what is wanted goes: other sources of devices, and what belonged to another mode."""
    gone: dict[str, Any] = {}
    if any(want.get(source) for source in _DEVICE_SOURCES):
        gone = {source: type(have[source])() for source in _DEVICE_SOURCES if have.get(source)}
    if want.get("mode", have.get("mode")) != have.get("mode"):
        gone.setdefault(*("nat", {}) if have.get("mode") == "nat" else ("managed", False))
    return {**gone, **want}


_DEVICE_SOURCES = ("pf", "interfaces", "addresses")
ADDRESS_RANGE = (attr("start", kind.IPV4, needed=True), attr("end", kind.IPV4, needed=True))
PORT = kind.integer(1, 65535)
LEASE = element(
    "lease",
    attr("expiry", kind.integer(0, 2**32 - 1)),
    attr("unit", kind.choice("seconds", "minutes", "hours"), assumed="minutes"),
    settle=_settle_lease,
)

NETWORK = (
    CONNECTIONS,
    attr("ipv6", kind.YES_NO, assumed=False),
    attr("trustGuestRxFilters", kind.YES_NO, assumed=False),
    text(
        "name",
        kind.NETWORK_NAME,
        needed=True,
        lines=("##    virsh net-edit {name}", "pid-file=/run/libvirt/network/{name}.pid"),
    ),
    text("uuid", kind.UUID, made_up=True),
    text("title", kind.TEXT, since="9.7.0", live="title", passive=True),
    text("description", kind.PARAGRAPHS, since="9.7.0", live="description", passive=True),
    opaque("metadata", passive=True),
    element(
        "forward",
        attr("dev", kind.FIRST_DEVICE, spells="interfaces"),
        attr("mode", kind.choice("nat", "route", "open", "bridge", "private", "vepa", "passthrough", "hostdev")),
        attr("managed", kind.YES_NO, assumed=False),
        element(
            "driver",
            attr("name", kind.choice("vfio", "kvm")),
            attr("model", kind.TEXT, since="10.0.0"),
            attr("iommufd", kind.YES_NO, since="12.1.0"),
        ),
        element(
            "nat",
            attr("ipv6", kind.YES_NO, assumed=False),
            element("address", *ADDRESS_RANGE),
            element(
                "port", attr("start", PORT, assumed=1024, needed=True), attr("end", PORT, assumed=65535, needed=True)
            ),
        ),
        element("pf", attr("dev", kind.DEVICE)),
        many(
            "interface",
            attr("dev", kind.DEVICE),
            CONNECTIONS,
            key=fields("dev"),
            live="forward-interface",
            ordered=True,
        ),
        many(
            "address",
            attr("type", kind.choice("pci")),
            attr("domain", kind.hexadecimal(4, 0xFFFFFFFF)),
            attr("bus", kind.hexadecimal(2, 0xFF)),
            attr("slot", kind.hexadecimal(2, 0x1F)),
            attr("function", kind.hexadecimal(1, 7)),
            # libvirt reads it and forgets it (virPCIDeviceAddressFormat, 9.0)
            attr("multifunction", kind.ON_OFF, reported=True),
            CONNECTIONS,
            option="addresses",
            key=fields("domain", "bus", "slot", "function"),
            settle=lambda want, _have: {"type": "pci", **want},
        ),
        implied=lambda forward: {"mode": "nat", **forward},
        settle=_settle_forward,
    ),
    element(
        "bridge",
        attr("name", kind.DEVICE, made_up=True),
        attr("zone", kind.ZONE),
        attr("stp", kind.ON_OFF, assumed=True, made_up=True),
        attr("delay", kind.integer(0, 2**32 - 1), assumed=0, made_up=True),
        attr("macTableManager", kind.choice("kernel", "libvirt"), assumed="kernel"),
    ),
    element("mtu", attr("size", kind.integer(0, 65535), assumed=0)),
    element("mac", attr("address", kind.MAC, made_up=True)),
    element(
        "domain",
        attr("name", kind.DNS_NAME, lines=("local=/{name}/", "domain={name}")),
        attr("localOnly", kind.YES_NO, assumed=False),
        attr("register", kind.YES_NO, assumed=False, since="10.1.0"),
    ),
    element(
        "dns",
        attr("enable", kind.YES_NO, assumed=True),
        attr("forwardPlainNames", kind.YES_NO, assumed=True),
        many(
            "forwarder",
            attr("domain", kind.DNS_NAME),
            attr("addr", kind.IP),
            attr("port", PORT, since="12.0.0"),
            key=fields("domain", "addr"),
            ordered=True,
            lines=("server={domain:/|/}{addr}{port:#}",),
        ),
        many(
            "txt",
            attr("name", kind.TXT_NAME),
            attr("value", kind.TEXT, needed=True),
            key=fields("name"),
            live="dns-txt",
            lines=("txt-record={name},{value}",),
        ),
        many(
            "srv",
            attr("service", kind.SERVICE),
            attr("protocol", kind.PROTOCOL),
            attr("domain", kind.DNS_NAME),
            attr("target", kind.DNS_NAME),
            # What dnsmasq serves when libvirt writes none; libvirt refuses 0.
            attr("port", PORT, assumed=1),
            attr("priority", kind.integer(0, 65535), assumed=0),
            attr("weight", kind.integer(0, 65535), assumed=0),
            key=fields("service", "protocol", "domain", "target"),
            live="dns-srv",
            lines=("srv-host=_{service}._{protocol}{domain:.}{target:,}{port:,}{priority:,}{weight:,}",),
        ),
        many("host", attr("ip", kind.IP), values("hostname", kind.ANY_HOST_NAME), key=fields("ip"), live="dns-host"),
    ),
    VLAN,
    BANDWIDTH,
    element("port", attr("isolated", kind.YES_NO, assumed=False)),
    many(
        "ip",
        FAMILY,
        attr("address", kind.CIDR),
        attr("netmask", kind.NETMASK, spells="prefix"),
        PREFIX,
        attr("localPtr", kind.YES_NO, assumed=False),
        element("tftp", attr("root", kind.TEXT), lines=("tftp-root={root}",)),
        element(
            "dhcp",
            many(
                "range",
                attr("start", kind.IP),
                attr("end", kind.IP),
                LEASE,
                key=fields("start", "end"),
                live="ip-dhcp-range",
            ),
            many(
                "host",
                attr("mac", kind.MAC),
                attr("id", kind.DUID),
                attr("name", kind.HOST_NAME),
                attr("ip", kind.IP),
                LEASE,
                key=_host_key,
                live="ip-dhcp-host",
                lines=("{mac:|,}{id:id:|,}{name:|,}[{ip}]",),
            ),
            element("bootp", attr("file", kind.TEXT), attr("server", kind.IP), lines=("dhcp-boot={file}{server:,,}",)),
        ),
        key=subnet_key,
        kin=_same_ip,
        implied=_implied_prefix,
        settle=settle_family,
    ),
    ROUTE,
    VIRTUALPORT,
    many(
        "portgroup",
        attr("name", kind.GROUP_NAME),
        attr("default", kind.YES_NO, assumed=False),
        attr("trustGuestRxFilters", kind.YES_NO),
        VLAN,
        VIRTUALPORT,
        BANDWIDTH,
        key=fields("name"),
        live="portgroup",
    ),
    values(
        "{http://libvirt.org/schemas/network/dnsmasq/1.0}option",
        kind.TEXT,
        option="dnsmasq_options",
        attribute="value",
        wrapper="{http://libvirt.org/schemas/network/dnsmasq/1.0}options",
        lines=("{value}",),
    ),
)
