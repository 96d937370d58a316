"""The lab tested on itself: what other tests take for granted when they judge the collection by it."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.lab import CommandError, Hypervisor, Lab, LabUnavailable, requirement
from tests.lab.cache import build, locked
from tests.lab.choice import ROOTS
from tests.lab.lab import standing_labs
from tests.lab.process import Process
from tests.lab.root import MODULAR, mirror, root

pytestmark = pytest.mark.lab

MAC = "52:54:00:00:00:0b"
NETWORK = """\
<network>
  <name>net1</name>
  <forward mode='nat'/>
  <bridge name='virbr1'/>
  <domain name='lab.test' localOnly='yes'/>
  <dns><host ip='192.168.50.9'><hostname>web</hostname></host></dns>
  <ip address='192.168.50.1' prefix='24'>
    <dhcp>
      <range start='192.168.50.100' end='192.168.50.200'/>
      <host mac='52:54:00:00:00:0b' ip='192.168.50.11' name='eleven'/>
    </dhcp>
  </ip>
  <ip family='ipv6' address='fd00:50::1' prefix='64'>
    <dhcp><range start='fd00:50::100' end='fd00:50::1ff'/></dhcp>
  </ip>
</network>
"""
# a process that makes a lab with all there is in it, says where, and waits for its death
OWNER = f"""\
import sys
sys.path.insert(0, {str(Path(__file__).parents[3])!r})
from tests.lab import Lab
lab = Lab()
hypervisor = lab.start("hv1")
hypervisor.run(["ip", "link", "add", "br1", "type", "bridge"])
hypervisor.client("br1")
print(lab.folder, flush=True)
hypervisor.run(["sleep", "1000"], timeout=1000)
"""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab() as lab:
        yield lab


@pytest.fixture(params=ROOTS)
def hypervisor(request: pytest.FixtureRequest, lab: Lab) -> Iterator[Hypervisor]:
    hypervisor = lab.start(f"hv-{request.param}", root=request.param)
    yield hypervisor
    hypervisor.stop()


@pytest.fixture
def networked(hypervisor: Hypervisor) -> Hypervisor:
    start_network(hypervisor)
    return hypervisor


def start_network(hypervisor: Hypervisor) -> None:
    (hypervisor.home / "run/net1.xml").write_text(NETWORK)
    hypervisor.virsh("net-define", "/run/net1.xml")
    hypervisor.virsh("net-start", "net1")


def active(hypervisor: Hypervisor) -> list[str]:
    return hypervisor.virsh("net-list", "--name").split()


def namespaces_of(pid: int | str) -> set[str]:
    return {str(link.readlink()) for link in Path(f"/proc/{pid}/ns").glob("*") if link.name in {"pid", "net", "mnt"}}


def namespaces_in_use() -> set[str]:
    used: set[str] = set()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended meanwhile
            used |= namespaces_of(process.name)
    return used


def outside(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


def test_hypervisor_starts_empty(hypervisor: Hypervisor) -> None:
    assert hypervisor.virsh("net-list", "--all", "--name").split() == []
    assert hypervisor.virsh("list", "--all", "--name").split() == []
    assert hypervisor.run(["hostname"]).stdout.strip() == hypervisor.name


def test_hypervisor_has_the_libvirt_of_its_root(lab: Lab) -> None:
    suites = [name for name in ROOTS if name != MODULAR]  # that one has the libvirt of another one
    roots = {f"v{number}": name for number, name in enumerate(suites)}
    versions = [hypervisor.virsh("version", "--daemon") for hypervisor in lab.start_all(roots).values()]
    for name in roots:
        lab.hypervisors[name].stop()
    assert len(set(versions)) == len(suites)


def test_client_gets_a_reserved_lease_and_names(networked: Hypervisor) -> None:
    client = networked.client("virbr1", mac=MAC)
    lease = client.dhcp()
    assert (lease["address"], lease["router"], lease["dns"]) == ("192.168.50.11/24", "192.168.50.1", "192.168.50.1")
    assert (lease["domain"], lease["hostname"]) == ("lab.test", "eleven")
    assert client.run(["dig", "+short", "@192.168.50.1", "web.lab.test"]).stdout.split() == ["192.168.50.9"]
    client.run(["ping", "-c", "1", "-W", "5", "web.lab.test"], check=False)
    assert "192.168.50.11" in networked.virsh("net-dhcp-leases", "net1")


def test_client_gets_an_ipv6_lease(networked: Hypervisor) -> None:
    lease = networked.client("virbr1").dhcp(family=6)
    assert lease["address"].startswith("fd00:50::1")
    assert lease["dns"] == "fd00:50::1"


def test_unanswered_client_says_so(lab: Lab) -> None:
    hypervisor = lab.start("hv-silent")
    hypervisor.run(["ip", "link", "add", "silent", "type", "bridge"])
    hypervisor.run(["ip", "link", "set", "silent", "up"])
    with pytest.raises(CommandError, match="Unable to obtain a lease"):
        hypervisor.client("silent").dhcp()


def test_world_sees_the_hypervisor_behind_nat(networked: Hypervisor) -> None:
    client = networked.client("virbr1")
    client.dhcp()
    with networked.world.background(["tcpdump", "-l", "-n", "-i", "eth0", "-c", "1", "icmp"]) as capture:
        assert capture.stdout is not None
        assert any("listening" in line for line in capture.stdout)
        client.run(["ping", "-c", "1", "-W", "5", "192.0.2.1"])
        assert "IP 192.0.2.2 > 192.0.2.1: ICMP echo request" in capture.stdout.read()


def test_guest_boots_takes_a_lease_and_obeys(networked: Hypervisor) -> None:
    guest = networked.guest("g1", networks=["net1"], macs=[MAC])
    guest.wait_for(f"NIC eth0 {MAC} ADDRESS 192.168.50.11/24")
    assert "1 packets received" in guest.run("ping -c 1 192.0.2.1").stdout
    with pytest.raises(CommandError, match="no-such"):
        guest.run("cat /no-such")
    networked.run(["ping", "-c", "1", "-W", "5", "192.168.50.11"])
    guest.stop()
    assert networked.virsh("list", "--all", "--name").split() == []


def test_guest_takes_a_lease_on_a_new_nic(networked: Hypervisor) -> None:
    guest = networked.guest("g1", networks=[])
    guest.wait_for("READY")
    networked.virsh("attach-interface", "g1", "network", "net1", "--model", "virtio", "--mac", MAC, "--live")
    guest.wait_for(f"{MAC} ADDRESS 192.168.50.11/24")


def test_libvirtd_can_crash_and_restart(networked: Hypervisor) -> None:
    networked.kill_libvirtd()
    with pytest.raises(CommandError, match="Failed to connect socket"):
        active(networked)
    networked.start_libvirtd()
    assert active(networked) == ["net1"]
    networked.restart_libvirtd()
    assert active(networked) == ["net1"]


def test_libvirtd_answers_from_outside(networked: Hypervisor) -> None:
    assert outside("virsh", "-c", networked.uri, "net-list", "--name").split() == ["net1"]
    assert outside("virsh", "--readonly", "-c", networked.uri_ro, "net-list", "--name").split() == ["net1"]


def test_ssh_reaches_root_and_auditor(lab: Lab, hypervisor: Hypervisor) -> None:
    ssh = ("ssh", "-F", f"{lab.folder}/ssh_config")
    assert outside(*ssh, hypervisor.name, "id -un; hostname").split() == ["root", hypervisor.name]
    # What root's bash has set up on this machine does not run there.
    assert outside(*ssh, hypervisor.name, "cat .bashrc; stat --format %a .").split() == ["700"]
    assert outside(*ssh, f"{hypervisor.name}_audit", "id -un; hostname").split() == ["auditor", hypervisor.name]


@pytest.mark.skipif(importlib.util.find_spec("ansible") is None, reason="ansible-core is not installed here")
def test_ansible_reaches_the_inventory(lab: Lab, hypervisor: Hypervisor) -> None:
    ping = ["-m", "ansible", "adhoc", "-i", str(lab.inventory), "-m", "ansible.builtin.ping"]
    assert f"{hypervisor.name} | SUCCESS" in outside(sys.executable, *ping, hypervisor.name)
    assert f"{hypervisor.name}_audit | SUCCESS" in outside(sys.executable, *ping, f"{hypervisor.name}_audit")


def test_auditor_reads_and_cannot_write(networked: Hypervisor) -> None:
    virsh = ["virsh", "-c", "qemu:///system"]
    assert networked.unprivileged([*virsh, "--readonly", "net-list", "--name"]).stdout.split() == ["net1"]
    refused = networked.unprivileged([*virsh, "--readonly", "net-destroy", "net1"], check=False)
    assert "forbidden" in refused.stderr
    refused = networked.unprivileged([*virsh, "net-list"], check=False)
    assert "Permission denied" in refused.stderr
    assert active(networked) == ["net1"]


def test_hypervisor_touches_nothing_outside(hypervisor: Hypervisor) -> None:
    mounts = Path("/proc/self/mounts").read_text()
    links = outside("ip", "-br", "link")
    hypervisor.run(["touch", "/etc/lab-was-here", "/root/lab-was-here"])
    assert hypervisor.run(["sh", "-c", "echo 1 >/proc/sys/vm/swappiness"], check=False).returncode
    assert not Path("/etc/lab-was-here").exists()
    assert not Path("/root/lab-was-here").exists()
    assert str(hypervisor.home) not in mounts
    assert Path("/proc/self/mounts").read_text() == mounts
    assert outside("ip", "-br", "link") == links


def test_killed_owner_leaves_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE, text=True) as owner:
        try:
            assert owner.stdout is not None
            folder = Path(owner.stdout.readline().strip())
            machines = [Process.read(record) for record in folder.glob("*/pid")]
            assert len(machines) == 3
            own = set().union(*(namespaces_of(machine.pid) for machine in machines))
            assert len(own) == 9
            assert own <= namespaces_in_use()
        finally:
            owner.kill()
    deadline = time.monotonic() + 10
    while own & namespaces_in_use() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not own & namespaces_in_use()
    with Lab():
        assert not folder.exists()


def test_labs_side_by_side() -> None:
    with Lab() as one, Lab() as other:
        first, second = one.start("hv1"), other.start("hv1")
        for hypervisor in (first, second):
            start_network(hypervisor)
            assert hypervisor.client("virbr1", mac=MAC).dhcp()["address"] == "192.168.50.11/24"
        one.stop()
        assert active(second) == ["net1"]


def test_standing_lab_stays_until_down() -> None:
    name = f"t{os.getpid()}"
    command = [sys.executable, "-m", "tests.lab"]
    shown = outside(*command, "up", "--hosts", "1", "--name", name)
    try:
        assert f"/run/vfl/{name}/inventory.yml" in shown
        assert f"{name} (standing): hv1 hv1-world" in outside(*command, "list")
        with pytest.raises(FileExistsError, match="end it first"):
            Lab(name)
    finally:
        outside(*command, "down", "--name", name)
    assert name not in standing_labs()
    assert not Path(f"/run/vfl/{name}").exists()


def test_process_is_not_mistaken_for_another() -> None:
    someone_else = Process(os.getpid(), Process.of(os.getpid()).started + 1)
    assert not someone_else.alive()
    someone_else.kill()


def test_number_of_an_ended_process_may_be_that_of_a_thread() -> None:
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    Process(thread.native_id or 0, 0).kill()
    done.set()


def test_missing_requirement_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requirement, "COMMANDS", {"no-such-command": "some-package"})
    assert requirement.check() == ["no-such-command: apt-get install some-package"]
    with pytest.raises(LabUnavailable, match="no-such-command: apt-get install some-package"):
        Lab()


def test_unavailable_root_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIRTFLEET_LAB_CACHE", str(tmp_path))
    with pytest.raises(LabUnavailable, match="choose one of host, bullseye"):
        root("slackware")
    log = tmp_path / "test.log"
    with locked("test") as lock, pytest.raises(LabUnavailable, match=r"something cannot be made: oh dear .*test\.log"):
        build("something", ["sh", "-c", "echo oh dear; exit 3"], log, lock)


def test_mirror_is_the_one_of_apt() -> None:
    assert mirror().startswith(("http://", "https://", "file:"))
