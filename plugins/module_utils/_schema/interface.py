# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The <interface> of a domain as a table: every position of libvirt's domaincommon.rng, one line each.

Source of names and meanings: https://libvirt.org/formatdomain.html#network-interfaces; what libvirt assumes, invents
and drops was read in libvirt 9.0 (src/conf/domain_conf.c, src/conf/device_conf.c).
"""

from __future__ import annotations

from .._xml import kinds as kind
from .._xml.branches import Element, Many
from .._xml.fields import Spec, fields
from .._xml.leaves import Attr, Text
from .address import ADDRESS, HOST_ADDRESS, empty
from .shared import BANDWIDTH, FAMILY, PARAMETER, PREFIX, ROUTE, VLAN, complete_family, port_parameters, virtualport

# Each names what an interface is connected to, and so excludes the others.
SOURCES = ("network", "bridge", "dev", "path", "socket_address", "name", "switchid", "address", "vendor")
# libvirt forgets target names that begin so when it reads a persistent config: it generated them itself.
GENERATED = ("vnet", "macvtap", "macvlan")
VIRTIO = ("virtio", "virtio-transitional", "virtio-non-transitional")


# What in a source implies the type, the first one that is there. A dev alone does not.
_IMPLIED = {
    "network": "network",
    "bridge": "bridge",
    "name": "internal",
    "switchid": "vds",
    "path": "vhostuser",
    "local": "udp",
    "vendor": "hostdev",
    "address": "hostdev",
    "mode": "direct",
}
UNTYPED = "needs type, or a source that implies it, like source.network"


def typed(interface: Spec) -> Spec:
    """A new interface with its type, where its source implies it."""
    implied = [kind for option, kind in _IMPLIED.items() if interface.get("source", {}).get(option)]
    return {"type": implied[0], **interface} if implied else interface


def declared(interface: Spec) -> Spec:
    """An interface as it was declared: while it runs, libvirt shows it by what its network has made of it."""
    return {**interface, "type": "network"} if "network" in interface.get("source", {}) else interface


def complete_interface(want: Spec, have: Spec) -> Spec:
    """The type goes with the source, where the source implies it; another type leaves nothing of the old source."""
    source, before = want.get("source", {}), have.get("source", {})
    implied = [name for name in ("network", "bridge") if source.get(name) and not before.get(name)]
    want = {"type": implied[0], **want} if implied else want
    if want.get("type") in (None, have.get("type")) or any(source.get(name) for name in SOURCES):
        return want
    return {**want, "source": {**{name: empty(value) for name, value in before.items()}, **source}}


def _same_interface(want: Spec, have: Spec) -> bool:
    """Without a MAC address it is the one with that alias, else one that is connected to the same."""
    alias, other = (item.get("alias", {}).get("name") for item in (want, have))
    if alias or want.get("mac", {}).get("address"):
        return bool(alias == other)
    place, there = want.get("source", {}), have.get("source", {})
    return any(place.get(name) for name in SOURCES) and all(place.get(name) == there.get(name) for name in SOURCES)


def _declared_source(source: Spec) -> Spec:
    """A network's port, bridge or device belongs to the network; only a switch of VMware's has ports by number."""
    if "network" in source:
        return {name: source[name] for name in ("network", "portgroup", "ips", "routes") if name in source}
    return source if "switchid" in source else {name: value for name, value in source.items() if name != "portid"}


def _complete_source(want: Spec, have: Spec) -> Spec:
    """Another sort of source leaves nothing of the one before; a socket has to be called one."""
    sort = next((name for name in SOURCES if want.get(name)), "")
    if not sort or have.get(sort):
        return want
    gone = {name: empty(value) for name, value in have.items() if name not in ("ips", "routes")}
    return {**gone, **({"type": "unix"} if sort == "path" else {}), **want}


def _user_alias(alias: Spec) -> Spec:
    """Other aliases are libvirt's own, and come with every start."""
    return alias if alias.get("name", "").startswith("ua-") else {}


def _chosen_target(target: Spec) -> Spec:
    """A name that libvirt generated comes with every start; it believes no other, but for devices of others."""
    generated = target.get("dev", "").startswith(GENERATED) and target.get("managed", True)
    return {name: value for name, value in target.items() if name != "dev"} if generated else target


UNSIGNED = kind.integer(0, 2**32 - 1)
POSITIVE = kind.integer(1, 2**32 - 1)
PORT = kind.integer(1, 65535)
# The addresses of the guest's side; below <source>, of the host's.
IP = Many(
    "ip",
    Attr("address", kind.CIDR, slash="prefix", required=True),
    FAMILY,
    PREFIX,
    Attr("peer", kind.IP),
    key=fields("address", "peer"),
    ordered=True,
    complete=complete_family,
)
SOURCE = Element(
    "source",
    Attr("network", kind.NETWORK_NAME),
    Attr("portgroup", kind.GROUP_NAME),
    Attr("bridge", kind.HOST_BRIDGE),
    Attr("macTableManager", kind.choice("kernel", "libvirt"), reported=True),
    Attr("dev", kind.HOST_DEVICE),
    Attr("type", kind.choice("unix")),
    Attr("path", kind.PATH),
    Attr("mode", kind.choice("vepa", "bridge", "private", "passthrough", "client", "server"), assumed="vepa"),
    # In XML it has the name of the <address> below.
    Attr("address", kind.IP, option="socket_address"),
    Attr("port", PORT),
    Attr("name", kind.HOST_DEVICE),
    Attr("missing", kind.YES_NO, reported=True),
    Attr("switchid", kind.UUID, since="8.7.0"),
    Attr("portid", kind.integer(0, 2**63 - 1)),
    Attr("portgroupid", kind.TEXT, since="8.7.0"),
    Attr("connectionid", kind.integer(0, 2**63 - 1), since="8.7.0"),
    Element(
        "reconnect",
        Attr("enabled", kind.YES_NO),
        Attr("timeout", UNSIGNED),
        # Only for disks, with which interfaces have <reconnect> in common.
        Attr("delay", UNSIGNED, since="9.2.0", reported=True),
    ),
    Element("local", Attr("address", kind.IP, required=True), Attr("port", PORT, required=True)),
    Element("vendor", Attr("id", kind.hexadecimal(4, 0xFFFF), required=True)),
    Element("product", Attr("id", kind.hexadecimal(4, 0xFFFF), required=True)),
    HOST_ADDRESS,
    IP,
    ROUTE,
    implied=_declared_source,
    complete=_complete_source,
)
OFFLOADS = tuple(Attr(name, kind.ON_OFF) for name in ("csum", "tso4", "tso6", "ecn", "ufo"))
DRIVER = Element(
    "driver",
    Attr("name", kind.choice("qemu", "vhost", "vfio", "kvm", "xen")),
    Attr("model", kind.DRIVER_MODEL, since="10.0.0"),
    Attr("iommufd", kind.YES_NO, since="12.1.0"),
    Attr("txmode", kind.choice("iothread", "timer")),
    Attr("ioeventfd", kind.ON_OFF),
    Attr("event_idx", kind.ON_OFF),
    Attr("queues", POSITIVE, assumed=1),
    Attr("rx_queue_size", POSITIVE),
    Attr("tx_queue_size", POSITIVE),
    Attr("rss", kind.ON_OFF, since="8.3.0"),
    Attr("rss_hash_report", kind.ON_OFF, since="8.3.0"),
    Attr("iommu", kind.ON_OFF),
    Attr("ats", kind.ON_OFF),
    Attr("packed", kind.ON_OFF),
    Attr("page_per_vq", kind.ON_OFF, since="7.9.0"),
    Element("host", *OFFLOADS, Attr("gso", kind.ON_OFF), Attr("mrg_rxbuf", kind.ON_OFF)),
    Element("guest", *OFFLOADS),
)
PORT_FORWARD = Many(
    "portForward",
    Attr("proto", kind.choice("tcp", "udp"), required=True),
    Attr("address", kind.IP),
    Attr("dev", kind.HOST_DEVICE),
    Many(
        "range",
        Attr("start", PORT, required=True),
        Attr("end", PORT),
        Attr("to", PORT),
        Attr("exclude", kind.YES_NO, assumed=False),
        key=fields("start", "end"),
    ),
    key=fields("proto", "address", "dev"),
    since="9.0.0",
)
INTERFACE = (
    Attr(
        "type",
        kind.choice(
            *("network", "bridge", "direct", "ethernet", "user", "hostdev", "vhostuser", "vdpa", "null", "vds"),
            *("internal", "mcast", "server", "client", "udp"),
        ),
        assumed="user",
        required=True,
        removable=False,
    ),
    Attr("managed", kind.YES_NO, assumed=False),
    Attr("trustGuestRxFilters", kind.YES_NO),
    Element(
        "mac",
        Attr("address", kind.MAC, generated=True),
        Attr("type", kind.choice("generated", "static")),
        Attr("check", kind.YES_NO),
        Attr("currentAddress", kind.MAC, since="11.2.0", reported=True),
    ),
    SOURCE,
    VLAN,
    virtualport(port_parameters(generated=True)),
    BANDWIDTH,
    Element("port", Attr("isolated", kind.YES_NO)),
    IP,
    ROUTE,
    PORT_FORWARD,
    Element("script", Attr("path", kind.TEXT)),
    Element("downscript", Attr("path", kind.TEXT)),
    Element("backenddomain", Attr("name", kind.TEXT)),
    Element(
        "target",
        Attr("dev", kind.HOST_DEVICE, generated=True),
        Attr("managed", kind.YES_NO, assumed=True),
        implied=_chosen_target,
    ),
    Element("guest", Attr("dev", kind.HOST_DEVICE), Attr("actual", kind.HOST_DEVICE, reported=True)),
    Element("model", Attr("type", kind.MODEL, generated=True)),
    DRIVER,
    Element(
        "backend",
        Attr("type", kind.choice("default", "passt"), assumed="default", generated=True, since="9.0.0"),
        Attr("tap", kind.PATH),
        Attr("vhost", kind.PATH),
        Attr("logFile", kind.PATH, since="9.0.0"),
        Attr("hostname", kind.DNS_NAME, since="11.8.0"),
        Attr("fqdn", kind.DNS_NAME, since="11.8.0"),
    ),
    Element("filterref", Attr("filter", kind.FILTER_NAME, required=True), PARAMETER),
    Element("tune", Text("sndbuf", kind.integer(0, 2**64 - 1))),
    Element(
        "teaming",
        Attr("type", kind.choice("persistent", "transient"), required=True),
        Attr("persistent", kind.ALIAS),
    ),
    Element("link", Attr("state", kind.choice("up", "down"), assumed="up")),
    # A running tap has the bridge's where none is given.
    Element("mtu", Attr("size", kind.integer(0, 65535), assumed=0, generated=True)),
    Element("coalesce", Element("rx", Element("frames", Attr("max", UNSIGNED, assumed=0)))),
    Element("boot", Attr("order", POSITIVE, required=True), Attr("loadparm", kind.LOADPARM)),
    Element("alias", Attr("name", kind.USER_ALIAS, generated=True), implied=_user_alias),
    Element(
        "rom",
        Attr("enabled", kind.YES_NO, assumed=True),
        Attr("bar", kind.ON_OFF),
        Attr("file", kind.TEXT, removable=False),  # an empty one was once the way to have no ROM
    ),
    Element("acpi", Attr("index", POSITIVE), Attr("nodeset", kind.NODES, since="11.8.0"), since="7.3.0"),
    ADDRESS,
)
# What stands in a domain's <devices>, to be read and written with what an interface is on the whole.
INTERFACES = Many(
    "interface",
    *INTERFACE,
    key=lambda item: (item.get("mac", {}).get("address"),),
    matches=_same_interface,
    implied=declared,
    complete=complete_interface,
    ordered=True,
)
