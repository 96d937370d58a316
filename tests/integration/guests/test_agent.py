"""The inventory asks QEMU's guest agent, in a guest that runs Debian's: nobody else knows its address."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.deep import DEEP
from tests.lab import Lab

from ..conftest import FIRST_ROOTS
from ..stage import wait_for
from .test_inventory import BOOT, Site

WHY = "make test-deep has it: it downloads a kernel of its own"
pytestmark = [pytest.mark.lab, pytest.mark.deep, pytest.mark.skipif(not DEEP, reason=WHY)]

# Without DHCP, and the guest sends nothing: neither lease nor neighbour.
NETWORK = "<network><name>silent</name><bridge name='vf-silent'/><ip address='192.168.51.1' prefix='24'/></network>"
ADDRESS, SIX = "192.168.51.7", "fd00:51::7"


@pytest.fixture(params=FIRST_ROOTS)
def site(request: pytest.FixtureRequest, lab: Lab, tmp_path: Path) -> Iterator[Site]:
    host = lab.start("hv-agent", root=request.param)
    (host.home / "run/lab/network.xml").write_text(NETWORK)
    for command in (["net-define", "/run/lab/network.xml"], ["net-start", "silent"]):
        host.virsh(*command)
    guest = host.guest("told", ["silent"], agent=True)
    guest.wait_for("READY", BOOT)
    guest.run(f"ip addr add {ADDRESS}/24 dev eth0; ip -6 addr add {SIX}/64 dev eth0")
    yield Site(lab, host, guest, tmp_path)
    guest.stop()
    host.stop()


def address(site: Site, **options: Any) -> str:
    """Return the address that the inventory has for the guest."""
    source = {"plugin": "virtfleet.network.guests", "timeout": 60, "hypervisors": [site.host.uri], **options}
    (site.folder / "guests.yml").write_text(json.dumps(source))
    hosts, _told = site.hosts("guests.yml")
    return str(hosts["told"]["virt_address"])


def test_only_the_agent_knows_the_address(site: Site) -> None:
    ping = ["virsh", "qemu-agent-command", "told", '{"execute": "guest-ping"}']
    wait_for(lambda: site.host.run(ping, check=False).returncode == 0, BOOT)
    assert address(site) == ""
    assert address(site, address_from=["lease", "agent"]) == ADDRESS
    assert address(site, address_from=["agent"], families=["ipv6"]) == SIX
