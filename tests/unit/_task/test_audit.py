"""The module of an audit: its result as one text."""

from __future__ import annotations

import json

from tests.unit.run_module import driver_of_tests, run_module

SITE = {"networks": [{"name": "front", "kind": "isolated"}]}


def test_an_audit_as_text_has_all_of_the_result():
    told, as_text = (run_module("virt_network_audit", as_text=wanted, **SITE) for wanted in (False, True))
    text = json.loads(as_text.pop("text"))
    assert as_text["as_asked"] is told["as_asked"] is False
    assert {*as_text} == {"as_asked", "changed", "invocation"}
    assert {*text} == {*told} - {"changed", "invocation"}
    assert [text[name] for name in ("rows", "networks", "way")] == [told[name] for name in ("rows", "networks", "way")]


def test_a_secret_that_json_writes_otherwise_is_not_in_the_text():
    with driver_of_tests() as gateway:
        gateway._conn.networkDefineXML("<network><name>gehört</name></network>")
        told = run_module("virt_network_audit", uri="test:///default?password=geh%C3%B6rt", as_text=True, **SITE)
    assert len(json.loads(told["text"])["networks"]) == 2
    assert "geh" not in told["text"]
