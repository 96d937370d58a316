"""What people read, and what Ansible gets of a module: the pages, its documentation and its arguments."""

from __future__ import annotations

import functools
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._task import networks as _module

ROOT = Path(__file__).parents[2]
COLLECTION = "virtfleet.network"
MODULES = sorted(path.stem for path in (ROOT / "plugins/modules").glob("[a-z]*.py"))
# Pages for people.
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
# What only the glue adds to a result: a backup that was made, the problems of an error.
ADDED = {"backup_file", "backup_files", "problems"}


@functools.cache
def documented() -> dict[str, Any]:
    """What ansible-doc says of every module, with its fragments."""
    command = [sys.executable, "-m", "ansible", "doc", "--json", *(f"{COLLECTION}.{name}" for name in MODULES)]
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".build")}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return {name.rpartition(".")[2]: text for name, text in json.loads(done.stdout).items()}


def arguments(module: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What a module gives to AnsibleModule."""
    given: list[dict[str, Any]] = []

    def ansible_module(argument_spec: dict[str, Any], **_rules: Any) -> None:
        given.append(argument_spec)
        raise EOFError

    monkeypatch.setattr(_module, "Module", ansible_module)
    with pytest.raises(EOFError):
        importlib.import_module(f"ansible_collections.{COLLECTION}.plugins.modules.{module}").main()
    return given[0]
