"""The job templates of playbooks/awx, run as AWX runs them: by ansible-runner, with the answers to their surveys."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.awx.jobs import Hosts, Job, Shown
from tests.awx.objects import OBJECTS, ROOT, TEMPLATES
from tests.lab import Hypervisor, Lab
from tests.tools.pages import files

from ..conftest import ROOTS

pytestmark = pytest.mark.lab

MAC = "52:54:00:00:20:10"  # YAML takes it for a number
SITE = {
    "topology_name": "site",
    "topology_networks": [
        {"name": "front", "kind": "nat", "subnet": "10.95.0.0/24"},
        {"name": "back", "kind": "isolated"},
    ],
}
GUEST = "<domain type='qemu'><name>shop</name><memory>9999</memory><os><type>hvm</type></os></domain>"


class Fleet:
    """Two hypervisors as an inventory of AWX, and the jobs that run on them."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.hosts: dict[str, Hypervisor] = lab.start_all({f"awx{n}": (ROOTS * 2)[n] for n in (0, 1)})
        self.one, self.two = self.hosts.values()
        told = yaml.safe_load(lab.inventory.read_text())["all"]["vars"]
        self.on_hypervisors = {**told, **SITE}
        wrapper = folder / "ssh"
        wrapper.write_text(f'#!/bin/sh\nexec ssh -F {lab.folder}/ssh_config "$@"\n')
        wrapper.chmod(0o700)
        self.here = {**SITE, **yaml.safe_load(files("docs/guides/awx.md")["group_vars/hypervisors.yml"])}
        self.here["target_uri"] += f"?command={wrapper}"
        self._folder = folder
        self._jobs = 0

    def job(
        self,
        playbook: str,
        here: bool = False,
        answers: dict[str, Any] | None = None,
        own: Hosts | None = None,
        **prompted: Any,
    ) -> Shown:
        """Run a job template, on the hypervisors, of which some may have variables of their own, or in the execution
        environment."""
        self._jobs += 1
        job = Job(TEMPLATES[playbook], answers or {}, **prompted)
        environment = {"ANSIBLE_COLLECTIONS_PATH": os.fspath(ROOT / ".build"), "ANSIBLE_TIMEOUT": "60"}
        hosts = {name: (own or {}).get(name, {}) for name in self.hosts}
        folder = self._folder / str(self._jobs)
        return job.run(folder, hosts, self.here if here else self.on_hypervisors, environment)

    def networks(self) -> list[set[str]]:
        """The names of the networks of each hypervisor."""
        return [set(told.split()) for told in self.each("net-list", "--all", "--name")]

    def each(self, *command: str) -> list[str]:
        """What virsh says on each hypervisor."""
        return [host.virsh(*command) for host in self.hosts.values()]


@pytest.fixture(scope="module")
def fleet(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    made = Fleet(lab, tmp_path_factory.mktemp("awx"))
    for host in made.hosts.values():
        host.run(["sh", "-c", "cat >/run/lab/g.xml; virsh define /run/lab/g.xml"], input=GUEST)
    yield made
    for host in made.hosts.values():
        host.stop()


def good(job: Shown) -> Shown:
    assert job.status == "successful", job.output
    return job


def test_a_failure_before_the_next_hypervisor(fleet: Fleet) -> None:
    """A wrong subnet in the inventory ends a rolling apply with one sentence."""
    wrong = [{"name": "front", "kind": "nat", "subnet": "10.95.0.0/33"}]
    own = {fleet.one.name: {"topology_networks": wrong}}
    failed = fleet.job("topology", answers={"target_serial": "1"}, own=own)
    assert (failed.status, failed.begun(), failed.changed()) == ("failed", {fleet.one.name}, set())
    assert "10.95.0.0/33" in failed.errors[fleet.one.name]
    assert fleet.networks() == [set(), set()]


def test_a_check_with_a_limit_and_slices(fleet: Fleet) -> None:
    checked = good(fleet.job("topology", job_type="check", limit=fleet.one.name))
    unchanged: dict[str, list[str]] = {"guests": [], "nwfilters": []}
    assert checked.artifacts["topology"] == {
        fleet.one.name: {"changed": True, "restart_required": False, "networks": ["back", "front"], **unchanged}
    }
    assert "10.95.0.1" in checked.output  # the diff
    assert fleet.networks() == [set(), set()]
    for number, name in enumerate(fleet.hosts, 1):
        applied = good(fleet.job("topology", slice_number=number, slice_count=2, diff_mode=False))
        assert "10.95.0.1" not in applied.output
        assert (applied.changed(), {*applied.artifacts["topology"]}) == ({name}, {name})
    assert fleet.networks() == [{"front", "back"}] * 2


def test_an_address_a_nic_and_a_diagnosis(fleet: Fleet) -> None:
    reservation = {
        "target": "hypervisors",
        "reservations_network": "front",
        "reservation_mac": MAC,
        "reservation_ip": "10.95.0.10",
    }
    reserved = good(fleet.job("reservations", answers=reservation))
    assert reserved.changed() == {*fleet.hosts}
    entries = [told["entries"] for told in reserved.artifacts["reservations"].values()]
    assert [len(one["added"]) for one in entries] == [1, 1]
    assert all(f"<host mac='{MAC}' ip='10.95.0.10'/>" in xml for xml in fleet.each("net-dumpxml", "front"))

    before = fleet.each("net-dumpxml", "front")
    refused = fleet.job("reservations", answers={**reservation, "reservation_ip": "10.96.0.10"})
    assert (refused.status, refused.changed(), refused.errors.keys()) == ("failed", set(), {*fleet.hosts})
    assert all("10.96.0.10 lies in no subnet of the network" in told for told in refused.errors.values())
    assert fleet.each("net-dumpxml", "front") == before

    nic = {"attach_domain": "shop", "attach_network": "front", "attach_mac": MAC, "attach_apply": "config"}
    attached = good(fleet.job("attach", answers={"target": fleet.two.name, **nic}))
    assert attached.artifacts["attach"] == {fleet.two.name: {"changed": True, "guests": ["shop"]}}
    assert [MAC in xml for xml in fleet.each("dumpxml", "shop")] == [False, True]

    fleet.one.run(["ip", "link", "set", "vbr-back", "down"])
    found = good(fleet.job("diagnose", answers={"diagnose_network_names": "back\n"})).artifacts["diagnose"]
    assert [found[name]["healthy"] for name in fleet.hosts] == [False, True]
    assert "bridge_down" in found[fleet.one.name]["findings"]
    fleet.one.run(["ip", "link", "set", "vbr-back", "up"])


def test_the_workflow(fleet: Fleet, tmp_path: Path) -> None:
    """An audit that finds drift fails and leads to the approval; what is applied then is audited again."""
    files = {"audit_folder": str(tmp_path)}
    fleet.one.virsh("net-autostart", "back", "--disable")
    nodes = {node["identifier"]: node for node in OBJECTS["awx_nodes"] if "template" in node}
    audit = fleet.job("audit", answers={**nodes["audit"]["extra_data"], **files})
    assert audit.status == "failed"
    assert [audit.artifacts["audit"][part] for part in ("as_asked", "differ")] == [1, 1]
    limited = fleet.job("audit", answers={**nodes["audit"]["extra_data"], **files}, limit=fleet.two.name)
    assert good(limited).artifacts["audit"]["as_asked"] == 1
    answers = {**nodes["apply"]["extra_data"], "target_serial": OBJECTS["awx_rolling"]}
    applied = good(fleet.job("topology", answers=answers, artifacts=audit.artifacts))
    assert applied.changed() == {fleet.one.name}
    after = good(
        fleet.job("audit", answers={**nodes["audit again"]["extra_data"], **files}, artifacts=applied.artifacts)
    )
    assert after.artifacts["audit"]["as_asked"] == 2


def test_the_report(fleet: Fleet, tmp_path: Path) -> None:
    page = tmp_path / "networks.html"
    reported = good(fleet.job("report", answers={"report_file": str(page)}, limit=fleet.two.name, diff_mode=False))
    assert reported.artifacts["audit"]["as_asked"] == 1
    assert fleet.two.name in page.read_text()
    assert fleet.one.name not in page.read_text()


def test_modules_in_the_execution_environment(fleet: Fleet) -> None:
    """Nothing of Ansible runs on the hypervisors: libvirt is reached over SSH."""
    assert good(fleet.job("topology", here=True)).changed() == set()
    audit = good(fleet.job("audit", here=True, answers={"audit_fail_on_drift": "true"}))
    assert audit.artifacts["audit"]["as_asked"] == 2
    found = good(fleet.job("diagnose", here=True)).artifacts["diagnose"]
    assert [found[name]["healthy"] for name in fleet.hosts] == [True, True]
    other = {
        "target": "hypervisors",
        "reservations_network": "front",
        "reservation_mac": "52:54:00:00:20:0b",
        "reservation_ip": "10.95.0.11",
    }
    assert good(fleet.job("reservations", here=True, answers=other)).changed() == {*fleet.hosts}
    assert all("10.95.0.11" in xml for xml in fleet.each("net-dumpxml", "front"))


def test_what_is_adopted_and_torn_down(fleet: Fleet) -> None:
    adopted = good(fleet.job("adopt")).artifacts["adopt"]
    assert [{one["name"] for one in adopted[name]["topology_networks"]} for name in fleet.hosts] == fleet.networks()
    answers = {"teardown_topology": "site"}
    predicted = good(fleet.job("teardown", answers=answers))  # only shown in check mode
    assert fleet.networks() == [{"front", "back"}] * 2
    done = good(fleet.job("teardown", answers=answers, job_type="run"))
    assert fleet.networks() == [set(), set()]
    assert predicted.artifacts == done.artifacts
    assert done.artifacts["teardown"][fleet.one.name] == {
        "changed": True,
        "networks": ["back", "front"],
        "nwfilters": [],
    }
