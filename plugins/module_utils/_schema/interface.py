# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The <interface> of a domain as a table: every position of libvirt's domaincommon.rng, one line each.

Source of names and meanings: https://libvirt.org/formatdomain.html#network-interfaces; what libvirt assumes, invents
and drops was read in libvirt 9.0 (src/conf/domain_conf.c, src/conf/device_conf.c).
"""

from __future__ import annotations

from .._xml import kinds as kind
from .._xml.fields import Spec, attr, element, fields, many, text
from .address import ADDRESS, HOST_ADDRESS, empty
from .shared import BANDWIDTH, FAMILY, PREFIX, ROUTE, VLAN, settle_family, virtualport

# Each names what an interface is connected to, and so excludes the others.
SOURCES = ("network", "bridge", "dev", "path", "socket_address", "name", "switchid", "address", "vendor")
# libvirt forgets target names that begin so when it reads a saved definition: it made them up itself.
GENERATED = ("vnet", "macvtap", "macvlan")


# What in a source tells the type, the first one that is there. A dev alone does not.
_TOLD = {
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
UNTYPED = "needs type, or a source that tells it, like source.network"


def typed(interface: Spec) -> Spec:
    """A new interface with its type, where its source tells it."""
    told = [kind for option, kind in _TOLD.items() if interface.get("source", {}).get(option)]
    return {"type": told[0], **interface} if told else interface


def declared(interface: Spec) -> Spec:
    """An interface as it was declared: while it runs, libvirt shows it by what its network has made of it."""
    return {**interface, "type": "network"} if "network" in interface.get("source", {}) else interface


def settle_interface(want: Spec, have: Spec) -> Spec:
    """The type goes with the source, where the source alone tells it; another type leaves nothing of the old source."""
    source, before = want.get("source", {}), have.get("source", {})
    told = [name for name in ("network", "bridge") if source.get(name) and not before.get(name)]
    want = {"type": told[0], **want} if told else want
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


def _settle_source(want: Spec, have: Spec) -> Spec:
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
    """A name that libvirt made up comes with every start; it believes none such, but for devices of somebody else's."""
    made_up = target.get("dev", "").startswith(GENERATED) and target.get("managed", True)
    return {name: value for name, value in target.items() if name != "dev"} if made_up else target


UNSIGNED = kind.integer(0, 2**32 - 1)
POSITIVE = kind.integer(1, 2**32 - 1)
PORT = kind.integer(1, 65535)
# The addresses of the guest's side; below <source>, of the host's.
IP = many(
    "ip",
    attr("address", kind.CIDR),
    FAMILY,
    PREFIX,
    attr("peer", kind.IP),
    key=fields("address", "peer"),
    ordered=True,
    settle=settle_family,
)
SOURCE = element(
    "source",
    attr("network", kind.NETWORK_NAME),
    attr("portgroup", kind.GROUP_NAME),
    attr("bridge", kind.HOST_BRIDGE),
    attr("macTableManager", kind.choice("kernel", "libvirt"), reported=True),
    attr("dev", kind.HOST_DEVICE),
    attr("type", kind.choice("unix")),
    attr("path", kind.PATH),
    attr("mode", kind.choice("vepa", "bridge", "private", "passthrough", "client", "server"), assumed="vepa"),
    # In XML it has the name of the <address> below.
    attr("address", kind.IP, option="socket_address"),
    attr("port", PORT),
    attr("name", kind.HOST_DEVICE),
    attr("missing", kind.YES_NO, reported=True),
    attr("switchid", kind.UUID, since="8.7.0"),
    attr("portid", kind.integer(0, 2**63 - 1)),
    attr("portgroupid", kind.TEXT, since="8.7.0"),
    attr("connectionid", kind.integer(0, 2**63 - 1), since="8.7.0"),
    element(
        "reconnect",
        attr("enabled", kind.YES_NO),
        attr("timeout", UNSIGNED),
        # Only for disks, with which interfaces have <reconnect> in common.
        attr("delay", UNSIGNED, since="9.2.0", reported=True),
    ),
    element("local", attr("address", kind.IP), attr("port", PORT)),
    element("vendor", attr("id", kind.hexadecimal(4, 0xFFFF))),
    element("product", attr("id", kind.hexadecimal(4, 0xFFFF))),
    HOST_ADDRESS,
    IP,
    ROUTE,
    implied=_declared_source,
    settle=_settle_source,
)
OFFLOADS = tuple(attr(name, kind.ON_OFF) for name in ("csum", "tso4", "tso6", "ecn", "ufo"))
DRIVER = element(
    "driver",
    attr("name", kind.choice("qemu", "vhost", "vfio", "kvm", "xen")),
    attr("model", kind.DRIVER_MODEL, since="10.0.0"),
    attr("iommufd", kind.YES_NO, since="12.1.0"),
    attr("txmode", kind.choice("iothread", "timer")),
    attr("ioeventfd", kind.ON_OFF),
    attr("event_idx", kind.ON_OFF),
    attr("queues", POSITIVE, assumed=1),
    attr("rx_queue_size", POSITIVE),
    attr("tx_queue_size", POSITIVE),
    attr("rss", kind.ON_OFF, since="8.3.0"),
    attr("rss_hash_report", kind.ON_OFF, since="8.3.0"),
    attr("iommu", kind.ON_OFF),
    attr("ats", kind.ON_OFF),
    attr("packed", kind.ON_OFF),
    attr("page_per_vq", kind.ON_OFF, since="7.9.0"),
    element("host", *OFFLOADS, attr("gso", kind.ON_OFF), attr("mrg_rxbuf", kind.ON_OFF)),
    element("guest", *OFFLOADS),
)
PORT_FORWARD = many(
    "portForward",
    attr("proto", kind.choice("tcp", "udp")),
    attr("address", kind.IP),
    attr("dev", kind.HOST_DEVICE),
    many(
        "range",
        attr("start", PORT),
        attr("end", PORT),
        attr("to", PORT),
        attr("exclude", kind.YES_NO, assumed=False),
        key=fields("start", "end"),
    ),
    key=fields("proto", "address", "dev"),
    since="9.0.0",
)
INTERFACE = (
    attr(
        "type",
        kind.choice(
            *("network", "bridge", "direct", "ethernet", "user", "hostdev", "vhostuser", "vdpa", "null", "vds"),
            *("internal", "mcast", "server", "client", "udp"),
        ),
        assumed="user",
        needed=True,
    ),
    attr("managed", kind.YES_NO, assumed=False),
    attr("trustGuestRxFilters", kind.YES_NO),
    element(
        "mac",
        attr("address", kind.MAC, made_up=True),
        attr("type", kind.choice("generated", "static")),
        attr("check", kind.YES_NO),
        attr("currentAddress", kind.MAC, since="11.2.0", reported=True),
    ),
    SOURCE,
    VLAN,
    virtualport(made_up=True),
    BANDWIDTH,
    element("port", attr("isolated", kind.YES_NO)),
    IP,
    ROUTE,
    PORT_FORWARD,
    element("script", attr("path", kind.TEXT)),
    element("downscript", attr("path", kind.TEXT)),
    element("backenddomain", attr("name", kind.TEXT)),
    element(
        "target",
        attr("dev", kind.HOST_DEVICE, made_up=True),
        attr("managed", kind.YES_NO, assumed=True),
        implied=_chosen_target,
    ),
    element("guest", attr("dev", kind.HOST_DEVICE), attr("actual", kind.HOST_DEVICE, reported=True)),
    element("model", attr("type", kind.MODEL, made_up=True)),
    DRIVER,
    element(
        "backend",
        attr("type", kind.choice("default", "passt"), assumed="default", made_up=True, since="9.0.0"),
        attr("tap", kind.PATH),
        attr("vhost", kind.PATH),
        attr("logFile", kind.PATH, since="9.0.0"),
        attr("hostname", kind.DNS_NAME, since="11.8.0"),
        attr("fqdn", kind.DNS_NAME, since="11.8.0"),
    ),
    element(
        "filterref",
        attr("filter", kind.FILTER_NAME),
        many(
            "parameter",
            attr("name", kind.PARAMETER_NAME),
            attr("value", kind.PARAMETER_VALUE),
            key=fields("name", "value"),
        ),
    ),
    element("tune", text("sndbuf", kind.integer(0, 2**64 - 1))),
    element("teaming", attr("type", kind.choice("persistent", "transient")), attr("persistent", kind.ALIAS)),
    element("link", attr("state", kind.choice("up", "down"), assumed="up")),
    # A running tap has the bridge's where none is given.
    element("mtu", attr("size", kind.integer(0, 65535), assumed=0, made_up=True)),
    element("coalesce", element("rx", element("frames", attr("max", UNSIGNED, assumed=0)))),
    element("boot", attr("order", POSITIVE), attr("loadparm", kind.LOADPARM)),
    element("alias", attr("name", kind.USER_ALIAS, made_up=True), implied=_user_alias),
    element(
        "rom",
        attr("enabled", kind.YES_NO, assumed=True),
        attr("bar", kind.ON_OFF),
        attr("file", kind.TEXT, needed=True),  # an empty one was once the way to have no ROM
    ),
    element("acpi", attr("index", POSITIVE), attr("nodeset", kind.NODES, since="11.8.0"), since="7.3.0"),
    ADDRESS,
)
# What stands in a domain's <devices>, to be read and written with what an interface is on the whole.
INTERFACES = many(
    "interface",
    *INTERFACE,
    key=lambda item: (item.get("mac", {}).get("address"),),
    kin=_same_interface,
    implied=declared,
    settle=settle_interface,
    ordered=True,
)
