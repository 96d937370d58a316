"""The pictures in the page about an audited fleet: what they show, and that hostile names are no graph."""

from __future__ import annotations

import re
import subprocess

import pytest

from ansible_collections.virtfleet.network.plugins.filter.audit_as import audit_as
from ansible_collections.virtfleet.network.plugins.filter.audit_document import audit_document
from ansible_collections.virtfleet.network.plugins.plugin_utils._reports.drawing import dot, outline, picture
from ansible_collections.virtfleet.network.plugins.plugin_utils._reports.graphviz import draw
from tests.unit import fleets
from tests.unit.fleets import FINDING, HOSTILE, ROW, needs_dot, network, nic, result


@needs_dot
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_no_graph(name):
    told = {}
    for word in (name, "good"):
        graph = audit_as(fleets.hostile(word), "dot")
        drawn = subprocess.run(["dot", "-Tplain"], input=graph, capture_output=True, text=True, check=True)
        assert drawn.stderr == ""
        told[word] = [line.split()[:3:2] for line in drawn.stdout.splitlines() if line.startswith(("node", "edge"))]
    assert len(told[name]) == len(told["good"]) > 5


@needs_dot
def test_a_graph_that_cannot_be_drawn_spoils_no_other():
    graphs = {f"g{number}": f"digraph {{ {number} }}" for number in range(20)}
    drawn = draw({**graphs, "g3": "no graph", "g4": ""})
    assert [name for name in graphs if name not in drawn] == ["g3", "g4"]
    assert all(f">{name[1:]}</text>" in svg and svg.count("<svg") == 1 for name, svg in drawn.items())


def words(**more):
    return outline(picture(audit_document({"hv1": result(1, 1, **more)})["hosts"]["hv1"]))


def test_what_is_on_what():
    assert words() == {
        "Devices": ["eth0: device, 192.0.2.0/24"],
        "Bridges": ["virbr0: bridge, 192.0.2.1/24, on eth0"],
        "Networks": ["net0: network · nat, 10.0.0.1/24, on virbr0"],
        "Guests": ["guest0: guest"],
        "Guests' NICs": ["guest0 52:54:00:00:00:00: vnet0, 10.0.0.2, on net0"],
    }


def test_what_is_wrong_is_where_it_is():
    found = words(
        rows=[
            {**ROW, "network": "net0", "state": "differs", "path": "mtu.size", "asked": 1400},
            {**ROW, "network": "new", "state": "missing"},
            {**ROW, "domain": "guest0", "state": "differs", "path": f"nics[{fleets.mac(0)}].link.state", "asked": "up"},
        ],
        findings=[{**FINDING, "domain": "guest0"}, {**FINDING, "domain": "guest0", "mac": fleets.mac(0)}, FINDING],
        guests=[{"name": "guest0", "running": True, "nics": [nic(0, connected=False, reason="it is disconnected")]}],
    )
    assert found["Networks"] == [
        "new: network · missing, ≠ missing",
        "net0: network · nat, 10.0.0.1/24, ≠ mtu.size: asked 1400, ✖ bridge_down, on virbr0",
    ]
    assert found["Guests"] == ["guest0: guest, ✖ bridge_down"]
    (told,) = found["Guests' NICs"]
    start, _nic, end = told.partition(f"≠ nics[{fleets.mac(0)}].link.state: asked up")
    assert start == f"guest0 {fleets.mac(0)}: vnet0, 10.0.0.2, it is disconnected, "
    assert end == ", ✖ bridge_down, not connected to net0"


def test_what_does_not_run_and_what_has_no_bridge():
    direct = {"name": "lan", "forward": {"mode": "bridge", "interfaces": [{"dev": "eth0"}, {"dev": "gone"}]}}
    found = words(
        networks=[network(0, active=False, bridge="br0"), network(1, name="lan", bridge="", live_spec=direct)],
        guests=[
            {"name": "off", "running": False, "nics": []},
            {"name": "on", "running": True, "nics": [nic(0, live_spec={"source": {"bridge": "virbr0"}})]},
        ],
    )
    assert found["Networks"] == [
        "net0: network · nat · stopped, 10.0.0.1/24, on eth0",
        "lan: network · bridge, on eth0",
    ]
    assert found["Guests"] == ["off: guest · stopped", "on: guest"]
    assert found["Guests' NICs"] == [f"on {fleets.mac(0)}: vnet0, 10.0.0.2, on virbr0"]


def test_a_task_that_does_not_run_on_the_hypervisor_sees_no_devices():
    assert words(devices={})["Bridges"] == ["virbr0: bridge"]


def test_a_box_has_room_for_so_much():
    rows = [{**ROW, "network": "net0", "state": "differs", "path": "x" * 99 + str(number)} for number in range(20)]
    text = dot("hv1", picture(audit_document({"hv1": result(1, 0, rows=rows)})["hosts"]["hv1"]))
    (label,) = re.findall(r'label="(net0.*?)"', text)
    lines = label.split(r"\n")
    assert lines[-1] == "… 13 more"
    assert len(lines) == 11
    assert max(map(len, lines)) == 48
