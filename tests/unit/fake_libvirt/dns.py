"""<dns> as libvirt reads and writes it."""

from __future__ import annotations

import re

from lxml import etree

from tests.unit.fake_libvirt.base import XML_DETAIL, XML_ERROR, flag, ip, number, refuse_unless


def add_dns(source, made, version):
    dns = source.find("dns")
    if dns is None:
        return
    kept = etree.Element("dns")
    flag(dns, kept, "enable")
    flag(dns, kept, "forwardPlainNames")
    kept.extend(_forwarder(element, version) for element in dns.findall("forwarder"))
    kept.extend(dns_txt(element) for element in dns.findall("txt"))
    kept.extend(dns_srv(element) for element in dns.findall("srv"))
    kept.extend(dns_host(element) for element in dns.findall("host"))
    refuse_unless(kept.get("enable") != "no" or not len(kept), XML_ERROR, "Extra data in disabled network")
    if kept.attrib or len(kept):
        made.append(kept)


def _forwarder(element, version):
    domain, address, port = (element.get(name) for name in ("domain", "addr", "port"))
    refuse_unless(domain is not None or address, XML_ERROR, "Invalid forwarder element")
    kept = etree.Element("forwarder", {"domain": domain} if domain is not None else {})
    if address:
        kept.set("addr", str(ip(address)))
    if port and version >= 12000000:
        kept.set("port", str(number(port, 10, 65535, "port")))
    return kept


def dns_txt(element, partial=False):
    """A <txt> as libvirt keeps it; with ``partial`` only the name must be there."""
    name, value = element.get("name"), element.get("value")
    refuse_unless(name is not None, XML_DETAIL, "missing required name attribute in DNS TXT record")
    refuse_unless(not re.search("[ ,]", name), XML_DETAIL, f"prohibited character in DNS TXT record name '{name}'")
    refuse_unless(value is not None or partial, XML_DETAIL, "missing required value attribute in DNS TXT record")
    return etree.Element("txt", {"name": name, **({} if value is None else {"value": value})})


def dns_srv(element, partial=False):
    """A <srv> as libvirt keeps it; with ``partial`` nothing must be there."""
    given = {name: element.get(name) for name in ("service", "protocol", "domain", "target")}
    refuse_unless(partial or None not in (given["service"], given["protocol"]), XML_DETAIL, "missing attribute in SRV")
    for name, allowed in (("service", "[a-zA-Z0-9_+/*-]{0,255}"), ("protocol", "[a-zA-Z0-9+/-]*")):
        refuse_unless(re.fullmatch(allowed, given[name] or ""), XML_DETAIL, f"invalid character in {name} attribute")
    kept = etree.Element("srv", {name: value for name, value in given.items() if value is not None})
    for name in ("port", "priority", "weight"):
        if not element.get(name):
            continue
        value = number(element.get(name), 10, 65535, name)
        refuse_unless(given["target"] is not None, XML_DETAIL, f"DNS SRV {name} attribute not permitted without target")
        refuse_unless(value or name != "port", XML_DETAIL, "invalid DNS SRV port attribute")
        if value:
            kept.set(name, str(value))
    return kept


def dns_host(element, partial=False):
    """A <host> as libvirt keeps it; with ``partial`` an address or a name must be there."""
    place = element.get("ip")
    refuse_unless(place or partial, XML_DETAIL, "Missing IP address in DNS HOST record")
    names = [child.text for child in element.findall("hostname") if child.text]
    refuse_unless(names or (partial and place), XML_DETAIL, "Missing hostname in DNS HOST record")
    kept = etree.Element("host", {"ip": str(ip(place))} if place else {})
    for name in names:
        etree.SubElement(kept, "hostname").text = name
    return kept
