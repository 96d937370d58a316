"""Full machines tested on themselves: what tests of roles for hosts take for granted."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from tests.lab import Full, Lab, cgroup
from tests.lab.choice import FULL
from tests.lab.full_seed import PROVIDERS
from tests.lab.process import Process

from ..stage import wait_for
from .test_lab import namespaces_in_use, namespaces_of

pytestmark = pytest.mark.lab

UNITS = sorted({unit for units in PROVIDERS.values() for unit in units})
# a process that makes a lab with a full machine, says where, and waits for its death
OWNER = f"""\
import sys, time
sys.path.insert(0, {str(Path(__file__).parents[3])!r})
from tests.lab import Lab
lab = Lab()
lab.start_full("m1", sys.argv[1])
print(lab.folder, flush=True)
time.sleep(1000)
"""
ON_ONE = pytest.mark.parametrize("suite", FULL[:1])
BROKEN = "[Service]\nExecStart=/bin/false\nType=oneshot\n[Install]\nWantedBy=multi-user.target\n"


def start(lab: Lab, suite: str, provider: str = "networkd", *, dhcp: bool = False) -> Full:
    """Start a machine that is named after its Debian release."""
    return lab.start_full(f"m-{suite}", suite, provider, dhcp=dhcp)


def ssh(lab: Lab, machine: Full, command: str) -> str:
    """Run a command over the network."""
    arguments = ["ssh", "-F", f"{lab.folder}/ssh_config", machine.name, command]
    return subprocess.run(arguments, check=True, capture_output=True, text=True, timeout=60).stdout


@pytest.mark.parametrize("suite", FULL)
def test_machine_keeps_its_disk_and_address(suite: str) -> None:
    mounts = Path("/proc/self/mounts").read_text()
    null = Path("/dev/null").stat()
    with Lab() as lab:
        machine, groups = start(lab, suite), cgroup.top(lab.folder.name)
        assert ssh(lab, machine, "hostname; echo $SSH_CONNECTION").split()[:2] == [machine.name, "192.0.2.1"]
        ssh(lab, machine, "echo kept >/etc/kept; echo lost >/run/lost")
        for restart in (machine.power_cycle, machine.reboot):
            before = machine.process
            restart()
            assert not before.alive()
            assert ssh(lab, machine, "cat /etc/kept; ls /run/lost 2>/dev/null || true") == "kept\n"
        assert machine.run(["sh", "-c", "echo 1 >/proc/sys/vm/swappiness"], check=False).returncode
        assert list(groups.rglob("system.slice"))
        used = namespaces_of(machine.process.pid)
    wait_for(lambda: not used & namespaces_in_use(), 20)  # a process of the machine may take a moment to end
    assert not groups.exists()
    assert Path("/proc/self/mounts").read_text() == mounts
    assert (Path("/dev/null").stat().st_mode, Path("/dev/null").stat().st_gid) == (null.st_mode, null.st_gid)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("suite", FULL)
def test_provider_manages_the_nic_alone(suite: str, provider: str) -> None:
    with Lab() as lab:
        machine = start(lab, suite, provider, dhcp=provider in {"networkmanager", "ifupdown"})
        enabled = machine.run(["systemctl", "is-enabled", *UNITS], check=False).stdout.split()
        assert {unit for unit, state in zip(UNITS, enabled) if state == "enabled"} == set(PROVIDERS[provider])
        assert machine.run(["ip", "route", "get", "203.0.113.1"]).stdout.startswith(
            "203.0.113.1 via 192.0.2.1 dev eth0"
        )
        assert machine.outside.client("c1").dhcp()["address"].startswith("192.0.2.1")


@ON_ONE
def test_broken_unit_is_named(suite: str) -> None:
    with Lab() as lab:
        machine = start(lab, suite)
        machine.run(["sh", "-c", "cat >/etc/systemd/system/broken.service"], input=BROKEN)
        machine.run(["systemctl", "enable", "broken.service"])
        with pytest.raises(RuntimeError, match=r"(?s)is degraded.*broken\.service"):
            machine.reboot()


@ON_ONE
def test_machine_without_a_root_says_why(suite: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.lab.lab.root", lambda _: tmp_path)
    with Lab() as lab:
        with pytest.raises(RuntimeError, match=r"(?s)m1 does not start.*mount"):
            lab.start_full("m1", suite)
        with pytest.raises(ValueError, match="choose one of networkmanager"):
            lab.start_full("m2", suite, "nothing")


@ON_ONE
def test_killed_owner_leaves_nothing(suite: str) -> None:
    with subprocess.Popen([sys.executable, "-c", OWNER, suite], stdout=subprocess.PIPE, text=True) as owner:
        try:
            assert owner.stdout is not None
            folder = Path(owner.stdout.readline().strip())
            machines = [Process.read(record) for record in folder.glob("*/pid")]
            used = set().union(*(namespaces_of(machine.pid) for machine in machines))
            assert len(used) == 6
        finally:
            owner.kill()
    deadline = time.monotonic() + 10
    while used & namespaces_in_use() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not used & namespaces_in_use()
    with Lab():
        assert not folder.exists()
        assert not cgroup.top(folder.name).exists()


@ON_ONE
def test_machines_side_by_side(suite: str) -> None:
    with Lab() as one, Lab() as other:
        first, second = start(one, suite), start(other, suite)
        assert first.run(["cat", "/etc/machine-id"]).stdout != second.run(["cat", "/etc/machine-id"]).stdout
        one.stop()
        assert second.state() == "running"
        assert second.answers()
        assert ssh(other, second, "hostname").strip() == second.name


@ON_ONE
def test_standing_machine_restarts_by_itself(suite: str) -> None:
    name = f"t{os.getpid()}"
    command = [sys.executable, "-m", "tests.lab"]
    run = partial(subprocess.run, check=True, capture_output=True, text=True, timeout=120)
    run([*command, "up", "--hosts", "1", "--full", suite, "--name", name])
    try:
        record = Path(f"/run/vfl/{name}/m1/pid")
        before = Process.read(record)
        before.kill()
        deadline = time.monotonic() + 60
        while Process.read(record) == before and time.monotonic() < deadline:
            time.sleep(0.05)
        assert Process.read(record).alive()
    finally:
        run([*command, "down", "--name", name])
    assert not cgroup.top(name).exists()
