"""<vlan>, <virtualport>, <bandwidth> and <portgroup> as libvirt reads and writes them."""

from __future__ import annotations

from lxml import etree

from tests.unit.fake_libvirt.base import UNSUPPORTED, XML_DETAIL, XML_ERROR, flag, number, numbers, refuse_unless, uuid


def add_vlan(source, made, _version):
    vlan = source.find("vlan")
    if vlan is None:
        return
    tags = vlan.findall("tag")
    refuse_unless(tags, XML_ERROR, "missing tag id - each <vlan> must have at least one <tag id='n'/> subelement")
    natives = [tag.get("nativeMode") for tag in tags if tag.get("nativeMode") is not None]
    refuse_unless(set(natives) <= {"tagged", "untagged"}, XML_ERROR, "Invalid value for attribute nativeMode")
    refuse_unless(len(natives) <= 1, XML_ERROR, "duplicate native vlan setting")
    trunk = (vlan.get("trunk") or "").lower()
    refuse_unless(trunk in ("", "yes", "no"), XML_ERROR, "invalid trunk")
    refuse_unless(trunk != "no" or (len(tags) == 1 and not natives), XML_ERROR, "invalid trunk='no'")
    kept = etree.SubElement(made, "vlan", {"trunk": "yes"} if trunk == "yes" or len(tags) > 1 else {})
    for tag in tags:
        refuse_unless(tag.get("id") is not None, XML_ERROR, "Missing required attribute 'id' in element 'tag'")
        one = etree.SubElement(kept, "tag", id=str(number(tag.get("id"), 10, 4095, "vlan tag id")))
        if tag.get("nativeMode"):
            one.set("nativeMode", tag.get("nativeMode"))


def add_bandwidth(source, made, _version):
    bandwidth = source.find("bandwidth")
    if bandwidth is None:
        return
    refuse_unless(bandwidth.get("classID") is None, XML_DETAIL, "classID attribute not supported on <bandwidth>")
    kept = etree.Element("bandwidth")
    directions = [child for child in bandwidth if child.tag in ("inbound", "outbound")]
    for direction in directions:
        rate = etree.Element(direction.tag)
        numbers(direction, rate, ("average", "peak", "burst"), high=2**64 - 1)
        refuse_unless(direction.get("floor") is None, UNSUPPORTED, "floor attribute is not supported for this config")
        refuse_unless("average" in rate.attrib, XML_DETAIL, "Missing mandatory average or floor attributes")
        kept.append(rate)
    refuse_unless(len({child.tag for child in directions}) == len(directions), XML_DETAIL, "Only one child allowed")
    if directions:
        made.append(kept)


def add_virtualport(source, made, need_type, version=9000000):
    port = source.find("virtualport")
    if port is None:
        return
    kind = port.get("type")
    refuse_unless(kind in (None, "802.1Qbg", "802.1Qbh", "openvswitch", "midonet"), UNSUPPORTED, f"unknown type {kind}")
    refuse_unless(kind or not need_type, XML_ERROR, "missing required virtualport type")
    given = port.find("parameters")
    kept = etree.Element("virtualport", {"type": kind} if kind else {})
    inner = etree.Element("parameters")
    if given is not None:
        for name, high in (("managerid", 0xFF), ("typeid", 0xFFFFFF), ("typeidversion", 0xFF)):
            numbers(given, inner, (name,), 0, high)
        for name in ("instanceid", "interfaceid"):
            if given.get(name) is not None:
                inner.set(name, uuid(given.get(name)))
        profile = given.get("profileid") or ""
        refuse_unless(len(profile.encode()) < 40, XML_ERROR, "profileid parameter too long")
        if profile:
            inner.set("profileid", profile)
    given_any = bool(inner.attrib)
    _no_extras(kind, inner, version)
    if given_any:
        kept.append(inner)
    if kind or len(kept):
        made.append(kept)


def _no_extras(kind, inner, version):
    numbers = {"managerid", "typeid", "typeidversion", "instanceid"}
    extra = {
        "802.1Qbg": {"profileid", "interfaceid"},
        "802.1Qbh": {*numbers, "interfaceid"},
        "openvswitch": numbers,
        # Seen in 12.8; until then libvirt takes and forgets them.
        "midonet": {*numbers, "profileid"} if version >= 12000000 else set(),
    }.get(kind, set())
    refuse_unless(not extra.intersection(inner.attrib), XML_ERROR, f"extra parameter unsupported in {kind}")
    for name in {*numbers, "profileid"} if kind == "midonet" else ():
        inner.attrib.pop(name, None)


def add_portgroups(source, made, version):
    for group in source.findall("portgroup"):
        made.append(portgroup(group, version))


def portgroup(group, version):
    """A portgroup as libvirt keeps it."""
    refuse_unless(group.get("name"), XML_ERROR, "Missing required name attribute in portgroup")
    kept = etree.Element("portgroup", name=group.get("name"))
    if (group.get("default") or "").lower() == "yes":
        kept.set("default", "yes")
    flag(group, kept, "trustGuestRxFilters")
    add_vlan(group, kept, version)
    add_virtualport(group, kept, False, version)
    add_bandwidth(group, kept, version)
    return kept
