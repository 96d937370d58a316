"""The examples of the documentation, run as they stand: they work, do what they predict, and a second time nothing."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.plugin_docs import read_docstring

from tests.deep import sampled
from tests.lab import Hypervisor, Lab
from tests.tools.pages import files

from .. import plays
from ..conftest import FIRST_ROOTS
from ..plays import Task

pytestmark = [pytest.mark.lab, pytest.mark.slow]

ROOT = Path(__file__).parents[3]
MODULES = sorted(path.stem for path in (ROOT / "plugins/modules").glob("[a-z]*.py"))
OURS = "virtfleet.network."
VARIABLES = {"libvirt_uri": "qemu:///system"}
# What the examples find on a hypervisor: its bridges, the second in place of one of Open vSwitch, and networks that
# somebody else has made; those for NICs also networks with DHCP and a guest that runs.
BRIDGES = ("br0", "ovsbr0")
FOUND = {
    "default": "<network><name>default</name><forward mode='nat'/><ip address='192.168.122.1' prefix='24'/></network>",
    "old": "<network><name>old</name><ip address='192.168.123.1' prefix='24'/></network>",
}
SERVING = """
<network>
  <name>{name}</name>
  <ip address='192.168.{number}.1' prefix='24'>
    <dhcp><range start='192.168.{number}.9' end='192.168.{number}.99'/></dhcp>
  </ip>
</network>
"""
ONE, TWO = "52:54:00:00:60:0a", "52:54:00:00:60:0b"
GUEST_MACS = {"virt_iface": [ONE], "virt_iface_info": [ONE, TWO], "virt_network_check": [ONE]}
TELLING = ("_info", "_check", "_audit")  # modules that change nothing


@pytest.fixture(params=FIRST_ROOTS)
def untouched(request: pytest.FixtureRequest, lab: Lab) -> Iterator[Hypervisor]:
    """A hypervisor that no other test uses, with what the examples find there."""
    host = lab.start(f"examples-{request.param}", root=request.param)
    for bridge in BRIDGES:
        host.run(["ip", "link", "add", bridge, "up", "type", "bridge"])
    for name, xml in FOUND.items():
        make(host, name, xml)
    yield host
    host.stop()


def make(host: Hypervisor, name: str, xml: str) -> None:
    """Make a network with virsh."""
    (host.home / "run/lab/found.xml").write_text(xml)
    for command in (["net-define", "/run/lab/found.xml"], ["net-start", name], ["net-autostart", name]):
        host.virsh(*command)


def define(host: Hypervisor, guest: str) -> None:
    """Make a guest that does not run."""
    (host.home / "run/lab/guest.xml").write_text(
        f"<domain type='qemu'><name>{guest}</name><memory unit='MiB'>16</memory><os><type>hvm</type></os></domain>"
    )
    host.virsh("define", "/run/lab/guest.xml")


def boot(host: Hypervisor, macs: list[str]) -> None:
    """Make a guest run that the examples for NICs are about, and the networks that they speak of."""
    for number, name in ((60, "front"), (61, "backup"), (62, "guests")):
        make(host, name, SERVING.format(name=name, number=number))
    host.guest("web", ["front", "backup"][: len(macs)], macs).wait_for(f"NIC eth0 {macs[0]} ADDRESS")


def examples(module: str) -> list[Task]:
    """Return the tasks of a module's EXAMPLES."""
    tasks: list[Task] = yaml.safe_load(read_docstring(str(ROOT / f"plugins/modules/{module}.py"))["plainexamples"])
    return tasks


def readme() -> list[Task]:
    """Return the tasks of the playbook in the README that need nothing but a hypervisor."""
    playbook = yaml.safe_load(files("README.md")["guests.yml"])
    return [task for play in playbook for task in play["tasks"] if any(OURS in key for key in task)]


def proven(tasks: list[Task]) -> list[Task]:
    """Return tasks with those that prove them: each runs in check mode before, and again after."""
    found: list[Task] = []
    for task in tasks:
        if "block" in task:
            found.append({**task, "block": proven(task["block"])})
            continue
        kept, changing = (
            task.get("register", "real"),
            any(key.startswith(OURS) and not key.endswith(TELLING) for key in task),
        )
        if changing:
            found += [as_predicted(task)]
        found += [{**task, "register": kept}, repeated(task)]
        if changing:
            found += [compared(kept)]
    return found


def as_predicted(task: Task) -> Task:
    return {**task, "name": f"predict: {task['name']}", "check_mode": True, "register": "predicted"}


def repeated(task: Task) -> Task:
    restarts = any(isinstance(options, dict) and options.get("state") == "restarted" for options in task.values())
    failed = f"again is failed or again is {'not ' if restarts else ''}changed"
    return {**task, "name": f"again: {task['name']}", "register": "again", "failed_when": failed}


def compared(kept: str) -> Task:
    results = [f"({name}.results | default([{name}]))" for name in (kept, "predicted")]
    parts = [f"| map(attribute='{part}', default={{}}) | list" for part in ("plan", "entries")]
    that: list[Any] = [f"{kept} is changed", *(f"{results[0]} {part} == {results[1]} {part}" for part in parts)]
    return {"name": "it does what was predicted", "ansible.builtin.assert": {"that": that}}


@pytest.mark.deep
@pytest.mark.parametrize("name", sampled([*MODULES, "README"], 9))
def test_examples(lab: Lab, untouched: Hypervisor, name: str) -> None:
    if name in GUEST_MACS:
        boot(untouched, GUEST_MACS[name])
    if name == "virt_topology":
        define(untouched, "web")
    tasks = proven(readme() if name == "README" else examples(name))
    play = {"hosts": untouched.name, "gather_facts": False, "vars": VARIABLES, "tasks": tasks}
    playbook = lab.folder / f"{untouched.name}.yml"
    playbook.write_text(json.dumps([play]))
    done = subprocess.run(
        plays.command(lab.inventory, playbook, "--diff"),
        check=False,
        capture_output=True,
        text=True,
        env=plays.environment(ANSIBLE_STDOUT_CALLBACK="default"),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert not re.search(r"\[(WARNING|DEPRECATION)", done.stderr), done.stderr
