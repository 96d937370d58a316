"""The role hypervisor where each part of libvirt has a daemon of its own, with libvirt's own units for them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab import Lab
from tests.lab.root import MODULAR

from ..conftest import ROOTS
from ..plays import changes, playbook
from .test_hypervisor import LOGINS, WEB, Host

pytestmark = [pytest.mark.lab, pytest.mark.slow]

DAEMONS = ("virtqemud", "virtnetworkd", "virtnwfilterd", "virtproxyd")
# No package of the distribution has these daemons: they are there, and none of them is enabled.
GIVEN = ("-e", '{"hypervisor_packages": []}')


@pytest.fixture(scope="module", params=[root for root in ROOTS if root == MODULAR])
def host(request: pytest.FixtureRequest, lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    machine = lab.start_full("hv8", request.param, "networkd")
    machine.run(["sh", "-e"], input=f"{LOGINS}\nuseradd --system libvirt-qemu # virtqemud asks for it when it starts")
    yield Host(lab, machine, tmp_path_factory.mktemp("host"))
    machine.stop()


def units(host: Host, what: str, kind: str = "") -> list[str]:
    """What systemctl prints about the units of each daemon; a daemon that nobody needs ends after two minutes."""
    names = [f"{daemon}{end}" for daemon in DAEMONS for end in (".service", ".socket", "-ro.socket")]
    return host.machine.run(["systemctl", what, *(name for name in names if kind in name)], check=False).stdout.split()


def test_every_daemon_is_enabled_and_serves(host: Host) -> None:
    assert changes(playbook(host.folder, "role.yml", "--check", *GIVEN)) > 0
    assert set(units(host, "is-enabled")) == {"disabled"}
    playbook(host.folder, "role.yml", *GIVEN)
    assert set(units(host, "is-enabled")) == {"enabled"}
    assert set(units(host, "is-active", "socket")) == {"active"}
    assert host.machine.run(["virsh", "--readonly", "uri"]).stdout.split() == ["qemu:///system"]
    assert host.machine.state() == "running"


def test_second_run_changes_nothing(host: Host) -> None:
    assert changes(playbook(host.folder, "role.yml", *WEB, *GIVEN)) == 1
    assert "web" in host.machine.run(["virsh", "net-list", "--name"]).stdout.split()


def test_only_auditors_audit_also_after_a_power_cycle(host: Host) -> None:
    for again in (False, True):
        if again:
            host.machine.power_cycle()
        auditor, other = host.audit()
        assert "web" in {network["name"] for network in auditor["networks"]}
        assert other["failed"]
        assert "Permission denied" in other["msg"]


def test_read_only_sockets_that_are_gone_are_back(host: Host) -> None:
    host.machine.run(["systemctl", "disable", "--now", *(f"{daemon}-ro.socket" for daemon in DAEMONS)])
    predicted = changes(playbook(host.folder, "role.yml", "--check", *GIVEN))
    assert predicted == changes(playbook(host.folder, "role.yml", *GIVEN)) > 0
    auditor, other = host.audit()
    assert (bool(auditor.get("failed")), bool(other.get("failed"))) == (False, True)
