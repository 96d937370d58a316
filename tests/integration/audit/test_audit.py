"""A fleet is audited by users without privileges: what was changed by hand is found, on screen and in files."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml

from .. import plays
from ..network.test_access import auditor
from ..stage import Stage

pytestmark = pytest.mark.lab

SITE = {
    "topology_name": "site",
    "topology_networks": [
        {"name": "front", "kind": "nat", "subnet": "10.93.0.0/24"},
        {"name": "back", "kind": "isolated", "subnet": "10.94.0.0/24", "dhcp": False},
        {"name": "cut", "kind": "isolated", "subnet": "10.95.0.0/24", "dhcp": False},
        {"name": "old", "kind": "isolated", "dhcp": False},
    ],
}
# What is asked later: no more "old", and networks that are not there.
LATER = {
    "topology_purge": "owned",
    "topology_networks": [
        *SITE["topology_networks"][:-1],
        {"name": "new", "kind": "isolated"},
        {"name": "bad", "kind": "isolated", "bridge": {"name": "longer-than-any-device"}},
    ],
}
MAC = "52:54:00:00:30:0a"
GUEST = f"""<domain type='qemu'><name>shop</name><memory unit='MiB'>16</memory><os><type>hvm</type></os><devices>
<interface type='network'><mac address='{MAC}'/><source network='cut'/><rom enabled='no'/></interface>
<graphics type='vnc' autoport='yes' passwd='hunter2'/>
</devices></domain>
"""
HOSTILE = "{{ 8 * 8 }}=cmd|&lt;b&gt;"
BY_HAND = f"""virsh -q net-autostart --disable front
virsh -q net-dumpxml --inactive back | sed 's/10.94.0.1/10.94.0.2/; s#<metadata>#&<x:x xmlns:x="urn:x">hunter2</x:x>#
    s#<bridge#<domain name="saved.example"/>&#' >/run/lab/back.xml
virsh -q net-define /run/lab/back.xml
virsh -q net-destroy cut
virsh -q net-start cut
echo '<network><name>{HOSTILE}</name></network>' >/run/lab/hostile.xml
virsh -q net-define /run/lab/hostile.xml
ip link set vbr-front down
"""


def playbook(stage: Stage, folder: Path, name: str, *more: str, **variables: Any) -> subprocess.CompletedProcess[str]:
    """Run a playbook of the collection on the hypervisor and hosts that cannot be audited."""
    site = folder / "site.json"
    site.write_text(json.dumps({**SITE, **variables}))
    bare = folder / "python"
    bare.write_text('#!/bin/sh\nexec /usr/bin/python3 -S "$@"\n')
    bare.chmod(0o700)
    here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    others = {
        "nowhere": {"ansible_ssh_common_args": "-o ProxyCommand=/bin/false"},
        "nopython": {**here, "ansible_python_interpreter": "/nowhere/python3"},
        "nolibrary": {**here, "ansible_python_interpreter": str(bare)},
        "nolibvirt": {**here, "topology_uri": "nothing+ssh://me:hunter2@192.0.2.1/system"},
        "novariable": {**here, "topology_uri": "{{ not_there }}"},
    }
    (folder / "others.yml").write_text(yaml.safe_dump({"all": {"hosts": others}}))
    command = plays.command(stage.lab.inventory, Path(f"virtfleet.network.{name}"), "-i", str(folder / "others.yml"))
    environment = plays.environment(ANSIBLE_STDOUT_CALLBACK="ansible.builtin.default")
    return subprocess.run(
        [*command, "-e", f"@{site}", *more], capture_output=True, text=True, check=False, env=environment, timeout=120
    )


def audit(stage: Stage, folder: Path, name: str, *hosts: str, **variables: Any) -> tuple[int, str, dict[str, Any]]:
    """The playbook's exit code, what it says of everything, and its audit.json."""
    (folder / "audit.json").unlink(missing_ok=True)
    target = ",".join([auditor(stage), *hosts])
    done = playbook(stage, folder, name, "-vvv", target=target, audit_dir=str(folder), **variables)
    return done.returncode, done.stdout, json.loads((folder / "audit.json").read_text())


@pytest.fixture
def shop(stage: Stage, tmp_path: Path) -> Iterator[None]:
    """The networks of the site, and a guest with a secret on one of them."""
    made = playbook(stage, tmp_path, "topology", target=stage.host.name)
    assert made.returncode == 0, made.stdout
    stage.host.run(["sh", "-c", "cat >/run/lab/shop.xml; virsh create --paused /run/lab/shop.xml"], input=GUEST)
    yield
    stage.host.virsh("destroy", "shop")


def no_secret_is_in(stage: Stage, *texts: str) -> None:
    """A guest's password, what others keep in metadata, a password in a URI: not even root's audit shows them."""
    assert "hunter2" in stage.host.virsh("dumpxml", "--security-info", "shop")
    assert "hunter2" in stage.xml("back")
    virsh = ["virsh", "--connect", "qemu:///system", "--readonly", "dumpxml", "shop"]
    refused = stage.host.unprivileged([*virsh, "--security-info"], check=False)
    assert "forbidden" in refused.stderr
    assert not [text for text in (stage.host.unprivileged(virsh).stdout, *texts) if "hunter2" in text]


def lines_of(found: dict[str, Any], host: str) -> set[tuple[str, str, str]]:
    return {(line["object"], line["state"], line["field"]) for line in found["lines"] if line["host"] == host}


# What BY_HAND makes of the networks: object, state, field.
FOUND_BY_HAND = {
    ("", "impossible", ""),
    ("back", "differs", "ips[10.94.0.0/24].address"),
    ("back", "restart_pending", "domain.name"),
    ("back", "restart_pending", "metadata"),
    ("back", "warning", "restart_pending"),
    ("bad", "invalid", ""),
    ("front", "differs", "autostart"),
    ("front", "warning", "autostart_off"),
    ("front", "error", "bridge_down"),
    ("new", "missing", ""),
    ("old", "unwanted", ""),
    (f"cut shop {MAC}", "disconnected", "nic"),
    (f"cut shop {MAC}", "error", "nic_disconnected"),
    ("{{ 8 * 8 }}=cmd|<b>", "unknown", ""),
    *((name, "reaches", "way") for name in ("back", "cut", "old")),
    ("front", "way_ends", "way"),
}


def assert_files_tell(folder: Path, lines: int, errors: dict[str, str], failures: dict[str, str]) -> None:
    """The files for spreadsheets and for CI have the lines, errors and failures."""
    with (folder / "audit.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == lines
    suites = {suite.get("name"): suite for suite in ET.parse(folder / "audit.xml").getroot()}  # noqa: S314 - our own
    assert {one: suites[one].get("errors") for one in suites} == errors
    assert {one: suites[one].get("failures") for one in failures} == failures


def assert_page_tells(page: Path, screen: str) -> None:
    """The page has pictures, causes and values, and no markup that a name brought along."""
    text = page.read_text()
    assert f"The report is {page}" in screen
    assert text.count("<svg") == 2
    assert "✖ bridge_down" in text
    assert "10.93.0.128 - 10.93.0.254" in text
    assert "<b>" not in text
    assert "{{ 8 * 8 }}=cmd|&lt;b&gt;" in text


@pytest.mark.usefixtures("shop")
def test_an_audit_finds_what_was_changed_by_hand(stage: Stage, tmp_path: Path) -> None:
    name, before = auditor(stage), stage.look()
    status, screen, found = audit(stage, tmp_path, "audit", "nowhere")
    assert (status, stage.look()) == (0, before)
    assert [found["summary"][part] for part in ("as_asked", "differ", "failed")] == [1, 0, 1]
    assert "2 hypervisors: 1 as asked, 0 differ, 1 unreachable or failed" in screen

    # Nothing differs of what was asked for, and the network is dead all the same.
    stage.host.run(["ip", "link", "set", "vbr-front", "down"])
    status, screen, found = audit(stage, tmp_path, "audit", audit_fail_on_drift=True)
    assert (status != 0, {row["state"] for row in found["hosts"][name]["rows"]}) == (True, {"as_asked"})
    assert "1 hypervisor: 0 as asked, 1 differ, 0 unreachable or failed" in screen

    stage.host.run(["sh"], input=BY_HAND)
    page, others = tmp_path / "report.html", ("nowhere", "nopython", "nolibrary", "nolibvirt", "novariable")
    variables = {**LATER, "report_file": str(page), "audit_fail_on_drift": True}
    status, screen, found = audit(stage, tmp_path, "report", stage.host.name, *others, **variables)
    assert status != 0
    assert lines_of(found, name) == FOUND_BY_HAND
    assert lines_of(found, stage.host.name) == lines_of(found, name)
    values = next(line for line in found["lines"] if line["field"].endswith("].address"))
    assert [values[one] for one in ("asked", "saved", "running")] == ["10.94.0.1", "10.94.0.2", "10.94.0.1"]
    assert {line["host"]: line["state"] for line in found["lines"] if line["host"] in others} == {
        **dict.fromkeys(others, "failed"),
        "nowhere": "unreachable",
    }
    assert "2 hypervisors differ from what was asked, and 5 are unreachable or failed" in screen
    errors = {**dict.fromkeys(others, "1"), **dict.fromkeys((name, stage.host.name), "0")}
    assert_files_tell(tmp_path, len(found["lines"]), errors, {name: "7"})
    assert_page_tells(page, screen)
    files = [tmp_path / f"audit.{one}" for one in ("json", "csv", "xml")]
    no_secret_is_in(stage, screen, *(file.read_text() for file in (page, *files)))


def test_a_diagnosis_can_be_read(stage: Stage, tmp_path: Path) -> None:
    made = playbook(stage, tmp_path, "topology", target=stage.host.name)
    assert made.returncode == 0, made.stdout
    stage.host.run(["ip", "link", "set", "vbr-back", "down"])
    told = playbook(stage, tmp_path, "diagnose", target=stage.host.name, diagnose_networks=["back"]).stdout
    assert "error in network back: bridge vbr-back is set down (bridge_down)" in told
    assert "To do: Restart the network. Repaired by: virt_network with state=restarted." in told
