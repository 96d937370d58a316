"""What AWX gets: objects that AWX's own modules can make, once, and jobs that can start."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from jinja2 import Template

pytest.importorskip("ansible_runner", reason="AWX's tools are not installed for the oldest ansible-core")

from tests.awx import rules
from tests.awx.api import Controller
from tests.awx.objects import OBJECTS, ROOT, TEMPLATES
from tests.awx.server import controller
from tests.awx.surveys import variables_of

from .test_awx_surveys import ANSWERS

pytestmark = pytest.mark.plays

PLAYBOOK = [sys.executable, "-m", "ansible", "playbook", "-i", "localhost,"]
HERE = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
NAME = OBJECTS["awx_name"]
OURS = "Netze für Köln"
IMAGE = "registry.example/virtfleet:tag"


def setup_tasks() -> list[dict[str, Any]]:
    (play,) = yaml.safe_load((ROOT / "playbooks/awx/setup.yml").read_text())
    tasks: list[dict[str, Any]] = [task for one in play["tasks"] for task in one.get("block", [one])]
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
    nodes = [one for name in ("awx_nodes", "awx_merge_nodes", "awx_nightly_nodes") for one in OBJECTS[name]]
    for one in (*OBJECTS["awx_schedules"], *nodes):
        if "template" in one:
            answers = {
                name: Template(value).render({**OBJECTS, "awx_audit_dir": "/audits"}) if "{{" in str(value) else value
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
    nodes: dict[str, Any] = {"awx_nodes": [], "awx_merge_nodes": [], "awx_nightly_nodes": []}
    return set_up(url, *options, awx_templates=[TEMPLATES["audit"]], **{**nodes, **variables})


def by_hand(kept: Controller) -> None:
    """What an operator does after the first run: the key, and a hypervisor."""
    kept.named("credentials")[NAME]["inputs"] = {"ssh_key_data": "$encrypted$"}
    inventory = kept.named("inventories")[NAME]
    inventory["variables"] = "ansible_become: true"
    _status, host = kept.create("hosts", {"name": "hv1", "inventory": inventory["id"], "enabled": True})
    kept.associated[f"{kept.named('groups')['hypervisors']['url']}hosts/"] = [host["id"]]


def hosts_of_a_source(kept: Controller) -> None:
    """Two hosts of an inventory that is there before set-up, in no group yet; one of them is disabled."""
    organization = kept.named("organizations")["Default"]["id"]
    _status, inventory = kept.create("inventories", {"name": NAME, "organization": organization})
    for name, enabled in (("other1", True), ("other2", False)):
        kept.create("hosts", {"name": name, "inventory": inventory["id"], "enabled": enabled})


def launch(kept: Controller, playbook: str, user: str = "", **given: Any) -> tuple[int, Any]:
    """Launch a job template with an answer to each of its questions."""
    template = TEMPLATES[playbook]
    answers = {**{one["variable"]: one["default"] for one in template["survey"] if "default" in one}}
    answers |= ANSWERS.get(playbook, {})
    url = kept.named("job_templates")[template["name"]]["url"]
    return kept.answer("POST", f"{url}launch/", {}, {"extra_vars": answers, **given}, user)


def test_objects_are_made_once() -> None:
    with controller() as (kept, url):
        teams = people(kept)
        kind = kept.named("credential_types")["Red Hat Ansible Automation Platform"]["id"]
        _status, api = kept.create("credentials", {"name": "api", "credential_type": kind})
        teams |= {"awx_api_credential": "api", "awx_audit_dir": "/audits", "awx_slices": 4}
        hosts_of_a_source(kept)
        told = set_up(url, rc=2, **teams)
        assert (
            "Everything is made, but jobs cannot start yet: the credential Networks of hypervisors is not comp" in told
        )
        assert "enter password or ssh_key_data in AWX" in told
        assert "the group hypervisors of the inventory Networks of hypervisors has no enabled hosts" in told
        assert_made(kept)
        uses = {name: kept.associated[f"{one['url']}credentials/"] for name, one in kept.named("job_templates").items()}
        assert [name for name, used in uses.items() if api["id"] in used] == ["Networks - adopt"]
        by_hand(kept)
        assert {playbook: launch(kept, playbook)[0] for playbook in TEMPLATES} == dict.fromkeys(TEMPLATES, 201)
        assert_roles(kept)
        kept.changes.clear()
        assert " changed=0 " in set_up(url, **teams)
        assert " changed=0 " in set_up_audit(url, "--check", awx_audit_dir="/audits")
        kept.named("hosts")["hv1"]["enabled"] = False
        assert "ignored=1" in (told := set_up_audit(url, awx_ready="warn", awx_audit_dir="/audits"))
        assert f"the group hypervisors of the inventory {NAME} has no enabled hosts" in told
        kept.named("credentials")[NAME]["inputs"]["ssh_key_unlock"] = "ASK"
        told = set_up_audit(url, rc=2, awx_ready="warn", awx_audit_dir="/audits")
        assert f"the credential {NAME} asks for ssh_key_unlock at each launch" in told
        assert kept.changes == []


def people(kept: Controller) -> dict[str, Any]:
    """Three teams with somebody in each, a user, and the variables that name them; and somebody without a role."""
    for name in ("operators", "approvers", "auditors"):
        _status, user = kept.create("users", {"name": f"one of {name}", "username": name})
        _status, team = kept.create(
            "teams", {"name": name, "organization": kept.named("organizations")["Default"]["id"]}
        )
        kept.associated[f"{team['url']}users/"] = [user["id"]]
    for name in ("nobody", "alice"):
        kept.create("users", {"name": name, "username": name})
    teams = {f"awx_{name}": {"teams": [name]} for name in ("operators", "approvers", "auditors")}
    return {**teams, "awx_approvers": {"teams": ["approvers"], "users": ["alice"]}}


def assert_roles(kept: Controller) -> None:
    workflow = kept.named("workflow_job_templates")[OBJECTS["awx_workflow"]]["url"]
    may: dict[str, set[str]] = {}
    for user in kept.named("users"):
        may[user] = {playbook for playbook in TEMPLATES if launch(kept, playbook, user=user)[0] == 201}
        may[user] |= {
            part for part in ("launch", "approve") if kept.answer("POST", f"{workflow}{part}/", {}, {}, user)[0] != 403
        }
    assert may == {
        "one of operators": {*TEMPLATES, "launch"},
        "one of approvers": {"approve"},
        "one of auditors": {"audit", "report", "merge", "diagnose"},
        "nobody": set(),
        "alice": {"approve"},
    }
    _status, job = launch(kept, "audit")
    shown = {user for user in may if kept.answer("GET", f"{job['url']}stdout/", {}, {}, user)[0] == 200}
    assert shown == {"one of operators", "one of approvers", "one of auditors", "alice"}


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
        assert "Authentication failed. Correct that" in set_up_audit(url, rc=2, awx_name=OURS, **own)
        rrule = "DTSTART;TZID=Europe/Berlin:20260101T020000 RRULE:FREQ=DAILY;INTERVAL=1"
        own |= {"awx_name": OURS, "awx_audit_rrule": rrule}
        set_up_audit(url, awx_project_credential="git", awx_image_credential="images", **own)
        image = kept.named("execution_environments")[OURS]
        assert (image["organization"], image["credential"]) == (second, kept.named("credentials")["images"]["id"])
        assert kept.named("projects")[OURS]["status"] == "successful"
        (schedule,) = kept.items["schedules"].values()
        assert schedule["rrule"] == rrule
        assert schedule["unified_job_template"] == kept.named("job_templates")["Networks - audit"]["id"]
        set_up_audit(url, awx_project_credential="git", awx_image_credential="images", awx_audit_dir="/audits", **own)
        (schedule,) = kept.items["schedules"].values()
        assert schedule["unified_job_template"] == kept.named("workflow_job_templates")[OBJECTS["awx_nightly"]]["id"]


def assert_made(kept: Controller) -> None:
    templates = kept.named("job_templates")
    assert templates.keys() == {one["name"] for one in TEMPLATES.values()}
    assert {one["playbook"] for one in templates.values()} == {
        f"playbooks/{one['playbook']}.yml" for one in TEMPLATES.values()
    }
    asks = {"limit", "job_type", "diff_mode", "job_slice_count", "forks"}
    asked = {name: {ask for ask in asks if one[f"ask_{ask}_on_launch"]} for name, one in templates.items()}
    once = asks - {"limit", "job_slice_count"}
    assert asked == {name: once if name == "Networks - merge" else asks for name in templates}
    assert {one["forks"] for one in templates.values()} == {OBJECTS["awx_forks"]}
    for one in TEMPLATES.values():
        made = templates[one["name"]]
        assert json.loads(made["extra_vars"]) == {}  # also where an older version had some
        assert kept.surveys[made["id"]]["spec"] == one["survey"]
        assert made["job_type"] == one.get("job_type", "run")
    assert kept.named("workflow_job_templates")[OBJECTS["awx_workflow"]]["ask_limit_on_launch"]
    (image,) = kept.items["execution_environments"].values()
    assert (image["image"], {one["execution_environment"] for one in templates.values()}) == (IMAGE, {image["id"]})
    (schedule,) = kept.items["schedules"].values()
    assert schedule["unified_job_template"] == kept.named("workflow_job_templates")[OBJECTS["awx_nightly"]]["id"]
    assert_workflow(kept)


def assert_workflow(kept: Controller) -> None:
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
        ("approval", "failure_nodes", "denied: nothing is applied"),
        ("apply", "success_nodes", "audit again"),
        ("denied: nothing is applied", "success_nodes", "denied: merge"),
        *((audit, "success_nodes", "merge") for audit in ("audit", "audit again")),
        ("audit again", "failure_nodes", "merge"),
        ("nightly audit", "success_nodes", "nightly merge"),
    }
    assert {name for name, node in nodes.items() if node.get("job_slice_count") == 4} == {
        name for name in nodes if name.startswith(("audit", "denied: nothing", "nightly audit"))
    }
    files = {name: node["extra_data"] for name, node in nodes.items() if name.endswith("merge")}
    assert {name: (one["audit_dir"], one["audit_report"]) for name, one in files.items()} == {
        "merge": ("", "/audits/workflow.html"),  # it may have a limit
        "denied: merge": ("", "/audits/workflow.html"),
        "nightly merge": ("/audits", "/audits/networks.html"),
    }
    assert [*kept.named("workflow_approval_templates")] == ["Apply the topology where the audit has found drift"]
    assert nodes["apply"]["extra_data"] == {"target_serial": "10%", "target_max_fail_percentage": 0}


@pytest.mark.parametrize(
    "failing,ran,unhandled",
    [
        ((), ["audit"], []),
        (("audit",), ["audit", "approval", "apply", "audit again"], []),
        (("audit", "approval"), ["audit", "approval", "denied: nothing is applied"], []),
        (("audit", "apply"), ["audit", "approval", "apply"], ["apply"]),
        (("audit", "audit again"), ["audit", "approval", "apply", "audit again"], ["audit again"]),
    ],
)
def test_only_what_went_wrong_fails_the_workflow(
    failing: tuple[str, ...], ran: list[str], unhandled: list[str]
) -> None:
    """Drift that somebody decides about, and the decision to leave it, do not."""
    assert rules.run_workflow(OBJECTS["awx_nodes"], failing) == (ran, unhandled)
