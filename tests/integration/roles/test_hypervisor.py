"""The role hypervisor on a machine without libvirt, over its network: installed, audited, and after a power cycle."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.lab import Client, Full, Lab
from tests.tools.pages import blocks

from ..clients import WORLD, captured
from ..conftest import FULL
from ..plays import INFO, Result, changes, playbook
from ..stage import wait_for

pytestmark = [pytest.mark.lab, pytest.mark.slow]

# the kernel of the machine gets its default route by a router advertisement
ROUTER = """\
sysctl --quiet --write net.ipv6.conf.all.forwarding=1 # a neighbour that does not forward is no router
dnsmasq --interface=lan --bind-interfaces --port=0 --user=root --conf-file=/dev/null --pid-file=/run/lab/router.pid \
    --enable-ra --ra-param=lan,10 --dhcp-range=2001:db8:ffff::,ra-only
"""
LOGINS = """\
for login in auditor other; do
    useradd --create-home --shell /bin/sh --password '*' $login
    cp --recursive /root/.ssh /home/$login
    chown --recursive $login: /home/$login/.ssh
done
"""
# Somebody has the name of the network's bridge.
# libvirt 11 removes a bridge that is in its way
TAKEN = """virsh net-destroy web; ip link add vbr-web type bridge; ! virsh net-start web
ip link show vbr-web || ip link add vbr-web type bridge"""
CHECK = {"virtfleet.network.virt_network_check": {"network": "web"}}
WEB = ("virtfleet.network.nat", "-e", "nat_network_name=web", "-e", "nat_network_subnet=10.20.0.0/24")
SETTINGS = ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding", "net.ipv6.conf.eth0.accept_ra")


class Host:
    """The machine hv8, and a folder with an inventory that knows it by three logins."""

    def __init__(self, lab: Lab, machine: Full, folder: Path) -> None:
        self.machine, self.folder = machine, folder
        inventory: dict[str, Any] = yaml.safe_load(lab.inventory.read_text())["all"]
        logins = {login: {"ansible_host": "hv8", "ansible_user": login} for login in ("auditor", "other")}
        groups = {"hypervisors": {"hosts": {"hv8": {}}}, "logins": {"hosts": logins}}
        (folder / "inventory").write_text(json.dumps({"all": {**inventory, "children": groups}}))
        plays = yaml.safe_load(blocks("roles/hypervisor/README.md", "yaml")[0])
        (folder / "role.yml").write_text(json.dumps(plays))
        told = {"hosts": "logins", "gather_facts": False, "ignore_errors": True, "tasks": [{INFO: {}}]}
        (folder / "audit.yml").write_text(json.dumps([told]))
        checked = {"hosts": "hypervisors:auditor", "gather_facts": False, "tasks": [CHECK]}
        (folder / "check.yml").write_text(json.dumps([checked]))

    def audit(self) -> list[Result]:
        """Return what virt_network_info returns to the login auditor, and to the login other."""
        return sorted(playbook(self.folder, "audit.yml"), key=lambda result: str(result["host"]))

    def has(self, path: str) -> bool:
        """Return whether a file exists."""
        return self.machine.run(["test", "-e", path], check=False).returncode == 0

    def gone(self) -> bool:
        """Return whether the default route of IPv6 is gone."""
        return "proto ra" not in self.machine.run(["ip", "-6", "route", "show", "default"]).stdout

    def settings(self) -> list[str]:
        """Return the kernel's settings that the role keeps."""
        return self.machine.run(["sysctl", "--values", *SETTINGS]).stdout.split()


@pytest.fixture(scope="module", params=FULL)
def host(request: pytest.FixtureRequest, lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    machine = lab.start_full("hv8", request.param, "ifupdown", dhcp=True)
    machine.outside.run(["sh", "-e"], input=ROUTER)
    machine.run(["sh", "-e"], input=LOGINS)
    host = Host(lab, machine, tmp_path_factory.mktemp("host"))
    wait_for(lambda: not host.gone())
    yield host
    machine.stop()


def test_from_nothing_to_a_managed_host(host: Host) -> None:
    assert changes(playbook(host.folder, "role.yml", "--check")) > 0
    assert not host.has("/usr/sbin/libvirtd")
    assert not host.has("/etc/sysctl.d/99-virtfleet-network.conf")
    assert host.settings() == ["0", "0", "1"]
    playbook(host.folder, "role.yml")
    assert host.settings() == ["1", "1", "2"]
    assert not host.gone()
    assert host.machine.state() == "running"


def test_second_run_changes_nothing(host: Host) -> None:
    assert changes(playbook(host.folder, "role.yml", *WEB)) == 1


def test_only_auditors_audit(host: Host) -> None:
    auditor, other = host.audit()
    assert "web" in {network["name"] for network in auditor["networks"]}
    assert other["failed"]
    assert "Permission denied" in other["msg"]


def test_power_cycle_keeps_everything(host: Host) -> None:
    machine = host.machine
    machine.power_cycle()
    wait_for(lambda: "web" in machine.run(["virsh", "net-list", "--name"]).stdout.split())
    assert "10.20.0.1/24" in machine.run(["ip", "-4", "address", "show", "dev", "vbr-web"]).stdout
    assert host.settings() == ["1", "1", "2"]
    wait_for(lambda: not host.gone())
    client = Client(machine.site, "hv8-client", machine, "vbr-web", "client")
    assert client.dhcp()["router"] == "10.20.0.1"
    with captured(machine.outside, f"icmp and host {machine.ADDRESS}", "lan") as packets:
        client.run(["ping", "-c", "1", "-W", "5", WORLD])
    assert f"{machine.ADDRESS} > {WORLD}" in packets[0]
    client.stop()
    auditor, other = host.audit()
    assert (bool(auditor.get("failed")), bool(other.get("failed"))) == (False, True)


def test_what_the_daemon_has_logged_is_shown_to_those_who_may_see_it(host: Host) -> None:
    host.machine.run(["sh", "-e"], input=TAKEN)
    auditor, root = sorted(playbook(host.folder, "check.yml"), key=lambda result: str(result["host"]))
    host.machine.run(["sh", "-e"], input="ip link delete vbr-web; virsh net-start web")
    assert {finding["code"] for finding in (*root["findings"], *auditor["findings"])} == {"bridge_taken"}
    assert "error creating bridge interface vbr-web: File exists" in root["log"][-1]
    assert not [what for what in root["not_looked_at"] if "log" in what]
    assert auditor["log"] == []
    assert [what for what in auditor["not_looked_at"] if what.startswith("the daemons' log")]


def test_drift_is_repaired(host: Host) -> None:
    machine = host.machine
    machine.run(["sysctl", "--write", "net.ipv4.ip_forward=0"])
    machine.run(["gpasswd", "--add", "other", "libvirt-audit"])
    machine.run(["systemctl", "disable", "--now", "libvirtd-ro.socket"])
    predicted = playbook(host.folder, "role.yml", "--check")
    assert changes(predicted) == changes(playbook(host.folder, "role.yml")) == 4
    assert host.settings() == ["1", "1", "2"]
    auditor, other = host.audit()
    assert not auditor.get("failed")
    assert other["failed"]


def test_topology_makes_the_bridge_before_the_network_on_it(host: Host) -> None:
    """Over the NIC that moves; a guest on the network then gets its address from the LAN outside."""
    machine = host.machine
    site = {
        "topology_host_bridges": [{"name": "br0", "port": "eth0"}],
        "topology_networks": [{"name": "lan", "kind": "bridged", "bridge": {"name": "br0"}}],
    }
    topology = ("virtfleet.network.topology", "-e", json.dumps(site))
    assert changes(playbook(host.folder, *topology, "--check")) > 0
    assert not host.has("/sys/class/net/br0")
    playbook(host.folder, *topology)
    assert changes(playbook(host.folder, *topology)) == 0
    assert "lan" in machine.run(["virsh", "net-list", "--name"]).stdout.split()
    client = Client(machine.site, "hv8-neighbour", machine, "br0", "neighbour")
    assert client.dhcp()["address"].startswith("192.0.2.1")
    client.stop()
