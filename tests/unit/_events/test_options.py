"""What a rulebook gives to the source of events."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import PlanError
from ansible_collections.virtfleet.network.plugins.plugin_utils._events.options import options

HV1 = "qemu+ssh://root@hv1/system"


def test_defaults_are_those_that_are_documented() -> None:
    found = options({"hypervisors": [HV1], "eda_feedback_queue": object()})
    assert [(one.name, one.uri) for one in found.sources] == [("hv1", HV1)]
    assert found[1:] == (("network", "guest"), 30, 20, 60)


def test_a_part_is_watched() -> None:
    assert options({"hypervisors": [HV1], "watch": ["networks"], "interval": "5"})[1:3] == (("network",), 5)


@pytest.mark.parametrize(
    "arguments,problem",
    [
        ({}, "hypervisors must be a list of URIs"),
        ({"hypervisors": []}, "hypervisors must be a list of URIs"),
        ({"hypervisors": HV1}, "hypervisors must be a list of URIs"),
        ({"hypervisors": [HV1, HV1]}, "hv1 is the name of several"),
        ({"hypervisors": ["qemu+ssh://root@-oProxyCommand=id/system"]}, "is not the name or address of a host"),
        ({"hypervisors": [{"url": HV1}]}, "not a dictionary with uri"),
        ({"hypervisors": [HV1], "delay": 1}, "not delay"),
        ({"hypervisors": [HV1], "watch": ["disks"]}, "networks and guests, not ['disks']"),
        ({"hypervisors": [HV1], "watch": []}, "watch must be"),
        ({"hypervisors": [HV1], "interval": 0}, "interval must be seconds, more than 0, not 0"),
        ({"hypervisors": [HV1], "timeout": "soon"}, "timeout must be seconds, more than 0, not 'soon'"),
        ({"hypervisors": [HV1], "retry": None}, "retry must be seconds"),
    ],
)
def test_what_is_wrong_is_said(arguments: dict[str, Any], problem: str) -> None:
    with pytest.raises(PlanError) as raised:
        options(arguments)
    assert problem in str(raised.value)
