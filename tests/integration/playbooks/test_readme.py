"""README's commands and files, word by word and in their order, as a stranger runs them.

Two names stand for others: an SSH configuration makes hv1.example a machine of the lab, and the Galaxy server is one
that hands out the tarball built from this checkout. The commands find nothing else of the checkout.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import Client, Lab
from tests.lab.machine import Machine
from tests.tools.pages import blocks, write_files

from ..conftest import FIRST_ROOTS, FULL
from ..galaxy import galaxy
from ..plays import HERE, Result, changes

pytestmark = [pytest.mark.lab]

# From nothing to libvirt on whole machines. Where many roots are tried, what follows runs on each of them, too.
PLACES = [*(f"full-{suite}" for suite in FULL), *(FIRST_ROOTS if len(FIRST_ROOTS) > 1 or not FULL else ())]
# It needs systemd, and so a whole machine.
PREPARE = "ansible-playbook -i hv1.example, -b virtfleet.network.hypervisor "
STEPS = [line for block in blocks("README.md", "console") for line in block.splitlines() if line.startswith("ansible")]


class Stranger:
    """A controller with an empty home, README's files, and a way to hv1.example."""

    def __init__(self, lab: Lab, machine: Machine, home: Path, server: str) -> None:
        self.home = home
        write_files("README.md", home)
        (home / "inventory").write_text("hv1.example\n")
        config = (lab.folder / "ssh_config").read_text().replace(f"Host {machine.name}\n", "Host hv1.example\n")
        (home / "ssh_config").write_text(config)
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        self.environment = {
            **inherited,
            "HOME": str(home),
            "PATH": path,
            "ANSIBLE_GALAXY_SERVER": server,
            "ANSIBLE_COLLECTIONS_PATH": str(home / ".ansible/collections"),  # Ansible's default; make sets another
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(lab.folder / "stranger"),  # a socket's path is short, a test's is not
            "ANSIBLE_SSH_COMMON_ARGS": f"-F {home}/ssh_config",
            "ANSIBLE_REMOTE_USER": "root",  # for whom -b needs no sudo, which the lab lacks
            "ANSIBLE_PYTHON_INTERPRETER": "/usr/bin/python3",  # a hypervisor also finds those of this machine's user
            "ANSIBLE_STDOUT_CALLBACK": "results",
            "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callback"),
        }

    def follow(self, step: str) -> list[Result]:
        """Run a command and return what its tasks returned; AssertionError when it fails."""
        words = shlex.split(step, comments=True)
        done = subprocess.run(words, check=False, cwd=self.home, env=self.environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{step}\n{done.stdout}{done.stderr}"
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


@pytest.fixture(params=PLACES)
def machine(request: pytest.FixtureRequest, lab: Lab) -> Iterator[Machine]:
    """A hypervisor of the lab, or a whole machine without libvirt."""
    full, _prefix, suite = request.param.rpartition("full-")
    name = f"readme-{suite}"
    machine: Machine = lab.start_full(name, suite, dhcp=True) if full else lab.start(name, root=suite)
    yield machine
    machine.stop()


def networks(result: Result) -> list[str]:
    """Return the networks that a task is about; it has a plan."""
    return [network["name"] for network in result.get("networks", [result.get("network")])]


def test_first_hour(lab: Lab, machine: Machine, tmp_path: Path) -> None:
    """Each network changes when it was not there before, and when the command is repeated, nothing does."""
    planned = []
    with galaxy(tmp_path) as server:
        stranger = Stranger(lab, machine, tmp_path, server)
        for step in (step for step in STEPS if machine.name in lab.machines or not step.startswith(PREPARE)):
            before = machine.run(["virsh", "net-list", "--all", "--name"], check=False).stdout.split()
            results = [result for result in stranger.follow(step) if "plan" in result]
            assert [result["changed"] for result in results] == [
                networks(result)[0] not in before for result in results
            ]
            planned += results
        assert [changes(stranger.follow(step)) for step in STEPS if step.endswith(" -b guests.yml")] == [0]
    assert len(planned) == 4
    guest = Client(machine.site, f"{machine.name}-guest", machine, "vbr-guests", "guest")
    assert guest.dhcp()["address"].startswith("192.168.50.")
    guest.stop()
