"""NICs of a new guest: the playbooks of docs/guides/nics-of-a-new-guest.md, and a guest with such NICs that boots."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import Hypervisor, Lab, guest
from tests.tools.pages import write_files

from .. import plays
from ..plays import Result
from ..stage import Stage

pytestmark = pytest.mark.lab

NICS = [("guests", "virtio", "52:54:00:00:60:0a"), ("backup", "virtio", "52:54:00:00:60:0b")]
RENDERED = "{{ nics | virtfleet.network.interface_xml }}"


class Page:
    """The files that the page shows, in a folder, and a hypervisor for its playbooks."""

    def __init__(self, lab: Lab, host: Hypervisor, folder: Path) -> None:
        self.lab, self.host, self.folder = lab, host, folder
        write_files("docs/guides/nics-of-a-new-guest.md", folder)
        template = folder / "guest.xml.j2"
        template.write_text(template.read_text().replace('type="kvm"', 'type="qemu"'))  # the lab has no KVM

    def play(self, playbook: str) -> list[Result]:
        """Run a playbook on the hypervisor and return what its tasks returned."""
        command = plays.command(self.lab.inventory, self.folder / playbook, "--limit", self.host.name)
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=plays.environment())
        assert done.returncode == 0, done.stdout + done.stderr
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]

    def nics(self, *options: str) -> list[tuple[str, ...]]:
        """Return network, model and MAC address of the guest's NICs, as virsh lists them."""
        lines = self.host.virsh("domiflist", "web", *options).splitlines()[2:]
        return [tuple(line.split()[2:]) for line in lines if line]


@pytest.fixture
def page(lab: Lab, stage: Stage, tmp_path: Path) -> Iterator[Page]:
    """The page's files, and its networks."""
    page = Page(lab, stage.host, tmp_path)
    assert all(result["changed"] for result in page.play("networks.yml"))
    yield page
    for verb in ("destroy", "undefine"):
        stage.host.run(["virsh", "--connect", "qemu:///system", verb, "web"], check=False)


def test_guest_boots_with_its_nics(page: Page) -> None:
    web = page.host.guest("web", networks=[])  # for its kernel
    web.stop()
    (page.folder / "guest.xml.j2").write_text(guest.definition("web", RENDERED, len(NICS)))
    assert [result["changed"] for result in page.play("virsh.yml")] == [True, True]
    assert page.nics("--inactive") == NICS
    page.host.virsh("start", "web")
    for number, (name, _model, mac) in enumerate(NICS):
        console = web.wait_for(f"NIC eth{number} {mac} ADDRESS 192.168.6{number}.1")
        (lease,) = re.findall(rf"NIC eth{number} {mac} ADDRESS (\S+)", console)
        assert lease in page.host.virsh("net-dhcp-leases", name)
    assert page.nics() == NICS
    assert "portgroup='slow'" in page.host.virsh("dumpxml", "web")
    assert not page.play("virsh.yml")[0]["changed"]


@pytest.mark.parametrize("playbook", ["virsh.yml", "community.yml"])
def test_a_guest_is_defined_and_defined_again(page: Page, playbook: str) -> None:
    page.play(playbook)
    assert page.nics("--inactive") == NICS
    variables = page.folder / "group_vars/hypervisors.yml"
    variables.write_text(variables.read_text().replace("type: virtio", "type: e1000e"))
    page.play(playbook)
    assert page.nics("--inactive") == [(name, "e1000e", mac) for name, _model, mac in NICS]


def test_virt_install_makes_the_rest(page: Page) -> None:
    if page.host.run(["which", "virt-install"], check=False).returncode:
        pytest.skip(f"virt-install is not on {page.host.name}")
    page.host.run(["sh", "-c", "mkdir -p /var/lib/libvirt/images; truncate -s 1M /var/lib/libvirt/images/web.qcow2"])
    page.play("virt_install.yml")
    assert page.nics("--inactive") == NICS
