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


def test_lock_says_who_holds_it(stage: Stage) -> None:
    stage.network(**OPTIONS)
    with held(stage) as holder:
        before = stage.look()
        message = stage.refused(name="shared", mtu={"size": 1400}, lock_timeout=0.5)
        assert f"process {inner_pid(holder)} has been changing it for more than 0.5 seconds" in message
        rehearsal, unchanged = stage.play(network(check=True, name="shared", mtu={"size": 1400}), network(name="shared"))
        assert succeeded(rehearsal)["changed"]
        assert not succeeded(unchanged)["changed"]
        assert stage.look() == before
    assert stage.network(name="shared", mtu={"size": 1400}, lock_timeout=5)["changed"]
