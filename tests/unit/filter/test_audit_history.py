"""What is new since an earlier audit, what lasts since when, what is gone; and audits of several controllers as one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.virtfleet.network.plugins.filter.audit_as import audit_as
from ansible_collections.virtfleet.network.plugins.filter.audit_document import audit_document
from ansible_collections.virtfleet.network.plugins.filter.audit_report import audit_report
from tests.unit.fleets import FINDING, ROW

MONDAY, TUESDAY, WEDNESDAY = (f"2026-01-0{day} 02:00 UTC" for day in (5, 6, 7))
GOOD: dict[str, Any] = {"as_asked": True, "rows": [], "problems": [], "findings": []}
MTU = {**ROW, "network": "lan", "state": "differs", "path": "mtu.size", "asked": 1400, "saved": 1500}
BRIDGE = {**MTU, "path": "bridge.name"}
AWAY = {"unreachable": True, "msg": "no route"}


def differs(*rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The result of a hypervisor that differs."""
    return {**GOOD, "as_asked": False, "rows": list(rows), **more}


def history(document: dict[str, Any]) -> list[tuple[str, ...]]:
    """What each line of drift says of its past."""
    lines = [line for line in document["lines"] if line["news"]]
    return [(line["host"], line["state"], line["field"], line["news"], line["since"]) for line in lines]


def test_what_is_new_lasts_and_is_gone() -> None:
    monday = audit_document({"a": differs(MTU), "b": differs(MTU), "c": GOOD}, MONDAY)
    assert (monday["earlier"], monday["summary"]["new"], history(monday)) == ("", 2, [])
    tuesday = audit_document({"a": differs(MTU, BRIDGE), "b": GOOD, "c": differs(findings=[FINDING])}, TUESDAY, monday)
    assert history(tuesday) == [
        ("a", "differs", "mtu.size", "lasts", MONDAY),
        ("a", "differs", "bridge.name", "new", TUESDAY),
        ("c", "error", "bridge_down", "new", TUESDAY),
    ]
    assert [(line["host"], line["field"]) for line in tuesday["gone"]] == [("b", "mtu.size")]
    assert {name: tuesday["summary"][name] for name in ("new", "lasting", "gone")} == {
        "new": 2,
        "lasting": 1,
        "gone": 1,
    }
    changed = {**MTU, "saved": 9000}  # another value is the same drift
    wednesday = audit_document({"a": differs(changed)}, WEDNESDAY, json.dumps(tuesday))
    assert history(wednesday) == [("a", "differs", "mtu.size", "lasts", MONDAY)]
    assert [line["field"] for line in wednesday["gone"]] == ["bridge.name"]


def test_of_two_equal_lines_one_is_new() -> None:
    monday = audit_document({"a": differs(problems=["no room"])}, MONDAY)
    tuesday = audit_document({"a": differs(problems=["no room", "no bridge"])}, TUESDAY, monday)
    assert [line["news"] for line in tuesday["lines"]] == ["lasts", "new"]
    assert tuesday["gone"] == []


def test_a_night_away_makes_nothing_new() -> None:
    monday = audit_document({"a": differs(MTU, BRIDGE)}, MONDAY)
    away = audit_document({"a": AWAY}, TUESDAY, monday)
    assert history(away) == [("a", "unreachable", "", "new", TUESDAY)]
    assert away["gone"] == []
    still = audit_document({"a": AWAY}, TUESDAY, away)
    assert history(still) == [("a", "unreachable", "", "lasts", TUESDAY)]
    back = audit_document({"a": differs(MTU)}, WEDNESDAY, still)
    assert history(back) == [("a", "differs", "mtu.size", "lasts", MONDAY)]
    assert [line["field"] or line["state"] for line in back["gone"]] == ["unreachable", "bridge.name"]


def test_a_hypervisor_that_a_limit_leaves_out_makes_nothing_new() -> None:
    monday = audit_document({"a": differs(MTU, BRIDGE), "b": AWAY}, MONDAY)
    limited = audit_document({"c": GOOD}, TUESDAY, monday)
    assert (limited["gone"], limited["summary"]["gone"]) == ([], 0)
    assert [(line["host"], line["field"], line["since"]) for line in limited["others"]] == [
        ("a", "mtu.size", MONDAY),
        ("a", "bridge.name", MONDAY),
        ("b", "", MONDAY),
    ]
    again = audit_document([audit_document({"c": GOOD}, TUESDAY)], earlier=json.dumps(limited))
    found = audit_document({"a": differs(MTU), "b": AWAY, "c": GOOD}, WEDNESDAY, again)
    assert history(found) == [
        ("a", "differs", "mtu.size", "lasts", MONDAY),
        ("b", "unreachable", "", "lasts", MONDAY),
    ]
    assert ([line["field"] for line in found["gone"]], found["others"]) == (["bridge.name"], [])


def test_every_form_shows_it() -> None:
    monday = audit_document({"a": differs(BRIDGE)}, MONDAY)
    found = audit_document({"a": differs(MTU)}, TUESDAY, monday)
    table = audit_as(found, "table").splitlines()
    assert table[0].split()[-3:] == ["NEWS", "SINCE", "TEXT"]
    assert table[1].endswith(f"new   {TUESDAY}")
    assert table[3] == f"Gone since the audit of {MONDAY}:"
    assert "bridge.name" in table[5]
    assert table[-1].endswith(f"; since {MONDAY}: 1 new, 0 last, 1 gone")
    assert f",new,{TUESDAY}," in audit_as(found, "csv")
    junit = audit_as(found, "junit")
    assert 'message="new differs mtu.size"' in junit
    assert f">new since {TUESDAY}: differs mtu.size" in junit
    assert f"<system-out>gone, was there since {MONDAY}: lan differs bridge.name" in junit
    page = audit_report(found)
    assert page.count("What is gone") == 2
    assert f"Audited: {TUESDAY}" in page
    alone = audit_document({"a": differs(MTU)}, MONDAY)
    assert "NEWS" not in audit_as(alone, "table")
    assert ">Since<" not in audit_report(alone)


def test_several_documents_become_one() -> None:
    one = audit_document({"a": differs(MTU), "b": GOOD, "c": AWAY}, MONDAY)
    two = audit_document({"b": differs(BRIDGE), "d": {"failed": True, "msg": "no libvirt"}}, TUESDAY)
    found = audit_document([two, json.dumps(one)])
    assert [(line["host"], line["state"], line["field"], line["text"]) for line in found["lines"]] == [
        ("a", "differs", "mtu.size", ""),
        ("b", "differs", "bridge.name", ""),
        ("c", "unreachable", "", "no route"),
        ("d", "failed", "", "no libvirt"),
    ]
    assert [host["audited"] for host in found["hosts"].values()] == [MONDAY, TUESDAY, MONDAY, TUESDAY]
    assert found["time"] == TUESDAY
    assert f"Audited: {MONDAY} to {TUESDAY}" in audit_report(found)
    assert audit_document([found]) == found
    assert audit_document([]) == audit_document({})
    assert history(audit_document([two], earlier=found)) == [
        ("b", "differs", "bridge.name", "lasts", TUESDAY),
        ("d", "failed", "", "lasts", TUESDAY),
    ]


@pytest.mark.parametrize(
    "wrong",
    ["{", "[]", "5", '{"hosts": []}', '{"hosts": {"a": 5}, "lines": []}', '{"hosts": {}, "lines": [{}]}', "\ud800"],
)
def test_what_is_no_document(wrong: str) -> None:
    whole = '{"hosts": {}, "lines": [{}]}'  # of several documents, lines are worked out again
    for arguments in [({}, "", wrong), *([([wrong],)] if wrong != whole else [])]:
        with pytest.raises(AnsibleFilterError, match="Cannot put audits together: what is given as a document is none"):
            audit_document(*arguments)


def test_an_earlier_audit_of_hostile_lines_does_no_harm() -> None:
    hostile = audit_document({"a": AWAY}, "<b>\x1b[2J")
    hostile["hosts"]["a"]["lines_before"] = [{**hostile["lines"][0], "state": "differs", "since": "\x1b</td>"}]
    hostile["lines"].append({**hostile["lines"][0], "state": "differs"})
    found = audit_document({"a": differs(MTU)}, TUESDAY, hostile)
    for text in (audit_as(found, "table"), audit_as(found, "junit"), audit_report(found)):
        assert "\x1b" not in text
        assert "</td></td>" not in text
