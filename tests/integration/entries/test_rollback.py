"""A failure at every step of a change of entries, on a real libvirt: all is as it was, and the error says so."""

from __future__ import annotations

import pytest

from .. import entry_tasks
from ..entry_tasks import NAME, at_call, dhcp_host, entry, mac, many
from ..plays import Task, network
from ..stage import Stage

pytestmark = [pytest.mark.lab, entry_tasks.ON_ONE]

CHANGES = "update networkDefineXML destroy create"
# Each change with the number of its steps.
LIVE: list[tuple[Task, int]] = [
    (dhcp_host(hosts=[{"mac": mac(1), "ip": "192.168.71.21"}, {"mac": mac(2), "state": "absent"}, *many(2)]), 6),
    (
        entry(
            "virt_dns_host", hosts=[{"ip": "192.168.71.8", "hostnames": ["b"]}, {"ip": "192.0.2.8", "hostnames": ["c"]}]
        ),
        4,
    ),
    (entry("virt_portgroup", portgroups=[{"name": "plain", "default": True}]), 3),
]
BOUNCING: list[tuple[Task, int]] = [(dhcp_host(hosts=many(60)), 3)]
THERE = [
    dhcp_host(
        hosts=[
            {"mac": mac(1), "ip": "192.168.71.3", "name": "one"},
            {"mac": mac(2), "ip": "192.168.71.4", "name": "two"},
        ]
    ),
    entry("virt_dns_host", ip="192.168.71.8", hostnames=["a"]),
    entry("virt_portgroup", name="plain"),
]


def fail_everywhere(stage: Stage, changes: list[tuple[Task, int]]) -> None:
    """Let each change fail at each of its steps in turn, then succeed once to count them."""
    entry_tasks.play(stage, THERE)
    before, number = entry_tasks.in_both(stage), stage.ifindex(entry_tasks.BRIDGE)
    for task, steps in changes:
        tasks = [at_call(stage, step, task, calls=CHANGES) for step in range(1, steps + 1)]
        dry_run, *results = stage.play({**task, "check_mode": True}, *tasks)
        assert dry_run["cost"]["calls"] == steps
        for result in results:
            assert result["failed"]
            assert "libvirt says 'the test says no' (code 1)" in result["msg"]
            assert result["msg"].endswith(("was rolled back", "was not changed")), result["msg"]
        assert entry_tasks.in_both(stage) == before
        assert stage.active() == {NAME}
    assert (stage.ifindex(entry_tasks.BRIDGE) == number) == (changes is LIVE)


def test_failure_at_every_live_step_is_put_back(stage: Stage) -> None:
    entry_tasks.make(stage)
    fail_everywhere(stage, LIVE)


def test_failure_at_every_step_of_a_restart_is_put_back(stage: Stage) -> None:
    entry_tasks.make(stage, xml=entry_tasks.NAT)
    fail_everywhere(stage, BOUNCING)


def test_task_that_is_killed_between_delete_and_add(stage: Stage) -> None:
    """The next one completes the entry from the persistent config."""
    entry_tasks.make(stage)
    entry_tasks.play(stage, THERE)
    hosts = [{"mac": mac(1), "name": "uno"}, {"mac": mac(2)}]
    subnets = [
        {"address": f"{entry_tasks.GATEWAY}/24", "dhcp": {"hosts": hosts}},
        {"address": f"{entry_tasks.GATEWAY6}/64"},
    ]
    change = network(name=NAME, ips=subnets, restart="never")
    assert stage.run(at_call(stage, 2, change, "kill -9 $PPID", "update"))["failed"]
    assert mac(1) not in "".join(entry_tasks.lines(stage, saved=False))
    entry_tasks.play(stage, [change])
    assert f'<host mac="{mac(1)}" name="uno" ip="192.168.71.3"/>' in entry_tasks.in_both(stage)
