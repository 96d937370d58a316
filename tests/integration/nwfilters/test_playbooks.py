"""Network filters in the playbooks that keep, bring back, take over and take away what a hypervisor has."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deep import DEEP

from ..plays import Result, changes, playbook
from ..stage import Stage
from .test_nwfilter import filters, names

__all__ = ["filters"]

WHY = "make test-deep has it: tests/integration/playbooks/test_roles.py keeps a filter and brings it back"
pytestmark = [pytest.mark.lab, pytest.mark.deep, pytest.mark.skipif(not DEEP, reason=WHY)]

# As libvirt writes them. The order of the last one's parts matters, and its comment would be a template.
INNER = "<filter name='vf-inner' chain='arp'><rule action='drop' direction='out' priority='500'><arp/></rule></filter>"
OUTER = "<filter name='vf-outer' chain='root'><filterref filter='vf-inner'/></filter>"
ORDER = """<filter name='vf-order' chain='root'><rule action='drop' direction='out' priority='500'>
<mac protocolid='arp' comment='{{ 6 * 7 }}'/></rule><filterref filter='clean-traffic'/></filter>"""
# No option can say these: libvirt keeps the first as it is.
STRANGE = "<filter name='vf {{ 6 * 7 }}' chain='root'/>"
GUEST = """<domain type='qemu'><name>kept</name><memory unit='MiB'>16</memory><os><type>hvm</type></os><devices>
<interface type='bridge'><mac address='52:54:00:86:00:01'/><source bridge='vf-none'/><filterref filter='vf-outer'/>
</interface></devices></domain>"""


def define(stage: Stage, *definitions: str, what: str = "nwfilter-define") -> None:
    """Make filters, or guests, with virsh."""
    for xml in definitions:
        (stage.host.home / "run/lab/made.xml").write_text(xml)
        stage.host.virsh(what, "/run/lab/made.xml")


def state(stage: Stage) -> dict[str, str]:
    """Return all filters as libvirt has them."""
    return {name: stage.host.virsh("nwfilter-dumpxml", name) for name in names(stage)}


@pytest.fixture
def guarded(filters: Stage) -> Iterator[Stage]:
    """A hypervisor with filters of its own, and a guest whose NIC refers to one."""
    define(filters, INNER, OUTER)
    define(filters, GUEST, what="define")
    yield filters
    filters.host.virsh("undefine", "kept")


def run(stage: Stage, folder: Path, *arguments: str, failed: bool = False) -> list[Result]:
    """Run playbooks of the collection, by their names, with options behind them."""
    inventory: dict[str, Any] = yaml.safe_load(stage.lab.inventory.read_text())["all"]
    hosts = {stage.host.name: inventory["children"]["hypervisors"]["hosts"][stage.host.name]}
    (folder / "inventory").write_text(json.dumps({"all": {**inventory, "children": {"hypervisors": {"hosts": hosts}}}}))
    given = [one if one.startswith(("-", "{")) else f"virtfleet.network.{one}" for one in arguments]
    return playbook(folder, *given, failed=failed)


def test_filters_are_kept_taken_over_and_brought_back(guarded: Stage, tmp_path: Path) -> None:
    run(guarded, tmp_path, "adopt")
    written = yaml.safe_load((tmp_path / f"host_vars/{guarded.host.name}/networks.yml").read_text())
    adopted = [one["name"] for one in written["topology_nwfilters"]]
    # libvirt's own build has no second copy of its filters: nobody knows that they are its own.
    assert [one for one in adopted if is_ours(one)] == ["vf-inner", "vf-outer"]
    assert all(map(is_ours, adopted)) == (guarded.root != "modular")
    as_adopted = state(guarded)
    define(guarded, STRANGE, ORDER, as_adopted["vf-inner"].replace("'out'", "'in'"))
    kept = run(guarded, tmp_path, "topology", "backup")
    assert changes(kept) == 3  # the filter, the folder and the file
    assert any("  changed  filters vf-inner" in str(one.get("msg")) for one in kept)
    assert any("takes: vf {{ 6 * 7 }}" in str(one.get("msg")) for one in kept)
    before = state(guarded)
    assert as_adopted.items() <= before.items()
    guarded.host.virsh("nwfilter-undefine", "vf-order")
    define(guarded, before["vf-inner"].replace("<arp/>", "<arp opcode='1'/>"), "<filter name='vf-later'/>")
    assert changes(run(guarded, tmp_path, "restore", "--check")) == 1
    assert changes(run(guarded, tmp_path, "restore", "restore")) == 1
    now = state(guarded)
    assert now.pop("vf-later")
    assert [without_uuid(one) for one in now.items()] == [without_uuid(one) for one in before.items()]
    assert now["vf-inner"] == before["vf-inner"]


def is_ours(name: str) -> bool:
    return name.startswith("vf-")


def without_uuid(one: tuple[str, str]) -> tuple[str, list[str]]:
    """Return a filter but for its identity, which one that was deleted does not get back."""
    return one[0], [line for line in one[1].splitlines() if "<uuid>" not in line]


def test_filters_are_taken_away(guarded: Stage, tmp_path: Path) -> None:
    define(guarded, "<filter name='vf-unused'><filterref filter='vf-inner'/></filter>")
    used = run(guarded, tmp_path, "teardown", "-e", '{"teardown_nwfilters": ["vf-unused", "vf-outer"]}', failed=True)
    assert "NICs of guests (kept (52:54:00:86:00:01))" in str(used[-1]["msg"])
    assert "vf-unused" in names(guarded)
    unused = ("teardown", "teardown", "-e", '{"teardown_nwfilters": ["vf-unused", "vf-none"]}')
    assert changes(run(guarded, tmp_path, *unused)) == 1
    assert "vf-unused" not in names(guarded)
