"""Hypervisors with a daemon for each part of libvirt: what tests of restarts and deaths take for granted."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from tests.lab import CommandError, Hypervisor, Lab
from tests.lab.choice import ROOTS
from tests.lab.hypervisor import MODULAR
from tests.lab.root import MODULAR as ROOT

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module", params=[name for name in ROOTS if name == ROOT])
def modular(request: pytest.FixtureRequest) -> Iterator[Hypervisor]:
    with Lab() as lab:
        yield lab.start("hv1", root=request.param)


def test_each_part_has_its_own_process_socket_and_log(modular: Hypervisor) -> None:
    processes = modular.run(["ps", "-e", "-o", "comm="]).stdout.split()
    assert sorted(name for name in processes if "virt" in name) == sorted(MODULAR)
    sockets = modular.run(["ls", "/run/libvirt"]).stdout.split()
    assert {f"{name}-sock" for name in ("libvirt", *MODULAR[1:])} <= set(sockets)
    for daemon in MODULAR:
        assert (modular.home / f"run/lab/{daemon}.log").exists()


@pytest.mark.parametrize(
    "daemon,uri",
    [
        ("virtnetworkd", "network:///system"),
        ("virtnwfilterd", "nwfilter:///system"),
        ("virtqemud", "qemu:///system"),
        ("virtproxyd", "qemu+unix:///system?socket=/run/libvirt/libvirt-sock"),
    ],
)
def test_one_dies_and_comes_back_alone(modular: Hypervisor, daemon: str, uri: str) -> None:
    modular.kill_libvirtd(daemon)
    with pytest.raises(CommandError, match=r"(libvirt|virt\w+d)-sock"):
        modular.run(["virsh", "--connect", uri, "uri"])
    assert modular.run(["ps", "-e", "-o", "comm="]).stdout.count("virt") == len(MODULAR) - 1
    modular.start_libvirtd(daemon)
    modular.run(["virsh", "--connect", uri, "uri"])


def test_networks_and_guests_are_reached_from_outside_through_the_proxy(modular: Hypervisor) -> None:
    for what in ("net-list", "list"):
        command = ["virsh", "--connect", modular.uri, what, "--all", "--name"]
        assert subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.split() == []
