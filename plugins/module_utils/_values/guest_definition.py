# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest's persistent config with other interfaces, everything else as it is. Pure.

libvirt changes interfaces one by one, checks after each, and puts what is new to the end (virDomainNetInsert): two that
exchange something never pass, and without any boot order it adds <boot dev='hd'/> (virDomainDefBootOrderPostParse).
"""

from __future__ import annotations

from .._xml.codec import Element, etree, read_xml, write_xml
from .nic_steps import Redefine


def texts(root: Element) -> tuple[str, ...]:
    """The <interface> elements of a definition as libvirt writes them."""
    return tuple(write_xml(one) for one in root.iterfind("devices/interface"))


def boots(root: Element) -> tuple[str, ...]:
    """What a definition says of booting from classes of devices."""
    return tuple(str(one.get("dev", "")) for one in root.iterfind("os/boot"))


def redefined(xml: str, step: Redefine) -> str:
    """The definition with the interfaces of a step, and what it says of booting."""
    root = read_xml(xml)
    devices, system = root.find("devices"), root.find("os")
    old = devices.findall("interface")
    place = devices.index(old[0]) if old else len(devices)
    for one in old:
        devices.remove(one)
    devices[place:place] = [read_xml(text) for text in step.interfaces]
    if step.boots is not None and step.boots != boots(root):
        for one in system.findall("boot"):
            system.remove(one)
        system.extend(etree.Element("boot", dev=name) for name in step.boots)
    return write_xml(root)


def rest(xml: str) -> str:
    """All that a change of interfaces leaves as it is: not the controllers that new ones may need."""
    root = read_xml(xml)
    for place in ("devices/interface", "devices/controller", "os/boot"):
        for one in root.findall(place):
            one.getparent().remove(one)
    for one in root.iter():
        one.text, one.tail = (one.text or "").strip(), ""
    return str(etree.tostring(root, method="c14n").decode())
