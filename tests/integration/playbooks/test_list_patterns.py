"""The playbooks of docs/guides/reservations.md, run as they stand there: the guests get what the lists say."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import Hypervisor, Lab
from tests.tools.pages import write_files

from .. import plays
from ..conftest import ROOTS
from ..plays import Result

pytestmark = pytest.mark.lab

WEB, DB, STRANGER = (f"52:54:00:00:50:{last}" for last in ("0a", "0b", "ff"))
FOREIGN = f"<host mac='{STRANGER}' ip='192.168.50.99'/>"
RANGES = ("<range start='192.168.50.100' end='192.168.50.199'/>", "<range start='fd00:50::100' end='fd00:50::1ff'/>")


@pytest.fixture(scope="module", params=ROOTS)
def hypervisor(request: pytest.FixtureRequest, lab: Lab) -> Iterator[Hypervisor]:
    """The hypervisor that the page calls hv1."""
    host = lab.start("hv1", root=request.param)
    yield host
    host.stop()


class Page:
    """The files that the page shows, in a folder, and a hypervisor for its playbooks."""

    def __init__(self, lab: Lab, host: Hypervisor, folder: Path) -> None:
        self.lab, self.host, self.folder = lab, host, folder
        write_files("docs/guides/reservations.md", folder)

    def play(self, playbook: str) -> Result:
        """Run a playbook and return what its last task returned."""
        more = ["-i", str(self.folder / "guests.yml"), "--limit", self.host.name]
        command = plays.command(self.lab.inventory, self.folder / playbook, *more)
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=plays.environment())
        assert done.returncode == 0, done.stdout + done.stderr
        result: Result = json.loads([line for line in done.stdout.splitlines() if line.startswith("{")][-1])
        return result

    def reserve(self, playbook: str) -> dict[str, list[str]]:
        """Run a playbook that makes reservations, twice; returns what became of the entries the first time."""
        first, second = self.play(playbook), self.play(playbook)
        assert first["changed"]
        assert not second["changed"]
        there = [*first["entries"]["added"], *first["entries"]["left"], *first["entries"]["changed"]]
        assert sorted(second["entries"]["left"]) == sorted(there)
        entries: dict[str, list[str]] = first["entries"]
        return entries

    def update(self, command: str, section: str, xml: str, subnet: int = 0) -> None:
        """Change the network with virsh."""
        both = ("--live", "--config", "--parent-index", str(subnet))
        self.host.virsh("net-update", "guests", command, section, xml, *both)

    def address(self, mac: str, family: int = 4) -> str:
        """Return the address that a guest with this MAC address gets."""
        client = self.host.client("virbr0", mac)
        try:
            return client.dhcp(family)["address"].partition("/")[0]
        finally:
            client.stop()


@pytest.fixture
def page(lab: Lab, hypervisor: Hypervisor, tmp_path: Path) -> Iterator[Page]:
    """The page's files, and its network with a reservation that somebody else has made."""
    page = Page(lab, hypervisor, tmp_path)
    page.play("network.yml")
    page.update("add", "ip-dhcp-host", FOREIGN)
    yield page
    hypervisor.virsh("net-destroy", "guests")
    hypervisor.virsh("net-undefine", "guests")


def test_from_host_vars(page: Page) -> None:
    entries = page.reserve("from_host_vars.yml")
    assert (entries["added"], entries["removed"]) == ([WEB, DB], [STRANGER])
    assert [page.address(mac) for mac in (WEB, DB)] == ["192.168.50.10", "192.168.50.11"]


def test_from_a_group(page: Page) -> None:
    entries = page.reserve("from_group.yml")
    assert (entries["added"], entries["removed"]) == ([WEB, DB], [STRANGER])  # not the guest of another hypervisor
    assert [page.address(mac) for mac in (WEB, DB)] == ["192.168.50.10", "192.168.50.11"]


def test_from_csv(page: Page) -> None:
    entries = page.reserve("from_csv.yml")
    assert (entries["added"], entries["removed"]) == ([WEB, f"00:03:00:01:{WEB}", DB], [STRANGER])
    assert [page.address(mac) for mac in (WEB, DB)] == ["192.168.50.10", "192.168.50.11"]
    assert page.address(WEB, family=6) == "fd00:50::10"


def test_addresses_that_the_network_chooses(page: Page) -> None:
    page.update("add", "ip-dhcp-host", "<host mac='52:54:00:00:50:fe' ip='192.168.50.2'/>")
    entries = page.reserve("next_free.yml")
    assert entries["added"] == [WEB, DB]
    assert [page.address(mac) for mac in (WEB, DB)] == ["192.168.50.3", "192.168.50.4"]


def test_from_leases(page: Page) -> None:
    four, six = page.address(WEB), page.address(DB, family=6)
    entries = page.reserve("from_leases.yml")
    assert (sorted(entries["added"]), entries["left"]) == ([f"00:03:00:01:{DB}", WEB], [STRANGER])
    for subnet, xml in enumerate(RANGES):
        page.update("delete", "ip-dhcp-range", xml, subnet)  # so that nobody else gets one
    assert (page.address(WEB), page.address(DB, family=6)) == (four, six)
