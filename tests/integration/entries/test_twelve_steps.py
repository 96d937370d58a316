"""Entries that are made, changed and removed, each in check mode, for real, in check mode again and for real again."""

from __future__ import annotations

import shlex
import subprocess
from typing import Any

import pytest

from tests.unit.entry_cases import KINDS

from .. import entry_tasks
from ..clients import give_address
from ..network.test_twelve_steps import FOUR_TIMES, assert_contract
from ..plays import Result
from ..stage import Stage

pytestmark = [pytest.mark.lab, pytest.mark.slow]

PTRS = [
    f"{'.'.join(reversed('fd000071000000000000000000000009'))}.ip6.arpa. PTR six.lab.test.",
    "9.71.168.192.in-addr.arpa. PTR web.lab.test.",
]
# For each module: the entries at first, what they become, what is asked of DNS and answered before and after.
CASES: dict[str, dict[str, Any]] = {
    "virt_dhcp_host": {
        "made": [
            {"mac": entry_tasks.mac(1), "ip": "192.168.71.11", "name": "one"},
            {"mac": entry_tasks.mac(2), "ip": "192.168.71.12", "lease": {"expiry": 5}},
            {"id": entry_tasks.duid(1), "ip": "fd00:71::11", "name": "one"},
        ],
        "changed": [
            {"mac": entry_tasks.mac(1).upper(), "ip": "192.168.71.21", "name": "two"},
            {"mac": entry_tasks.mac(2), "lease": {"expiry": 10, "unit": "hours"}},
            {"id": entry_tasks.duid(1), "ip": "FD00:71:0::21", "name": ""},
        ],
        "named": [entry_tasks.mac(1), entry_tasks.mac(2), entry_tasks.duid(1)],
    },
    "virt_dhcp_range": {
        "made": [
            {"start": "192.168.71.200", "end": "192.168.71.209"},
            {"start": "fd00:71::200", "end": "fd00:71::2ff", "lease": {"expiry": 5}},
        ],
        "changed": [
            {"start": "192.168.71.200", "end": "192.168.71.209", "lease": {"expiry": 2, "unit": "hours"}},
            {"start": "FD00:71::200", "end": "FD00:71::2FF", "lease": {"expiry": 600, "unit": "seconds"}},
        ],
        "named": ["192.168.71.200/192.168.71.209", "fd00:71::200/fd00:71::2ff"],
    },
    "virt_dns_host": {
        "made": [
            {"ip": "192.168.71.9", "hostnames": ["web.lab.test"]},
            {"ip": "fd00:71::9", "hostnames": ["six.lab.test"]},
        ],
        "changed": [
            {"ip": "192.168.71.9", "hostnames": ["www.lab.test"]},
            {"ip": "FD00:71::9", "hostnames": ["w6.lab.test"]},
        ],
        "named": ["192.168.71.9", "fd00:71::9"],
        "questions": "web.lab.test A www.lab.test A six.lab.test AAAA w6.lab.test AAAA -x fd00:71::9 -x 192.168.71.9",
        "answers": {
            "made": [
                "web.lab.test. A 192.168.71.9",
                "six.lab.test. AAAA fd00:71::9",
                *PTRS,
            ],
            "changed": [
                "web.lab.test. A 192.168.71.9",
                "www.lab.test. A 192.168.71.9",
                "six.lab.test. AAAA fd00:71::9",
                "w6.lab.test. AAAA fd00:71::9",
                *PTRS,
            ],
        },
    },
    "virt_dns_srv": {
        "made": [{"service": "ldap", "protocol": "tcp", "domain": "lab.test", "target": "dir.lab.test", "port": 389}],
        "changed": [
            {
                "service": "ldap",
                "protocol": "tcp",
                "domain": "lab.test",
                "target": "dir.lab.test",
                "port": 636,
                "priority": 10,
                "weight": 5,
            }
        ],
        "named": ["ldap/tcp/lab.test/dir.lab.test"],
        "questions": "_ldap._tcp.lab.test SRV",
        "answers": {
            "made": ["_ldap._tcp.lab.test. SRV 0 0 389 dir.lab.test."],
            "changed": ["_ldap._tcp.lab.test. SRV 10 5 636 dir.lab.test."],
        },
    },
    "virt_dns_txt": {
        "made": [{"name": "note.lab.test", "value": "v=1 <all> is 'well' & good"}],
        "changed": [{"name": "note.lab.test", "value": "v=2"}],
        "named": ["note.lab.test"],
        "questions": "note.lab.test TXT",
        "answers": {
            "made": ["note.lab.test. TXT \"v=1 <all> is 'well' & good\""],
            "changed": ['note.lab.test. TXT "v=2"'],
        },
    },
    "virt_portgroup": {
        "made": [{"name": "slow", "bandwidth": {"inbound": {"average": 100, "peak": 200}}}, {"name": "plain"}],
        "changed": [
            {"name": "slow", "bandwidth": {"inbound": {"average": 150}, "outbound": {"average": 100}}},
            {"name": "plain", "default": True},
        ],
        "named": ["slow", "plain"],
    },
}
DIG = ["dig", "+noall", "+answer", "+nottlid", "+nocl", "+time=2", "+tries=10", f"@{entry_tasks.GATEWAY}"]


def looking(stage: Stage, questions: str) -> list[str]:
    """Return a look at the host that ends with what DNS answers to a client."""
    if not questions:
        return stage._looking
    client = stage.client(entry_tasks.BRIDGE)
    give_address(client, "192.168.71.250/24", entry_tasks.GATEWAY)
    asking = client.process.enter(*DIG, *questions.split())
    # Ansible's callbacks run without a standard input, and dig ends itself when there is none.
    return ["sh", "-c", f"{shlex.join(stage._looking)} && echo '== answers' && {shlex.join(asking)} </dev/null || true"]


def answers(look: str) -> list[str]:
    """Return what DNS answered, with single spaces."""
    return [" ".join(line.split()) for line in look.partition("== answers\n")[2].splitlines()]


def assert_told(results: list[Result], **expected: list[str]) -> None:
    """Assert that check mode and the real run return the same entries and cost, and the right ones."""
    dry_run, real, *again = results
    for name in ("added", "changed", "removed"):
        assert dry_run["entries"][name] == real["entries"][name] == expected.get(name, [])
        assert [result["entries"][name] for result in again] == [[], []]
    assert dry_run["entries"]["left"] == real["entries"]["left"]
    for name in ("calls", "restart"):
        assert dry_run["cost"][name] == real["cost"][name]
    assert [(result["cost"]["calls"], result["cost"]["restart"]) for result in again] == [(0, False)] * 2
    assert real["cost"]["calls"] > 0
    assert {step["effect"] for step in real["plan"]} == {"live"}


@pytest.mark.parametrize("name", KINDS)
def test_add_change_remove(stage: Stage, name: str) -> None:
    entry_tasks.make(stage)
    module, bulk = f"virt_{name}", KINDS[name].path[-1]
    case, at_first, number = CASES[module], entry_tasks.in_both(stage), stage.ifindex(entry_tasks.BRIDGE)
    questions = case.get("questions", "")
    look = looking(stage, questions)
    gone = [{**item, "state": "absent"} for item in case["made"]]
    if module == "virt_dns_host":
        gone = [{"ip": item["ip"], "state": "absent"} for item in gone]
    tasks = [
        entry_tasks.entry(module, check, **{bulk: wanted})
        for wanted in (case["made"], case["changed"], gone)
        for check in FOUR_TIMES
    ]
    start = subprocess.run(look, capture_output=True, check=True, text=True).stdout
    results = entry_tasks.play(stage, tasks, look)
    looks = [start, *(result["look"] for result in results)]
    for part, told in enumerate(("added", "changed", "removed")):
        assert_contract(results[4 * part : 4 * part + 4], looks[4 * part : 4 * part + 5])
        assert_told(results[4 * part : 4 * part + 4], **{told: case["named"]})
    expected = case.get("answers", {"made": [], "changed": []})
    for index, wanted in ((0, []), (2, expected["made"]), (6, expected["changed"]), (10, [])):
        assert sorted(answers(looks[index])) == sorted(wanted)
    assert entry_tasks.in_both(stage) == at_first
    assert stage.ifindex(entry_tasks.BRIDGE) == number
