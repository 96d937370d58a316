"""The playbook topology on libvirt's test driver: one table at the end of it, wherever it ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .test_roles import HERE, ansible

pytestmark = pytest.mark.plays

GOOD: dict[str, Any] = {
    **HERE,
    "target_uri": "test:///default",
    "topology_networks": [{"name": "web", "kind": "isolated"}],
}
HOSTS = {
    "hv1": GOOD,
    "hv2": {**GOOD, "topology_networks": [{"name": "web", "kind": "nat", "subnet": "10.0.0.0/33"}]},
    "hv3": {**GOOD, "ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1},
    "hv4": GOOD,
}


@pytest.mark.parametrize(
    "may_fail,counts",
    [
        (50, "1 changed, 0 up to date, 1 failed, 1 unreachable, 1 not tried"),
        (70, "2 changed, 0 up to date, 1 failed, 1 unreachable, 0 not tried"),
    ],
)
def test_one_table_says_what_became_of_each(may_fail: int, counts: str, tmp_path: Path) -> None:
    """Of a batch of three, two fail; one that cannot be reached counts."""
    (tmp_path / "hosts.json").write_text(json.dumps({"hypervisors": {"hosts": HOSTS}}))
    options = {"target_serial": 3, "target_max_fail_percentage": may_fail}
    told = ansible("virtfleet.network.topology", "-i", str(tmp_path / "hosts.json"), "-e", json.dumps(options), rc=2)
    assert told.count("HYPERVISOR  STATE") == 1
    assert f"4 hypervisors: {counts}" in told
    assert "Connection refused" in told
