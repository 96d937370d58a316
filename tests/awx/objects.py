"""The objects of playbooks/awx as they are written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]

with (ROOT / "playbooks/awx/objects.yml").open() as _file:
    OBJECTS: dict[str, Any] = yaml.safe_load(_file)
# By the playbook that a job template runs in the end; some have one in playbooks/awx that is for their survey.
TEMPLATES: dict[str, dict[str, Any]] = {Path(one["playbook"]).name: one for one in OBJECTS["awx_templates"]}
