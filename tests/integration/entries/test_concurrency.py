"""Entries that several plays, and people with virsh, change at the same time: none is lost."""

from __future__ import annotations

import re

import pytest

from .. import entry_tasks, plays
from ..entry_tasks import NAME, at_call, dhcp_host, entry, many
from ..plays import Task
from ..stage import Stage, succeeded, wait_for

pytestmark = [pytest.mark.lab, entry_tasks.ON_ONE]

PLAYS = 8
# Somebody who adds entries of his own again and again, and retries when virsh fails.
SOMEBODY = """
: >/run/lab/added
for i in $(seq 60); do
    mac=52:54:00:aa:00:$(printf %02x "$i")
    xml="<host mac='$mac' ip='192.168.71.$((i + 160))'/>"
    until virsh -q net-update entries add ip-dhcp-host "$xml" --live --config --parent-index 0; do sleep 0.02; done
    echo "$mac" >>/run/lab/added
    sleep 0.1
done
"""
WITH_DNS = entry_tasks.OPEN.replace("<ip a", "<dns><txt name='edit' value='0'/></dns>\n  <ip a", 1)
NET_UPDATE = "virsh -q net-update entries add ip-dhcp-host '{}' --config --live --parent-index 0"
STICK = "touch /run/lab/stuck; while [ -e /run/lab/stuck ]; do sleep 0.05; done"
# What net-edit does.
EDIT = """
virsh net-dumpxml --inactive {0} >/run/lab/edit.xml
sed -i "s#</dns>#<txt name='edit{1}' value='1'/></dns>#" /run/lab/edit.xml
virsh net-define /run/lab/edit.xml
"""
QUIET = """
<network>
  <name>quiet</name>
  <dns><txt name='edit' value='0'/></dns>
  <ip address='192.168.73.1' prefix='24'/>
</network>
"""


def test_plays_that_ask_at_once_get_addresses_of_their_own(stage: Stage) -> None:
    entry_tasks.make(stage)
    asked = [{"mac": host["mac"], "ip": "auto"} for host in many(8)]
    tasks = [dhcp_host(hosts=asked[number : number + 2]) for number in range(0, 8, 2)]
    running = [
        plays.start(
            stage.lab.inventory,
            stage.host.name,
            [task],
            vars={"ansible_control_path_dir": f"{stage.lab.folder}/a{number}"},
        )
        for number, task in enumerate(tasks)
    ]
    assert all(succeeded(plays.finish(play, 1)[0])["changed"] for play in running)
    found = re.findall(r"<host mac='([^']+)' ip='([^']+)'", stage.xml(NAME))
    addresses = {mac: ip for mac, ip in found if mac in [one["mac"] for one in asked]}
    assert len(set(addresses.values())) == 8
    predicted, again = stage.play({**dhcp_host(hosts=asked), "check_mode": True}, dhcp_host(hosts=asked))
    assert [predicted["changed"], again["changed"]] == [False, False]


def test_eight_plays_and_somebody_with_virsh_lose_nothing(stage: Stage) -> None:
    entry_tasks.make(stage, xml=WITH_DNS)
    # Each with an SSH connection of its own: one alone carries no more than ten sessions at once.
    connections = [{"ansible_control_path_dir": f"{stage.lab.folder}/c{number}"} for number in range(PLAYS)]
    tasks = [dhcp_host(hosts=many(2, 2 * number)) for number in range(PLAYS)]
    with stage.host.background(["sh", "-c", SOMEBODY]):
        running = [
            plays.start(stage.lab.inventory, stage.host.name, [task], vars=own) for task, own in zip(tasks, connections)
        ]
        results = [plays.finish(play, 1)[0] for play in running]
    assert all(succeeded(result)["entries"]["added"] for result in results)
    saved, live = stage.xml(NAME), stage.xml(NAME, saved=False)
    for host in many(2 * PLAYS):
        assert (saved.count(host["mac"]), live.count(host["mac"])) == (1, 1), host
    added = (stage.host.home / "run/lab/added").read_text().split()
    assert len(added) > PLAYS
    assert [one for one in added if f"'{one}'" not in saved or f"'{one}'" not in live] == []


def test_somebody_who_acts_between_any_two_calls_loses_nothing(stage: Stage) -> None:
    """With net-update and with a definition of the whole network, while entries go in one by one and all at once."""
    stage.define(QUIET)
    entry_tasks.make(stage, xml=WITH_DNS)
    tasks: list[Task] = []
    for moment in range(1, 6):
        host = f'<host mac="52:54:00:bb:00:0{moment}" ip="192.168.71.20{moment}"/>'
        names = [{"ip": f"192.0.2.{number}", "hostnames": [f"n{moment}.{number}"]} for number in range(1, 56)]
        few, lots = dhcp_host(hosts=many(2, 2 * moment)), entry("virt_dns_host", network="quiet", hosts=names)
        tasks.append(at_call(stage, moment, few, NET_UPDATE.format(host) + EDIT.format(NAME, moment)))
        if moment < 5:
            tasks.append(at_call(stage, moment, lots, EDIT.format("quiet", moment)))
    results = entry_tasks.play(stage, tasks)
    assert [result["plan"][0]["action"] for result in results] == ["update", "define"] * 4 + ["update"]
    saved, live, quiet = stage.xml(NAME), stage.xml(NAME, saved=False), stage.xml("quiet")
    for moment in range(1, 6):
        assert f"'52:54:00:bb:00:0{moment}'" in saved
        assert f"'52:54:00:bb:00:0{moment}'" in live
        assert f"'edit{moment}'" in saved
        assert f"'edit{moment}'" in quiet or moment == 5
    for host in many(10, 2):
        assert (saved.count(host["mac"]), live.count(host["mac"])) == (1, 1)
    assert quiet.count("<hostname>n") == 55 * 4


def test_stuck_task_is_named_and_a_killed_one_holds_nothing(stage: Stage) -> None:
    entry_tasks.make(stage)
    stuck = stage.host.home / "run/lab/stuck"
    sticking = at_call(stage, 1, dhcp_host(hosts=many(1)), STICK, calls="update")
    play = plays.start(stage.lab.inventory, stage.host.name, [sticking])
    wait_for(stuck.exists)
    others = many(2, 1)
    dry_run, nothing, impatient = stage.play(
        dhcp_host(True, hosts=others), dhcp_host(hosts=[]), dhcp_host(hosts=others, lock_timeout=0.5)
    )
    assert succeeded(dry_run)["changed"]
    assert not succeeded(nothing)["changed"]
    found = re.fullmatch(
        rf"Cannot change network '{NAME}': process (\d+) has been changing it for more than 0.5 seconds; "
        "wait for it, end it, or raise lock_timeout",
        impatient["msg"],
    )
    assert found, impatient["msg"]
    stage.host.run(["kill", "-KILL", found[1]])
    stuck.unlink()
    assert plays.finish(play, 1)[0]["failed"]
    (freed,) = entry_tasks.play(stage, [dhcp_host(hosts=others, lock_timeout=0.5)])
    assert freed["entries"]["added"] == [host["mac"] for host in others]
    assert len(entry_tasks.in_both(stage)) == 4
