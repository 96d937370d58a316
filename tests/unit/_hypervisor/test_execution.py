"""Steps for networks, as libvirt gets them."""

from __future__ import annotations

from typing import get_args

from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor.execution import Execution
from ansible_collections.virtfleet.network.plugins.module_utils._values.steps import ACTIONS, Step


def test_every_step_has_its_method():
    steps, methods = set(get_args(Step)), vars(Execution)["carry_out"].dispatcher.registry
    assert steps == set(ACTIONS)
    assert steps == set(methods) - {object}
