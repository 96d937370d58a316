"""What only one device of a guest can have: who takes it, who gives it up, and who keeps it."""

from __future__ import annotations

import re

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._nics.claims import conflicts, crowded
from ansible_collections.virtfleet.network.plugins.module_utils._xml.definition import Definition
from tests.unit.fake_libvirt.base import read

NIC = "<interface type='network'><mac address='52:54:00:00:00:0{}'/><source network='lan'/>{}</interface>"
PCI = "<address type='pci' domain='0x0000' bus='0x00' slot='0x0{}' function='0x0'/>"
GUEST = """<domain><os>{}</os><devices>
<disk><target dev='vda'/><boot order='1'/><alias name='ua-disk'/><address type='pci' slot='0x07'/></disk>
<hostdev><acpi index='9'/></hostdev><controller type='usb'><alias name='ua-usb'/></controller>
</devices></domain>"""


def nics(*inner):
    return [None if one is None else read(NIC.format(number, one)) for number, one in enumerate(inner)]


@pytest.mark.parametrize(
    "claim,keeper",
    [
        ("<boot order='1'/>", "boot.order of .*: 1 is that of the disk vda"),
        ("<alias name='ua-disk'/>", "alias.name of .*: ua-disk is that of the disk vda"),
        ("<alias name='ua-usb'/>", "alias.name of .*: ua-usb is that of the controller ua-usb"),
        ("<acpi index='9'/>", "acpi.index of .*: 9 is that of a hostdev"),
        (PCI.format(7), "address of .*: 0000:00:07.0 is that of the disk vda"),
        ("<target dev='tap9'/>", ""),
    ],
)
def test_what_another_device_keeps(claim, keeper):
    before, after = nics("", ""), nics("", claim)
    found = list(conflicts(Definition(GUEST.format("")), before, after))
    assert len(found) == bool(keeper)
    assert all(re.match(keeper, one) for one in found)
    assert list(conflicts(Definition(GUEST.format("")), after, after)) == [], "it had that before"


@pytest.mark.parametrize(
    "one",
    ["<boot order='4'/>", "<alias name='ua-x'/>", PCI.format(3), "<acpi index='3'/>", "<target dev='tap9'/>"],
)
def test_what_goes_from_one_to_another(one):
    assert crowded(nics(one, ""), nics("", one))
    assert crowded(nics(one), [*nics(None), *nics(one)])
    assert not crowded(nics(one, ""), nics(one, "<boot order='5'/>"))
    assert not list(conflicts(Definition(GUEST.format("")), nics(one, ""), nics("", one)))
    (kept,) = conflicts(Definition(GUEST.format("")), nics(one, ""), nics(one, one))
    assert "is that of 52:54:00:00:00:00 (network lan" in kept


def test_orders_of_devices_and_of_classes():
    (against,) = conflicts(Definition(GUEST.format("<boot dev='hd'/>")), nics(""), nics("<boot order='2'/>"))
    assert "boot.order of 52:54:00:00:00:00 (network lan) does not go with <boot dev='hd'/> in the <os>" in against
    assert not list(conflicts(Definition(GUEST.format("<boot dev='hd'/>")), nics(""), nics("<acpi index='2'/>")))


def test_names_that_libvirt_makes_up_are_free():
    one = "<target dev='vnet0'/>"
    assert not crowded(nics(one, ""), nics("", one))
