# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest's persistent config with other interfaces, everything else as it is. Pure.

libvirt changes interfaces one by one, checks after each, and puts what is new to the end (virDomainNetInsert): two that
exchange something never pass, and without any boot order it adds <boot dev='hd'/> (virDomainDefBootOrderPostParse).
"""

from __future__ import annotations

import copy

from .._xml.codec import Element, etree
from .._xml.definition import Definition
from .nic_steps import Redefine


def own_interfaces(guest: Definition) -> tuple[Definition, ...]:
    """The <interface> elements of a definition."""
    return tuple(Definition(tree=one) for one in guest.tree.iterfind("devices/interface"))


def boots(guest: Definition) -> tuple[str, ...]:
    """What a definition says of booting from classes of devices."""
    return tuple(str(one.get("dev", "")) for one in guest.tree.iterfind("os/boot"))


def redefined(guest: Definition, step: Redefine) -> Definition:
    """The definition with the interfaces of a step, and what it says of booting."""
    root = copy.deepcopy(guest.tree)
    devices, system = root.find("devices"), root.find("os")
    old = devices.findall("interface")
    place = devices.index(old[0]) if old else len(devices)
    for one in old:
        devices.remove(one)
    devices[place:place] = [copy.deepcopy(one.tree) for one in step.interfaces]
    if step.boots is not None and step.boots != boots(guest):
        for one in system.findall("boot"):
            system.remove(one)
        system.extend(etree.Element("boot", dev=name) for name in step.boots)
    return Definition(tree=root)


def rest(guest: Definition) -> str:
    """All that a change of interfaces leaves as it is: not the controllers that new ones may need."""
    root: Element = copy.deepcopy(guest.tree)
    for place in ("devices/interface", "devices/controller", "os/boot"):
        for one in root.findall(place):
            one.getparent().remove(one)
    for one in root.iter():
        one.text, one.tail = (one.text or "").strip(), ""
    return str(etree.tostring(root, method="c14n").decode())
