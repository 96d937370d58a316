"""The rulebooks of the collection: the options of the source, the playbooks and AWX's workflow that they name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.virtfleet.network.plugins.plugin_utils._events.options import options
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


def test_options_are_those_that_are_documented() -> None:
    found = options({"hypervisors": ["qemu:///system"]})
    seconds = {name: getattr(found, name) for name in ("interval", "timeout", "retry")}
    defaults = {name: option.get("default") for name, option in DOCUMENTED.items()}
    assert defaults == {"hypervisors": None, "watch": ["networks", "guests"], **seconds}
