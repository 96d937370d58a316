"""Every row of the page for those who know virsh: the command and the task leave the same, and print the same."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.lab import Hypervisor, Lab
from tests.tools.pages import ROOT, files

from .. import plays
from ..conftest import FIRST_ROOTS
from ..plays import Result, Task
from ..stage import wait_for
from .test_examples import SERVING, make

pytestmark = pytest.mark.lab

PAGE = "docs/guides/virsh.md"
ROW = re.compile(r"^\| `([^|`]*)`(?:, to add `([^|`]*)`)? \| `([^|`]*)` \|(?: `([^|`]*)` \|)?$", re.MULTILINE)
# Commands, what net-edit adds, tasks, and where the result of a task has what the command prints.
ROWS = [match.groups() for match in ROW.finditer((ROOT / PAGE).read_text())]
MAC, SECOND = "52:54:00:00:60:0a", "52:54:00:00:50:0b"
NUMBER = re.compile(r"\bvnet\d+")  # the guest's end of a NIC has another one each time
LOOK = f"""virsh -q 'net-dumpxml guests; net-dumpxml guests --inactive; net-info guests; domiflist web
domiflist web --inactive; domif-getlink web {SECOND}' 2>&1 || true"""


@pytest.fixture(params=FIRST_ROOTS)
def host(request: pytest.FixtureRequest, lab: Lab) -> Iterator[Hypervisor]:
    """A hypervisor with a guest that runs, and has an address."""
    host = lab.start(f"virsh-{request.param}", root=request.param)
    make(host, "backup", SERVING.format(name="backup", number=61))
    host.guest("web", ["backup"], [MAC]).wait_for(f"NIC eth0 {MAC} ADDRESS")
    yield host
    host.stop()


def look(host: Hypervisor) -> str:
    return NUMBER.sub("", host.run(["sh", "-c", LOOK]).stdout)


def virsh(host: Hypervisor, command: str, added: str | None) -> str:
    """Run one of the page's commands; net-edit's editor adds an element to the network."""
    editor = f'sed -i "s|</network>|{added}</network>|"'
    printed = host.run(["sh", "-c", f"cd /run/lab && EDITOR={shlex.quote(editor)} virsh -q {command}"]).stdout
    if command.startswith("detach-interface"):  # it only asks: the guest takes its time
        wait_for(lambda: SECOND not in host.virsh("domiflist", "web"))
    return printed


def values(found: Any, path: str) -> list[str]:
    """Return what is at a place of a result, such as networks[*].name."""
    name, _dot, rest = path.partition(".")
    below = found[name.removesuffix("[*]")]
    each = below if name.endswith("[*]") else [below]
    return [value for one in each for value in values(one, rest)] if rest else [f"{one}" for one in each]


def results(host: Hypervisor, tasks: list[Task]) -> list[Result]:
    looking = host.process.enter("sh", "-c", LOOK)
    play = plays.start(host.site.folder / "inventory.yml", host.name, tasks, looking)
    return plays.finish(play, len(tasks))


def test_each_row(host: Hypervisor) -> None:
    assert len(ROWS) == len(re.findall(r"^\| `", (ROOT / PAGE).read_text(), re.MULTILINE))
    (definition,) = files(PAGE).values()
    for folder in (host.home / "run/lab", host.site.folder):
        (folder / "guests.xml").write_text(definition)
    printed, left = [], []
    for command, added, *_rest in ROWS:
        printed.append(virsh(host, command, added))
        left.append(look(host))
    tasks = [yaml.safe_load(f"virtfleet.network.{task}") for *_before, task, _path in ROWS]
    done = results(host, tasks)
    assert [result.get("msg") for result in done if result.get("failed")] == []
    for (command, _added, task, path), output, expected, result in zip(ROWS, printed, left, done):
        if path:
            found = values({"found": result}, path)
            assert [value for value in found if value.strip() in output] == found != [], (command, output)
        else:
            assert (task, NUMBER.sub("", result["look"])) == (task, expected)
            assert result["changed"], task
