"""Any entries into any network, on a real libvirt: what check mode says is what happens, and nothing else does.

LAB_PAIRS in the environment: how many pairs of a network and a task.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from lxml import etree

from tests.deep import SEED, amount

from ..plays import Result, Task, network
from ..random_entries import BEFORE, MODULES, Tasks, xml_path
from ..random_specs import HOST_BRIDGE, Inventor
from ..stage import Stage

pytestmark = [pytest.mark.lab, pytest.mark.deep, pytest.mark.slow]

PAIRS = int(os.environ.get("LAB_PAIRS", amount(5, 250)))
IN_A_PLAY = 8
FORETOLD = ("changed", "plan", "diff", "entries", "restart_required")
DUMP = "virsh net-dumpxml --inactive {0}; echo =====; virsh net-dumpxml {0}; virsh net-info {0} | grep -v UUID"


def shell(text: str) -> Task:
    return {"ansible.builtin.shell": text, "changed_when": False}


def tasks_for(seed: int, stage: Stage) -> tuple[str, str, dict[str, Any], list[Task]]:
    """Return a network's name, a module, its options, and the tasks that try them."""
    name = f"e{seed}"
    options = Inventor(seed, stage.version, seed % 100).network()
    tasks = Tasks(seed, options)
    options = tasks.repeat(options)
    state = tasks.chance.choice(sorted(BEFORE))
    module, entries = tasks.task()
    call = {f"virtfleet.network.{module}": {"network": name, **entries}}
    before = f"N={name}; A={tasks.bases[0]}; {BEFORE[state]} 2>&1"
    check, real, again = ({**call, "check_mode": mode} for mode in (True, False, False))
    dump = shell(DUMP.format(name))
    gone = shell(f"virsh net-destroy {name}; virsh net-undefine {name}; true")
    return (
        state,
        module,
        entries,
        [
            network(name=name, **options),
            shell(before),
            dump,
            check,
            dump,
            real,
            dump,
            again,
            gone,
        ],
    )


def definitions(result: Result) -> list[Any]:
    """Return the persistent and the live config of a network, and what else virsh shows of it."""
    saved, _line, rest = result["stdout"].partition("=====\n")
    live, end, told = rest.partition("</network>")
    roots = [etree.fromstring(text, etree.XMLParser(remove_blank_text=True)) for text in (saved, live + end)]
    return [*roots, told]


def without(root: Any, path: str) -> str:
    """Return a definition without the entries of one list, and without what is only there for them."""
    for entry in root.findall(path):
        entry.getparent().remove(entry)
    for holder in (*root.findall("dns"), *root.findall("ip/dhcp")):
        if not len(holder) and not holder.attrib:
            holder.getparent().remove(holder)
    for element in root.iter():
        if not len(element) and not (element.text or "").strip():
            element.text = None  # libvirt writes an empty <ip> on two lines
    root.attrib.pop("connections", None)
    for ports in root.findall("forward/nat/port[@start='1024'][@end='65535']"):
        ports.getparent().remove(ports)  # libvirt adds its default to the live config (9.0)
    return etree.tostring(root, encoding="unicode")


def assert_only_the_list_changed(module: str, before: Result, real: Result, after: Result) -> None:
    """Assert that both definitions are as they were but for the list of the module."""
    path = xml_path(MODULES[module])
    old, new = definitions(before), definitions(after)
    restarted = any(step["effect"] == "restart" for step in real["plan"])
    saved, live = (without(root, path) for root in new[:2])
    assert saved == without(old[0], path)
    assert live == (saved if restarted else without(old[1], path))
    assert new[2] == old[2]


@pytest.mark.parametrize("start", range(SEED, SEED + PAIRS, IN_A_PLAY))
def test_check_mode_says_what_happens_to_entries(stage: Stage, start: int) -> None:
    stage.bridge(HOST_BRIDGE)
    cases = [tasks_for(seed, stage) for seed in range(start, min(start + IN_A_PLAY, SEED + PAIRS))]
    results = stage.play(*(task for _state, _module, _options, tasks in cases for task in tasks))
    for place, (state, module, options, _tasks) in enumerate(cases):
        made, _state, before, check, unchanged, real, after, again, _gone = results[place * 9 : place * 9 + 9]
        case = (start + place, state, module, options)
        assert not made.get("failed"), made["msg"]
        assert before["stdout"] == unchanged["stdout"], case
        assert bool(check.get("failed")) == bool(real.get("failed")), (case, check.get("msg"), real.get("msg"))
        if real.get("failed"):
            assert check["msg"] == real["msg"], case
            assert before["stdout"] == after["stdout"], (case, real["msg"])
            continue
        assert {key: check[key] for key in FORETOLD} == {key: real[key] for key in FORETOLD}, case
        assert (again.get("failed"), again.get("changed")) == (None, False), (case, again)
        assert_only_the_list_changed(module, before, real, after)
