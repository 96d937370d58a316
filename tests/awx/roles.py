"""Who may do what in AWX: the roles of an object, and what each is needed for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Item = dict[str, Any]

# awx/main/models/jobs.py, JobTemplate; awx/main/models/workflow.py, WorkflowJobTemplate: each with what includes it.
ROLES: dict[str, dict[str, tuple[str, ...]]] = {
    "job_templates": {"execute_role": (), "read_role": ("execute_role",)},
    "workflow_job_templates": {
        "execute_role": (),
        "approval_role": (),
        "read_role": ("execute_role", "approval_role"),
    },
}
# awx/main/access.py: can_start of JobTemplateAccess and WorkflowJobTemplateAccess, JobAccess.filtered_queryset,
# WorkflowApprovalAccess.can_approve_or_deny.
NEEDED = {
    ("job_templates", "launch"): "execute_role",
    ("job_templates", ""): "read_role",
    ("jobs", "stdout"): "read_role",
    ("workflow_job_templates", "launch"): "execute_role",
    ("workflow_job_templates", "approve"): "approval_role",
}


def allowed(items: Mapping[str, Mapping[int, Item]], held: set[int], kind: str, item: Item, part: str) -> bool:
    """Whether one who holds these roles may have a part of an object; a job is its template's."""
    needed = NEEDED.get((kind, part))
    if kind == "jobs":
        kind, item = "job_templates", items["job_templates"][item["job_template"]]
    if needed is None:
        return False
    enough = {needed, *ROLES[kind][needed]}
    return any(
        role["object"] == item["url"] and role["name"] in enough for role in map(items["roles"].get, held) if role
    )
