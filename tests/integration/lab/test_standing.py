"""A lab that stands until its owner ends, and another process that visits it."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from tests.lab import Lab
from tests.lab.lab import LABS, living, visit

pytestmark = pytest.mark.lab

VISITOR = (
    "import sys; from tests.lab.lab import visit; host = visit(sys.argv[1])['hv1']; print(host.client('br1').name)"
)


def test_standing_lab_is_visited_and_ends_with_its_owner() -> None:
    name = f"t{os.getpid()}"
    with subprocess.Popen(["sleep", "1000"]) as owner:
        up = ["up", "--hosts", "1", "--name", name, "--owner", str(owner.pid)]
        subprocess.run([sys.executable, "-m", "tests.lab", *up], check=True, capture_output=True)
        host = visit(name)["hv1"]
        assert "uplink" in host.run(["ip", "link"]).stdout
        assert "192.0.2.1" in host.world.run(["ip", "address"]).stdout

        host.run(["ip", "link", "add", "br1", "up", "type", "bridge"])
        for _visit in range(2):  # what a visitor leaves is no hindrance for the next one
            visited = subprocess.run([sys.executable, "-c", VISITOR, name], check=True, capture_output=True, text=True)
            assert visited.stdout == "hv1-client1\n"
        owner.kill()
    deadline = time.monotonic() + 20
    while name in living():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    with Lab():
        assert not (LABS / name).exists()
