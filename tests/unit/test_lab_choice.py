"""Which roots the lab's tests run on: what the environment may say of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.choice import chosen, left_out

POSSIBLE = ("host", "bullseye", "sid")


@pytest.mark.parametrize(
    "given,expected",
    [
        (None, ["host"]),
        ("", []),
        ("sid", ["sid"]),
        ("host  bullseye host", ["host", "bullseye"]),
    ],
)
def test_roots_are_those_of_the_environment(given, expected, monkeypatch):
    monkeypatch.delenv("LAB_ROOTS", raising=False)
    if given is not None:
        monkeypatch.setenv("LAB_ROOTS", given)
    assert chosen("LAB_ROOTS", "host", POSSIBLE) == expected


def test_unknown_roots_are_named_with_the_known_ones(monkeypatch):
    monkeypatch.setenv("LAB_FULL", "slackware host potato")
    with pytest.raises(ValueError, match=r"^LAB_FULL has slackware, potato: choose of host, bullseye, sid$"):
        chosen("LAB_FULL", "host", POSSIBLE)


def test_a_machine_without_any_root_collects_the_tests():
    pytest.importorskip("ansible_runner", reason="the lab's tools are not installed for the oldest ansible-core")
    command = [sys.executable, "-m", "pytest", "--collect-only", "--quiet", "tests/integration"]
    nothing = {**os.environ, "LAB_ROOTS": "", "LAB_FULL": ""}
    subprocess.run(command, check=True, capture_output=True, cwd=Path(__file__).parents[2], env=nothing)


def test_a_sampled_root_runs_a_sixth_of_what_others_run_and_all_that_only_it_runs():
    both = [
        f"tests/{file}.py::test_{number}[{root}]" for file in "ab" for number in range(12) for root in ("host", "sid")
    ]
    alone = "tests/b.py::test_alone[sid]"
    left = left_out([*both, alone], ["sid"])
    assert {node for node in left if not node.endswith("[sid]")} == set()
    assert [len([node for node in left if file in node]) for file in ("a.py", "b.py")] == [10, 10]
    assert alone not in left
    assert left_out(both, []) == set()
