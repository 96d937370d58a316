"""What shall be in AWX: surveys that ask for what modules take, objects that AWX's own modules can make, the image."""

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

from ansible_collections.virtfleet.network.plugins.module_utils._kinds import MAC

pytest.importorskip("ansible_runner", reason="AWX's tools are not installed for the oldest ansible-core")

from tests.awx.api import Controller, controller
from tests.awx.jobs import Job
from tests.awx.objects import OBJECTS, ROOT, TEMPLATES
from tests.awx.surveys import answer_errors, spec_errors, variables_of

from .run_module import run_module
from .test_documentation import arguments

QUESTIONS = {one["variable"]: one for template in TEMPLATES.values() for one in template["survey"]}
PLAYBOOK = [sys.executable, "-m", "ansible", "playbook", "-i", "localhost,"]
HERE = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
IMAGE = "registry.example/virtfleet:0.1.0"

# Of which module's option a question asks, and those that ask for something of the playbook.
OPTIONS = {
    "topology_restart": ("virt_topology", "restart"),
    "topology_force": ("virt_topology", "force"),
    "reservations_network": ("virt_dhcp_host", "network"),
    "reservation_mac": ("virt_dhcp_host", "hosts.mac"),
    "reservation_ip": ("virt_dhcp_host", "hosts.ip"),
    "reservation_name": ("virt_dhcp_host", "hosts.name"),
    "reservation_state": ("virt_dhcp_host", "hosts.state"),
    "reservations_conflict": ("virt_dhcp_host", "conflict"),
    "reservations_restart": ("virt_dhcp_host", "restart"),
    "attach_domain": ("virt_iface", "domain"),
    "attach_network": ("virt_iface", "source.network"),
    "attach_model": ("virt_iface", "model.type"),
    "attach_mac": ("virt_iface", "mac.address"),
    "attach_link": ("virt_iface", "link.state"),
    "attach_state": ("virt_iface", "state"),
    "attach_apply": ("virt_iface", "apply"),
    "attach_wait_for_ip": ("virt_iface", "wait_for_ip"),
    "attach_ip_timeout": ("virt_iface", "ip_timeout"),
    "diagnose_network_names": ("virt_network_check", "network"),
    "diagnose_guest_names": ("virt_network_check", "domain"),
    "diagnose_probe": ("virt_network_check", "probe"),
    "teardown_topology": ("virt_topology", "name"),
    "teardown_force": ("virt_topology", "force"),
}
OF_PLAYBOOKS = {
    *("target_serial", "target_max_fail_percentage", "audit_fail_on_drift", "adopt_topology", "teardown_network_names"),
    "report_file",
}
KINDS = {"str": {"text", "multiplechoice"}, "bool": {"multiplechoice"}, "float": {"float"}, "list": {"textarea"}}
# The shortest and the longest text that can be an address.
LENGTHS = {
    "reservation_mac": ("52:54:00:00:20:0a",) * 2,
    "reservation_ip": ("::", "2001:0db8:1111:2222:3333:4444:5555:6666"),
}
ANSWERS: dict[str, dict[str, Any]] = {
    "reservations": {
        "reservations_network": "web",
        "reservation_mac": "52:54:00:00:20:10",
        "reservation_ip": "10.0.0.9",
    },
    "attach": {"attach_domain": "shop", "attach_network": "web"},
    "report": {"report_file": "/reports/networks.html"},
}


# ---- surveys ----


@pytest.mark.parametrize("playbook", TEMPLATES)
def test_survey_is_one_that_awx_takes(playbook: str) -> None:
    template = TEMPLATES[playbook]
    assert spec_errors({"name": "", "description": "", "spec": template["survey"]}) == []
    # What need not be answered may come empty; and AWX has no way to answer a choice with nothing.
    free = [one for one in template["survey"] if not one["required"]]
    assert [text for one in free for text in answer_errors(one, {one["variable"]: ""})] == []
    assert {one["type"] for one in free} <= {"text", "textarea"}
    unsaid = {one["variable"] for one in template["survey"] if "default" not in one}
    assert unsaid == ANSWERS.get(playbook, {}).keys()


def test_every_question_asks_for_something() -> None:
    assert QUESTIONS.keys() == OPTIONS.keys() | OF_PLAYBOOKS
    for playbook, template in TEMPLATES.items():
        files = (f"playbooks/{playbook}.yml", "playbooks/audit.yml", "roles/topology/tasks/main.yml")
        text = "".join((ROOT / file).read_text() for file in files)
        mapped = json.dumps(template.get("extra_vars", {}))
        asked = [one["variable"] for one in template["survey"]]
        assert [name for name in asked if not re.search(rf"\b{name}\b", mapped + text)] == []
        assert [name for name in template.get("extra_vars", {}) if not re.search(rf"\b{name}\b", text)] == []


@pytest.mark.parametrize("variable", OPTIONS)
def test_question_refuses_what_the_module_does(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, path = OPTIONS[variable]
    option: dict[str, Any] = {"options": arguments(module, monkeypatch)}
    for part in path.split("."):
        option = option["options"][part]
    question = QUESTIONS[variable]
    assert question["type"] in KINDS[option.get("type", "str")]
    choices = ["false", "true"] if option.get("type") == "bool" else option.get("choices")
    assert question.get("choices") == choices
    assert question["required"] >= option.get("required", False)
    if option.get("default") not in (None, []):
        default = option["default"]
        assert question["default"] == (str(default).lower() if isinstance(default, bool) else default)
    if variable in LENGTHS:
        assert [question["min"], question["max"]] == [len(text) for text in LENGTHS[variable]]


@pytest.mark.parametrize(
    "playbook,answers,refused",
    [
        ("topology", {}, ""),
        ("topology", {"topology_restart": "always"}, "topology_restart: always is none of"),
        ("topology", {"target_max_fail_percentage": 101}, "too small or too large"),
        ("topology", {"target_max_fail_percentage": "10"}, "is no integer"),
        ("topology", {"topology_purge": "owned"}, "topology_purge are not allowed on launch"),
        ("reservations", ANSWERS["reservations"], ""),
        ("reservations", {**ANSWERS["reservations"], "reservation_mac": "52:54"}, "too small or too large"),
        ("attach", {"attach_domain": "shop"}, "'attach_network' value missing"),
        ("attach", {**ANSWERS["attach"], "attach_domain": ""}, "too small or too large"),
    ],
)
def test_answers(playbook: str, answers: dict[str, Any], refused: str) -> None:
    if not refused:
        assert variables_of(TEMPLATES[playbook], answers).keys() >= answers.keys()
        return
    with pytest.raises(ValueError, match=refused):
        variables_of(TEMPLATES[playbook], answers)


@pytest.mark.parametrize("wrong", [{"mac": "52:54:00:00:20:zz"}, {"ip": "10.0.0.999"}])
def test_a_form_that_no_survey_can_check_is_refused_by_the_module(wrong: dict[str, str]) -> None:
    """AWX knows lengths, limits and choices, but no patterns."""
    right = {"mac": "52:54:00:00:20:0a", "ip": "192.168.122.9"}
    result = run_module("virt_dhcp_host", network="default", hosts=[{**right, **wrong}])
    assert result["failed"]
    assert next(iter(wrong.values())) in result["msg"]


def test_answers_become_what_modules_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As AWX hands them to Ansible; what somebody writes into a survey is never run as a template."""
    hostile = {"reservation_name": "{{ 6 * 7 }}"}
    names = {"diagnose_network_names": "web\n\nmy lan\n"}
    launches = {
        "reservations": ("reservations_hosts", {**ANSWERS["reservations"], **hostile}),
        "attach": ("attach_ifaces", {**ANSWERS["attach"], "attach_mac": "52:54:00:00:20:0a"}),
        "diagnose": ("diagnose_networks", names),
        "teardown": ("teardown_networks", {}),
    }
    command = [*PLAYBOOK, "-e", json.dumps(HERE)]
    told = {name: "{{ " + name + " }}" for name, _answers in launches.values()}
    for playbook, (_name, answers) in launches.items():
        (tmp_path / playbook).write_text(Job(TEMPLATES[playbook], answers).extra_vars())
        command += ["-e", f"@{tmp_path / playbook}"]
    content = "{{ " + str(told).replace("'{{ ", "").replace(" }}'", "") + " | to_json }}"
    task = {"ansible.builtin.copy": {"content": content, "dest": str(tmp_path / "told"), "mode": "0600"}}
    play = {"hosts": "localhost", "gather_facts": False, "tasks": [task]}
    (tmp_path / "play.yml").write_text(json.dumps([play]))
    done = subprocess.run([*command, str(tmp_path / "play.yml")], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    made = json.loads((tmp_path / "told").read_text())

    (reservation,) = made["reservations_hosts"]
    reservation["mac"] = MAC.canonical(str(reservation["mac"]))  # a number, since ansible-core 2.19
    assert reservation == {"mac": "52:54:00:00:20:10", "ip": "10.0.0.9", "name": "{{ 6 * 7 }}", "state": "present"}
    (guest,) = made["attach_ifaces"]
    assert guest["ifaces"] == [
        {
            "source": {"network": "web"},
            "model": {"type": "virtio"},
            "link": {"state": "up"},
            "mac": {"address": "52:54:00:00:20:0a"},
        }
    ]
    assert made["diagnose_networks"] == ["web", "my lan"]
    assert made["teardown_networks"] == []
    for module, options in {"virt_dhcp_host": {"network": "web", "hosts": [reservation]}, "virt_iface": guest}.items():
        assert ArgumentSpecValidator(arguments(module, monkeypatch)).validate(options).error_messages == []


# ---- objects ----


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


def set_up(url: str) -> str:
    """Run the playbook against a controller."""
    command = [*PLAYBOOK, "virtfleet.network.awx.setup", "-e", json.dumps({"awx_image": IMAGE, **HERE})]
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
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_objects_are_made_once() -> None:
    with controller() as (kept, url):
        set_up(url)
        assert_made(kept)
        kept.changes.clear()
        assert " changed=0 " in set_up(url)
        assert kept.changes == []


def assert_made(kept: Controller) -> None:
    templates = kept.named("job_templates")
    assert templates.keys() == {one["name"] for one in TEMPLATES.values()}
    assert {one["playbook"] for one in templates.values()} == {f"playbooks/{name}.yml" for name in TEMPLATES}
    asks = ("ask_limit_on_launch", "ask_job_type_on_launch", "ask_diff_mode_on_launch", "ask_job_slice_count_on_launch")
    assert all(one[ask] for one in templates.values() for ask in asks)
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
