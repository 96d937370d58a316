"""Each rule about a guest's interface is libvirt's own: what it refuses or drops is an error, and only that."""

from __future__ import annotations

import libvirt
import pytest
from lxml import etree

from ansible_collections.virtfleet.network.plugins.module_utils._nics.interface_checks import interface_remarks
from ansible_collections.virtfleet.network.plugins.module_utils._nics.nics import render, spec_of
from ansible_collections.virtfleet.network.plugins.module_utils._schema.interface import INTERFACE, typed
from ansible_collections.virtfleet.network.plugins.module_utils._values.check import Context, problems
from ansible_collections.virtfleet.network.plugins.module_utils._xml.codec import normalise, read_xml
from ansible_collections.virtfleet.network.plugins.module_utils._xml.diff import differences
from tests.unit.broken_interfaces import BROKEN

from ..interface_rules import CASES, Spec
from ..stage import Stage

pytestmark = pytest.mark.lab

DOMAIN = """\
<domain type='qemu'>
  <name>rule</name><memory unit='MiB'>16</memory>
  <memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <devices>
    <controller type='pci' model='pcie-root'/>
    <disk type='file' device='cdrom'><target dev='sda' bus='sata'/><readonly/><boot order='9'/></disk>
    {}<memballoon model='none'/>
  </devices>
</domain>
"""
# libvirt takes them, and yet they are errors.
STRICTER = {
    "bandwidth on hostdev": "the guest does not start (virDomainActualNetDefValidate)",
    "port_forwards user": "they have no effect, and newer versions refuse them",
    "ips on user six long": "newer versions refuse it",
}


def fate(conn: libvirt.virConnect, spec: Spec) -> str:
    """Return what libvirt does with an interface: "" when it keeps it."""
    wanted = render(spec)
    try:
        domain = conn.defineXML(DOMAIN.format(etree.tostring(wanted, encoding="unicode")))
    except libvirt.libvirtError as error:
        return f"refused: {error}"
    kept = read_xml(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)).find("devices/interface")
    domain.undefine()
    changes = differences(render(spec_of(kept)), render(spec_of(wanted)), INTERFACE)
    lost = [change.path for change in changes if change.after is not None]
    # What libvirt generates, by the table, may be lost, too.
    for tag in ("source", "target"):
        pair = [one.find(tag) for one in (wanted, kept)]
        lost += [f"{tag}.{name}" for name in _names(pair[0]) - _names(pair[1])]
    return f"lost: {lost}" if lost else ""


def _names(element: etree._Element | None) -> set[str]:
    return set() if element is None else {str(name) for name in element.attrib}


def test_rules_are_libvirts(whole_stage: Stage) -> None:
    conn = libvirt.open(whole_stage.host.uri)
    version = conn.getLibVersion()
    wrong = []
    broken = {problem: typed(normalise(INTERFACE, wanted)[0]) for wanted, problem in BROKEN}
    for name, spec in {**CASES, **broken}.items():
        wrong_here = problems(interface_remarks(spec, Context(version, "QEMU", "nic")))
        found = fate(conn, spec)
        if bool(wrong_here) != bool(found) and not (wrong_here and name in STRICTER):
            wrong.append(f"{name}: {wrong_here} {found!r}")
    conn.close()
    assert not wrong, "\n".join(wrong)
    assert len(CASES) > 100
