"""Whatever users write about a NIC ends in a plan, or in problems that are reported."""

from __future__ import annotations

import contextlib

from hypothesis import HealthCheck, given, settings

from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import InvalidNicsError
from ansible_collections.virtfleet.network.plugins.module_utils._schema.interface import INTERFACE
from ansible_collections.virtfleet.network.plugins.module_utils._task.results import result_of
from tests.unit.jobs import converge_nics
from tests.unit.nic_cases import desired_of, host_of
from tests.unit.specs import options

GUESTS = [{"saved": ["network lan a"], "live": ["network lan/slow a"]}, {"saved": []}]


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much], deadline=None)
@given(options(INTERFACE, empty=True, wild=True))
def test_any_words(given_options):
    for guest in GUESTS:
        for more in ({}, {"mac": {"address": "52:54:00:00:00:0a"}, "replace": True}, {"source": {"network": "lan"}}):
            case = {"guest": guest, "desired": {**given_options, **more}}
            with contextlib.suppress(InvalidNicsError):
                result_of([converge_nics(host_of(case), desired_of(case), True, 5)])
