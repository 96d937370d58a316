"""<ip> with its DHCP, and <route>, as libvirt reads and writes them."""

from __future__ import annotations

import ipaddress
import re

from lxml import etree

from tests.unit.fake_libvirt.base import INTERNAL, UNSUPPORTED, XML_ERROR, flag, ip, mac, number, refuse_unless


def add_ips(source, made, version):
    for element in source.findall("ip"):
        made.append(_ip(element))
    names = [host.get("name", "a") for host in source.iterfind("ip/dhcp/host")]
    digit = any(re.match("[0-9]", name) for name in names)
    refuse_unless(version >= 7001000 or not digit, XML_ERROR, "Cannot use host name")


def _ip(element):
    family, address, netmask = (element.get(name) or None for name in ("family", "address", "netmask"))
    refuse_unless(address, XML_ERROR, "Missing required address attribute")
    kept = etree.Element("ip", {"family": family} if family else {})
    kept.set("address", str(ip(address)))
    if netmask:
        kept.set("netmask", str(ip(netmask)))
    prefix = number(element.get("prefix", "0"), 10, 2**32 - 1, "prefix")
    _family(family, ip(address), netmask, prefix, UNSUPPORTED)
    refuse_unless(not (netmask and prefix), UNSUPPORTED, "IP address cannot have both a prefix and a netmask")
    if prefix:
        kept.set("prefix", str(prefix))
    flag(element, kept, "localPtr")
    tftp = element.find("tftp")
    if tftp is not None:
        refuse_unless(ip(address).version == 4, UNSUPPORTED, "Unsupported <tftp> element in an IPv6 element")
        if tftp.get("root"):
            etree.SubElement(kept, "tftp", root=tftp.get("root"))
    _dhcp(element, kept)
    return kept


def _family(family, address, netmask, prefix, code):
    version = {None: 4, "ipv4": 4, "ipv6": 6}.get(family)
    refuse_unless(version, XML_ERROR, f"Unrecognized family '{family}'")
    refuse_unless(address.version == version, code, f"{family or 'no'} family specified for address '{address}'")
    refuse_unless(prefix <= (32 if version == 4 else 128), code, f"Invalid prefix '{prefix}'")
    refuse_unless(not netmask or (version == 4 and ip(netmask).version == 4), code, f"netmask not allowed: {netmask}")


def network_of(element):
    """The subnet of a kept <ip>: what virNetworkIPDefPrefix makes of it."""
    address = ip(element.get("address"))
    place = element.get("netmask") or element.get("prefix")
    if place:
        return ipaddress.ip_network(f"{address}/{place}", strict=False)
    if address.version == 6:
        return ipaddress.ip_network(f"{address}/{64 if int(address) else 0}", strict=False)
    first = int(address) >> 24
    prefix = 0 if not int(address) else 8 if first < 128 else 16 if first < 192 else 24
    return ipaddress.ip_network(f"{address}/{prefix}", strict=False)


def _dhcp(element, kept):
    dhcp = element.find("dhcp")
    if dhcp is None:
        return
    made = etree.Element("dhcp")
    for child in dhcp.findall("range"):
        made.append(dhcp_range(child, network_of(kept)))
    for child in dhcp.findall("host"):
        made.append(dhcp_host(child, network_of(kept).version, partial=False))
    useful = len(made) > 0
    for bootp in dhcp.findall("bootp") if network_of(kept).version == 4 else ():
        if bootp.get("file") is None:
            continue
        for older in made.findall("bootp"):
            made.remove(older)
        one = etree.SubElement(made, "bootp", file=bootp.get("file"))
        if bootp.get("server") is not None:
            one.set("server", str(ip(bootp.get("server"))))
    if useful:
        kept.append(made)


def dhcp_range(element, net):
    """A <range> as libvirt keeps it."""
    refuse_unless(element.get("start") and element.get("end"), XML_ERROR, "Missing attribute in dhcp range")
    start, end = ip(element.get("start")), ip(element.get("end"))
    text = f"range {start} - {end}"
    refuse_unless(start.version == end.version == net.version, INTERNAL, f"mismatch of address family in {text}")
    refuse_unless(start in net and end in net, INTERNAL, f"{text} is not entirely within network {net}")
    if net.version == 4:
        refuse_unless(start != net.network_address, INTERNAL, f"start of {text} is the network address")
        refuse_unless(end != net.broadcast_address, INTERNAL, f"end of {text} is the broadcast address")
    refuse_unless(int(start) >> 16 == int(end) >> 16, INTERNAL, f"{text} is too large (> 65535)")
    refuse_unless(start <= end, INTERNAL, f"{text} is reversed")
    kept = etree.Element("range", start=str(start), end=str(end))
    _lease(element, kept)
    return kept


def dhcp_host(element, version, partial):
    """A <host> as libvirt keeps it; with ``partial`` only what a search needs must be there."""
    given = {name: element.get(name) for name in ("mac", "id", "name") if element.get(name) is not None}
    if "mac" in given:
        refuse_unless(version == 4, XML_ERROR, "Invalid to specify MAC address in IPv6 static host definition")
        mac(given["mac"])
    refuse_unless(re.fullmatch("[0-9a-fA-F:]*", given.get("id", "")), XML_ERROR, "Invalid character in id")
    refuse_unless(re.match("[a-zA-Z0-9]", given.get("name", "a")), XML_ERROR, "Cannot use host name")
    place = element.get("ip")
    known = ("mac", "name") if version == 4 or partial else ("id", "name")
    refuse_unless(any(name in given for name in known) or (partial and place), XML_ERROR, f"must have one of {known}")
    refuse_unless(place or partial, XML_ERROR, "Missing IP address in static host definition")
    kept = etree.Element("host", given)
    if place:
        kept.set("ip", str(ip(place)))
    _lease(element, kept)
    return kept


def _lease(element, kept):
    lease = element.find("lease")
    if lease is None or lease.get("expiry") is None:
        return
    expiry, unit = number(lease.get("expiry"), 10, 2**64 - 1, "expiry"), lease.get("unit", "minutes")
    refuse_unless(unit in ("seconds", "minutes", "hours"), XML_ERROR, "Invalid value for attribute unit")
    low = {"seconds": 120, "minutes": 2, "hours": 0}[unit]
    refuse_unless(expiry == 0 or expiry >= low, UNSUPPORTED, "The minimum lease time should be greater than 2 minutes")
    etree.SubElement(kept, "lease", {"expiry": str(expiry), **({"unit": unit} if expiry else {})})


def add_routes(source, made, _version):
    nets = [network_of(element) for element in made.findall("ip")]
    for route in source.findall("route"):
        refuse_unless(route.get("address") and route.get("gateway"), XML_ERROR, "Missing required attribute in route")
        address, gateway, netmask = ip(route.get("address")), ip(route.get("gateway")), route.get("netmask")
        prefix = number(route.get("prefix", "0"), 10, 2**32 - 1, "prefix")
        _family(route.get("family"), address, netmask, prefix, XML_ERROR)
        refuse_unless(gateway.version == address.version, XML_ERROR, "non-matching gateway address in route")
        refuse_unless(not (netmask and "prefix" in route.attrib), XML_ERROR, "both a prefix and a netmask in route")
        try:
            ipaddress.ip_network(f"{address}/{netmask or prefix}")
        except ValueError:
            refuse_unless(False, XML_ERROR, f"Address '{address}' in route definition is not a network address")
        refuse_unless(any(gateway in net for net in nets), UNSUPPORTED, f"unreachable static route gateway '{gateway}'")
        kept = etree.SubElement(made, "route", {"family": route.get("family")} if route.get("family") else {})
        kept.set("address", str(address))
        if netmask:
            kept.set("netmask", str(ip(netmask)))
        if "prefix" in route.attrib:
            kept.set("prefix", str(prefix))
        kept.set("gateway", str(gateway))
        if route.get("metric") is not None:
            metric = number(route.get("metric"), 10, 2**32 - 1, "metric")
            refuse_unless(metric, XML_ERROR, "Invalid value for attribute metric")
            kept.set("metric", str(metric))
