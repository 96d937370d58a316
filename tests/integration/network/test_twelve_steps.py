"""Create, change and delete, each in check mode, for real, in check mode again and for real again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from ..plays import Result, info, network
from ..stage import Stage, succeeded

pytestmark = [pytest.mark.lab, pytest.mark.slow]

CASES = yaml.safe_load(Path(__file__).with_name("cases.yml").read_text())
FOUR_TIMES = (True, False, True, False)  # in check mode, for real, in check mode again, for real again


def case_name(case: dict[str, Any]) -> str:
    return str(case["name"])


def prepare(stage: Stage, case: dict[str, Any]) -> None:
    """Make the host's bridge that a bridged network needs."""
    if case["create"].get("forward", {}).get("mode") == "bridge":
        stage.bridge(case["create"]["bridge"]["name"])


def four_times(stage: Stage, **options: Any) -> tuple[list[Result], list[str], list[Result]]:
    """Run a task four times; returns its results, what the host looked like before and after each, and infos."""
    tasks = [network(check=check, **options) for check in FOUR_TIMES]
    before = stage.look()
    *results, told = stage.play(*tasks, info())
    looks = [before, *(result["look"] for result in results)]
    return [succeeded(result) for result in results], looks, succeeded(told)["networks"]


def assert_contract(results: list[Result], looks: list[str]) -> None:
    """Assert what must hold of any change that is made four times."""
    dry_run, real, second_dry_run, second = results
    assert [result["changed"] for result in results] == [True, True, False, False]
    assert dry_run["plan"] == real["plan"]
    assert dry_run["diff"] == real["diff"]
    assert dry_run["restart_required"] == real["restart_required"]
    assert second_dry_run["plan"] == second["plan"] == []
    assert second_dry_run["diff"] == second["diff"] == []
    assert looks[0] == looks[1], "check mode touched the host"
    assert looks[1] != looks[2], "the real run did nothing"
    assert looks[2] == looks[3] == looks[4], "the second runs touched the host"


@pytest.mark.parametrize("case", CASES, ids=case_name)
def test_create_change_delete(stage: Stage, case: dict[str, Any]) -> None:
    prepare(stage, case)
    name = case["name"]
    created, looks, networks = four_times(stage, name=name, **case["create"])
    assert_contract(created, looks)
    assert_told(stage, networks, created[-1])
    merged = {key: case["create"][key] for key in ("active", "autostart") if key in case["create"]}
    number = stage.ifindex(case["create"]["bridge"]["name"]) if merged.get("active", True) else 0

    changed, looks, networks = four_times(stage, name=name, **{**merged, **case["change"]})
    assert_contract(changed, looks)
    assert_told(stage, networks, changed[-1], case.get("pending", []))
    assert networks[0]["uuid"] == created[1]["network"]["uuid"]
    if case.get("live"):
        assert stage.ifindex(case["create"]["bridge"]["name"]) == number

    deleted, looks, networks = four_times(stage, name=name, state="absent")
    assert_contract(deleted, looks)
    assert networks == []
    assert stage.networks() == set()


def assert_told(stage: Stage, networks: list[Result], result: Result, pending: Sequence[str] = ()) -> None:
    """Assert that virt_network_info, virt_network's result and virsh agree; `pending` waits for the next start."""
    (told,) = networks
    assert {key: told[key] for key in result["network"]} == result["network"]
    assert told["xml"].strip() == stage.xml(told["name"])
    assert told["active"] == (told["name"] in stage.active())
    assert told["autostart"] == (told["name"] in stage.autostarted())
    assert [change["path"] for change in told["pending"]] == list(pending)
    assert told["guests"] == told["leases"] == []
