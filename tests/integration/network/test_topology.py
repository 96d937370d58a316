"""Many networks in one task: all or none, in the order that they need, and no others."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ..plays import Task
from ..stage import Stage, succeeded
from .test_rollback import REFUSED_BY_DNSMASQ, without_traces
from .test_twelve_steps import FOUR_TIMES, assert_contract

pytestmark = pytest.mark.lab


def net(name: str, subnet: int, bridge: str = "", **more: Any) -> dict[str, Any]:
    """Return a network's options."""
    ips = [{"address": f"192.168.{subnet}.1/24"}]
    return {"name": name, "forward": {"mode": "open"}, "bridge": {"name": bridge or f"vf-{name}"}, "ips": ips, **more}


def topology(*networks: dict[str, Any], check: bool = False) -> Task:
    """Return a task of virt_topology."""
    options = {"name": "site", "networks": networks, "purge": "owned"}
    return {"virtfleet.network.virt_topology": options, "check_mode": check}


THREE = net("one", 81), net("two", 82), net("idle", 83, active=False, autostart=False)
# The bridge of one goes to another, whose subnet goes to a third; a fourth is no longer listed.
MOVED = net("new", 82), net("two", 84, "vf-one"), net("one", 81, "vf-first")


def test_create_change_delete(stage: Stage) -> None:
    before = stage.networks()
    tasks = [topology(*wanted, check=check) for wanted in (THREE, MOVED, ()) for check in FOUR_TIMES]
    looks = [stage.look()]
    results = [succeeded(result) for result in stage.play(*tasks)]
    looks += [str(result["look"]) for result in results]
    for part in range(3):
        assert_contract(results[4 * part : 4 * part + 4], looks[4 * part : 4 * part + 5])
    assert [[network["name"] for network in result["networks"]] for result in results[1::4]] == [
        ["one", "two", "idle"],
        ["one", "idle", "two", "new"],
        ["new", "one", "two"],
    ]
    for bridge, address in (("vf-new", 82), ("vf-one", 84), ("vf-first", 81)):
        assert f"{bridge} 192.168.{address}.1/24" in looks[6]
    assert stage.networks() == before


def test_mistake_in_the_fourth_leaves_the_others_as_they_were(stage: Stage) -> None:
    """One that is found before anything is touched, and one that only shows when the last network starts."""
    succeeded(stage.run(topology(*THREE)))
    before = stage.look()
    good = net("one", 85), net("two", 82, domain={"name": "two.test"}), net("new", 86)
    overlap, broken = net("late", 86), net("late", 87, **REFUSED_BY_DNSMASQ)
    for wrong, words in ((overlap, "overlaps 192.168.86.0/24 of network 'new'"), (broken, "network 'new' was removed")):
        for check in (True, False) if wrong is overlap else (False,):
            result = stage.run(topology(*good, wrong, check=check))
            assert words in result["msg"], result
    assert without_numbers(stage.look()) == without_numbers(before)


def without_numbers(look: str) -> list[str]:
    """Return a look without what every restart changes: the numbers of devices."""
    return sorted(re.sub(r"^\d+: ", "", line) for line in without_traces(look))


def test_networks_of_somebody_else_are_not_purged(stage: Stage) -> None:
    stage.define("<network><name>foreign</name><ip address='192.168.88.1' prefix='24'/></network>")
    succeeded(stage.run(topology(net("one", 81), {"name": "foreign", "active": False, "autostart": False})))
    succeeded(stage.run(topology()))
    assert "foreign" in stage.networks()
    assert "one" not in stage.networks()
