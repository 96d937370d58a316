"""The sync of a project: what AWX has of one that runs, and what one leaves behind."""

from __future__ import annotations

from typing import Any

from . import rules

Item = dict[str, Any]
REASONS = {"job_explanation": "", "result_traceback": ""}


def begun(project: Item) -> Item:
    """The fields of a sync, and the project's status: awx/main/models/projects.py, Project._get_current_status."""
    project["status"] = "running"
    fields = {"project": project["id"], "scm_revision": project["scm_revision"], "job_type": "check"}
    return {**fields, "status": "running", "finished": None, "failed": False, "events": [], "late": [], **REASONS}


def listed(update: Item) -> Item:
    """awx/api/serializers.py, UnifiedJobListSerializer.get_field_names: what a list leaves out."""
    return {name: value for name, value in update.items() if name not in ("result_traceback", "late", "events")}


def shown(update: Item) -> Item:
    """awx/main/models/unified_jobs.py, UnifiedJob.event_processing_finished: events arrive after the end."""
    finished = bool(update["finished"]) and not update["late"]
    update["events"] += update["late"]
    update["late"] = []
    return {**listed(update), "result_traceback": update["result_traceback"], "event_processing_finished": finished}


def ended(project: Item, update: Item, error: str | Item) -> None:
    """A sync has ended: awx/main/tasks/jobs.py, RunProjectUpdate.post_run_hook.

    What one that fails leaves behind is the revision of the one before. ``error`` is the message of the task that
    failed (awx/playbooks/project_update.yml), or the result of that task, or fields of the sync.
    """
    result = error if isinstance(error, dict) else {"msg": error}
    fields = result if "status" in result else {"status": "failed" if error else "successful"}
    update |= {**fields, "finished": "now", "failed": bool(error)}
    if error and "status" not in result:
        update["late"] = [{"event": "runner_on_failed", "event_data": {"res": result}}]
    if not error:
        revision = f"{project['scm_url']}@{project['scm_branch']}"
        project |= {"scm_revision": revision, "playbook_files": rules.playbooks()}
        update["scm_revision"] = revision
    project["status"] = update["status"]
