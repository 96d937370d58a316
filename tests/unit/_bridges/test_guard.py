"""What the guard of a change looks for."""

from __future__ import annotations

from dataclasses import replace

from tests.unit._bridges.hosts import FIXED, FIXED6, MAC, NETWORKD, link
from tests.unit._bridges.plans import BR0, plan


def test_what_has_to_be_so_afterwards() -> None:
    head = plan(NETWORKD, BR0, targets=["203.0.113.1"], timeout=30)["head"]
    for line in (
        "timeout=30\n",
        "want_port br0 eth0",
        f"want_mac br0 {MAC}",
        "want_stp br0 0",
        f"want_address br0 {FIXED}",
        f"want_address br0 {FIXED6}",
        "want_answer br0 192.0.2.1",
        "want_target 203.0.113.1",
        f"want_address eth0 {FIXED}",
    ):
        assert line in head
    leased = replace(NETWORKD, links=(link(2, "eth0", FIXED, dynamic=True),))
    assert "want_lease br0" in plan(leased, BR0)["head"]
    assert plan(NETWORKD, {**BR0, "stp": True}, timeout=30)["timeout"] == 90
