"""The source of events on real hypervisors: nothing that happens is missed, whoever hangs or is lost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.lab import Hypervisor, Lab
from tests.listener import listening, said

from ..conftest import FIRST_ROOTS
from ..stage import Stage

pytestmark = pytest.mark.lab

NEVER = 3600  # seconds between two looks: what is reported is reported by libvirt
WEB = """
<network><name>web</name><uuid>77777777-0000-4000-8000-000000000001</uuid><bridge name='vf-web'/>
<ip address='192.168.77.1' prefix='24'>
<dhcp><range start='192.168.77.100' end='192.168.77.199'/></dhcp></ip></network>"""
HOST = "<host mac='52:54:00:00:77:01' ip='192.168.77.10'/>"
NIC = "<interface type='network'><mac address='52:54:00:00:77:02'/><source network='web'/></interface>"
GUEST = f"""
<domain type='qemu'><name>app</name><memory>1024</memory><os><type>hvm</type></os>
<features><acpi/></features><devices>{NIC}</devices></domain>"""


def watched(*hosts: Hypervisor) -> list[dict[str, str]]:
    """Return the hypervisors as a rulebook names them, over the socket for everybody."""
    return [{"name": host.name, "uri": host.uri_ro} for host in hosts]


@pytest.fixture
def guest(stage: Stage) -> Iterator[str]:
    (stage.host.home / "run/lab/guest.xml").write_text(GUEST)
    (stage.host.home / "run/lab/nic.xml").write_text(NIC.replace(":02", ":03"))
    yield "app"
    for command in ("destroy", "undefine"):
        stage.host.run(["virsh", command, "app"], check=False)


def test_what_somebody_does_to_a_network_is_told_as_it_happens(stage: Stage) -> None:
    with listening(hypervisors=watched(stage.host), interval=NEVER) as heard:
        heard.until(what="reachable")
        stage.define(WEB, start=True)
        told = heard.until(what="started")
        stage.host.virsh("net-destroy", "web")
        told += heard.until(what="stopped")
        stage.host.virsh("net-start", "web")
        told += heard.until(what="started")
        stage.define(WEB.replace("vf-web", "vf-other"))
        told += heard.until(what="changed")
        stage.host.virsh("net-destroy", "web")
        stage.host.virsh("net-undefine", "web")
        told += heard.until(what="removed")
    words = ["defined", "started", "stopped", "started", "changed", "stopped", "removed"]
    assert said(told, "name", "what") == [("web", word) for word in words]
    assert {event["kind"] for event in told} == {"network"}
    assert {event["noticed_by"] for event in told} == {"event"}
    assert {event["meta"]["hosts"] for event in told} == {stage.host.name}
    between = zip(told, told[1:])
    assert [one["after"] == other["before"] for one, other in between] == [True] * (len(told) - 1)


def test_what_libvirt_tells_nobody_is_seen_by_the_next_look(stage: Stage) -> None:
    stage.define(WEB, start=True)
    with listening(hypervisors=watched(stage.host), interval=0.5) as heard:
        heard.until(what="reachable")
        for change in (["net-update", "web", "add", "ip-dhcp-host", HOST, "--live"], ["net-autostart", "web"]):
            stage.host.virsh(*change)
            (told,) = heard.until(what="changed")
            assert (told["name"], told["active"], told["noticed_by"]) == ("web", True, "look")
        assert said(heard.rest(1.5)) == []


def test_guests_and_their_nics_are_told(stage: Stage, guest: str) -> None:
    stage.define(WEB, start=True)
    with listening(hypervisors=watched(stage.host), interval=NEVER) as heard:
        heard.until(what="reachable")
        stage.host.virsh("define", "/run/lab/guest.xml")
        told = heard.until(what="defined")
        stage.host.virsh("start", guest)
        told += heard.until(what="started")
        stage.host.virsh("attach-device", guest, "/run/lab/nic.xml", "--live")
        told += heard.until(what="changed")
        stage.host.virsh("metadata", guest, "http://a/", "--config", "--key", "a", "--set", "<role>web</role>")
        told += heard.until(what="metadata")
        stage.host.virsh("destroy", guest)
        told += heard.until(what="stopped")
        stage.host.virsh("undefine", guest)
        told += heard.until(what="removed")
    words = ["defined", "started", "changed", "metadata", "stopped", "removed"]
    assert said(told) == [("guest", guest, word) for word in words]


def test_what_happens_while_the_daemon_restarts_is_not_missed(stage: Stage) -> None:
    stage.define(WEB, start=True)
    with listening(hypervisors=watched(stage.host), interval=NEVER, retry=1) as heard:
        heard.until(what="reachable")
        stage.host.kill_libvirtd()
        (lost,) = heard.until(what="unreachable")
        assert (lost["kind"], lost["hypervisor"]) == ("hypervisor", stage.host.name)
        stage.host.run(["rm", "/etc/libvirt/qemu/networks/web.xml"])
        stage.host.start_libvirtd()
        told = heard.until(what="reachable") + heard.until(kind="network")
    assert said(told, "name", "what", "noticed_by") == [("web", "changed", "look")]  # it runs, and is transient now


@pytest.fixture(scope="module", params=FIRST_ROOTS)
def hung(request: pytest.FixtureRequest, lab: Lab) -> Iterator[Hypervisor]:
    host = lab.start("hv-hung", root=request.param)
    yield host
    host.stop()


def signal(host: Hypervisor, word: str) -> None:
    for daemon in host.daemons:
        host.run(["sh", "-c", f"kill -{word} $(cat /run/{daemon}.pid)"])


def test_a_hypervisor_that_hangs_holds_up_nobody_and_is_caught_up_with(hung: Hypervisor, stage: Stage) -> None:
    keywords: dict[str, Any] = {"hypervisors": watched(hung, stage.host), "interval": 1, "timeout": 1, "retry": 1}
    with listening(**keywords) as heard:
        heard.until(what="reachable", hypervisor=hung.name)
        signal(hung, "STOP")
        try:
            heard.until(what="unreachable", hypervisor=hung.name)
            stage.define(WEB)
            (told,) = said(heard.until(kind="network"), "hypervisor", "what")
        finally:
            signal(hung, "CONT")
        assert told == (stage.host.name, "defined")
        (hung.home / "run/lab/network.xml").write_text(WEB)
        hung.virsh("net-define", "/run/lab/network.xml")
        told = heard.until(kind="network", hypervisor=hung.name)
        assert ("hypervisor", "reachable") in {(event["kind"], event["what"]) for event in told}
        assert said(told, "what") == [("defined",)]
