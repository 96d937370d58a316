"""The documentation against the code: every option, and the options in every example."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from tests.unit.documentation import COLLECTION, MODULES, PAGES, arguments, documented

# ---- options ----


def outline(options: dict[str, Any], inside: str) -> dict[str, Any]:
    """Options reduced to what documentation and argument specification have in common."""
    return {
        name: (
            {key: option.get(key) or None for key in ("type", "elements", "choices", "default", "required", "aliases")},
            outline(option.get(inside) or {}, inside),
        )
        for name, option in options.items()
    }


@pytest.mark.parametrize("module", MODULES)
def test_options_are_those_of_the_code(module: str, monkeypatch: Any) -> None:
    options = documented()[module]["doc"]["options"]
    assert outline(options, "suboptions") == outline(arguments(module, monkeypatch), "options")


@pytest.mark.parametrize("module", MODULES)
def test_every_option_is_described(module: str) -> None:
    def undescribed(options: dict[str, Any]) -> list[str]:
        found = [name for name, option in options.items() if not all(option.get("description", []))]
        return [*found, *(name for option in options.values() for name in undescribed(option.get("suboptions", {})))]

    assert undescribed(documented()[module]["doc"]["options"]) == []


# ---- examples ----


def tasks_in(tasks: list[Any]) -> list[dict[str, Any]]:
    """Tasks, also those in blocks."""
    return [inner for task in tasks for inner in (tasks_in(task["block"]) if "block" in task else [task])]


def tasks_of(page: Path) -> list[dict[str, Any]]:
    """The tasks of all playbooks in a page."""
    blocks = re.findall(r"^```yaml\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    plays = [play for block in blocks for play in yaml.safe_load(block) if isinstance(play, dict) and "tasks" in play]
    return tasks_in([task for play in plays for task in play["tasks"]])


def refusals(tasks: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What Ansible says against the options in tasks with modules of this collection; templates are left out."""
    found: list[str] = []
    for task in tasks:
        for key in (key for key in task if key.startswith(f"{COLLECTION}.")):
            options = {name: value for name, value in (task[key] or {}).items() if "{{" not in str(value)}
            spec = arguments(key.rpartition(".")[2], monkeypatch)
            found += [
                f"{task['name']}: {text}" for text in ArgumentSpecValidator(spec).validate(options).error_messages
            ]
    return found


@pytest.mark.parametrize("module", MODULES)
def test_examples_have_options_of_the_code(module: str, monkeypatch: Any) -> None:
    tasks = tasks_in(yaml.safe_load(documented()[module]["examples"]))
    assert any(f"{COLLECTION}.{module}" in task for task in tasks)
    assert refusals(tasks, monkeypatch) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_have_options_of_the_code(page: Path, monkeypatch: Any) -> None:
    assert refusals(tasks_of(page), monkeypatch) == []


def test_playbooks_in_pages_are_found() -> None:
    names = {key for page in PAGES for task in tasks_of(page) for key in task}
    assert names >= {f"{COLLECTION}.virt_network", f"{COLLECTION}.virt_dhcp_host"}


def test_wrong_options_are_found(monkeypatch: Any) -> None:
    wrong = {"name": "wrong", f"{COLLECTION}.virt_network": {"name": "guests", "ips": [{"adress": "192.168.50.1/24"}]}}
    assert "ips.adress" in " ".join(refusals([wrong], monkeypatch))
