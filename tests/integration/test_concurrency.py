"""Tasks that run at the same time, and tasks that are killed."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from . import plays
from .plays import network
from .stage import Stage, succeeded, wait_for

pytestmark = pytest.mark.lab

OPTIONS: dict[str, Any] = {
    "name": "shared",
    "bridge": {"name": "vf-shared"},
    "ips": [{"address": "192.168.98.1/24"}],
}
CHANGE: dict[str, Any] = {"name": "shared", "mtu": {"size": 1400}}


def test_two_plays_at_once_lose_nothing(stage: Stage) -> None:
    """Each play has its own fields of the network, so that all of them must be there in the end."""
    changes = [{"domain": {"name": "one.test"}}, {"mtu": {"size": 1400}}, {"bridge": {"stp": False}}]
    running = [
        plays.start(stage.lab.inventory, stage.host.name, [network(**OPTIONS, **change)] * 2) for change in changes
    ]
    for play in running:
        for result in plays.finish(play, 2):
            succeeded(result)
    xml = stage.xml("shared", saved=False)
    for field in ("<domain name='one.test'/>", "<mtu size='1400'/>", "stp='off'"):
        assert field in xml
    for change in changes:
        assert not stage.network(**OPTIONS, **change)["changed"]


def start_slowly(stage: Stage, slow: Path) -> subprocess.Popen[str]:
    """Start a play whose task waits in the middle of its work, as long as the file `slow` is there."""
    slow.write_text("start")
    play = plays.start(stage.lab.inventory, stage.host.name, [network(**OPTIONS)])
    wait_for(slow.with_name("reached").exists)
    return play


def holder_of_the_lock(stage: Stage) -> str:
    """Return the process that the error of a task without patience names."""
    message = stage.refused(**CHANGE, lock_timeout=0.5)
    found = re.search(r"process (\d+) has been changing it for more than 0.5 seconds", message)
    assert found, message
    return found[1]


def test_one_task_at_a_time_changes_a_network(stage: Stage, slow: Path) -> None:
    play = start_slowly(stage, slow)
    holder = holder_of_the_lock(stage)
    assert "python3" in stage.host.run(["cat", f"/proc/{holder}/cmdline"]).stdout
    rehearsal, other = stage.play(network(check=True, **CHANGE), network(name="other", active=False))
    assert succeeded(rehearsal)["changed"]
    assert succeeded(other)["changed"]
    waiting = plays.start(stage.lab.inventory, stage.host.name, [network(**CHANGE)])
    slow.unlink()
    assert succeeded(plays.finish(play, 1)[0])["changed"]
    assert succeeded(plays.finish(waiting, 1)[0])["changed"]
    assert stage.active() == {"shared"}
    assert "<mtu size='1400'/>" in stage.xml("shared", saved=False)
    assert not stage.network(**{**OPTIONS, **CHANGE})["changed"]


def test_killed_task_holds_no_lock(stage: Stage, slow: Path) -> None:
    play = start_slowly(stage, slow)
    stage.host.run(["kill", "-KILL", holder_of_the_lock(stage)])
    assert plays.finish(play, 1)[0]["failed"]
    slow.unlink()
    assert stage.network(**CHANGE, lock_timeout=0.5)["changed"]
    assert not stage.network(**{**OPTIONS, **CHANGE})["changed"]
    assert stage.addresses("vf-shared") == {"192.168.98.1/24"}
