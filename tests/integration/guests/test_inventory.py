"""The inventory of guests on real hypervisors: a guest that booted is reached where the inventory says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.lab import Hypervisor, Lab
from tests.lab.guest import Guest
from tests.tools.pages import blocks, files, write_files

from ..conftest import FIRST_ROOTS
from ..plays import environment

pytestmark = pytest.mark.lab

PAGE = "docs/guides/guests.md"
MAC, SIX = "52:54:00:00:50:0a", "fd00:50::10"
NETWORK = f"""
<network><name>guests</name><forward mode='nat'/><bridge name='vf-guests'/>
<ip address='192.168.50.1' prefix='24'><dhcp><range start='192.168.50.100' end='192.168.50.199'/></dhcp></ip>
<ip family='ipv6' address='fd00:50::1' prefix='64'><dhcp><host id='00:03:00:01:{MAC}' ip='{SIX}'/></dhcp></ip>
</network>"""
BOOT = 200  # seconds, on a machine that is busy
# The second has the first one's name; nobody starts them.
OTHERS = ("all", "{{ lookup('pipe', 'touch HARM') }}", "a b")
DOMAIN = "<domain type='qemu'><name>{name}</name><memory>1024</memory><os><type>hvm</type></os></domain>"


class Site:
    """Two hypervisors, of which the first has a guest that booted, and a folder with inventories."""

    def __init__(self, lab: Lab, host: Hypervisor, guest: Guest, folder: Path) -> None:
        self.lab, self.host, self.guest, self.folder = lab, host, guest, folder
        program = folder / "bin/ssh"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nexec /usr/bin/ssh -F {lab.folder}/ssh_config "$@"\n')
        program.chmod(0o755)
        self.environment = environment(PATH=f"{program.parent}:{os.environ['PATH']}")

    def ansible(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run one of Ansible's programs in the folder."""
        return subprocess.run(
            [sys.executable, "-m", "ansible", *words],
            check=False,
            cwd=self.folder,
            capture_output=True,
            text=True,
            env=self.environment,
        )

    def hosts(self, *sources: str) -> tuple[dict[str, Any], str]:
        """Return the variables of all hosts in an inventory, and what else ansible-inventory prints."""
        done = self.ansible("inventory", *(f"-i{one}" for one in sources), "--list", "--export")
        assert done.returncode == 0, done.stderr
        return safe(json.loads(done.stdout)["_meta"]["hostvars"]), " ".join(done.stderr.split())

    def change(self, name: str, **options: Any) -> str:
        """Change the options of a page's file."""
        file = self.folder / name
        file.write_text(yaml.safe_dump({**yaml.safe_load(files(PAGE)[name]), **options}))
        return name


def safe(value: Any) -> Any:
    """What ansible-inventory marks as no template, without its marks."""
    if isinstance(value, dict):
        whole = {name: safe(one) for name, one in value.items()}
        return whole.get("__ansible_unsafe", whole)
    return [safe(one) for one in value] if isinstance(value, list) else value


@pytest.fixture(scope="module", params=FIRST_ROOTS)
def site(request: pytest.FixtureRequest, lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    hosts = [lab.start(name, root=request.param) for name in ("hv1", "hv2")]
    for host, names in zip(hosts, (OTHERS, ("all",))):
        (host.home / "run/lab/network.xml").write_text(NETWORK)
        host.virsh("net-define", "/run/lab/network.xml")
        for name in names:
            (host.home / "run/lab/domain.xml").write_text(DOMAIN.format(name=name))
            host.virsh("define", "/run/lab/domain.xml")
    hosts[0].virsh("net-start", "guests")
    guest = hosts[0].guest("web", ["guests"], [MAC])
    guest.wait_for("ADDRESS 192.168.50.", BOOT)
    guest.run(f"ip -6 addr add {SIX}/64 dev eth0")  # busybox has no DHCP client for IPv6
    folder = tmp_path_factory.mktemp("guests")
    write_files(PAGE, folder)
    yield Site(lab, hosts[0], guest, folder)
    guest.stop()
    for host in hosts:
        host.stop()


def reaches(host: Hypervisor, address: str) -> bool:
    return host.run(["ping", "-c", "3", "-W", "5", address], check=False).returncode == 0


def test_the_guest_is_where_the_inventory_of_the_page_says(site: Site) -> None:
    hosts, told = site.hosts("guests.yml")
    web = hosts["web"]
    assert told == ""
    assert web["ansible_host"].startswith("192.168.50.1")
    assert f"ADDRESS {web['ansible_host']}/24" in site.guest.console()
    assert reaches(site.host, web["ansible_host"])
    (nic,) = web["virt_nics"]
    assert (nic["mac"], nic["network"], nic["bridge"], nic["forward"]) == (MAC, "guests", "vf-guests", "nat")
    assert (nic["connected"], nic["reason"]) == (True, "")
    assert [hosts[name]["virt_state"] for name in ("web", "a_b-" + hosts_uuid(hosts, "a b"))] == ["running", "shutoff"]


def hosts_uuid(hosts: dict[str, Any], name: str) -> str:
    (uuid,) = (one["virt_uuid"] for one in hosts.values() if one["virt_name"] == name)
    return str(uuid)[:8]


def test_hosts_of_the_inventory_are_asked_and_ipv6_is_taken(site: Site) -> None:
    hosts, told = site.hosts(str(site.lab.inventory), "20_guests.yml")
    assert "hypervisor 'hv1'" not in told  # those of other tests have ended
    assert hosts["web"]["ansible_host"] == SIX
    assert reaches(site.host, SIX)
    assert hosts["web"]["virt_uri"] == "qemu+ssh://hv1/system?no_tty=1"


def test_hostile_and_equal_names_do_no_harm(site: Site) -> None:
    hosts, _told = site.hosts("guests.yml")
    assert {"all.hv1", "all.hv2", "web"} <= set(hosts)
    assert {one["virt_name"] for one in hosts.values()} == {*OTHERS, "web"}
    done = site.ansible(
        "adhoc", "-i", "guests.yml", "state_shutoff", "-c", "local", "-m", "debug", "-a", "var=virt_name"
    )
    assert "touch HARM" in done.stdout
    assert not (site.folder / "HARM").exists()


def test_a_hypervisor_that_hangs_or_is_down_costs_its_guests_only(site: Site) -> None:
    down = [{"name": "hv3", "uri": "qemu+ssh://hv3.invalid/system?no_tty=1"}]
    slow = [{"name": "hv4", "uri": f"qemu+ext:///system?command={site.folder}/hangs"}]
    (site.folder / "hangs").write_text("#!/bin/sh\nexec sleep 600\n")
    (site.folder / "hangs").chmod(0o755)
    name = site.change("guests.yml", hypervisors=["qemu+ssh://root@hv1/system", *down, *slow], timeout=15)
    began = time.monotonic()
    hosts, told = site.hosts(name)
    assert time.monotonic() - began < 60
    assert "web" in hosts
    assert told.count("The inventory lacks the guests of hypervisor 'hv3'") == 1
    assert told.count("The inventory lacks the guests of hypervisor 'hv4'") == 1
    write_files(PAGE, site.folder)


def test_a_second_run_is_from_the_cache(site: Site) -> None:
    cache = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(site.folder / "cache")}
    name = site.change("guests.yml", **cache)
    first, _told = site.hosts(name)
    program = site.folder / "bin/ssh"
    program.rename(site.folder / "ssh")  # nobody is reached without it
    try:
        assert site.hosts(name) == (first, "")
    finally:
        (site.folder / "ssh").rename(program)
        write_files(PAGE, site.folder)


def test_ssh_jumps_through_the_hypervisor(site: Site) -> None:
    web = site.hosts("guests.yml")[0]["web"]
    assert web["ansible_ssh_common_args"] == "-o ProxyJump=root@hv1"
    site.guest.run("(while :; do echo SSH-2.0-of-the-guest | nc -l -p 22; done) >/dev/null 2>&1 &")
    options = [*web["ansible_ssh_common_args"].split(), "-o", "BatchMode=yes", "-o", "ConnectTimeout=30", "-v"]
    done = subprocess.run(
        ["ssh", *options, web["ansible_host"], "true"],
        check=False,
        capture_output=True,
        text=True,
        env=site.environment,
        timeout=120,
    )
    assert "of-the-guest" in done.stderr, done.stderr


def test_a_jump_beside_a_uri_is_taken(site: Site) -> None:
    (entry,) = yaml.safe_load(blocks(PAGE, "yaml")[0])
    name = site.change("guests.yml", hypervisors=[{**entry, "uri": site.host.uri}])
    assert site.hosts(name)[0]["web"]["ansible_ssh_common_args"] == "-o ProxyJump=admin@hv3.example"
    write_files(PAGE, site.folder)
