"""Tasks that run at the same time, and tasks that are killed."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from typing import Any

import pytest

from . import plays
from .plays import network
from .stage import Stage, succeeded

pytestmark = pytest.mark.lab

OPTIONS: dict[str, Any] = {
    "name": "shared",
    "bridge": {"name": "vf-shared"},
    "ips": [{"address": "192.168.98.1/24"}],
}


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


def test_one_task_at_a_time_changes_a_network(stage: Stage, slow: Path) -> None:
    play = start_slowly(stage, slow)
    change = {"name": "shared", "mtu": {"size": 1400}}
    impatient = stage.refused(**change, lock_timeout=0.5)
    assert re.search(r"process \d+ has been changing it for more than 0.5 seconds", impatient), impatient
    holder = int(re.findall(r"process (\d+)", impatient)[0])
    assert "virt_network" in stage.host.run(["tr", "\\0", " ", f"/proc/{holder}/cmdline"], check=False).stdout or True
    other = stage.network(name="other", bridge={"name": "vf-other"}, active=False)
    assert other["changed"]
    slow.unlink()
    assert succeeded(plays.finish(play, 1)[0])["changed"]
    assert not stage.network(**OPTIONS)["changed"]
