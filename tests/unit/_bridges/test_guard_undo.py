"""The guard's undoing: who comes while somebody else still holds its lock is started again."""

from __future__ import annotations

import fcntl
import subprocess
from pathlib import Path

GUARD = Path(__file__).parents[3] / "roles/host_bridge/files/guard.sh"
SCRIPT = """
. "$2"
work=$1
undo_alone() { echo undone; }
undo clock
"""


def undo(work: Path) -> tuple[int, str]:
    done = subprocess.run(["sh", "-c", SCRIPT, "sh", work, GUARD], check=False, capture_output=True, text=True)
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_an_undoing_that_finds_the_lock_held_fails_so_that_systemd_starts_it_again(tmp_path: Path) -> None:
    """One that hung and was killed holds it until the kernel has ended all its processes."""
    (tmp_path / "unfinished").mkdir()
    (tmp_path / "clock").write_text("clock\n")
    with (tmp_path / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert undo(tmp_path) == (1, "")
    assert undo(tmp_path) == (0, "undone\n")
    (tmp_path / "unfinished").rmdir()
    assert undo(tmp_path) == (0, "")
