"""A fleet is audited by users without privileges: what was changed by hand is found, on screen and in files."""

from __future__ import annotations

import csv
import json
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml

from . import plays
from .stage import Stage
from .test_access import auditor

pytestmark = pytest.mark.lab

SITE = {
    "topology_name": "site",
    "topology_networks": [
        {"name": "front", "kind": "nat", "subnet": "10.93.0.0/24"},
        {"name": "back", "kind": "isolated", "subnet": "10.94.0.0/24", "dhcp": False},
    ],
}
HOSTILE = "{{ 8 * 8 }}=cmd|&lt;b&gt;"
BY_HAND = f"""virsh -q net-autostart --disable front
virsh -q net-dumpxml --inactive back | sed s/10.94.0.1/10.94.0.2/ >/run/lab/back.xml
virsh -q net-define /run/lab/back.xml
echo '<network><name>{HOSTILE}</name></network>' >/run/lab/hostile.xml
virsh -q net-define /run/lab/hostile.xml
ip link set vbr-front down
"""


def playbook(stage: Stage, folder: Path, name: str, *more: str, **variables: Any) -> subprocess.CompletedProcess[str]:
    """Run a playbook of the collection on the hypervisor and a host that cannot be reached."""
    site = folder / "site.json"
    site.write_text(json.dumps({**SITE, **variables}))
    nowhere = {"nowhere": {"ansible_ssh_common_args": "-o ProxyCommand=/bin/false"}}
    (folder / "nowhere.yml").write_text(yaml.safe_dump({"all": {"hosts": nowhere}}))
    command = plays.command(stage.lab.inventory, Path(f"virtfleet.network.{name}"), "-i", str(folder / "nowhere.yml"))
    environment = plays.environment(ANSIBLE_STDOUT_CALLBACK="ansible.builtin.default")
    return subprocess.run(
        [*command, "-e", f"@{site}", *more], capture_output=True, text=True, check=False, env=environment, timeout=120
    )


def audit(stage: Stage, folder: Path, name: str = "audit", **variables: Any) -> tuple[int, str, dict[str, Any]]:
    (folder / "audit.json").unlink(missing_ok=True)
    target = f"{auditor(stage)},nowhere"
    done = playbook(stage, folder, name, target=target, audit_dir=str(folder), **variables)
    return done.returncode, done.stdout, json.loads((folder / "audit.json").read_text())


def test_an_audit_finds_what_was_changed_by_hand(stage: Stage, tmp_path: Path) -> None:
    made = playbook(stage, tmp_path, "topology", target=stage.host.name)
    assert made.returncode == 0, made.stdout
    name, before = auditor(stage), stage.look()
    status, screen, found = audit(stage, tmp_path)
    assert (status, stage.look()) == (0, before)
    assert found["summary"] == {
        "as_asked": 1,
        "differ": 0,
        "not_audited": 1,
        "states": {"as_asked": 1, "unreachable": 1},
    }
    assert "2 hypervisors: 1 as asked, 0 differ, 1 not audited" in screen

    stage.host.run(["sh"], input=BY_HAND)
    page = tmp_path / "report.html"
    status, screen, found = audit(stage, tmp_path, "report", report_file=str(page), audit_fail_on_drift=True)
    assert status != 0
    lines = {(line["object"], line["state"], line["field"]) for line in found["lines"] if line["host"] == name}
    assert {
        ("back", "differs", "ips[10.94.0.0/24].address"),
        ("back", "warning", "restart_pending"),
        ("front", "differs", "autostart"),
        ("front", "warning", "autostart_off"),
        ("front", "error", "bridge_down"),
        ("{{ 8 * 8 }}=cmd|<b>", "unknown", ""),
    } == lines
    values = next(line for line in found["lines"] if line["field"].endswith("].address"))
    assert [values[one] for one in ("asked", "saved", "running")] == ["10.94.0.1", "10.94.0.2", "10.94.0.1"]
    assert "1 hypervisors differ from what was asked, and 1 could not be audited" in screen
    with (tmp_path / "audit.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == len(found["lines"])
    suites = {suite.get("name"): suite.get("failures") for suite in ET.parse(tmp_path / "audit.xml").getroot()}
    assert suites == {name: "2", "nowhere": "1"}

    text = page.read_text()
    assert f"The report is {page}" in screen
    assert text.count("<svg") == 1
    assert "✖ bridge_down" in text
    assert "10.93.0.128 - 10.93.0.254" in text
    assert "<b>" not in text
    assert "{{ 8 * 8 }}=cmd|&lt;b&gt;" in text


def test_a_diagnosis_can_be_read(stage: Stage, tmp_path: Path) -> None:
    made = playbook(stage, tmp_path, "topology", target=stage.host.name)
    assert made.returncode == 0, made.stdout
    stage.host.run(["ip", "link", "set", "vbr-back", "down"])
    told = playbook(stage, tmp_path, "diagnose", target=stage.host.name, diagnose_networks=["back"]).stdout
    assert "error: bridge vbr-back is set down (bridge_down)" in told
    assert "To do: Restart the network. With: virt_network with state=restarted and restart=replug." in told
