"""What fails under a task on a real hypervisor: the daemon, the connection, the task itself. docs/reference/faults.md
says what happens then."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import NetworkError
from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor import link as _link
from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor.gateway import Gateway
from tests.deep import amount, sampled

from .. import plays
from ..entry_tasks import at_call
from ..plays import Result, Task, network
from ..stage import Stage, succeeded

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
CALLS = len(MOVES.split()) + 2  # a NIC moves aside and back, and the parking network ends
SECONDS = 5  # for a call: a busy machine needs some
# For each of libvirt's daemons.
PID = "$(cat /run/$daemon.pid)"
START = "$daemon --daemon --pid-file /run/$daemon.pid"
AWAY = f"kill -9 {PID}; while [ -d /proc/{PID} ]; do sleep 0.05; done"
RESTART = f"{AWAY}; {START}"
HANG, GO_ON = f"kill -STOP {PID}", f"kill -CONT {PID}"


@pytest.fixture
def faulty(stage: Stage) -> Iterator[Stage]:
    """A hypervisor with a network and a paused guest on it."""
    stage.network(**OPTIONS)
    (stage.host.home / "run/lab/shop.xml").write_text(GUEST)
    stage.host.virsh("create", "--paused", "/run/lab/shop.xml")
    yield stage
    stage.host.virsh("destroy", "shop")


def each(stage: Stage, command: str) -> str:
    """The command for each of the hypervisor's daemons."""
    return f"for daemon in {' '.join(stage.host.daemons)}; do {command}; done"


def connected(stage: Stage) -> bool:
    """Whether the guest is on the network, as the kernel sees it, and nothing of a restart is left."""
    (tap,) = (name for name in stage.links() if name.startswith("vnet"))
    return stage.links()[tap].get("master") == BRIDGE and stage.active() == {NAME}


def play(stage: Stage, *tasks: Task) -> list[Result]:
    """Run tasks without a look after each: there may be no libvirt that answers it."""
    return plays.finish(plays.start(stage.lab.inventory, stage.host.name, list(tasks)), len(tasks))


def fail(stage: Stage, call: int, task: Task, command: str, calls: str = MOVES) -> str:
    """Run a task under which somebody runs a command before one of its calls; return its error."""
    (result,) = play(stage, at_call(stage, call, task, command, calls))
    assert result.get("failed"), result
    return str(result["msg"])


def finished(stage: Stage, task: Task) -> None:
    """The next run does what was asked, and the one after it nothing."""
    results = play(stage, task, task)
    assert [succeeded(result)["changed"] for result in results] == [True, False]
    assert connected(stage)


def as_before(stage: Stage) -> bool:
    """Whether nothing is left of the change."""
    return connected(stage) and not any("mtu" in stage.xml(NAME, saved=saved) for saved in (True, False))


@pytest.mark.deep
@pytest.mark.parametrize("call", sampled(range(1, CALLS + 1), 1))
def test_daemon_that_restarts_under_a_replug(faulty: Stage, call: int) -> None:
    (result,) = play(faulty, at_call(faulty, call, network(**CHANGE), each(faulty, RESTART), MOVES))
    if not result.get("failed"):  # the way back of a NIC is tried again
        assert result["changed"]
        assert connected(faulty)
        return
    assert "the connection broke" in result["msg"]
    assert result["msg"].endswith(("was rolled back", "was not changed")), result["msg"]
    assert as_before(faulty)
    finished(faulty, network(**CHANGE))


@pytest.mark.deep
@pytest.mark.parametrize("call", sampled(range(1, CALLS + 1), 1))
@pytest.mark.parametrize("signal", ["HUP", "TERM"])
def test_task_that_is_stopped_under_a_replug(faulty: Stage, call: int, signal: str) -> None:
    error = fail(faulty, call, network(**CHANGE), f"kill -{signal} $PPID")
    assert f"The task was stopped by SIG{signal}" in error
    assert error.endswith(("was rolled back", "was not changed")), error
    assert as_before(faulty)


@pytest.mark.deep
@pytest.mark.parametrize("call", sampled(range(3, CALLS + 1), 1))
def test_daemon_that_dies_for_good_under_a_replug(faulty: Stage, call: int) -> None:
    try:
        error = fail(faulty, call, network(**CHANGE, timeout=SECONDS), each(faulty, AWAY))
    finally:
        faulty.host.start_libvirtd()
    assert f"libvirt has not come back within {SECONDS} seconds" in error
    assert "could not be rolled back" in error
    assert "guests that may be disconnected: shop" in error
    assert re.search(f"systemctl (status|start) ({'|'.join(faulty.host.daemons)})", error), error
    finished(faulty, network(**CHANGE))


@pytest.mark.deep
@pytest.mark.parametrize("call", range(1, amount(1, CALLS) + 1))
def test_daemon_that_hangs_under_a_replug(faulty: Stage, call: int) -> None:
    began = time.monotonic()
    try:
        error = fail(faulty, call, network(**CHANGE, timeout=SECONDS), each(faulty, HANG))
    finally:
        faulty.host.run(["sh", "-c", each(faulty, GO_ON)])
    assert time.monotonic() - began < 120
    # The way back of a NIC is tried again, on a new connection that no call has been made on.
    hung = rf"libvirt has not answered( vir(Connect|Network|Domain)\.\w+)? for {SECONDS} seconds"
    assert re.search(hung, error), error
    succeeded(faulty.run(network(**CHANGE)))  # what hung may have been carried out, and all of it
    assert connected(faulty)


def test_daemon_that_hangs_holds_up_nobody(faulty: Stage) -> None:
    faulty.host.run(["sh", "-c", each(faulty, HANG)])
    try:
        asks = [{f"virtfleet.network.{name}": {"timeout": 1}} for name in ("virt_network_info", "virt_network_check")]
        info, check, change = play(faulty, *asks, network(**CHANGE, timeout=1))
    finally:
        faulty.host.run(["sh", "-c", each(faulty, GO_ON)])
    (down,) = [finding for finding in check["findings"] if finding["code"] == "libvirt_down"]
    for text in (info["msg"], change["msg"], down["evidence"]):
        assert "libvirt has not answered for 1 seconds" in text


def test_peer_that_vanishes_is_noticed(faulty: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over a URI that leads elsewhere: libvirt's keepalive ends the call, long before its deadline."""
    monkeypatch.setattr(_link, "KEEPALIVE", (1, 1))
    gateway = Gateway(faulty.host.uri, readonly=True, seconds=15)
    faulty.host.run(["sh", "-c", each(faulty, HANG)])
    try:
        # The call has ended by itself; what takes the time is to connect again.
        with pytest.raises(
            NetworkError, match=r"Cannot list the networks: libvirt has not answered for 14\.\d seconds"
        ):
            gateway.networks()
    finally:
        faulty.host.run(["sh", "-c", each(faulty, GO_ON)])
        gateway.close()


def test_lock_asks_no_dns(faulty: Stage) -> None:
    """Its server is a guest, say, that does not answer: libvirt's own way to the host's name then takes 10 seconds."""
    faulty.host.run(["sh", "-c", "cp /etc/resolv.conf /root; echo nameserver 192.168.94.77 >/etc/resolv.conf"])
    try:
        result = faulty.network(name=NAME, dns={"txts": [{"name": "x", "value": "y"}]})
    finally:
        faulty.host.run(["cp", "/root/resolv.conf", "/etc/resolv.conf"])
    assert result["changed"]
    assert result["cost"]["seconds"] < 5
