"""The planner: from observed and desired to steps; the cases are data."""

from __future__ import annotations

import re

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import InUseError
from ansible_collections.virtfleet.network.plugins.module_utils._network.plan import plan_network
from tests.unit.case_files import (
    PLANS,
    actions_of,
    desired_of,
    expected_rows,
    observed_of,
    parametrized,
    policy_of,
    rows_of,
    version_of,
)


@parametrized(*PLANS)
def test_plan(case):
    if "error" in case:
        with pytest.raises(InUseError, match=case["error"]):
            plan_network(desired_of(case), observed_of(case), policy_of(case), version_of(case))
        return
    plan = plan_network(desired_of(case), observed_of(case), policy_of(case), version_of(case))
    if "actions" in case:
        assert actions_of(plan) == case["actions"]
    else:
        assert rows_of(plan) == expected_rows(case)
    assert plan.restart_required == case.get("restart_required", False)
    expected = case.get("warnings", [])
    assert len(plan.warnings) == len(expected)
    for pattern, text in zip(expected, plan.warnings):
        assert re.search(pattern, text)
    for place in case.get("keeps", ()):
        assert plan.after.tree.find(place) is not None, plan.after
    for place in case.get("lacks", ()):
        assert plan.after.tree.find(place) is None, plan.after
