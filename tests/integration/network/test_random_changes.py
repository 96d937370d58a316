"""From one invented network to another: predicted in check mode, made, compared, and nothing left to do.

LAB_PAIRS and LAB_SEED in the environment: how many, and from which on.
"""

from __future__ import annotations

import os
from typing import Any

import pytest

from ..plays import Result, Task, info, network
from ..random_specs import HOST_BRIDGE, Inventor, holds, instead_of
from ..stage import Stage, succeeded

pytestmark = [pytest.mark.lab, pytest.mark.slow]

PAIRS = int(os.environ.get("LAB_PAIRS", "10"))
SEED = int(os.environ.get("LAB_SEED", "1"))
IN_A_PLAY = 12
FORETOLD = ("changed", "plan", "diff", "restart_required")


def invented(stage: Stage, seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the options that make a network, and those that turn it into another one."""
    inventor = Inventor(seed, stage.version, seed % 100)
    one, other = inventor.network(), inventor.network()
    return {"name": f"r{seed}", **one}, {"name": f"r{seed}", **instead_of(one, other)}


def tasks_for(first: dict[str, Any], second: dict[str, Any]) -> list[Task]:
    tasks = [network(check=check, **options) for options in (first, second) for check in (True, False)]
    return [*tasks, network(check=True, **second)]


def assert_as_predicted(dry_run: Result, real: Result, wanted: dict[str, Any]) -> None:
    """Assert that a real run did what check mode predicted, and that what was asked for exists."""
    assert {key: dry_run[key] for key in FORETOLD} == {key: real[key] for key in FORETOLD}
    there = real["network"]["spec"]
    assert {name: there.get(name) for name, value in wanted.items() if not holds(value, there.get(name))} == {}, wanted


@pytest.mark.parametrize("start", range(SEED, SEED + PAIRS, IN_A_PLAY))
def test_random_changes(stage: Stage, start: int) -> None:
    stage.bridge(HOST_BRIDGE)
    pairs = [invented(stage, seed) for seed in range(start, min(start + IN_A_PLAY, SEED + PAIRS))]
    *results, told = stage.play(*(task for pair in pairs for task in tasks_for(*pair)), info())
    specs = {one["name"]: one["spec"] for one in succeeded(told)["networks"]}
    for place, (first, second) in enumerate(pairs):
        predicted, made, predicted_change, changed, again = results[place * 5 : place * 5 + 5]
        for dry_run, real, wanted in ((predicted, made, first), (predicted_change, changed, second)):
            assert not real.get("failed"), f"{real['msg']}\n{wanted}"
            assert_as_predicted(succeeded(dry_run), real, wanted)
        assert not succeeded(again)["changed"], f"{again['plan']}\n{second}"
        assert specs[second["name"]] == again["network"]["spec"]
