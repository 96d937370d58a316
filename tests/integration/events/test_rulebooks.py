"""The rulebooks without ansible-rulebook: a network that somebody stops or changes is repaired, and that is all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml

from tests.deep import DEEP
from tests.lab import Hypervisor, Lab
from tests.listener import Listener, listening
from tests.tools.pages import ROOT, blocks, files

from ..conftest import FIRST_ROOTS
from ..plays import changes, playbook

pytestmark = pytest.mark.lab

PAGE = "docs/guides/events.md"
REPAIR = ROOT / "extensions/eda/rulebooks/repair.yml"
SOURCE = "virtfleet.network.events"
QUIET = 2  # seconds without an event, after which nothing goes on
NETWORKS = [{"name": "web", "kind": "isolated", "subnet": "192.168.77.0/24"}]


@pytest.fixture(scope="module", params=FIRST_ROOTS)
def host(request: pytest.FixtureRequest, lab: Lab) -> Iterator[Hypervisor]:
    host = lab.start("hv-events", root=request.param)
    yield host
    host.stop()


@pytest.fixture(scope="module")
def folder(host: Hypervisor, lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for plays on the hypervisor, which has what the inventory asks for."""
    tmp_path = tmp_path_factory.mktemp("events")
    inventory = yaml.safe_load(lab.inventory.read_text())
    (tmp_path / "inventory").write_text(json.dumps(inventory))
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars/all.yml").write_text(json.dumps({"topology_networks": NETWORKS}))
    repair(tmp_path, host.name, "virtfleet.network.topology")
    return tmp_path


def repair(folder: Path, limit: str, name: str) -> int:
    """Run a playbook as ansible-rulebook does; returns how many tasks have changed something."""
    return changes(playbook(folder, name, "--limit", limit))


def react(rule: dict[str, Any], heard: Listener, folder: Path) -> list[int]:
    """Do what a rule says until nothing happens any more; returns how many tasks each run has changed."""
    matches = jinja2.Environment(autoescape=True).compile_expression(rule["condition"])
    name = rule["action"]["run_playbook"]["name"]
    counts, events = [], heard.until(kind="network")
    while events:
        # Those that come together lead to one run.
        hit = [event for event in events if matches(event=event)]
        counts += [repair(folder, hit[0]["meta"]["hosts"], name)] if hit else []
        events = heard.rest(QUIET)
    return counts


def test_a_network_that_is_stopped_runs_again(host: Hypervisor, folder: Path) -> None:
    (rulebook,) = yaml.safe_load(files(PAGE)["networks.yml"])
    (source,), (rule,) = rulebook["sources"], rulebook["rules"]
    hypervisors = [{"name": host.name, "uri": host.uri_ro} for _uri in source[SOURCE]["hypervisors"]]
    with listening(**{**source[SOURCE], "hypervisors": hypervisors}) as heard:
        heard.until(what="reachable")
        host.virsh("net-destroy", "web")
        assert react(rule, heard, folder) == [1, 0]  # that it runs again is an event of its own
    assert "web" in host.virsh("net-list", "--name")


@pytest.mark.deep
@pytest.mark.skipif(not DEEP, reason="make test-deep has it: the test above shows the same with a network that stops")
def test_a_network_that_is_changed_is_as_it_was_and_a_repair_causes_no_other(host: Hypervisor, folder: Path) -> None:
    (rulebook,) = yaml.safe_load(REPAIR.read_text())
    (source,), (rule,) = rulebook["sources"], rulebook["rules"]
    asked = {**source[SOURCE], **yaml.safe_load(files(PAGE)["hypervisors.yml"])}
    asked["hypervisors"] = [{**one, "name": host.name, "uri": host.uri_ro} for one in asked["hypervisors"]]
    with listening(**asked, interval=1) as heard:
        heard.until(what="reachable")
        host.virsh("net-autostart", "web", "--disable")
        counts = react(rule, heard, folder)
    assert (counts[0], set(counts[1:])) == (1, {0}), counts
    assert "web" in host.virsh("net-list", "--autostart", "--name")


def test_the_options_of_the_page_are_the_sources(host: Hypervisor) -> None:
    shown = [entry[SOURCE] for block in blocks(PAGE, "yaml") for entry in yaml.safe_load(block)]
    for arguments in (*shown, yaml.safe_load(files(PAGE)["hypervisors.yml"])):
        (one,) = arguments["hypervisors"]
        with listening(**{**arguments, "hypervisors": [{**one, "uri": host.uri_ro}]}) as heard:
            heard.until(what="reachable", hypervisor=one["name"])
