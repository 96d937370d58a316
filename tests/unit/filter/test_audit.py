"""The audit of a fleet as one document, and as text: nothing is lost, and hostile names do no harm."""

from __future__ import annotations

import csv
import io
from xml.etree import ElementTree as ET

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.virtfleet.network.plugins.filter.audit_as import FilterModule, audit_as
from ansible_collections.virtfleet.network.plugins.filter.audit_document import FilterModule as Documents
from ansible_collections.virtfleet.network.plugins.filter.audit_document import audit_document
from tests.unit.fleets import OPEN_WAY, WAY

ROW = {
    "network": "lan",
    "domain": "",
    "mac": "",
    "state": "as_asked",
    "path": "",
    "asked": None,
    "saved": None,
    "running": None,
}
MTU = {**ROW, "state": "differs", "path": "mtu.size", "asked": 1400, "saved": 1500, "running": {"a": [1]}}
FINDING = {
    "code": "bridge_down",
    "severity": "error",
    "network": "lan",
    "domain": "web",
    "mac": "",
    "evidence": "it is down",
    "remedy": "Set it up.",
    "meaning": "",
    "repair": "",
}
GOOD = {"as_asked": True, "rows": [ROW], "problems": [], "findings": [], "changed": False, "invocation": {}}
HOSTILE = '=cmd|"<b>\x1b[2J{{ 8 * 8 }}'


def document(**results):
    return audit_document(results)


@pytest.mark.parametrize(
    "way,state", [(OPEN_WAY, "reaches"), (WAY, "way_ends"), ({**WAY, "severity": "warning"}, "warning")]
)
def test_the_way_of_packets_is_a_line(way, state):
    found = document(a={**GOOD, "way": [way]})
    assert found["hosts"]["a"]["as_asked"] == (state != "way_ends")
    (line,) = [line for line in found["lines"] if line["field"] == "way"]
    assert (line["object"], line["state"], line["text"]) == ("net0", state, f"way: {way['text']}")
    failures = ET.fromstring(audit_as(found, "junit")).get("failures")  # noqa: S314 - our own
    assert failures == ("1" if state == "way_ends" else "0")
    assert way["text"] in audit_as(found, "table")


def cells(**results):
    return list(csv.reader(io.StringIO(audit_as(document(**results), "csv"))))[1:]


def test_a_fleet():
    found = document(
        b={**GOOD, "as_asked": False, "rows": [ROW, MTU], "findings": [FINDING], "problems": ["no room"]},
        a=GOOD,
        c={"unreachable": True, "msg": "no route"},
        d={"failed": True, "msg": "no libvirt", "module_stderr": "hunter2"},
        e={**GOOD, "rows": [{**ROW, "state": "unknown", "network": "old"}]},
    )
    assert list(found["hosts"]) == ["a", "b", "c", "d", "e"]
    assert not {"invocation", "module_stderr", "changed"} & {name for host in found["hosts"].values() for name in host}
    assert [(line["host"], line["object"], line["state"], line["field"], line["text"]) for line in found["lines"]] == [
        ("a", "", "as_asked", "", ""),
        ("b", "lan", "differs", "mtu.size", ""),
        ("b", "", "impossible", "", "no room"),
        ("b", "lan web", "error", "bridge_down", "it is down. Set it up."),
        ("c", "", "unreachable", "", "no route"),
        ("d", "", "failed", "", "no libvirt"),
        ("e", "old", "unknown", "", ""),
        ("e", "", "as_asked", "", ""),
    ]
    counts = {name: found["summary"][name] for name in ("as_asked", "differ", "failed")}
    assert counts == {"as_asked": 2, "differ": 1, "failed": 2}
    assert found["summary"]["states"]["as_asked"] == 2


@pytest.mark.parametrize("wrong", [{"rows": [MTU]}, {"findings": [FINDING]}, {"problems": ["no room"]}])
def test_what_is_wrong_counts(wrong):
    """Also where the hypervisor's own verdict is another: an error of the diagnosis is no success."""
    found = document(a={**GOOD, **wrong}, b={**GOOD, "findings": [{**FINDING, "severity": "warning"}]})
    assert {name: found["summary"][name] for name in ("as_asked", "differ")} == {"as_asked": 1, "differ": 1}
    assert [found["hosts"][name]["as_asked"] for name in "ab"] == [False, True]


def test_a_result_that_never_came():
    found = document(a={})
    assert found["lines"][0]["state"] == "failed"
    assert found["summary"]["failed"] == 1


def test_a_table_for_people():
    text = audit_as(document(a={**GOOD, "as_asked": False, "rows": [MTU, {**MTU, "asked": "x" * 99}]}), "table")
    head, line, long, *_rest, summary = text.splitlines()
    assert head.split() == ["HOST", "OBJECT", "STATE", "FIELD", "ASKED", "SAVED", "RUNNING", "TEXT"]
    assert line.split() == ["a", "lan", "differs", "mtu.size", "1400", "1500", '{"a":', "[1]}"]
    assert "x" * 39 + "…" in long
    assert summary == "1 hypervisor: 0 as asked, 1 differ, 0 unreachable or failed"


def test_csv_for_spreadsheets():
    assert cells(a={**GOOD, "as_asked": False, "rows": [MTU]}) == [
        ["a", "lan", "differs", "mtu.size", "1400", "1500", '{"a": [1]}', "", "", ""]
    ]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "＝", '"=', " =", "a;=", "a; -", 'a;"@'])
def test_no_cell_is_a_formula(start):
    found = document(
        a={**GOOD, "as_asked": False, "rows": [{**MTU, "network": f"{start}cmd|' /C calc'!A0", "saved": -5}]}
    )
    text = audit_as(found, "csv")
    told = cells(**found["hosts"])[0]
    for cell in (*told, *(part for line in text.splitlines() for part in line.split(";"))):
        assert not cell.strip(' "').startswith(("=", "+", "-", "@", "＝"))
    assert told[5] == "'-5"


def test_junit_for_pipelines():
    found = document(
        a={**GOOD, "as_asked": False, "rows": [ROW, {**MTU, "network": "dmz"}], "findings": [FINDING]},
        b=GOOD,
        c={"unreachable": True, "msg": "no route"},
    )
    root = ET.fromstring(audit_as(found, "junit"))  # noqa: S314 - our own
    suites = [*root]
    told = {
        suite.get("name"): {case.get("name"): [one.get("message") for one in case] for case in suite}
        for suite in suites
    }
    assert told == {
        "a": {"audit": [], "lan": [], "dmz": ["differs mtu.size"], "lan web": ["error bridge_down"]},
        "b": {"audit": [], "lan": []},
        "c": {"audit": ["unreachable"]},
    }
    counts = [[one.get(name) for name in ("tests", "failures", "errors")] for one in (root, *suites)]
    assert counts == [["7", "2", "1"], ["4", "2", "0"], ["2", "0", "0"], ["1", "0", "1"]]
    assert [(one.tag, one.get("type")) for one in root.iterfind("*/*/*")] == [
        ("failure", "differs"),
        ("failure", "error"),
        ("error", "unreachable"),
    ]
    assert suites[0][2][0].text == 'differs mtu.size asked 1400, saved 1500, running {"a": [1]}'


@pytest.mark.parametrize("form", ["table", "csv", "junit"])
def test_hostile_names_do_no_harm(form):
    found = document(a={**GOOD, "as_asked": False, "rows": [{**MTU, "network": HOSTILE, "asked": HOSTILE}]})
    text = audit_as(found, form)
    assert "\x1b" not in text
    assert "\\x1b" in text
    if form == "junit":
        assert "<b>" not in text
    if form == "csv":
        assert all(cell.startswith("'=") for cell in (cells(**found["hosts"])[0][1], cells(**found["hosts"])[0][4]))


def test_a_document_as_text():
    assert audit_document({"a": GOOD}, text=True) == audit_as(document(a=GOOD), "json")


def test_a_form_that_there_is_not():
    with pytest.raises(AnsibleFilterError, match="Cannot write the audit as 'pdf': choose one of table, "):
        audit_as(document(), "pdf")
    assert set(FilterModule().filters()) | set(Documents().filters()) == {"audit_as", "audit_document"}


def test_a_network_filter_is_named_and_is_no_network():
    found = document(a={**GOOD, "rows": [ROW, {**ROW, "network": "", "nwfilter": "own", "state": "missing"}]})
    assert [(line["object"], line["state"]) for line in found["lines"] if line["state"] != "as_asked"] == [
        ("own", "missing")
    ]
    assert ET.fromstring(audit_as(found, "junit")).get("failures") == "1"  # noqa: S314 - our own
    assert "missing" not in audit_as(found, "dot")
