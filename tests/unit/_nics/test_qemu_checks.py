"""What QEMU's guests cannot have of a NIC, and containers can."""

from __future__ import annotations

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import InvalidNicsError
from ansible_collections.virtfleet.network.plugins.module_utils._nics.interface_checks import interface_remarks
from ansible_collections.virtfleet.network.plugins.module_utils._values.check import Context, problems
from tests.unit.jobs import converge_nics
from tests.unit.nic_cases import desired_of, host_of

ROUTE = {"source": {"network": "lan"}, "ips": [{"address": "10.0.0.2/24"}]}


@pytest.mark.parametrize("driver,refused", [("QEMU", True), ("LXC", False)])
def test_addresses_are_for_containers(driver, refused):
    case = {"desired": ROUTE}
    host = host_of(case)
    host.driver = lambda: driver
    if refused:
        with pytest.raises(InvalidNicsError, match="ips: QEMU has it only with type user, vhostuser"):
            converge_nics(host, desired_of(case), True, 5)
    else:
        assert converge_nics(host, desired_of(case), True, 5).plan.steps


def test_what_libvirt_takes_without_effect_is_a_warning():
    spec = {"type": "user", "model": {"type": "virtio"}, "backend": {"log_file": "/log"}}
    assert problems(interface_remarks(spec, Context(name="nic"))) == []
    assert interface_remarks(spec, Context(name="nic")) == [
        "nic.backend.log_file has no effect without backend.type passt"
    ]
    spec["backend"]["type"] = "passt"
    assert interface_remarks(spec, Context(name="nic")) == []
