# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The taps of a running guest in the kernel's eyes, against where libvirt believes them to be. Pure.

A change that fails may have moved the tap already, which libvirt forgets (qemuDomainChangeNet, 7.0 to 12.8): its
definition then names a bridge that the tap is not on.
"""

from __future__ import annotations

from .._values.connection import OVS
from .._values.nic_steps import Reconnect
from .._values.observed import ObservedGuest
from .._values.steps import Item
from .._xml.codec import Element
from .nics import interfaces, mac_of, spec_of, tap_of


def reconnects(guest: ObservedGuest) -> list[Reconnect | None]:
    """For each running <interface> the step that puts its tap where libvirt has it, None where it is there."""
    return [_reconnect(guest, element) for element in interfaces(guest.live)]


def bridge_of(element: Element) -> str:
    """The bridge that libvirt has a running <interface> on, "" for none that the kernel has to know."""
    source = element.find("source")
    if source is None or element.find("virtualport") is not None:
        return ""
    return str(source.get("bridge", ""))


def _reconnect(guest: ObservedGuest, element: Element) -> Reconnect | None:
    tap, bridge = tap_of(element), bridge_of(element)
    port, there = guest.devices.get(tap), guest.devices.get(bridge)
    # What is gone cannot be put anywhere; that is for a diagnosis to say.
    if port is None or there is None or not (port.there and there.there) or port.bridge == OVS:
        return None
    isolated = element.find("port[@isolated='yes']") is not None
    path = f"nics[{mac_of(spec_of(element))}].{tap}"
    items = [Item(f"{path}.bridge", port.bridge or None, bridge, "live")] if port.bridge != bridge else []
    if port.isolated != isolated:
        items.append(Item(f"{path}.isolated", port.isolated, isolated, "live"))
    return Reconnect(guest.name, tuple(items), tap, bridge, isolated) if items else None
