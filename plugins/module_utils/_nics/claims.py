# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What only one device of a guest can have: boot order, alias, PCI address, ACPI index, and the name of a tap. Pure.

libvirt's own checks of it, in 9.0: virDomainDefBootOrderPostParse, virDomainDeviceInfoCheckBootIndex,
virDomainDefValidateAliases, virDomainPCIAddressReserveAddr, virDomainDefCheckDuplicateACPIIndex.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from .._schema.interface import GENERATED
from .._xml.codec import Element
from .._xml.definition import Definition
from .nics import label, spec_of


class Claim(NamedTuple):
    """Something that only one device can have, by its option."""

    option: str
    value: str


def claims(device: Element) -> set[Claim]:
    """All that a device has for itself."""
    found = {Claim(f"{tag}.{name}", _attribute(device, tag, name)) for tag, name in _NAMES}
    address = device.find("address[@type='pci']")
    if address is not None:
        numbers = (int(address.get(name, "0"), 16) for name in ("domain", "bus", "slot", "function"))
        found.add(Claim("address", "{:04x}:{:02x}:{:02x}.{:x}".format(*numbers)))
    # A name that libvirt has generated is a free one whenever it is needed.
    tap = _attribute(device, "target", "dev") if device.tag == "interface" else ""
    found.add(Claim("target.dev", "" if tap.startswith(GENERATED) else tap))
    return {claim for claim in found if claim.value}


_NAMES = (("boot", "order"), ("alias", "name"), ("acpi", "index"))


def crowded(before: Sequence[Element], after: Sequence[Element | None]) -> bool:
    """Whether an interface takes what another one has until then, so that this one has to give it up first."""
    return any(
        claim in claims(other)
        for at, element in enumerate(after)
        for claim in _new(before, element, at)
        for place, other in enumerate(before)
        if place != at
    )


def conflicts(guest: Definition, before: Sequence[Element], after: Sequence[Element | None]) -> Iterator[str]:
    """What interfaces take, of a guest with this definition, although another device keeps it."""
    root = guest.tree
    others = [device for device in root.iterfind("devices/*") if device.tag != "interface"]
    for at, element in enumerate(after):
        for claim in sorted(_new(before, element, at)):
            name = label(spec_of(element))
            keepers = [_name(one) for one in others if claim in claims(one)]
            keepers += [label(spec_of(one)) for place, one in enumerate(after) if place != at and claim in _of(one)]
            if keepers:
                yield f"{claim.option} of {name}: {claim.value} is that of {keepers[0]}"
            if claim.option == "boot.order" and root.find("os/boot") is not None:
                yield (
                    f"boot.order of {name} does not go with <boot dev='{root.find('os/boot').get('dev')}'/> in the "
                    "<os> of the guest: remove that first, with virsh edit for example"
                )


def _new(before: Sequence[Element], element: Element | None, at: int) -> set[Claim]:
    """What an interface has afterwards, and did not have before."""
    return _of(element) - (_of(before[at]) if at < len(before) else set())


def _of(element: Element | None) -> set[Claim]:
    return set() if element is None else claims(element)


def _attribute(device: Element, tag: str, name: str) -> str:
    child = device.find(tag)
    return "" if child is None else str(child.get(name, ""))


def _name(device: Element) -> str:
    """What to call another device: a disk by its name in the guest."""
    name = _attribute(device, "target", "dev") or _attribute(device, "alias", "name")
    return f"the {device.tag} {name}".strip() if name else f"a {device.tag}"
