"""Hostile strings in every string option of a network, up to the file that a real libvirtd keeps."""

from __future__ import annotations

from collections.abc import Iterator

import libvirt
import pytest
from lxml import etree

from tests.deep import amount
from tests.hostile import is_one_sentence
from tests.unit.hostile_tasks import value_at
from tests.unit.run_module import run_module
from tests.unit.test_hostile import KEPT, cases

from ..stage import Stage

pytestmark = [pytest.mark.lab, pytest.mark.deep]

PLACES = [*KEPT, ("dnsmasq_options", "[]")]


@pytest.fixture
def conn(stage: Stage) -> Iterator[libvirt.virConnect]:
    found = libvirt.open(stage.host.uri)
    yield found
    found.close()


def texts(xml: str) -> set[str]:
    """Every value of a definition, letter by letter."""
    return {
        text for one in etree.fromstring(xml).iter() for text in (one.text, *one.attrib.values()) if text is not None
    }


def test_what_check_mode_takes_is_in_libvirts_file(stage: Stage, conn: libvirt.virConnect) -> None:
    kept = 0
    for place in PLACES:
        for task, value in cases("virt_network", place, amount(2, 10**6)):
            given = {"uri": stage.host.uri, **task}
            if task.get("forward", {}).get("mode") == "hostdev":
                continue  # libvirt takes only devices that are there, and this machine has no SR-IOV
            if run_module("virt_network", True, **given).get("failed"):
                continue
            made = run_module("virt_network", False, **given)
            assert not made.get("failed"), (place, value, made["msg"])
            saved = conn.networkLookupByName(task["name"]).XMLDesc(libvirt.VIR_NETWORK_XML_INACTIVE)
            # Else it is another spelling of the same, which is no change.
            exact = value_at(made["network"]["spec"], place) == value
            assert not exact or value in texts(saved), (place, value, saved)
            again = run_module("virt_network", True, **given)
            assert (again.get("failed"), again.get("changed")) == (None, False), (place, value, again)
            gone = run_module("virt_network", False, uri=stage.host.uri, name=task["name"], state="absent")
            assert gone["changed"], (place, value, gone)
            kept += exact
    assert kept


@pytest.mark.parametrize("name", ["..", "a\x00b", "a/b", "a\nb", "x" * 5000])
def test_a_name_that_cannot_be_is_one_sentence(stage: Stage, name: str) -> None:
    result = run_module("virt_network", False, uri=stage.host.uri, name=name, ips=[{"address": "10.9.0.1/24"}])
    assert result["failed"]
    assert is_one_sentence(result["msg"])
