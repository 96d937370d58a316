"""virNetworkUpdate on a live config: what libvirt finds, takes and refuses, section by section.

Ported from virNetworkDefUpdate* of libvirt 9.0 (src/conf/network_conf.c).
"""

from __future__ import annotations

from lxml import etree

from tests.unit.fake_libvirt.addresses import dhcp_host, dhcp_range, network_of
from tests.unit.fake_libvirt.base import (
    INVALID,
    OPERATION_UNSUPPORTED,
    XML_ERROR,
    mac,
    refuse_unless,
)
from tests.unit.fake_libvirt.dns import dns_host, dns_srv, dns_txt
from tests.unit.fake_libvirt.ports import portgroup

_TAGS = {
    "ip-dhcp-host": "host",
    "ip-dhcp-range": "range",
    "dns-host": "host",
    "dns-txt": "txt",
    "dns-srv": "srv",
    "forward-interface": "interface",
    "portgroup": "portgroup",
}


def update(root, command, section, parent, element, *, version):
    """Carries out one update on a definition; it is checked as a whole afterwards, as libvirt does."""
    refuse_unless(section in _TAGS, OPERATION_UNSUPPORTED, f"can't update '{section}' section of network")
    refuse_unless(command in ("add", "delete"), OPERATION_UNSUPPORTED, f"unrecognized update command {command}")
    refuse_unless(element.tag == _TAGS[section], XML_ERROR, f"unexpected element <{element.tag}>")
    {
        "ip-dhcp-host": _dhcp_host,
        "ip-dhcp-range": _dhcp_range,
        "dns-host": _dns_host,
        "dns-txt": _dns_txt,
        "dns-srv": _dns_srv,
        "forward-interface": _forward_interface,
        "portgroup": _portgroup,
    }[section](root, command, element, parent if section.startswith("ip-") else version)


def _change(holder, command, new, matching, one_only=False):
    """Adds an element when nothing matches, deletes the first one that does."""
    what = f"entry in network that matches {etree.tostring(new, encoding='unicode')}"
    if command == "add":
        refuse_unless(not matching, INVALID, f"there is an existing {what}")
        holder.append(new)
        return
    refuse_unless(matching, INVALID, f"couldn't locate {what}")
    refuse_unless(not one_only or len(matching) == 1, INVALID, f"multiple {what}")
    matching[0].getparent().remove(matching[0])


def _place(root, parent):
    ips = root.findall("ip")
    refuse_unless(-1 <= parent < len(ips) and ips, INVALID, f"no <ip> element found at index {parent}")
    if parent >= 0:
        return ips[parent]
    served = [one for one in ips if one.find("dhcp") is not None]
    return (served or sorted(ips, key=lambda one: network_of(one).version))[0]


def _dhcp(root, place, command):
    """The <dhcp> to change, made when it is missing and given away again when it stays empty (see accepted)."""
    version = network_of(place).version
    others = [one for one in root.findall("ip") if one is not place and network_of(one).version == version]
    served = any(one.find("dhcp") is not None for one in others)
    refuse_unless(command != "add" or not served, INVALID, f"dhcp is supported only for a single IPv{version} address")
    dhcp = place.find("dhcp")
    return etree.SubElement(place, "dhcp") if dhcp is None else dhcp


def _dhcp_host(root, command, element, parent):
    place = _place(root, parent)
    version = network_of(place).version
    new = dhcp_host(element, version, partial=command == "delete")
    right = new.get("ip") is None or (":" in new.get("ip")) == (version == 6)
    refuse_unless(right or command == "delete", INVALID, "the address family of a host entry IP must match")
    dhcp = _dhcp(root, place, command)
    mine = _identity(new)

    def collides(one):
        there = _identity(one)
        return any(mine[name] is not None and mine[name] == there[name] for name in mine)

    def meant(one):
        there = _identity(one)
        by_mac = None in (mine["mac"], there["mac"]) or mine["mac"] == there["mac"]
        return by_mac and all(mine[name] in (None, there[name]) for name in ("name", "ip"))

    rule = collides if command == "add" else meant
    _change(dhcp, command, new, [one for one in dhcp.findall("host") if rule(one)])


def _identity(host):
    return {
        "mac": None if host.get("mac") is None else mac(host.get("mac")),
        "name": host.get("name"),
        "ip": host.get("ip"),
    }


def _dhcp_range(root, command, element, parent):
    place = _place(root, parent)
    new = dhcp_range(element, network_of(place))
    dhcp = _dhcp(root, place, command)
    same = [one for one in dhcp.findall("range") if all(one.get(at) == new.get(at) for at in ("start", "end"))]
    _change(dhcp, command, new, same)


def _holder(root, tag):
    found = root.find(tag)
    return etree.SubElement(root, tag) if found is None else found


def _dns_host(root, command, element, _version):
    new, dns = dns_host(element, command == "delete"), _holder(root, "dns")
    names = {child.text for child in new} if command == "delete" else set()
    found = [
        one
        for one in dns.findall("host")
        if (new.get("ip") is not None and one.get("ip") == new.get("ip")) or names & {child.text for child in one}
    ]
    _change(dns, command, new, found, one_only=True)


def _dns_txt(root, command, element, _version):
    new, dns = dns_txt(element, command == "delete"), _holder(root, "dns")
    _change(dns, command, new, [one for one in dns.findall("txt") if one.get("name") == new.get("name")])


def _dns_srv(root, command, element, _version):
    new, dns = dns_srv(element, command == "delete"), _holder(root, "dns")
    names = ("service", "protocol", "domain", "target")
    found = [one for one in dns.findall("srv") if all(new.get(at) in (None, one.get(at)) for at in names)]
    _change(dns, command, new, found, one_only=True)


def _forward_interface(root, command, element, _version):
    refuse_unless(element.get("dev") is not None, XML_ERROR, "missing dev attribute in <interface> element")
    # Without a forward mode libvirt takes the interface and forgets it.
    forward = etree.Element("forward") if root.find("forward") is None else root.find("forward")
    found = [one for one in forward.findall("interface") if one.get("dev") == element.get("dev")]
    busy = command == "delete" and found and found[0].get("connections")
    refuse_unless(not busy, INVALID, f"unable to delete interface '{element.get('dev')}'. It is currently being used")
    # The attribute is written again for the first interface that is there.
    forward.attrib.pop("dev", None)
    _change(forward, command, etree.Element("interface", dev=element.get("dev")), found)


def _portgroup(root, command, element, version):
    new, groups = portgroup(element, version), root.findall("portgroup")
    others = [one for one in groups if one.get("name") != new.get("name")]
    taken = command == "add" and new.get("default") == "yes" and any(one.get("default") == "yes" for one in others)
    refuse_unless(not taken, INVALID, "a different portgroup entry is already set as the default")
    _change(root, command, new, [one for one in groups if one.get("name") == new.get("name")])
