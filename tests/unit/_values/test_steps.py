"""Steps as users see them."""

from __future__ import annotations

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._values.steps import (
    Define,
    Describe,
    Item,
    RemoveBridge,
    SetAutostart,
    Start,
    Stop,
    Undefine,
    Update,
    line,
    report,
)
from ansible_collections.virtfleet.network.plugins.module_utils._xml.definition import ABSENT

HOST = {"name": "a", "ip": "10.0.0.2"}


def in_words(*steps):
    return "".join(map(line, report(steps)))


@pytest.mark.parametrize(
    "step,row,text",
    [
        (
            Define("n", (Item("mtu.size", None, 1400, "restart"),), ABSENT),
            ("define", "mtu.size", None, 1400, "restart"),
            "define n: mtu.size: nothing -> 1400 (restart)",
        ),
        (
            Undefine("n"),
            ("undefine", "state", "present", "absent", "live"),
            "undefine n: state: present -> absent (live)",
        ),
        (Start("n"), ("start", "active", False, True, "live"), "start n: active: False -> True (live)"),
        (Stop("n"), ("stop", "active", True, False, "live"), "stop n: active: True -> False (live)"),
        (
            SetAutostart("n", True),
            ("autostart", "autostart", False, True, "live"),
            "autostart n: autostart: False -> True (live)",
        ),
        (
            Update("n", (Item("hosts[a]", HOST, None, "live"),), "delete", "ip-dhcp-host", 0, "<host/>"),
            ("update", "hosts[a]", HOST, None, "live"),
            "update n: hosts[a]: {'name': 'a', 'ip': '10.0.0.2'} -> nothing (live)",
        ),
        (
            Describe("n", (Item("title", "a", "b", "live"),), "title", "b"),
            ("describe", "title", "a", "b", "live"),
            "describe n: title: a -> b (live)",
        ),
        (
            RemoveBridge("n", "virbr0"),
            ("remove_bridge", "bridge left behind", "virbr0", None, "live"),
            "remove_bridge n: bridge left behind: virbr0 -> nothing (live)",
        ),
    ],
)
def test_every_step_says_what_it_changes(step, row, text):
    assert report([step]) == [dict(zip(("network", "action", "path", "before", "after", "effect"), ("n", *row)))]
    assert in_words(step) == f"{text}\n"


def test_a_step_with_several_changes_has_a_line_for_each():
    step = Define("n", (Item("a", 1, 2, "live"), Item("b", 3, 4, "next_start")), ABSENT)
    assert in_words(step, Start("n")).count("\n") == 3
    assert [row["path"] for row in report([step, Start("n")])] == ["a", "b", "active"]


def test_long_values_are_cut_for_people_only():
    step = Define("n", (Item("metadata", None, "x" * 1000, "live"),), ABSENT)
    assert len(in_words(step)) < 300
    assert report([step])[0]["after"] == "x" * 1000


@pytest.mark.parametrize("command,back", [("add", "delete"), ("delete", "add")])
def test_an_update_can_be_taken_back(command, back):
    step = Update("n", (Item("x", None, None, "live"),), command, "dns-txt", -1, "<txt/>", "<txt value='1'/>", "both")
    assert step.inverse() == step._replace(command=back, xml="<txt value='1'/>", undo="<txt/>")
    assert step.inverse().inverse() == step
    assert step._replace(undo="").inverse().xml == "<txt/>"
