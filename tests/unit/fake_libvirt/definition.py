"""A whole definition: a model of virNetworkDefParse, virNetworkDefFormat and networkValidate.

Ported from libvirt 9.0 (src/conf/network_conf.c and what it calls, src/network/bridge_driver.c), with what later
releases changed. test_fake_libvirt.py compares it with libvirt's own test driver.
"""

from __future__ import annotations

import copy

from lxml import etree

from tests.unit.fake_libvirt.addresses import add_ips, add_routes
from tests.unit.fake_libvirt.base import (
    DNSMASQ,
    INTERNAL,
    NO_NAME,
    OWN_BRIDGE,
    UNSUPPORTED,
    XML_ERROR,
    flag,
    mac,
    mode_of,
    number,
    refuse_unless,
    uuid,
)
from tests.unit.fake_libvirt.dns import add_dns
from tests.unit.fake_libvirt.forward import add_forward
from tests.unit.fake_libvirt.ports import add_bandwidth, add_portgroups, add_virtualport, add_vlan


def accepted(source, version=9000000):
    """The definition as libvirt keeps it, without what networkValidate adds; raises RefusedError."""
    refuse_unless(source.tag == "network", XML_ERROR, f"unexpected root element <{source.tag}>, expecting <network>")
    spaces = {} if source.find(f"{DNSMASQ}options/*") is None else {"dnsmasq": DNSMASQ[1:-1]}
    made = etree.Element("network", nsmap=spaces)
    name = source.findtext("name") or ""
    refuse_unless(name, NO_NAME, "missing name information")
    refuse_unless("/" not in name, XML_ERROR, f"name {name} cannot contain '/'")
    flag(source, made, "ipv6", keep_no=False)
    flag(source, made, "trustGuestRxFilters")
    etree.SubElement(made, "name").text = name
    if source.findtext("uuid"):
        etree.SubElement(made, "uuid").text = uuid(source.findtext("uuid"))
    if version >= 9007000:
        for tag in ("title", "description"):
            if source.findtext(tag):
                etree.SubElement(made, tag).text = source.findtext(tag)
    for part in _PARTS:
        part(source, made, version)
    add_virtualport(source, made, True, version)
    add_portgroups(source, made, version)
    _options(source, made)
    _fits_mode(source, made, version)
    return made


def _metadata(source, made, _version):
    metadata = source.find("metadata")
    if metadata is None:
        return
    kept = etree.SubElement(made, "metadata")
    spaces = set()
    for child in metadata.iterchildren(etree.Element):
        space = etree.QName(child).namespace
        if space and space not in spaces:
            spaces.add(space)
            kept.append(copy.deepcopy(child))


def _bridge(source, made, _version):
    bridge, own = source.find("bridge"), mode_of(made) in OWN_BRIDGE
    given = {} if bridge is None else {name: value for name, value in bridge.attrib.items() if value}
    kept = etree.Element("bridge", {name: given[name] for name in ("name", "zone") if name in given})
    delay = number(given.get("delay", "0"), 10, 2**32 - 1, "delay")
    if own:
        kept.set("stp", "off" if given.get("stp") == "off" else "on")
        kept.set("delay", str(delay))
    manager = given.get("macTableManager")
    if manager:
        refuse_unless(manager in ("kernel", "libvirt"), XML_ERROR, "Invalid macTableManager setting")
        kept.set("macTableManager", manager)
    if own or "name" in given or manager:
        made.append(kept)


def _mtu(source, made, _version):
    mtu = source.find("mtu")
    size = 0 if mtu is None or not mtu.get("size") else number(mtu.get("size"), 10, 2**32 - 1, "mtu size")
    if size:
        etree.SubElement(made, "mtu", size=str(size))


def _mac(source, made, _version):
    element = source.find("mac")
    if element is not None and element.get("address"):
        etree.SubElement(made, "mac", address=mac(element.get("address")))


def _domain(source, made, version):
    domain = source.find("domain")
    if domain is None:
        return
    kept = etree.Element("domain")
    flag(domain, kept, "localOnly")
    if version >= 10001000:
        flag(domain, kept, "register")
    both = kept.get("register") != "yes" or kept.get("localOnly") == "yes"
    refuse_unless(both, UNSUPPORTED, "attribute 'register=yes' in <domain> element requires 'localOnly=yes'")
    if domain.get("name") is not None:
        kept.set("name", domain.get("name"))
        made.append(kept)


def _port(source, made, _version):
    port = source.find("port")
    if port is not None:
        kept = etree.Element("port")
        flag(port, kept, "isolated")
        if kept.attrib:
            made.append(kept)


def _options(source, made):
    values = [option.get("value") for option in source.findall(f"{DNSMASQ}options/{DNSMASQ}option")]
    refuse_unless(None not in values, INTERNAL, "No dnsmasq options value specified")
    if values:
        holder = etree.SubElement(made, f"{DNSMASQ}options")
        for value in values:
            etree.SubElement(holder, f"{DNSMASQ}option", value=value)


_PARTS = (
    *(_metadata, add_forward, _bridge, _mtu, _mac, _domain, add_dns, add_vlan, add_bandwidth, _port),
    *(add_ips, add_routes),
)


def _fits_mode(source, made, version):
    mode, forward, bridge = mode_of(made), made.find("forward"), made.find("bridge")
    names = [] if forward is None else [*forward.findall("interface"), *forward.findall("address")]
    if mode in ("nat", "route", "open"):
        free = mode == "open" and version >= 10008000
        refuse_unless(free or made.find("ip") is not None, XML_ERROR, f"{mode} forwarding requested, but no IP address")
        refuse_unless(len(names) <= 1, XML_ERROR, "multiple forwarding interfaces specified, only one is supported")
        refuse_unless(mode != "open" or not names, XML_ERROR, "forward dev not allowed with forward mode='open'")
    if mode in OWN_BRIDGE:
        return
    given = source.find("bridge")
    given = {} if given is None else {name for name, value in given.attrib.items() if value}
    foreign = {"stp", "zone"} if mode == "bridge" else {"name", "zone", "macTableManager", "stp"}
    refuse_unless(not foreign.intersection(given), XML_ERROR, f"bridge attributes not allowed in {mode} mode")
    refuse_unless(
        "delay" not in given or source.find("bridge").get("delay") == "0", XML_ERROR, "bridge delay not allowed"
    )
    used = bridge is not None and bridge.get("name")
    refuse_unless(not (used and (names or forward.find("pf") is not None)), XML_ERROR, "a bridge name or a forward dev")
    refuse_unless(made.find("mtu") is None, XML_ERROR, f"mtu size not allowed in {mode} mode")


def validate(made, version=9000000):
    """What networkValidate refuses, but for what needs other networks or the host's devices."""
    refuse_unless("\n" not in made.findtext("name"), XML_ERROR, "name cannot contain a new line")
    mode, bridge = mode_of(made), made.find("bridge")
    if mode not in OWN_BRIDGE:
        for path in ("mac", "ip", "dns/txt", "dns/host", "dns/srv", "domain"):
            refuse_unless(made.find(path) is None, UNSUPPORTED, f"Unsupported <{path}> element with mode='{mode}'")
    if mode not in OWN_BRIDGE and not (mode == "bridge" and bridge is not None and bridge.get("name")):
        for path in ("bandwidth", "portgroup/bandwidth"):
            refuse_unless(made.find(path) is None, UNSUPPORTED, f"Unsupported <{path}> element with mode='{mode}'")
    _validate_devices(made, mode)
    for kind in ("4", "6"):
        served = [
            one
            for one in made.findall("ip")
            if one.find("dhcp") is not None and (":" in one.get("address")) == (kind == "6")
        ]
        refuse_unless(len(served) <= 1, UNSUPPORTED, f"Multiple IPv{kind} dhcp sections found")
    groups = made.findall("portgroup")
    refuse_unless(
        sum(group.get("default") == "yes" for group in groups) <= 1, UNSUPPORTED, "multiple default portgroups"
    )
    refuse_unless(len({group.get("name") for group in groups}) == len(groups), UNSUPPORTED, "portgroups of one name")
    _validate_vlan(made, mode, version)


def _validate_devices(made, mode):
    forward = made.find("forward")
    if forward is None:
        return
    used = [forward.find(tag) is not None for tag in ("pf", "interface", "address")]
    refuse_unless(mode != "hostdev" or not used[1], UNSUPPORTED, "hostdev networks require PCI addresses")
    refuse_unless(mode == "hostdev" or not used[2], UNSUPPORTED, "PCI addresses are only supported in mode 'hostdev'")
    refuse_unless(sum(used) <= 1, UNSUPPORTED, "<address>, <interface>, and <pf> elements are mutually exclusive")


def _validate_vlan(made, mode, version):
    def kind(holder):
        port = holder.find("virtualport")
        return None if port is None else port.get("type", "")

    # Seen in 11.3: a bridge of the host needs no Open vSwitch any longer.
    bridged = ("openvswitch", None) if version >= 11000000 else ("openvswitch",)
    allowed = mode in ("hostdev", "passthrough") or (mode == "bridge" and kind(made) in bridged)
    used, groups = made.find("vlan") is not None, made.findall("portgroup")
    for group in groups:
        able = allowed
        if kind(group) is not None:
            able = mode == "bridge" and kind(group) == "openvswitch"
        refuse_unless(able or not (used or group.find("vlan") is not None), UNSUPPORTED, "type doesn't support vlan")
    defaults = any(group.get("default") == "yes" for group in groups)
    refuse_unless(allowed or defaults or not used, UNSUPPORTED, "type doesn't support vlan configuration")
