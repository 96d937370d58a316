"""What jobs of AWX show when something is wrong."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Template

pytest.importorskip("ansible_runner", reason="AWX's tools are not installed for the oldest ansible-core")

from tests.awx import rules
from tests.awx.jobs import Job, Shown
from tests.awx.objects import OBJECTS, TEMPLATES
from tests.awx.server import controller

pytestmark = pytest.mark.plays

HERE = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}


def run_job(folder: Path, playbook: str, answers: dict[str, Any], hosts: dict[str, dict[str, Any]]) -> Shown:
    """Run a job template on libvirt's test driver, which has the network `default` of 192.168.122.0/24."""
    variables = {**HERE, "target_uri": "test:///default", "topology_networks": [{"name": "web", "kind": "isolated"}]}
    return Job(TEMPLATES[playbook], answers).run(folder, hosts, variables, {})


@pytest.mark.parametrize(
    "wrong,network,why",
    [
        (
            {"reservation_mac": "52:54:00:00:20:zz"},
            "default",
            "hosts[0].mac must be a MAC address, not '52:54:00:00:20:zz'",
        ),
        (
            {"reservation_ip": "10.0.0.9"},
            "default",
            "52:54:00:00:20:0a at 10.0.0.9 lies in no subnet of the network (it has: 192.168.122.0/24)",
        ),
        ({"reservations_network": "wbe"}, "wbe", "there is no such network: create it first, with virt_network"),
    ],
)
def test_a_wrong_answer_is_one_sentence(wrong: dict[str, str], network: str, why: str, tmp_path: Path) -> None:
    """AWX knows lengths, limits and choices, but no patterns: the module refuses the rest."""
    right = {
        "target": "hv",
        "reservations_network": "default",
        "reservation_mac": "52:54:00:00:20:0a",
        "reservation_ip": "192.168.122.9",
    }
    shown = run_job(tmp_path, "reservations", {**right, **wrong}, {"hv": {}})
    assert (shown.status, shown.changed(), shown.artifacts) == ("failed", set(), {})
    assert shown.errors == {"hv": f"Cannot bring network '{network}' to the wanted state: {why}"}


def test_a_failure_ends_a_rolling_apply(tmp_path: Path) -> None:
    """Although another hypervisor of its batch is fine."""
    hosts: dict[str, dict[str, Any]] = {f"hv{n}": {} for n in range(1, 6)}
    hosts["hv3"]["topology_networks"] = [{"name": "web", "kind": "nat", "subnet": "10.0.0.0/33"}]
    shown = run_job(tmp_path, "topology", {"target_serial": "50%"}, hosts)
    assert (shown.status, shown.begun()) == ("failed", {"hv1", "hv2", "hv3", "hv4"})
    assert shown.changed() == {"hv1", "hv2", "hv4"}
    assert [*shown.errors] == ["hv3"]
    assert "10.0.0.0/33" in shown.errors["hv3"]
    # Also of those that were done when the batch ended.
    done = {"changed": True, "restart_required": False, "networks": ["web"], "guests": [], "nwfilters": []}
    assert shown.artifacts["topology"] == dict.fromkeys(("hv1", "hv2", "hv4"), done)
    assert shown.output.count("HYPERVISOR") == 1
    assert "5 hypervisors: 3 changed, 0 up to date, 1 failed, 0 unreachable, 1 not tried" in shown.output


def test_what_is_adopted_goes_into_the_inventory(tmp_path: Path) -> None:
    """On request; other variables of the host stay, and a second run changes nothing."""
    answers = {"adopt_to_awx": "true"}
    with controller() as (kept, url):
        _status, host = kept.create("hosts", {"name": "hv", "variables": {"rack": 7}})
        environment = {"CONTROLLER_HOST": url, "CONTROLLER_OAUTH_TOKEN": "token"}
        hosts = {"hv": {"remote_tower_id": host["id"], "adopt_to": str(tmp_path / "written")}}
        variables = {**HERE, "target_uri": "test:///default"}
        for run in ("first", "second"):
            shown = Job(TEMPLATES["adopt"], answers).run(tmp_path / run, hosts, variables, environment)
            assert shown.status == "successful", shown.output
            assert kept.named("hosts")["hv"]["variables"] == {"rack": 7, **shown.artifacts["adopt"]["hv"]}
            assert len(kept.changes) == 1
        assert shown.changed() == set()
        failed = Job(TEMPLATES["adopt"], answers).run(tmp_path / "third", hosts, variables, {"CONTROLLER_HOST": ""})
    assert failed.errors["hv"].startswith(
        "Cannot write the variables of hv into the inventory of AWX: this is no job of AWX"
    )


def of_the_night(template: str, audits: Path, **variables: str) -> dict[str, str]:
    """What the nightly workflow answers to the survey of a job template."""
    values = {**OBJECTS, "awx_audit_dir": audits, **variables}
    (node,) = [node for node in OBJECTS["awx_nightly_nodes"] if node["template"] == TEMPLATES[template]["name"]]
    return {name: Template(value).render(values) for name, value in node["extra_data"].items()}


def test_audits_of_slices_become_one(tmp_path: Path) -> None:
    """Each slice leaves files of its own in one folder; of a hypervisor, the newest audit counts. As the night does it:
    its page is there in the morning."""
    hosts: dict[str, dict[str, Any]] = {f"hv{n}": {"topology_networks": []} for n in range(1, 4)}
    audits = tmp_path / "audits"
    audits.mkdir()
    variables = {**HERE, "target_uri": "test:///default"}
    answers = of_the_night("audit", audits)
    for number, drifts in ((1, True), (2, False), (3, False)):
        hosts["hv1"]["topology_networks"] = [{"name": "web", "kind": "isolated"}] if drifts else []
        job = Job(TEMPLATES["audit"], answers, slice_number=2 - number % 2, slice_count=2, number=number)
        shown = job.run(tmp_path / str(number), hosts, variables, {})
        assert shown.status == "successful", shown.output
    assert {file.name for file in audits.glob("*.json")} == {f"audit-{number}.json" for number in (1, 2, 3)}
    merge = of_the_night("merge", audits)
    shown = Job(TEMPLATES["merge"], merge).run(tmp_path / "merge", hosts, variables, {})
    assert shown.status == "successful", shown.output
    assert shown.artifacts["audit"]["as_asked"] == 3
    assert {file.name for file in audits.iterdir()} >= {"audit.json", "audit.csv", "audit.xml", "networks.html"}
    for file in audits.glob("*.json"):
        os.utime(file, (0, 0))
    shown = Job(TEMPLATES["merge"], merge).run(tmp_path / "later", hosts, variables, {})
    assert f"there is no JSON file below {audits} that is younger than 6h" in shown.errors["localhost"]


def test_the_night_fails_on_new_drift_only_where_that_is_asked_for(tmp_path: Path) -> None:
    """The first night has no earlier audit; the second one knows that drift."""
    hosts = {"hv1": {"topology_networks": [{"name": "web", "kind": "isolated"}]}, "hv2": {"topology_networks": []}}
    audits = tmp_path / "audits"
    audits.mkdir()
    answers = of_the_night("audit", audits)
    variables = {**HERE, "target_uri": "test:///default"}
    merge = of_the_night("merge", audits, awx_nightly_fails_on="new drift")
    for night, ends in (("first", "failed"), ("second", "successful")):
        shown = Job(TEMPLATES["audit"], answers, number=1).run(tmp_path / night / "audit", hosts, variables, {})
        assert shown.status == "successful", shown.output
        shown = Job(TEMPLATES["merge"], merge).run(tmp_path / night / "merge", hosts, variables, {})
        assert shown.status == ends, shown.output
    assert shown.artifacts["audit"]["lasting"] > 0


@pytest.mark.parametrize(
    "failing,ran,unhandled",
    [
        ((), ["audit", "merge"], []),
        (("audit",), ["audit", "approval", "apply", "audit again", "merge"], []),
        (("audit", "approval"), ["audit", "approval", "denied: nothing is applied", "denied: merge"], []),
        (("audit", "audit again", "merge"), ["audit", "approval", "apply", "audit again", "merge"], ["merge"]),
    ],
)
def test_the_workflow_ends_with_one_audit_of_all_slices(
    failing: tuple[str, ...], ran: list[str], unhandled: list[str]
) -> None:
    """Drift that lasts fails that one, then."""
    nodes = [*OBJECTS["awx_nodes"], *OBJECTS["awx_merge_nodes"]]
    assert rules.run_workflow(nodes, failing) == (ran, unhandled)


@pytest.mark.parametrize(
    "failing,ran",
    [
        ((), ["nightly audit", "nightly merge"]),
        (("nightly merge",), ["nightly audit", "nightly merge"]),
        (("nightly audit",), ["nightly audit"]),
    ],
)
def test_the_night_ends_with_one_audit_of_all_slices(failing: tuple[str, ...], ran: list[str]) -> None:
    """Drift fails that one. A slice that could not run is no part of a success."""
    assert rules.run_workflow(OBJECTS["awx_nightly_nodes"], failing) == (ran, [*failing])
