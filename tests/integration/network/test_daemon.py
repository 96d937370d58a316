"""What happens to networks when libvirtd or the host restarts, and what a killed daemon leaves behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ..plays import network
from ..stage import Stage, wait_for

pytestmark = pytest.mark.lab

OPTIONS: dict[str, Any] = {
    "name": "stale",
    "forward": {"mode": "nat"},
    "bridge": {"name": "vf-stale"},
    "mac": {"address": "52:54:00:97:00:01"},
    "ips": [{"address": "192.168.97.1/24"}],
}


def test_restart_of_the_daemon_changes_nothing(stage: Stage) -> None:
    stage.network(**OPTIONS, dns={"hosts": [{"ip": "192.168.97.9", "hostnames": ["nine"]}]})
    stage.network(name="asleep", bridge={"name": "vf-asleep"}, active=False, autostart=False)
    number = stage.ifindex("vf-stale")
    stage.host.restart_libvirtd()
    before = stage.look()
    again, asleep = stage.play(network(**OPTIONS), network(name="asleep", active=False, autostart=False))
    assert not again["changed"]
    assert not asleep["changed"]
    assert asleep["look"] == before
    assert stage.ifindex("vf-stale") == number


def test_networks_start_with_the_host(stage: Stage) -> None:
    stage.network(**OPTIONS)
    stage.network(name="asleep", bridge={"name": "vf-asleep"}, autostart=False)
    for name in ("stale", "asleep"):
        stage.host.virsh("net-destroy", name)
    stage.host.run(["rm", "-f", "/run/libvirt/network/autostarted"])  # as a boot does: /run is new
    stage.host.restart_libvirtd()
    assert stage.active() == {"stale"}


@pytest.mark.parametrize("moment", ["start", "started", "stopped"])
def test_start_that_a_killed_daemon_left_half_done_is_done(stage: Stage, slow: Path, moment: str) -> None:
    """Once it has made the bridge, the daemon leaves it behind, with dnsmasq, and knows nothing of them any more."""
    stage.network(**OPTIONS, active=False)
    slow.write_text(f"stale {moment}")
    verbs = "net-start stale; net-destroy stale" if moment == "stopped" else "net-start stale"
    with stage.host.background(["virsh", verbs]):
        wait_for(lambda: slow.with_name("reached").exists())
        stage.host.kill_libvirtd()
    stage.host.start_libvirtd()
    slow.unlink()
    left = "vf-stale" in stage.links()
    assert left == (moment == "started")
    assert stage.active() == set()
    number = stage.ifindex("vf-stale") if left else 0

    dry_run, result, again = stage.play(network(check=True, **OPTIONS), network(**OPTIONS), network(**OPTIONS))
    assert [one["changed"] for one in (dry_run, result, again)] == [True, True, False], result["msg"]
    assert (dry_run["plan"], dry_run["diff"]) == (result["plan"], result["diff"])
    assert [step["action"] for step in result["plan"]] == [*(["remove_bridge"] if left else []), "start"]
    assert stage.active() == {"stale"}
    assert stage.ifindex("vf-stale") != number
    assert stage.addresses("vf-stale") == {"192.168.97.1/24"}


FOREIGN_BRIDGES = {
    "of another MAC address": "ip link add vf-stale up type bridge",
    "with a port": "ip link add vf-stale address 52:54:00:97:00:01 up type bridge;"
    "ip link add lab0 up type veth peer name lab1; ip link set lab1 up; ip link set lab0 master vf-stale",
    "that is an end of a veth pair": "ip link add vf-stale address 52:54:00:97:00:01 up type veth peer name lab1",
}


@pytest.mark.parametrize("commands", FOREIGN_BRIDGES.values(), ids=FOREIGN_BRIDGES)
def test_foreign_bridge_is_left_alone(stage: Stage, commands: str) -> None:
    stage.network(**OPTIONS, active=False)
    stage.host.run(["sh", "-ec", commands])
    before = stage.look()
    (result,) = stage.play(network(**OPTIONS))
    stage.host.run(["sh", "-c", "ip link delete vf-stale; ip link delete lab0"], check=False)
    assert result["failed"]
    assert "bridge.name vf-stale is an interface of the hypervisor already" in result["msg"]
    assert result["look"] == before
