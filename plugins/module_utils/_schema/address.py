# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The <address> of a device, of the guest's or of the host's, as a table: attributes by type, all in one element.

Source of names and meanings: https://libvirt.org/formatdomain.html#device-addresses; how libvirt reads the numbers was
read in libvirt 9.0 (src/conf/device_conf.c).
"""

from __future__ import annotations

from typing import Any

from .._xml import kinds as kind
from .._xml.branches import Element
from .._xml.fields import Spec
from .._xml.leaves import Attr


def empty(value: Any) -> Any:
    """What takes a value of this form away."""
    return type(value)() if isinstance(value, (dict, list)) else ""


def _implied_address(address: Spec) -> Spec:
    """The host's address of a USB device needs no type."""
    return {"type": "usb", **address} if "device" in address else address


def _complete_address(want: Spec, have: Spec) -> Spec:
    """An address of another type keeps nothing of the one before; and only PCI's numbers may be written with 0x."""
    place = {"type": have.get("type", "pci"), **_implied_address(want)}
    moved = place["type"] != have.get("type", place["type"])
    for name in () if place["type"] == "pci" else ("bus", "slot"):
        if place.get(name) and (moved or place[name] != have.get(name)):
            place[name] = str(int(place[name], 16))
    return {**{name: empty(value) for name, value in have.items() if moved}, **place}


UNSIGNED = kind.integer(0, 2**32 - 1)
PCI = (
    Attr("domain", kind.hexadecimal(4, 0xFFFFFFFF)),
    Attr("bus", kind.hexadecimal(2, 0xFFF)),
    Attr("slot", kind.hexadecimal(2, 0xFF)),
    Attr("function", kind.hexadecimal(1, 7)),
)
HOST_ADDRESS = Element(
    "address",
    Attr("type", kind.choice("pci", "usb")),
    *PCI,
    # libvirt reads it and forgets it.
    Attr("multifunction", kind.ON_OFF, reported=True),
    Attr("device", kind.integer(0, 0xFFF, c_notation=True)),
    # Neither libvirt's news nor its documentation say since when; 11.3 does not have it yet.
    Attr("port", kind.USB_PORT, since="12.8.0"),
    implied=_implied_address,
    complete=_complete_address,
)
ADDRESS = Element(
    "address",
    Attr(
        "type",
        kind.choice(
            *("pci", "ccw", "usb", "spapr-vio", "virtio-mmio", "isa", "drive", "virtio-serial", "ccid", "dimm"),
            "unassigned",
        ),
    ),
    *PCI,
    Attr("multifunction", kind.ON_OFF),
    Attr("controller", UNSIGNED),
    Attr("target", UNSIGNED),
    Attr("unit", UNSIGNED),
    Attr("port", kind.USB_PORT),
    Attr("reg", kind.hexadecimal(8, 2**64 - 1)),
    Attr("cssid", kind.hexadecimal(1, 0xFE)),
    Attr("ssid", kind.hexadecimal(1, 3)),
    Attr("devno", kind.hexadecimal(4, 0xFFFF)),
    Attr("iobase", kind.hexadecimal(1, 0xFFFF)),
    Attr("irq", kind.hexadecimal(1, 0xF)),
    Attr("base", kind.hexadecimal(1, 2**64 - 1)),
    Element("zpci", Attr("uid", kind.hexadecimal(4, 0xFFFF)), Attr("fid", kind.hexadecimal(8, 0xFFFFFFFF))),
    implied=_implied_address,
    complete=_complete_address,
    generated=True,
)
