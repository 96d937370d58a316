"""Tasks that run at the same time, and tasks that are killed."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import pytest

from .. import plays
from ..plays import Task, network
from ..stage import Stage, succeeded, wait_for

pytestmark = pytest.mark.lab

OPTIONS: dict[str, Any] = {
    "name": "shared",
    "bridge": {"name": "vf-shared"},
    "ips": [{"address": "192.168.98.1/24"}],
}
CHANGE: dict[str, Any] = {"name": "shared", "mtu": {"size": 1400}}


def in_background(stage: Stage, task: Task) -> AbstractContextManager[subprocess.Popen[str]]:
    return plays.background(stage.lab.inventory, stage.host.name, [task])


def test_two_plays_at_once_lose_nothing(stage: Stage) -> None:
    """Each play has its own fields of the network, so that all of them must be there in the end."""
    changes = [
        {"domain": {"name": "one.test"}},
        {"mtu": {"size": 1400}},
        {"dns": {"txts": [{"name": "three", "value": "3"}]}},
    ]
    with ExitStack() as stack:
        at_once = [stack.enter_context(in_background(stage, network(**{**OPTIONS, **change}))) for change in changes]
        for play in at_once:
            succeeded(plays.finish(play, 1)[0])
    xml = stage.xml("shared", saved=False)
    for field in ("<domain name='one.test'/>", "<mtu size='1400'/>", "<txt name='three' value='3'/>"):
        assert field in xml
    for change in changes:
        assert not stage.network(**OPTIONS, **change)["changed"]


# A look at the host's devices that takes as long as a file is there: the task waits with the lock in its hand.
SLOW_IP = """\
#!/bin/sh
while [ "$*" = "-details -json address" ] && [ -e /run/lab/slow ]; do
    touch /run/lab/reached
    sleep 0.05
done
PATH=/usr/sbin:/usr/bin:/sbin:/bin exec ip "$@"
"""


@pytest.fixture
def slow(stage: Stage) -> Iterator[Path]:
    """The file that tasks wait for."""
    file = stage.host.home / "run/lab/slow"
    file.touch()
    stage.host.run(["sh", "-c", "cat >/usr/local/sbin/ip; chmod +x /usr/local/sbin/ip"], input=SLOW_IP)
    yield file
    file.unlink(missing_ok=True)
    file.with_name("reached").unlink(missing_ok=True)
    stage.host.run(["rm", "/usr/local/sbin/ip"])


@pytest.fixture
def stuck(stage: Stage, slow: Path) -> Iterator[subprocess.Popen[str]]:
    """A play whose task waits in the middle of its work."""
    with in_background(stage, network(**OPTIONS)) as play:
        wait_for(slow.with_name("reached").exists)
        yield play
        slow.unlink(missing_ok=True)


def holder_of_the_lock(stage: Stage) -> str:
    """Return the process that the error of a task without patience names."""
    message = stage.refused(**CHANGE, lock_timeout=0.5)
    found = re.search(r"process (\d+) has been changing it for more than 0.5 seconds", message)
    assert found, message
    return found[1]


def test_one_task_at_a_time_changes_a_network(stage: Stage, slow: Path, stuck: subprocess.Popen[str]) -> None:
    assert "python3" in stage.host.run(["cat", f"/proc/{holder_of_the_lock(stage)}/cmdline"]).stdout
    with in_background(stage, network(**CHANGE)) as waiting:
        slow.unlink()
        assert succeeded(plays.finish(stuck, 1)[0])["changed"]
        assert succeeded(plays.finish(waiting, 1)[0])["changed"]
    assert stage.active() == {"shared"}
    assert "<mtu size='1400'/>" in stage.xml("shared", saved=False)
    assert not stage.network(**{**OPTIONS, **CHANGE})["changed"]


def test_killed_task_holds_no_lock(stage: Stage, slow: Path, stuck: subprocess.Popen[str]) -> None:
    stage.host.run(["kill", "-KILL", holder_of_the_lock(stage)])
    assert plays.finish(stuck, 1)[0]["failed"]
    slow.unlink()
    assert stage.network(**OPTIONS, lock_timeout=0.5)["changed"]
