"""Every example on a page for people that stands for itself, run in its order as it stands there."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.lab import Hypervisor, Lab
from tests.tools.pages import BLOCKS_RUN_BY, PAGES, blocks, files

from ..conftest import FIRST_ROOTS
from ..plays import Result, environment
from .test_examples import SERVING, make

pytestmark = [pytest.mark.lab, pytest.mark.slow]

MAC = "52:54:00:00:60:0a"
# What has happened before the example with this name: guests are disconnected.
BEFORE = {"Look": ("net-destroy guests", "net-start guests")}
# What an example that is no task is good for.
ENTRIES = [
    *yaml.safe_load(files("docs/guides/reservations.md")["network.yml"])[0]["tasks"],
    {"virtfleet.network.virt_dhcp_host": {"network": "guests", "hosts": "{{ example }}"}},
]
NICS = [
    {"ansible.builtin.assert": {"that": "(example.nics | virtfleet.network.interface_xml).strip() == shown.strip()"}}
]
USES = {"docs/guides/reservations.md": ENTRIES, "docs/guides/nics-of-a-new-guest.md": NICS}


@pytest.fixture(params=FIRST_ROOTS)
def host(request: pytest.FixtureRequest, lab: Lab) -> Iterator[Hypervisor]:
    """A hypervisor for the examples alone."""
    host = lab.start(f"pages-{request.param}", root=request.param)
    yield host
    host.stop()


def ansible(host: Hypervisor, folder: Path, *words: str) -> list[Result]:
    """Run ansible-playbook on the hypervisor and return what its tasks returned; AssertionError when it fails."""
    inventory = ["-i", str(host.site.folder / "inventory.yml"), "--limit", host.name, "-e", "ansible_user=root"]
    done = subprocess.run(
        [sys.executable, "-m", "ansible", "playbook", *inventory, *words],
        check=False,
        cwd=folder,
        capture_output=True,
        text=True,
        env=environment(),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def run(host: Hypervisor, folder: Path, plays: list[dict[str, Any]]) -> None:
    """Run plays, in which each task that can change something does."""
    (folder / "example.yml").write_text(json.dumps(plays))
    results = ansible(host, folder, "example.yml")
    assert all(result["changed"] for result in results if "plan" in result), results


def test_examples(host: Hypervisor, tmp_path: Path) -> None:
    """On a hypervisor with a guest that runs; from the last page to the first, which takes the guest elsewhere."""
    for number, name in ((60, "guests"), (61, "backup")):
        make(host, name, SERVING.format(name=name, number=number))
    host.guest("web", ["guests"], [MAC]).wait_for(f"NIC eth0 {MAC} ADDRESS")
    for page in (page for page in reversed(PAGES) if page not in (*USES, *BLOCKS_RUN_BY)):
        for example in map(yaml.safe_load, blocks(page, "yaml")):
            for command in BEFORE.get(example[0]["name"], ()):
                host.virsh(command)
            plays = [{"hosts": "hypervisors", "gather_facts": False, "tasks": example}]
            run(host, tmp_path, example if "hosts" in example[0] else plays)
    assert "backup" in host.virsh("domiflist", "web")


@pytest.mark.parametrize("page", sorted(USES))
def test_examples_that_are_no_tasks(host: Hypervisor, tmp_path: Path, page: str) -> None:
    (example,) = map(yaml.safe_load, blocks(page, "yaml"))
    variables = {"example": example, "shown": "".join(blocks(page, "xml"))}
    run(host, tmp_path, [{"hosts": "hypervisors", "gather_facts": False, "vars": variables, "tasks": USES[page]}])
