"""Roles, playbooks and filters as the documentation shows them, on one hypervisor, judged from outside.

The commands of docs/guides/playbooks.md run as they stand there, in their order, and the pages of roles after them. To
save time
several of them run in one process.
"""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.plugin_docs import read_docstring

from tests.lab import Client, Hypervisor, Lab
from tests.tools.pages import blocks, write_files

from ..clients import UPLINK, UPLINK6, WORLD, WORLD6, captured, dig, give_address, reaches
from ..conftest import LAST_ROOTS
from ..plays import Result, changes, playbook
from ..stage import Stage, wait_for

pytestmark = [pytest.mark.lab, pytest.mark.slow]

ROOT = Path(__file__).parents[3]
KINDS = ("nat", "isolated", "routed", "bridged")
MAKING = (*KINDS, "topology", "reservations", "dns")
ROLLING = ("-e", "target=hv7", "-e", "target_serial=50%", "-e", "target_max_fail_percentage=10")
OF_HOSTS = {"host_bridge", "hypervisor"}  # roles that need a machine with systemd, and have tests of their own
SHOP = "52:54:00:00:20:0a"
# Gives addresses outside: by DHCP, and of IPv6 by advertisements.
SERVER = [
    *("dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--user=root", "--port=0", "--interface=eth0"),
    *("--dhcp-leasefile=/run/lab/leases", "--dhcp-range=172.16.9.50,172.16.9.99,1h"),
    *("--dhcp-range=fd00:9::,ra-only", "--enable-ra"),
]
OLD = """\
<network><name>old</name><forward mode='nat'/>
<ip address='10.40.0.1' prefix='24'><dhcp><range start='10.40.0.100' end='10.40.0.199'/></dhcp></ip></network>
"""


class Fleet:
    """A folder with an inventory of one hypervisor and of the router behind it, and the files that the page shows."""

    def __init__(self, stage: Stage, folder: Path) -> None:
        self.stage, self.folder, self.name = stage, folder, stage.host.name
        inventory: dict[str, Any] = yaml.safe_load(stage.lab.inventory.read_text())["all"]
        hosts = inventory["children"]["hypervisors"]["hosts"]
        edge = folder / "edge-python"
        edge.write_text(f'#!/bin/sh\nexec {shlex.join(stage.host.world.process.enter_net(sys.executable))} "$@"\n')
        edge.chmod(0o755)
        groups = {
            "hypervisors": {"hosts": {self.name: hosts[self.name]}},
            "routers": {"hosts": {"edge": {"ansible_connection": "local", "ansible_python_interpreter": str(edge)}}},
        }
        (folder / "inventory").write_text(json.dumps({"all": {**inventory, "children": groups}}))
        write_files("docs/guides/playbooks.md", folder)
        lines = [
            shlex.split(line) for block in blocks("docs/guides/playbooks.md", "console") for line in block.splitlines()
        ]
        self.commands = [(line[3].rpartition(".")[2], line[4:]) for line in lines]

    def run(self, *options: str, failed: bool = False) -> list[Result]:
        """Run ansible-playbook and return the results of all tasks."""
        return playbook(self.folder, *options, failed=failed)

    def playbooks(self, *names: str, more: tuple[str, ...] = ()) -> list[Result]:
        """Run what the page says for the first use of these playbooks, in one process."""
        said = [next(command for command in self.commands if command[0] == name) for name in names]
        options = [option for _name, options in said for option in options]
        return self.run(*(f"virtfleet.network.{name}" for name in names), *options, *more)

    def tasks(self, tasks: list[dict[str, Any]]) -> list[Result]:
        """Run tasks on the hypervisor."""
        return self.plays([{"hosts": "hypervisors", "gather_facts": False, "tasks": tasks}])

    def plays(self, plays: list[dict[str, Any]]) -> list[Result]:
        """Run plays."""
        (self.folder / "plays.yml").write_text(json.dumps(plays))
        return self.run("plays.yml")


@pytest.fixture(scope="module", params=LAST_ROOTS)  # molecule has them on the first
def fleet(request: pytest.FixtureRequest, lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """The hypervisor hv7, with a bridge of its own."""
    host: Hypervisor = lab.start("hv7", root=request.param)
    stage = Stage(lab, host, request.param)
    stage.bridge("br0")
    yield Fleet(stage, tmp_path_factory.mktemp("fleet"))
    host.stop()


def test_playbooks_make_what_they_predict(fleet: Fleet) -> None:
    stage, names = fleet.stage, (*KINDS, "topology")
    predicted = fleet.playbooks(*names, more=("--check", "--diff"))
    assert stage.networks() == set()
    done = fleet.playbooks(*MAKING)
    for check, real in zip(predicted, done):
        assert all(check.get(part) == real.get(part) for part in ("changed", "plan", "diff")), (check, real)
    assert changes(done) == len(MAKING) + 2  # names and a text in DNS are two, and there is the route
    assert changes(fleet.playbooks(*MAKING, more=("--check",))) == 0
    assert stage.active() == {"web", "storage", "dmz", "lan", "front", "back"} == stage.autostarted()
    assert stage.addresses("vbr-front") == {"10.0.112.1/24"}
    assert stage.addresses("vbr-back") == {"10.0.113.1/24"}
    assert "<dhcp>" not in stage.xml("back")
    assert "<forward mode='bridge'/>" in stage.xml("lan")
    assert "<bridge name='br0'/>" in stage.xml("lan")


def six(client: Client, router: str) -> str:
    """Give a client an address by DHCP, and the way out at once, before the next router advertisement."""
    address = client.dhcp(family=6)["address"].partition("/")[0]
    client.run(["ip", "-6", "route", "replace", "default", "via", router, "dev", "eth0", "onlink"])
    return address


def test_guests_have_what_the_roles_promise(fleet: Fleet) -> None:
    stage, world = fleet.stage, fleet.stage.host.world
    web = stage.client("vbr-web", mac=SHOP)
    assert web.dhcp()["address"] == "10.20.0.10/24"
    six(web, "fd00:20::1")
    with captured(world, "icmp") as packets:
        assert reaches(web, WORLD)
    assert f"{UPLINK} > {WORLD}: ICMP echo request" in packets[0]
    with captured(world, "icmp6[icmp6type] = icmp6-echo") as packets:
        assert reaches(web, WORLD6)
    assert f"{UPLINK6} > {WORLD6}: ICMP6, echo request" in packets[0]
    assert dig(web, "10.20.0.1", "www.example") == ["10.20.0.10"]

    one, other = stage.client("vbr-storage"), stage.client("vbr-storage")
    address = other.dhcp()["address"].partition("/")[0]
    one.dhcp()
    one.run(["ip", "route", "add", "default", "via", "10.21.0.1"])
    assert reaches(one, address)
    assert not reaches(one, WORLD)

    routed = stage.client("vbr-dmz")
    give_address(routed, "10.22.0.9/24", "10.22.0.1")
    assert reaches(world, "10.22.0.9")  # the role has set the router's route
    assert reaches(world, six(routed, "fd00:22::1"))

    lines = fleet.playbooks("show", more=ROLLING)[-1]["msg"]
    assert re.search(r"^web +running +yes +nat +vbr-web +10.20.0.1/24 fd00:20::1/64 +- +-$", "\n".join(lines), re.M)
    assert re.search(rf"^10.20.0.10/24 +{SHOP} +\S+ +web +20\d\d-", "\n".join(lines), re.M)


def of_guests(results: list[Result]) -> Result:
    """The result of the task with a loop: others look at variables, and hand on what was done."""
    (found,) = [result for result in results if "results" in result]
    return found


def test_nics_of_a_guest(fleet: Fleet) -> None:
    """Plugged in by the playbook: one NIC behind NAT, and one on a LAN outside, where somebody else gives addresses."""
    stage = fleet.stage
    guest = stage.host.guest("shop", networks=["storage"])
    predicted = of_guests(fleet.playbooks("attach", more=("--check", "--diff")))
    guest.wait_for(" ADDRESS 10.21.0.")  # while it boots, it may switch off what is plugged in
    done, again = (of_guests(fleet.playbooks("attach", more=more)) for more in ((), ("--check",)))
    assert [one["changed"] for one in (predicted, done, again)] == [True, True, False]
    assert all(predicted["results"][0][part] == done["results"][0][part] for part in ("plan", "diff"))
    (nic,) = done["results"][0]["ifaces"]
    assert nic["address"]["address"].startswith("10.20.0.")
    guest.wait_for(f"NIC eth1 {nic['mac']} ADDRESS {nic['address']['address']}/24")

    outside = stage.client("br0")  # the cable of the bridge leads there
    for address in ("172.16.9.1/24", "fd00:9::1/64"):
        outside.run(["ip", "address", "add", address, "dev", "eth0", *(["nodad"] if ":" in address else [])])
    one = {"domain": "shop", "ifaces": [{"source": {"network": "lan"}, "model": {"type": "virtio"}}]}
    with outside.background(SERVER):
        plugged = fleet.run("virtfleet.network.attach", "-e", json.dumps({"attach_ifaces": [one]}))
        mac = of_guests(plugged)["results"][0]["ifaces"][0]["mac"]
        guest.wait_for(f"NIC eth2 {mac} ADDRESS 172.16.9.")
        wait_for(lambda: "inet6 fd00:9::" in guest.run("ip address show dev eth2").stdout)
        address = guest.run("ip address show dev eth2").stdout.partition("inet 172.16.9.")[2].partition("/")[0]
        assert reaches(outside, f"172.16.9.{address}")
        assert mac in outside.run(["ip", "neighbour", "show", f"172.16.9.{address}"]).stdout
    guest.stop()


def test_drift_is_told_and_repaired(fleet: Fleet) -> None:
    host = fleet.stage.host
    host.virsh("net-destroy", "storage")
    host.virsh("net-autostart", "web", "--disable")
    drop = "<range start='10.0.112.128' end='10.0.112.254'/>"
    host.virsh("net-update", "front", "delete", "ip-dhcp-range", drop, "--live", "--config")
    host.world.run(["ip", "route", "delete", "10.22.0.0/24"])
    drifted = ("nat", "isolated", "routed", "topology")
    assert [changes(fleet.playbooks(*drifted, more=more)) for more in (("--check",), ())] == [4, 4]


def test_a_kernel_that_does_not_forward_is_told(fleet: Fleet) -> None:
    host = fleet.stage.host
    host.run(["sh", "-c", "echo 0 >/proc/sys/net/ipv4/ip_forward"])
    told = fleet.run("virtfleet.network.routed", "-e", "@dmz.yml", failed=True)[-1]
    assert "hv7 does not forward packets, so nobody outside reaches 10.22.0.0/24 of network dmz" in str(told)
    host.run(["sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward"])


def test_kept_and_brought_back(fleet: Fleet) -> None:
    stage = fleet.stage
    rule = "<rule action='drop' direction='out' priority='500'><tcp dstportstart='25'/></rule>"
    (stage.host.home / "run/lab/filter.xml").write_text(f"<filter name='no-mail' chain='root'>{rule}</filter>")
    stage.host.virsh("nwfilter-define", "/run/lab/filter.xml")
    before = {name: (stage.xml(name), stage.xml(name, saved=False)) for name in stage.networks()}
    assert changes(fleet.playbooks("backup", "adopt")) >= 2
    kept = fleet.folder / f"network_backup/{fleet.name}.json"
    text = kept.read_text()
    stage.define("<network><name>other</name><ip address='10.99.0.1' prefix='24'/></network>", start=True)
    # What is adopted (without site.yml, by the host_vars), taken away, brought back, and kept again.
    (teardown,) = [options for name, options in fleet.commands if name == "teardown"]
    names = ("topology", "teardown", "restore", "backup")
    results = fleet.run(*(f"virtfleet.network.{name}" for name in names), *teardown)
    adopted, gone, restored = [result for result in results if "networks" in result and "plan" in result]
    assert not adopted["changed"]
    assert {one["state"] for one in (*gone["networks"], *gone["nwfilters"])} == {"absent"}
    assert {network["name"] for network in restored["networks"]} == {*before, "other"}
    assert changes(results) == 2
    assert {name: (stage.xml(name), stage.xml(name, saved=False)) for name in stage.networks()} == before
    assert kept.read_text() == text
    assert "<tcp dstportstart='25'/>" in stage.host.virsh("nwfilter-dumpxml", "no-mail")


def test_pages_of_the_roles(fleet: Fleet) -> None:
    domain = "<domain type='qemu'><name>reception</name><memory>9999</memory><os><type>hvm</type></os></domain>"
    fleet.stage.host.run(["sh", "-c", "cat >/run/lab/g.xml; virsh define /run/lab/g.xml"], input=domain)
    pages = sorted({*(ROOT / "roles").glob("*/README.md")} - {ROOT / f"roles/{name}/README.md" for name in OF_HOSTS})
    plays = [yaml.safe_load(blocks(str(page.relative_to(ROOT)), "yaml")[0])[0] for page in pages]
    made = {play["roles"][0]["role"].rpartition(".")[2] for play in plays}
    assert made == {page.parent.name for page in pages}
    assert (
        changes(fleet.plays(plays)) == 3
    )  # "network", "topology" and "nwfilters" make others than docs/guides/playbooks.md


def test_a_route_goes_with_its_network(fleet: Fleet) -> None:
    world = fleet.stage.host.world
    assert "10.22.0.0/24" in world.run(["ip", "route"]).stdout
    assert changes(fleet.playbooks("routed", more=("-e", "routed_network_state=absent"))) == 2
    assert "10.22.0.0/24" not in world.run(["ip", "route"]).stdout
    assert "dmz" not in fleet.stage.networks()


def test_filters_and_migration(fleet: Fleet) -> None:
    (fleet.folder / "old.xml").write_text(OLD)
    tasks: list[dict[str, Any]] = yaml.safe_load(
        read_docstring(str(ROOT / "plugins/filter/subnet_plan.py"))["plainexamples"]
    )
    ours = [block for block in blocks("docs/guides/migration.md", "yaml") if "virtfleet.network" in block]
    tasks += [task for block in ours for task in yaml.safe_load(block)]
    fleet.tasks(tasks)
    assert "old" not in fleet.stage.networks()
    assert fleet.stage.addresses(str(fleet.stage.info("guests")[0]["bridge"])) == {"10.0.114.1/24"}
