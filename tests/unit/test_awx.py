"""What AWX gets: objects that AWX's own modules can make, once; and what jobs show when something is wrong."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

pytest.importorskip("ansible_runner", reason="AWX's tools are not installed for the oldest ansible-core")

from tests.awx.api import Controller, controller
from tests.awx.jobs import Job, Shown
from tests.awx.objects import OBJECTS, ROOT, TEMPLATES
from tests.awx.surveys import variables_of

from .test_awx_surveys import ANSWERS

PLAYBOOK = [sys.executable, "-m", "ansible", "playbook", "-i", "localhost,"]
HERE = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
NAME = OBJECTS["awx_name"]
IMAGE = "registry.example/virtfleet:0.1.0"


def setup_tasks() -> list[dict[str, Any]]:
    (play,) = yaml.safe_load((ROOT / "playbooks/awx/setup.yml").read_text())
    tasks: list[dict[str, Any]] = play["tasks"]
    return [*tasks, *({"name": "defaults", module: args} for module, args in play["module_defaults"].items())]


def test_tasks_have_options_of_the_collection_of_awx() -> None:
    used = [(key, task[key]) for task in setup_tasks() for key in task if key.startswith("awx.awx.")]
    command = [sys.executable, "-m", "ansible", "doc", "--json", *{module for module, _args in used}]
    told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    for module, given in used:
        options = {
            name: {key: option[key] for key in ("type", "choices", "elements", "aliases") if key in option}
            for name, option in told[module]["doc"]["options"].items()
        }
        literal = {name: value for name, value in given.items() if "{{" not in str(value)}
        assert given.keys() <= options.keys(), module
        assert ArgumentSpecValidator(options).validate(literal).error_messages == []


def test_data_fits_together() -> None:
    assert OBJECTS["awx_version"] == yaml.safe_load((ROOT / "galaxy.yml").read_text())["version"]
    surveys = {template["name"]: template for template in TEMPLATES.values()}
    for one in (*OBJECTS["awx_schedules"], *OBJECTS["awx_nodes"]):
        if "template" in one:
            answers = {
                name: OBJECTS["awx_rolling"] if value == "{{ awx_rolling }}" else value
                for name, value in one["extra_data"].items()
            }
            assert variables_of(surveys[one["template"]], answers).keys() >= answers.keys()


def set_up(url: str, *options: str, rc: int = 0, **variables: Any) -> str:
    """Run the playbook against a controller, and return what it printed, in one line."""
    given = {"awx_image": IMAGE, **HERE, **variables}
    command = [*PLAYBOOK, "virtfleet.network.awx.setup", "-e", json.dumps(given), *options]
    environment = {
        "CONTROLLER_HOST": url,
        "CONTROLLER_OAUTH_TOKEN": "token",
        "ANSIBLE_PIPELINING": "1",
        "ANSIBLE_NOCOLOR": "1",
    }
    done = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )
    assert done.returncode == rc, done.stdout + done.stderr
    return re.sub(r"\s+", " ", done.stdout + done.stderr)


def set_up_audit(url: str, *options: str, **variables: Any) -> str:
    """The same with one job template: each module takes a second or two."""
    return set_up(url, *options, awx_templates=[TEMPLATES["audit"]], awx_nodes=[], **variables)


def by_hand(kept: Controller) -> None:
    """What an operator does after the first run: the key, and a hypervisor."""
    kept.named("credentials")[NAME]["inputs"] = {"ssh_key_data": "$encrypted$"}
    inventory = kept.named("inventories")[NAME]
    inventory["variables"] = "ansible_become: true"
    _status, host = kept.create("hosts", {"name": "hv1", "inventory": inventory["id"], "enabled": True})
    kept.associated[f"{kept.named('groups')['hypervisors']['url']}hosts/"] = [host["id"]]


def launch(kept: Controller, playbook: str, **given: Any) -> tuple[int, Any]:
    """Launch a job template with an answer to each of its questions."""
    template = TEMPLATES[playbook]
    answers = {**{one["variable"]: one["default"] for one in template["survey"] if "default" in one}}
    answers |= ANSWERS.get(playbook, {})
    url = kept.named("job_templates")[template["name"]]["url"]
    return kept.answer("POST", f"{url}launch/", {}, {"extra_vars": answers, **given})


def test_objects_are_made_once() -> None:
    with controller() as (kept, url):
        told = set_up(url, rc=2)
        assert (
            "Everything is made, but jobs cannot start yet: the credential Networks of hypervisors is not comp" in told
        )
        assert "enter password or ssh_key_data in AWX" in told
        assert "the group hypervisors of the inventory Networks of hypervisors has no enabled hosts" in told
        assert_made(kept)
        by_hand(kept)
        assert {playbook: launch(kept, playbook)[0] for playbook in TEMPLATES} == dict.fromkeys(TEMPLATES, 201)
        kept.changes.clear()
        assert " changed=0 " in set_up(url)
        assert " changed=0 " in set_up_audit(url, "--check")
        kept.named("credentials")[NAME]["inputs"]["ssh_key_unlock"] = "ASK"
        assert "ignored=1" in (told := set_up_audit(url, awx_ready="warn"))
        assert f"the credential {NAME} asks for ssh_key_unlock at each launch" in told
        assert kept.changes == []


def test_a_sync_that_failed_is_repeated() -> None:
    """Of a new project, and after an upgrade to a version that the repository has later."""
    gone = "fatal: unable to access the repository:\nCould not resolve host"
    with controller() as (kept, url):
        kept.sync_error = lambda _project: gone
        told = set_up_audit(url, rc=2)
        assert f"Cannot bring the project {NAME} to 0.1.0 of https://github.com/virtfleet/virtfleet.network: " in told
        assert "fatal: unable to access the repository: Could not resolve host. Correct that" in told
        kept.sync_error = lambda project: "" if project["scm_branch"] == "0.1.0" else "no such tag"
        set_up_audit(url, awx_ready="warn")
        by_hand(kept)
        assert "no such tag. Correct that" in set_up_audit(url, rc=2, awx_version="0.2.0")
        status, errors = launch(kept, "audit")
        assert (status, errors) == (400, {"playbook": "Missing a revision to run due to failed project update."})
        kept.sync_error = lambda _project: ""
        assert " changed=1 " in set_up_audit(url, awx_version="0.2.0")
        assert launch(kept, "audit")[0] == 201


def test_an_organization_has_objects_and_credentials_of_its_own() -> None:
    own = {"awx_organization": "Second", "awx_ready": "warn"}
    with controller() as (kept, url):
        kept.create("organizations", {"name": "Second"})
        second = kept.named("organizations")["Second"]["id"]
        kinds = {name: kind["id"] for name, kind in kept.named("credential_types").items()}
        for name, kind in (("git", "Source Control"), ("images", "Container Registry")):
            login = {"password": "$encrypted$"}
            kept.create(
                "credentials", {"name": name, "credential_type": kinds[kind], "organization": second, "inputs": login}
            )
        kept.sync_error = lambda project: "" if project.get("credential") else "Authentication failed"
        first = kept.named("organizations")["Default"]["id"]
        kept.create("execution_environments", {"name": NAME, "organization": first, "image": IMAGE})
        told = set_up_audit(url, rc=2, **own)
        assert f"Cannot make the execution environment {NAME} of Second, because that of Default has this name" in told
        assert "Authentication failed. Correct that" in set_up_audit(url, rc=2, awx_name="Ours", **own)
        rrule = "DTSTART;TZID=Europe/Berlin:20260101T020000 RRULE:FREQ=DAILY;INTERVAL=1"
        own |= {"awx_name": "Ours", "awx_audit_rrule": rrule}
        set_up_audit(url, awx_project_credential="git", awx_image_credential="images", **own)
        image = kept.named("execution_environments")["Ours"]
        assert (image["organization"], image["credential"]) == (second, kept.named("credentials")["images"]["id"])
        assert kept.named("projects")["Ours"]["status"] == "successful"
        (schedule,) = kept.items["schedules"].values()
        assert schedule["rrule"] == rrule


def assert_made(kept: Controller) -> None:
    templates = kept.named("job_templates")
    assert templates.keys() == {one["name"] for one in TEMPLATES.values()}
    assert {one["playbook"] for one in templates.values()} == {f"playbooks/{name}.yml" for name in TEMPLATES}
    asks = ("limit", "job_type", "diff_mode", "job_slice_count", "forks")
    assert all(one[f"ask_{ask}_on_launch"] for one in templates.values() for ask in asks)
    assert {one["forks"] for one in templates.values()} == {OBJECTS["awx_forks"]}
    for one in TEMPLATES.values():
        made = templates[one["name"]]
        assert json.loads(made["extra_vars"]) == one.get("extra_vars", {})  # templates are still templates
        assert kept.surveys[made["id"]]["spec"] == one["survey"]
        assert made["job_type"] == one.get("job_type", "run")
    (image,) = kept.items["execution_environments"].values()
    assert (image["image"], {one["execution_environment"] for one in templates.values()}) == (IMAGE, {image["id"]})
    (schedule,) = kept.items["schedules"].values()
    assert schedule["unified_job_template"] == templates["Networks - audit"]["id"]
    nodes = kept.named("workflow_job_template_nodes")
    leads = {
        (name, how, following)
        for name, node in nodes.items()
        for how in ("success_nodes", "failure_nodes")
        for following, other in nodes.items()
        if other["id"] in kept.associated.get(f"{node['url']}{how}/", [])
    }
    assert leads == {
        ("audit", "failure_nodes", "approval"),
        ("approval", "success_nodes", "apply"),
        ("apply", "success_nodes", "audit again"),
    }
    assert [*kept.named("workflow_approval_templates")] == ["Apply the topology where the audit has found drift"]
    assert nodes["apply"]["extra_data"] == {"target_serial": "10%", "target_max_fail_percentage": 0}


# ---- jobs ----


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
    assert {*shown.artifacts["topology"]} == {"hv1", "hv2"}  # Ansible ends a batch with its first task that fails
