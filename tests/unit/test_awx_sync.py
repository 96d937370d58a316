"""The project of AWX: a sync that fails, runs for long or is refused, and what set-up says of it."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("ansible_runner", reason="AWX's tools are not installed for the oldest ansible-core")

from tests.awx.objects import OBJECTS
from tests.awx.server import controller

from .test_awx import NAME, by_hand, launch, set_up_audit

pytestmark = pytest.mark.plays

OF = f"{OBJECTS['awx_version']} of https://github.com/virtfleet/virtfleet.network"


def test_a_sync_that_failed_is_repeated() -> None:
    """Of a new project, and after an upgrade to a version that the repository has later."""
    gone = "fatal: unable to access the repository:\nCould not resolve host"
    with controller() as (kept, url):
        kept.sync_error = lambda _project: gone
        told = set_up_audit(url, rc=2)
        assert f"Cannot bring the project {NAME} to {OF}: its sync has failed: fatal: unable" in told
        assert "fatal: unable to access the repository: Could not resolve host. Correct that" in told
        kept.sync_error = lambda project: "" if project["scm_branch"] == OBJECTS["awx_version"] else "no such tag"
        set_up_audit(url, awx_ready="warn")
        by_hand(kept)
        assert "no such tag. Correct that" in set_up_audit(url, rc=2, awx_version="0.2.0")
        status, errors = launch(kept, "audit")
        assert (status, errors) == (400, {"playbook": "Missing a revision to run due to failed project update."})
        kept.changes.clear()
        assert " changed=1 " in (told := set_up_audit(url, "--check", awx_version="0.2.0"))
        assert f"the sync of the project {NAME} is failed" in told
        assert kept.changes == []
        kept.sync_error = lambda _project: ""
        assert " changed=1 " in set_up_audit(url, awx_version="0.2.0")
        assert launch(kept, "audit")[0] == 201
        assert " changed=0 " in set_up_audit(url, "--check", awx_version="0.2.0")


def test_each_reason_of_a_sync_is_said() -> None:
    """ansible-galaxy's is in its output; one that was canceled has none; AWX itself may have one."""
    galaxy = {"msg": "non-zero return code", "stderr": "ERROR! Unknown error when attempting to call Galaxy\n"}
    broken = {"status": "error", "job_explanation": "", "result_traceback": "Traceback:\nOSError: no space left"}
    with controller() as (kept, url):
        for error, why in (
            (galaxy, "its sync has failed: non-zero return code; ERROR! Unknown error when attempting to call Galaxy."),
            ({"status": "canceled"}, "its sync is canceled. Correct that"),
            (broken, "its sync has failed: OSError: no space left. Correct that"),
        ):
            kept.sync_error = lambda _project, error=error: error
            assert why in set_up_audit(url, rc=2)


def test_a_sync_that_runs_is_waited_for() -> None:
    """Also one that set-up finds, as after a run that somebody has ended; and not for ever."""
    with controller() as (kept, url):
        kept.sync_looks = 10**6
        assert f"to {OF}: its sync is running. Correct that" in set_up_audit(url, rc=2, awx_sync_timeout=5)
        (update,) = kept.items["project_updates"].values()
        update["looks"] = 3
        set_up_audit(url, awx_ready="warn")
        assert [*kept.items["project_updates"].values()] == [update]
        assert kept.named("job_templates").keys() == {"Networks - audit"}


def test_playbooks_that_the_project_lacks_are_named() -> None:
    with controller() as (kept, url):
        told = set_up_audit(url, rc=2, awx_playbooks="networks")
        assert f"the project {NAME} has no networks/awx/audit.yml: correct awx_version or awx_playbooks" in told
        assert not kept.items["job_templates"]


def test_what_is_refused_is_no_reason_of_a_sync() -> None:
    """A credential of the wrong kind, where the sync before has failed for another reason."""
    with controller() as (kept, url):
        kept.sync_error = lambda _project: "Authentication failed"
        set_up_audit(url, rc=2)
        kind = kept.named("credential_types")["Container Registry"]["id"]
        kept.create("credentials", {"name": "images", "credential_type": kind})
        told = set_up_audit(url, rc=2, awx_project_credential="images")
        assert json.dumps({"credential": ["Credential kind must be 'scm'."]}) in told
        assert "Authentication failed" not in told
