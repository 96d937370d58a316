"""Where each part of libvirt has a daemon of its own, as on Fedora and RHEL 9: one is down, restarts, or dies."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor.gateway import SECONDS
from tests.lab.hypervisor import MODULAR as DAEMONS
from tests.lab.root import MODULAR

from .. import plays
from ..conftest import ROOTS
from ..plays import INFO, network
from ..stage import Stage, succeeded, wait_for

pytestmark = [
    pytest.mark.lab,
    pytest.mark.parametrize("whole_stage", [root for root in ROOTS if root == MODULAR], indirect=True),
]

CHECK = "virtfleet.network.virt_network_check"
OPTIONS: dict[str, Any] = {
    "name": "parts",
    "forward": {"mode": "nat"},
    "bridge": {"name": "vf-parts"},
    "ips": [{"address": "192.168.96.1/24", "dhcp": {"ranges": [{"start": "192.168.96.9", "end": "192.168.96.99"}]}}],
}
CHANGED = {**OPTIONS, "domain": {"name": "parts.example"}}


@pytest.mark.parametrize("daemon", ["virtnetworkd", "virtqemud"])
def test_the_daemon_that_is_down_is_named(stage: Stage, daemon: str) -> None:
    stage.network(**OPTIONS)
    before = stage.xml("parts"), stage.xml("parts", saved=False)
    stage.host.kill_libvirtd(daemon)
    began = time.monotonic()
    told = stage.play(network(**CHANGED), {INFO: {}}, {CHECK: {"network": "parts"}})
    assert time.monotonic() - began < SECONDS
    stage.host.start_libvirtd(daemon)
    change, info, check = told
    assert [change["failed"], info["failed"], succeeded(check)["changed"]] == [True, True, False]
    (down,) = [finding for finding in check["findings"] if finding["code"] == "libvirt_down"]
    for text in (change["msg"], info["msg"], down["evidence"]):
        assert f"{daemon} is not running: start it on the hypervisor with systemctl start {daemon}.socket" in text
    assert (stage.xml("parts"), stage.xml("parts", saved=False)) == before
    assert stage.network(**CHANGED)["changed"]


@pytest.mark.parametrize("daemon", ["virtproxyd", "virtnwfilterd"])
def test_networks_need_no_other_daemon(stage: Stage, daemon: str) -> None:
    stage.host.kill_libvirtd(daemon)
    first, second, looked = stage.play(network(**OPTIONS), network(**OPTIONS), {CHECK: {"network": "parts"}})
    stage.host.start_libvirtd(daemon)
    assert [first["changed"], second["changed"]] == [True, False]
    assert succeeded(looked)["findings"] == []


@pytest.mark.parametrize("daemon", DAEMONS)
def test_a_restart_of_one_changes_nothing(stage: Stage, daemon: str) -> None:
    stage.network(**OPTIONS)
    number = stage.ifindex("vf-parts")
    stage.host.restart_libvirtd(daemon)
    before = stage.look()
    again, looked = stage.play(network(**OPTIONS), {CHECK: {"network": "parts"}})
    assert not again["changed"], again
    assert (again["look"], stage.ifindex("vf-parts")) == (before, number)
    assert succeeded(looked)["findings"] == []


@pytest.mark.parametrize("moment", ["start", "started"])
def test_virtnetworkd_dies_while_it_starts_the_network_of_a_task(stage: Stage, slow: Path, moment: str) -> None:
    """virtqemud, which the task talks to, lives on: the connection between the two is the one that breaks."""
    stage.network(**OPTIONS, active=False)
    slow.write_text(f"parts {moment}")
    with plays.background(stage.lab.inventory, stage.host.name, [network(**OPTIONS)]) as play:
        wait_for(lambda: slow.with_name("reached").exists())
        stage.host.kill_libvirtd("virtnetworkd")
        slow.unlink()
        stage.host.start_libvirtd("virtnetworkd")
        (result,) = plays.finish(play, 1)
    if result.get("failed"):
        assert "network 'parts' was" in result["msg"]
        assert stage.active() == set()
    again, last = stage.play(network(**OPTIONS), network(**OPTIONS))
    assert (succeeded(again)["changed"], last["changed"]) == (bool(result.get("failed")), False)
    assert stage.addresses("vf-parts") == {"192.168.96.1/24"}
