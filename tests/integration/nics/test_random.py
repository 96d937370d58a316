"""Random NICs of random guests: a real run fails if and only if check mode did; a second run finds nothing to do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import libvirt
import pytest
from lxml import etree

from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import NetworkError
from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor.guests import Guests
from ansible_collections.virtfleet.network.plugins.module_utils._nics.nics import render
from ansible_collections.virtfleet.network.plugins.module_utils._schema.interface import INTERFACE
from ansible_collections.virtfleet.network.plugins.module_utils._task.nics import STATE, TASK, desired_nics
from ansible_collections.virtfleet.network.plugins.module_utils._values.observed import Device
from ansible_collections.virtfleet.network.plugins.module_utils._xml.codec import normalise
from tests.deep import SEED, amount
from tests.unit.jobs import converge_nics

from .. import random_nics
from ..stage import Stage

pytestmark = [pytest.mark.lab, pytest.mark.deep]

COUNT = amount(25, 1000)
NETWORKS = {
    "lan": "<network><name>lan</name><bridge name='vf-lan'/><ip address='192.168.88.1' prefix='24'/>"
    "<portgroup name='plain'/></network>",
    "bak": "<network><name>bak</name><bridge name='vf-bak'/><ip address='192.168.89.1' prefix='24'/></network>",
    "hosted": "<network><name>hosted</name><forward mode='bridge'/><bridge name='br0'/></network>",
    "tap": "<network><name>tap</name><forward mode='bridge' dev='uplink'/></network>",
    "idle": "<network><name>idle</name><bridge name='vf-idle'/></network>",
}
# Of a disk that is a file of nothing; its boot order keeps libvirt from adding classes.
DOMAIN = """\
<domain type='qemu'>
  <name>chance</name><memory unit='MiB'>16</memory>
  <os><type arch='x86_64' machine='pc'>hvm</type>{boot}</os><features><acpi/></features>
  <devices>
    <disk type='file' device='cdrom'>
      <target dev='hda' bus='ide'/><readonly/>{order}<alias name='ua-disk'/>
    </disk>
    {nics}
    <memballoon model='none'/>
  </devices>
</domain>
"""


@pytest.fixture(scope="module")
def crowd(whole_stage: Stage) -> Iterator[Stage]:
    """A hypervisor with networks of several kinds, one of them inactive."""
    whole_stage.kept = set(NETWORKS)
    whole_stage.bridge("br0")
    for name, xml in NETWORKS.items():
        whole_stage.define(xml, start=name != "idle")
    yield whole_stage
    whole_stage.kept = set()
    whole_stage.clear()


@pytest.fixture
def gateway(crowd: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[Guests]:
    """The gateway on the hypervisor's devices, though this process sees others."""
    made = Guests(crowd.host.uri, False)
    found = {name: Device(name in ("br0", "vf-lan", "vf-bak"), "", {}, ()) for name in crowd.links()}
    monkeypatch.setattr(made, "devices", lambda: found)
    yield made
    made.close()


def desired(options: dict[str, Any]) -> Any:
    defaults = {name: option.get("default") for name, option in {**TASK, "state": STATE}.items()}
    wanted = [{"state": "present", **one} for one in options["ifaces"]]
    return desired_nics({**defaults, **options, "domain": "chance", "ifaces": wanted})


def define(conn: Any, nics: list[dict[str, Any]], *, classes: bool, runs: bool) -> Any:
    texts = []
    for nic in nics:
        kind = {"type": "network" if "network" in nic["source"] else "bridge"}
        spec, wrong = normalise(INTERFACE, {**kind, **nic}, "")
        assert not wrong
        texts.append(etree.tostring(render(spec), encoding="unicode"))
    boot, order = ("<boot dev='cdrom'/>", "") if classes else ("", "<boot order='9'/>")
    domain = conn.defineXML(DOMAIN.format(nics="".join(texts), boot=boot, order=order))
    if runs:
        domain.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
    return domain


def definitions(domain: Any) -> list[list[str]]:
    dumps = [domain.XMLDesc(flags) for flags in (libvirt.VIR_DOMAIN_XML_INACTIVE, 0)]
    return [[word for word in dump.split() if not word.startswith("portid=")] for dump in dumps]


def outcome(gateway: Guests, options: dict[str, Any], *, dry_run: bool) -> tuple[Any, str]:
    try:
        return converge_nics(gateway, desired(options), dry_run, 5).plan, ""
    except NetworkError as error:
        return None, str(error)


def tried(conn: Any, gateway: Guests, case: random_nics.Case) -> tuple[str, str, bool]:
    """Return what check mode says against a case, what the real run says, and whether that has changed something."""
    domain = define(conn, case.there, classes=case.classes, runs=case.runs)
    try:
        before = definitions(domain)
        _predicted, problem = outcome(gateway, case.options, dry_run=True)
        assert definitions(domain) == before
        real, refusal = outcome(gateway, case.options, dry_run=False)
        if refusal:
            assert definitions(domain) == before, f"{case}\n{refusal}"
            return problem, refusal, False
        again, text = outcome(gateway, case.options, dry_run=False)
        assert not text, f"{case}\n{text}"
        assert not again.steps, f"{case}\n{again.steps}"
        return problem, refusal, bool(real.steps)
    finally:
        if case.runs:
            domain.destroy()
        domain.undefine()


def test_check_mode_knows(crowd: Stage, gateway: Guests) -> None:
    conn = libvirt.open(crowd.host.uri)
    results = [(case, *tried(conn, gateway, case)) for case in random_nics.cases(SEED, COUNT, crowd.version)]
    conn.close()
    wrong = [f"{case}\n  {one!r}\n  {other!r}" for case, one, other, _done in results if bool(one) != bool(other)]
    assert not wrong, f"{len(wrong)} of {COUNT}\n" + "\n".join(wrong[:8])
    assert sum(done for *_case, done in results) > COUNT / 10
    assert sum(bool(refusal) for _case, _problem, refusal, _done in results) > COUNT / 10
