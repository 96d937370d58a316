"""Runs plays on the lab as a user does, with ansible-playbook over SSH, and returns what each task returned."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.deep import amount

Result = dict[str, Any]
Task = dict[str, Any]

HERE = Path(__file__).parent
PLAY_SECONDS = amount(300, 1200)  # beside other long tests
NETWORK = "virtfleet.network.virt_network"
INFO = "virtfleet.network.virt_network_info"


def network(check: bool = False, **options: Any) -> Task:
    """Return a task of virt_network; `check` puts it into check mode."""
    return {NETWORK: options, "check_mode": check}


def info(*names: str) -> Task:
    """Return a task of virt_network_info for the named networks, or for all."""
    return {INFO: {"name": list(names)} if names else {}}


def command(inventory: Path, playbook: Path, *arguments: str) -> list[str]:
    """Return the command line that runs a playbook."""
    return [sys.executable, "-m", "ansible", "playbook", "-i", str(inventory), *arguments, str(playbook)]


def environment(**more: str) -> dict[str, str]:
    """Return the environment that ansible-playbook runs in."""
    return {**os.environ, "ANSIBLE_CONFIG": str(HERE / "ansible.cfg"), **more}


def start(
    inventory: Path, host: str, tasks: list[Task], look: Sequence[str] = (), **play: Any
) -> subprocess.Popen[str]:
    """Start a play whose tasks all run, also after one has failed.

    What `look` prints, a command that runs on this machine after each task, is in the results; `play` holds more of
    the play's keywords.
    """
    content = [{"hosts": host, "gather_facts": False, "ignore_errors": True, **play, "tasks": tasks}]
    with tempfile.NamedTemporaryFile("w", suffix=".yml", dir=inventory.parent, delete=False) as file:
        json.dump(content, file)
    return subprocess.Popen(
        command(inventory, Path(file.name)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(RESULTS_LOOK=json.dumps(look)),
    )


def playbook(folder: Path, *arguments: str, failed: bool | None = False) -> list[Result]:
    """Run ansible-playbook in a folder with the file "inventory" and return the results of all tasks; `failed` is how
    it must end, None for either."""
    done = subprocess.run(
        [sys.executable, "-m", "ansible", "playbook", "-i", "inventory", *arguments],
        check=False,
        cwd=folder,
        capture_output=True,
        text=True,
        env=environment(PWD=str(folder)),
    )
    assert failed in (None, done.returncode != 0), done.stdout[-3000:] + done.stderr
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def changes(results: list[Result]) -> int:
    """Return how many tasks have changed something."""
    return sum(bool(result.get("changed")) for result in results)


@contextmanager
def background(*arguments: Any, **keywords: Any) -> Iterator[subprocess.Popen[str]]:
    """Run a play (see start()) during a `with`; what is not finished by its end is killed."""
    play = start(*arguments, **keywords)
    try:
        yield play
    finally:
        play.kill()
        play.communicate()


def finish(play: subprocess.Popen[str], count: int, seconds: float = PLAY_SECONDS) -> list[Result]:
    """Wait for a play and return its results, of which there must be `count`; AssertionError with all it said."""
    try:
        output, errors = play.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        play.kill()
        output, errors = play.communicate()
    results = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    unreachable = any(result.get("unreachable") for result in results)
    assert len(results) == count and not unreachable, f"the play did not run to its end:\n{output}{errors}"  # noqa: PT018
    return results
