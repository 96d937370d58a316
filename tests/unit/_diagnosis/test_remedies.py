"""Who reads of a command that mends something can rely on it: it is one that a test on a real hypervisor runs."""

from __future__ import annotations

import re

from ansible_collections.virtfleet.network.plugins.module_utils._diagnosis.findings import KINDS
from ansible_collections.virtfleet.network.plugins.module_utils._diagnosis.way import CAUSES
from tests.integration.breakage import NOT_RUNNING, RUNNING
from tests.integration.obstacles import OBSTACLES
from tests.integration.repairs import OTHER_REPAIRS, REPAIRS

A_COMMAND = re.compile(r"\b(ip link|bridge (link|fdb|vlan)|tc|sysctl -w|nft|iptables|systemctl) ")
# Roles have tests of their own: tests/integration/roles.
ROLE = "the role "
# By test_a_restart_of_the_daemon_brings_flushed_rules_back.
RESTARTED = "firewall_rules_missing"


def test_what_is_said_to_repair_something_is_tried() -> None:
    cases = {**RUNNING, **NOT_RUNNING}
    tried = (
        {cases[name][2] for name in REPAIRS} | {one.code for one in OBSTACLES.values()} | {*OTHER_REPAIRS, RESTARTED}
    )
    claims = {code for code, kind in KINDS.items() if kind.repair.removeprefix(ROLE) == kind.repair != ""}
    claims |= {code for code, kind in KINDS.items() if A_COMMAND.search(kind.remedy)}
    assert claims - tried == set()


def test_what_explains_the_end_of_a_way_is_a_finding() -> None:
    assert {code for codes in CAUSES.values() for code in codes} - {*KINDS} == set()
