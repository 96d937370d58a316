"""The objects of playbooks/awx as they are written, templates of Ansible as text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]


class _Loader(yaml.SafeLoader):
    """Takes other templates for what they are."""


_Loader.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))  # type: ignore[type-var]
with (ROOT / "playbooks/awx/objects.yml").open() as _file:
    OBJECTS: dict[str, Any] = yaml.load(_file, _Loader)  # noqa: S506 - a safe loader
TEMPLATES: dict[str, dict[str, Any]] = {one["playbook"]: one for one in OBJECTS["awx_templates"]}
