"""What fails under a task on a real hypervisor: the daemon, the connection, the task itself. docs/faults.md says what
happens then."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from .entries import at_call
from .plays import Task, network
from .stage import Stage, succeeded

pytestmark = pytest.mark.lab

NAME, BRIDGE = "faulty", "vf-faulty"
OPTIONS: dict[str, Any] = {
    "name": NAME,
    "forward": {"mode": "nat", "nat": {"port": {"start": 2000, "end": 60000}}},
    "bridge": {"name": BRIDGE},
    "ips": [{"address": "192.168.94.1/24", "dhcp": {"ranges": [{"start": "192.168.94.9", "end": "192.168.94.99"}]}}],
}
CHANGE: dict[str, Any] = {"name": NAME, "mtu": {"size": 1400}, "restart": "replug"}
GUEST = """\
<domain type='qemu'>
  <name>shop</name><memory unit='MiB'>16</memory>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <devices>
    <interface type='network'>
      <mac address='52:54:00:94:00:01'/><source network='faulty'/><model type='virtio'/>
    </interface>
    <memballoon model='none'/>
  </devices>
</domain>
"""
MOVES = "networkDefineXML networkCreateXML updateDeviceFlags destroy create"
CALLS = len(MOVES.split()) + 3  # define twice, move aside and back, and the end of the parking network
PID = "$(cat /run/libvirtd.pid)"
START = "libvirtd --daemon --pid-file /run/libvirtd.pid"
RESTART = f"kill -9 {PID}; while [ -d /proc/{PID} ]; do sleep 0.05; done; {START}"
AWAY = f"kill -9 {PID}; while [ -d /proc/{PID} ]; do sleep 0.05; done"


@pytest.fixture
def faulty(stage: Stage) -> Iterator[Stage]:
    """A hypervisor with a network and a paused guest on it."""
    stage.network(**OPTIONS)
    (stage.host.home / "run/lab/shop.xml").write_text(GUEST)
    stage.host.virsh("create", "--paused", "/run/lab/shop.xml")
    yield stage
    stage.host.virsh("destroy", "shop")


def connected(stage: Stage) -> bool:
    """Whether the guest is on the network, as the kernel sees it, and nothing of a restart is left."""
    (tap,) = (name for name in stage.links() if name.startswith("vnet"))
    return stage.links()[tap].get("master") == BRIDGE and stage.active() == {NAME}


def finished(stage: Stage, task: Task) -> None:
    """The next run ends as asked."""
    assert succeeded(stage.run(task))["changed"]
    assert connected(stage)
    assert not succeeded(stage.run(task))["changed"]


@pytest.mark.parametrize("call", range(1, CALLS + 1))
def test_daemon_that_restarts_under_a_replug(faulty: Stage, call: int) -> None:
    before = faulty.xml(NAME), faulty.xml(NAME, saved=False)
    result = faulty.run(at_call(faulty, call, network(**CHANGE), RESTART, MOVES))
    assert result["failed"]
    assert "the connection broke" in result["msg"]
    assert result["msg"].endswith(("was put back as it was", "was not changed")), result["msg"]
    assert (faulty.xml(NAME), faulty.xml(NAME, saved=False)) == before
    assert connected(faulty)
    finished(faulty, network(**CHANGE))
