"""The surveys of playbooks/awx: they ask for what modules take, and what is answered arrives as it was written."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.virtfleet.network.plugins.module_utils._xml.kinds import MAC
from tests.awx.objects import ROOT, TEMPLATES
from tests.awx.surveys import answer_errors, extra_vars_file, spec_errors, variables_of

from .documentation import arguments
from .run_module import run_module

pytestmark = pytest.mark.plays

QUESTIONS = {one["variable"]: one for template in TEMPLATES.values() for one in template["survey"]}
PLAYBOOK = [sys.executable, "-m", "ansible", "playbook"]
HERE = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
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
    "adopt_topology": ("virt_topology", "name"),
    "teardown_topology": ("virt_topology", "name"),
    "teardown_force": ("virt_topology", "force"),
}
OF_PLAYBOOKS = {
    "target",
    "target_serial",
    "target_max_fail_percentage",
    "audit_fail_on_drift",
    "audit_fail_on_new_drift",
    "report_file",
    "adopt_to_awx",
    "audit_folder",
    "audit_dir",
    "audit_earlier",
    "audit_report",
    "merge_folders",
    "merge_max_age",
    "audit_report_host",
    "audit_report_url",
    "teardown_network_names",
    "teardown_nwfilter_names",
}
KINDS = {"str": {"text", "multiplechoice"}, "bool": {"multiplechoice"}, "float": {"float"}, "list": {"textarea"}}
# The shortest and the longest text that can be an address.
LENGTHS = {
    "reservation_mac": ("52:54:00:00:20:0a",) * 2,
    "attach_mac": ("", "52:54:00:00:20:0a"),
    "reservation_ip": ("::", "2001:0db8:1111:2222:3333:4444:5555:6666"),
}
HOSTILE = "{{ lookup('ansible.builtin.pipe', 'echo IT-RAN | tr A-Z a-z') }}"
ANSWERS: dict[str, dict[str, Any]] = {
    "reservations": {
        "target": "hypervisors",
        "reservations_network": "web",
        "reservation_mac": "52:54:00:00:20:10",
        "reservation_ip": "10.0.0.9",
    },
    "attach": {"target": "hypervisors", "attach_domain": "shop", "attach_network": "web"},
    "report": {"report_file": "/reports/networks.html"},
    "merge": {"merge_folders": "/reports"},
}


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
        own = (f"{template['playbook']}.yml", f"{playbook}.yml")
        files = (*own, "audit.yml", "tasks/outcome.yml", "../roles/topology/tasks/main.yml")
        text = "".join((ROOT / "playbooks" / file).read_text() for file in files)
        asked = [one["variable"] for one in template["survey"]]
        assert [name for name in asked if not re.search(rf"\b{name}\b", text)] == []


def test_no_job_template_has_variables_that_are_templates() -> None:
    """With ALLOW_JINJA_IN_EXTRA_VARS: never, AWX hands them on as text, and a job succeeds with nonsense."""
    assert [one["name"] for one in TEMPLATES.values() if "extra_vars" in one] == []


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
        assert [question.get("min", 0), question["max"]] == [len(text) for text in LENGTHS[variable]]


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
        ("attach", {**ANSWERS["attach"], "target": ""}, "target:  is too small or too large"),
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
    assert result["msg"].count(next(iter(wrong.values()))) == 1


def handed_on(playbook: str, name: str, answers: dict[str, Any], tmp_path: Path) -> Any:
    """What Ansible makes of a variable of a playbook, after a survey with these answers."""
    template = TEMPLATES[playbook]
    (play,) = yaml.safe_load((ROOT / f"playbooks/{template['playbook']}.yml").read_text())
    assert play["ansible.builtin.import_playbook"] == f"../{playbook}.yml"
    folder = tmp_path / playbook
    folder.mkdir()
    (folder / "answers").write_text(extra_vars_file(variables_of(template, answers)))
    task = {
        "ansible.builtin.copy": {"content": f"{{{{ {name} | to_json }}}}", "dest": str(folder / "told"), "mode": "0600"}
    }
    (folder / "play.yml").write_text(
        json.dumps([{"hosts": "localhost", "gather_facts": False, "vars": play["vars"], "tasks": [task]}])
    )
    command = [*PLAYBOOK, "-i", "localhost,", "-e", json.dumps(HERE), "-e", f"@{folder / 'answers'}"]
    done = subprocess.run([*command, str(folder / "play.yml")], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads((folder / "told").read_text())


def test_answers_become_what_modules_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As AWX hands them to Ansible; what somebody writes into a survey is never run as a template."""
    hostile = {"reservation_name": "{{ 6 * 7 }}"}
    names = {"diagnose_network_names": "web\n\nmy lan\n"}
    reserved = {**ANSWERS["reservations"], **hostile}
    (reservation,) = handed_on("reservations", "reservations_hosts", reserved, tmp_path)
    reservation["mac"] = MAC.canonical(str(reservation["mac"]))  # a number, since ansible-core 2.19
    assert reservation == {"mac": "52:54:00:00:20:10", "ip": "10.0.0.9", "name": "{{ 6 * 7 }}", "state": "present"}
    attached = {**ANSWERS["attach"], "attach_mac": "52:54:00:00:20:0a"}
    (guest,) = handed_on("attach", "attach_ifaces", attached, tmp_path)
    assert guest["ifaces"] == [
        {
            "source": {"network": "web"},
            "model": {"type": "virtio"},
            "link": {"state": "up"},
            "mac": {"address": "52:54:00:00:20:0a"},
        }
    ]
    assert handed_on("diagnose", "diagnose_networks", names, tmp_path) == ["web", "my lan"]
    assert handed_on("merge", "merge_from", {"merge_folders": "/a\n/b c\n"}, tmp_path) == ["/a", "/b c"]
    assert handed_on("teardown", "teardown_networks", {}, tmp_path) == []
    (tmp_path / "filters").mkdir()
    filters = {"teardown_nwfilter_names": "a\nb\n"}
    assert handed_on("teardown", "teardown_nwfilters", filters, tmp_path / "filters") == ["a", "b"]
    for module, options in {"virt_dhcp_host": {"network": "web", "hosts": [reservation]}, "virt_iface": guest}.items():
        assert ArgumentSpecValidator(arguments(module, monkeypatch)).validate(options).error_messages == []


def test_no_answer_is_run_as_a_template(tmp_path: Path) -> None:
    """Each playbook with such answers to all questions for texts, on libvirt's test driver."""
    hostile = HOSTILE
    host = {**HERE, "target_uri": "test:///default"}
    (tmp_path / "hosts").write_text(json.dumps({"hypervisors": {"hosts": {"hv": host}}}))
    jobs = {}
    for playbook, template in TEMPLATES.items():
        texts = [one["variable"] for one in template["survey"] if one["type"] in ("text", "textarea")]
        defaults = {one["variable"]: one["default"] for one in template["survey"] if "default" in one}
        variables = {**defaults, **dict.fromkeys(texts, f"{hostile}/x"), "target": "hypervisors"}
        (tmp_path / playbook).write_text(extra_vars_file(variables))
        command = [*PLAYBOOK, "-i", str(tmp_path / "hosts"), "--diff", "-e", f"@{tmp_path / playbook}"]
        if texts:
            jobs[playbook] = subprocess.Popen(
                [*command, f"virtfleet.network.{template['playbook'].replace('/', '.')}"],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
    told = {playbook: job.communicate()[0] for playbook, job in jobs.items()}
    assert [playbook for playbook, output in told.items() if "it-ran" in output] == []
    refused = told.pop("adopt")  # variables that would be run as templates the next time
    assert "Cannot adopt the networks of hv, because one of them holds two opening braces" in refused
    assert [output for output in told.values() if hostile not in output] == []


@pytest.mark.parametrize(
    "playbook,target,why",
    [
        ("reservations", None, "it is empty, set it to hosts or groups"),
        ("attach", None, "it is empty, set it to hosts or groups"),
        ("attach", " , ", "it is empty, set it to hosts or groups"),
        ("reservations", "hv,hv9", "no host of the inventory matches hv9;"),
        ("reservations", "hypervisors:!hv9", "no host of the inventory matches hv9;"),
        ("reservations", HOSTILE, "no host of the inventory matches {{ lookup"),
    ],
)
def test_without_hypervisors_nothing_is_done(playbook: str, target: str | None, why: str, tmp_path: Path) -> None:
    """Also where the survey is switched off, or a template of somebody's own has none."""
    answers = {**ANSWERS[playbook], "target": target}
    given = variables_of(TEMPLATES[playbook], {**answers, "target": target or "x"})
    (tmp_path / "answers").write_text(extra_vars_file({k: v for k, v in {**given, **answers}.items() if v is not None}))
    (tmp_path / "hosts").write_text(
        json.dumps({"hypervisors": {"hosts": {"hv": {**HERE, "target_uri": "test:///default"}}}})
    )
    command = [*PLAYBOOK, "-i", str(tmp_path / "hosts"), "-e", f"@{tmp_path / 'answers'}"]
    done = subprocess.run([*command, f"virtfleet.network.awx.{playbook}"], check=False, capture_output=True, text=True)
    told = re.sub(r"\s+", " ", done.stdout + done.stderr)
    assert done.returncode != 0
    assert why in told
    assert "it-ran" not in told
    assert "TASK" not in told
