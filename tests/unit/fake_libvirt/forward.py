"""<forward> as libvirt reads and writes it."""

from __future__ import annotations

import copy

from lxml import etree

from tests.unit.fake_libvirt.base import INTERNAL, UNSUPPORTED, XML_DETAIL, XML_ERROR, flag, ip, number, refuse_unless

MODES = ("nat", "route", "open", "bridge", "private", "vepa", "passthrough", "hostdev")


def add_forward(source, made, version):
    forward = source.find("forward")
    if forward is None:
        return
    mode = forward.get("mode") or "nat"
    refuse_unless(mode in MODES, UNSUPPORTED, f"unknown forwarding type '{mode}'")
    kept = etree.SubElement(made, "forward")
    names = [one.get("dev") for one in forward.findall("interface")]
    refuse_unless(None not in names, XML_ERROR, "Missing required dev attribute in <forward> <interface> element")
    first, pfs, addresses = forward.get("dev"), forward.findall("pf"), forward.findall("address")
    refuse_unless(not first or not (pfs or addresses), XML_ERROR, "the <forward> 'dev' attribute cannot be used")
    refuse_unless(not first or not names or names[0] == first, XML_ERROR, f"<forward dev='{first}'> must match first")
    names = names or ([first] if first else [])
    refuse_unless(len(set(names)) == len(names), XML_ERROR, f"interface can only be listed once: {names}")
    if names:
        kept.set("dev", names[0])
    kept.set("mode", mode)
    if mode == "hostdev":
        kept.set("managed", "yes" if (forward.get("managed") or "").lower() == "yes" else "no")
    _driver(forward, kept, version)
    _nat(forward, kept, mode)
    _devices(kept, names, pfs, addresses)


def _driver(forward, kept, version):
    driver = forward.find("driver")
    if driver is None:
        return
    refuse_unless(driver.get("name") in (None, "kvm", "vfio"), UNSUPPORTED, "Unknown forward <driver>")
    since = {"name": 0, "model": 10000000, "iommufd": 12001000}
    known = {name: driver.get(name) for name in since if driver.get(name) and version >= since[name]}
    if known:
        etree.SubElement(kept, "driver", known)


def _devices(kept, names, pfs, addresses):
    if not names and not addresses and pfs:
        refuse_unless(len(pfs) == 1, XML_ERROR, "Only one <pf> element is allowed")
    for pf in pfs if not names and not addresses else ():
        refuse_unless(pf.get("dev") is not None, XML_ERROR, "Missing required dev attribute in <pf> element")
        etree.SubElement(kept, "pf", dev=pf.get("dev"))
    for name in names:
        etree.SubElement(kept, "interface", dev=name)
    seen = set()
    for address in addresses if not names else ():
        made = pci(address)
        refuse_unless(tuple(made.values()) not in seen, XML_ERROR, "PCI device can only be listed once")
        seen.add(tuple(made.values()))
        etree.SubElement(kept, "address", type="pci", **made)


def pci(address):
    """The attributes of a PCI address as libvirt writes them."""
    refuse_unless(address.get("type") == "pci", UNSUPPORTED, f"unknown address type '{address.get('type')}'")
    highs = {"domain": 2**32 - 1, "bus": 0xFF, "slot": 0x1F, "function": 7}
    found = {name: number(address.get(name, "0"), 0, high, name) for name, high in highs.items()}
    digits = {"domain": 4, "bus": 2, "slot": 2, "function": 1}
    return {name: f"0x{value:0{digits[name]}x}" for name, value in found.items()}


def _nat(forward, kept, mode):
    nats = forward.findall("nat")
    if not nats:
        return
    refuse_unless(len(nats) == 1, XML_ERROR, "Only one <nat> element is allowed in <forward>")
    refuse_unless(mode == "nat", XML_ERROR, "The <nat> element can only be used when <forward> 'mode' is 'nat'")
    made = etree.Element("nat")
    flag(nats[0], made, "ipv6")
    address, port = nats[0].find("address"), nats[0].find("port")
    if address is not None:
        start, end = address.get("start"), address.get("end")
        refuse_unless(start is not None and end is not None, XML_ERROR, "missing attribute in <address> in <nat>")
        refuse_unless(ip(start).version == ip(end).version == 4, XML_ERROR, "Bad ipv4 address in <nat>")
        refuse_unless(int(ip(start)) >> 16 == int(ip(end)) >> 16, INTERNAL, "range is too large (> 65535)")
        refuse_unless(ip(start) <= ip(end), INTERNAL, "range is reversed")
        etree.SubElement(made, "address", start=str(ip(start)), end=str(ip(end)))
    if port is not None:
        bounds = [number(port.get(name) or "", 10, 65535, name) for name in ("start", "end")]
        refuse_unless(bounds[0] <= bounds[1], XML_DETAIL, "Missing or invalid 'end' attribute in <port>")
        if any(bounds):
            etree.SubElement(made, "port", start=str(bounds[0]), end=str(bounds[1]))
    if made.attrib or len(made):
        kept.append(made)


def as_running(saved):
    """A definition as it runs: with the ports that NAT uses when it names none."""
    root = copy.deepcopy(saved)
    if root.find("forward[@mode='nat']") is not None and root.find("forward/nat/port") is None:
        nat = root.find("forward/nat")
        nat = etree.SubElement(root.find("forward"), "nat") if nat is None else nat
        etree.SubElement(nat, "port", start="1024", end="65535")
    return root
