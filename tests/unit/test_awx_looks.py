"""What AWX refuses while something is missing, and what set-up refuses itself."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("ansible_runner", reason="AWX's tools are not installed for the oldest ansible-core")

from tests.awx import rules
from tests.awx.api import Controller
from tests.awx.objects import OBJECTS
from tests.awx.server import controller

from .test_awx import NAME, by_hand, set_up_audit

pytestmark = pytest.mark.plays

(NODE,) = (one for one in OBJECTS["awx_nodes"] if one["identifier"] == "audit again")


def slices(kept: Controller) -> list[Any]:
    return [node.get("job_slice_count") for node in kept.items["workflow_job_template_nodes"].values()]


def test_nodes_get_slices_as_soon_as_there_are_hosts_for_them() -> None:
    """AWX takes none while the inventory has less than two hosts, so the first run makes nodes without."""
    own = {"awx_nodes": [NODE], "awx_slices": 4, "awx_ready": "warn"}
    with controller() as (kept, url):
        assert f"the group hypervisors of the inventory {NAME} has no enabled hosts" in set_up_audit(url, **own)
        assert slices(kept) == [None]
        by_hand(kept)
        kept.create("hosts", {"name": "hv2", "inventory": kept.named("inventories")[NAME]["id"], "enabled": True})
        assert " changed=1 " in set_up_audit(url, **own)
        assert slices(kept) == [4]


def test_a_launch_that_is_saved_answers_for_no_password() -> None:
    with controller() as (kept, url):
        inputs = {"username": "root", "password": "ASK"}
        told = set_up_audit(url, rc=2, awx_credential_inputs=inputs, awx_ready="warn")
        assert f"the credential {NAME} asks for ssh_password at each launch, which they cannot answer" in told
        assert not kept.items["schedules"]
        (template,) = kept.items["job_templates"].values()
        status, errors = kept.create(
            "schedules", {"name": "x", "unified_job_template": template["id"], "rrule": OBJECTS["awx_audit_rrule"]}
        )
        assert (status, errors["passwords_needed_to_start"]) == (400, rules.SAVED)


@pytest.mark.parametrize("wrong", [["Networks"], {"team": ["Networks"]}])
def test_actors_that_nobody_would_find_are_refused(wrong: Any) -> None:
    with controller() as (kept, url):
        told = set_up_audit(url, rc=2, awx_operators=wrong)
        assert "awx_operators, awx_approvers and awx_auditors must be like {teams: [...], users: [...]}, not" in told
        assert kept.changes == []
        assert "WARNING" not in told
