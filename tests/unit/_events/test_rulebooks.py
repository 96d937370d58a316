"""The rulebooks of the collection: the options of the source, the playbooks and AWX's workflow that they name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.virtfleet.network.plugins.plugin_utils._events.options import options
from tests.awx.api import Controller
from tests.unit.documentation import COLLECTION, ROOT

RULEBOOKS = sorted((ROOT / "extensions/eda/rulebooks").glob("*.yml"))
OBJECTS = (ROOT / "playbooks/awx/objects.yml").read_text()
DOCUMENTED = yaml.safe_load((ROOT / "extensions/eda/plugins/event_source/events.py").read_text().split('"""')[3])[
    "options"
]


def sources(text: str) -> list[dict[str, Any]]:
    """Return the options of the source in each ruleset of a rulebook."""
    return [source[f"{COLLECTION}.events"] for ruleset in yaml.safe_load(text) for source in ruleset["sources"]]


@pytest.mark.parametrize("path", RULEBOOKS, ids=lambda path: path.stem)
def test_what_a_rulebook_names_exists(path: Path) -> None:
    for source in sources(path.read_text()):
        assert options({**source, "hypervisors": ["qemu:///system"]}).kinds
    actions = [
        action
        for ruleset in yaml.safe_load(path.read_text())
        for rule in ruleset["rules"]
        for action in rule.get("actions") or [rule["action"]]
    ]
    for action in actions:
        ((word, what),) = action.items()
        name = what["name"]
        if word == "run_playbook":
            assert (ROOT / f"playbooks/{name.removeprefix(f'{COLLECTION}.')}.yml").exists()
        else:
            assert (word, f"awx_workflow: {name}" in OBJECTS) == ("run_workflow_template", True)


@pytest.mark.parametrize("path", RULEBOOKS, ids=lambda path: path.stem)
def test_hypervisors_do_not_wait_for_each_other(path: Path) -> None:
    """And two playbooks do not run on one of them at once."""
    (ruleset,) = yaml.safe_load(path.read_text())
    assert ruleset["execution_strategy"] == "parallel"
    for rule in ruleset["rules"]:
        assert rule["throttle"]["group_by_attributes"] == ["event.hypervisor"]
        playbook = rule["action"].get("run_playbook", {"lock": "{{ event.hypervisor }}"})  # AWX has locks of its own
        assert playbook["lock"] == "{{ event.hypervisor }}"


def test_awx_launches_the_workflow_for_one_hypervisor() -> None:
    """As ansible-rulebook asks for it (action/run_workflow_template.py and job_template_runner.py, 1.3.2)."""
    (play,) = yaml.safe_load((ROOT / "playbooks/awx/setup.yml").read_text())
    tasks = [task for one in play["tasks"] for task in one.get("block", [one])]
    module = "awx.awx.workflow_job_template"
    (options,) = [task[module] for task in tasks if module in task]
    assert options["allow_simultaneous"]  # one that waits for an approval holds up no other hypervisor's
    (ruleset,) = yaml.safe_load((ROOT / "extensions/eda/rulebooks/approve.yml").read_text())
    assert ruleset["execution_strategy"] == "parallel"
    (rule,) = ruleset["rules"]
    action = rule["action"]["run_workflow_template"]
    kept = Controller()
    made = {**options, "name": action["name"], "organization": kept.named("organizations")["Default"]["id"]}
    kept.create("workflow_job_templates", made)
    _status, listed = kept.answer("GET", "/api/v2/unified_job_templates/", {"name": action["name"]}, {})
    (template,) = listed["results"]
    assert (template["type"], template["ask_limit_on_launch"]) == ("workflow_job_template", True)
    launch = template["related"]["launch"]
    status, refused = kept.answer("POST", launch, {}, {"limit": "hv1", "extra_vars": {"ansible_eda": {}}})
    assert (status, refused) == (400, {"extra_vars": ["Variables ansible_eda are not allowed on launch."]})
    assert not action["include_events"]
    status, job = kept.answer("POST", launch, {}, {"limit": "hv1", "extra_vars": {}})
    assert (status, job["limit"], job["type"]) == (201, "hv1", "workflow_job")


def test_options_are_those_that_are_documented() -> None:
    found = options({"hypervisors": ["qemu:///system"]})
    seconds = {name: getattr(found, name) for name in ("interval", "timeout", "retry")}
    defaults = {name: option.get("default") for name, option in DOCUMENTED.items()}
    assert defaults == {"hypervisors": None, "watch": ["networks", "guests"], **seconds}
