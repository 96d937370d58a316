"""Entries that several plays, and people with virsh, change at the same time: none is lost."""

from __future__ import annotations

import re

import pytest

from . import entries, plays
from .entries import NAME, at_call, dhcp_host, entry, many
from .plays import Task
from .stage import Stage, succeeded

pytestmark = pytest.mark.lab

PLAYS = 8
# People who add something of their own again and again, and try again when virsh tells them so.
WITH_NET_UPDATE = """
for i in $(seq 60); do
    xml="<host mac='52:54:00:aa:00:$(printf %02x "$i")' ip='192.168.71.$((i + 160))'/>"
    until virsh -q net-update entries add ip-dhcp-host "$xml" --live --config --parent-index 0; do sleep 0.02; done
    echo "52:54:00:aa:00:$(printf %02x "$i")"
    sleep 0.1
done
"""
WITH_NET_EDIT = """
for i in $(seq 30); do
    export EDITOR="sed -i -e 's#</dns>#<txt name=\\"edit$i\\" value=\\"1\\"/></dns>#'"
    until virsh -q net-edit entries </dev/null; do sleep 0.02; done
    echo "edit$i"
    sleep 0.2
done
"""
WITH_DNS = entries.OPEN.replace("<ip a", "<dns><txt name='edit' value='0'/></dns>\n  <ip a", 1)
NET_UPDATE = "virsh -q net-update entries add ip-dhcp-host '{}' --config --live --parent-index 0"
EDIT = """
virsh net-dumpxml --inactive entries >/run/lab/edit.xml
sed -i "s#</dns>#<txt name='edit{}' value='1'/></dns>#" /run/lab/edit.xml
virsh net-define /run/lab/edit.xml
"""


def test_eight_plays_and_two_people_lose_nothing(stage: Stage) -> None:
    entries.make(stage, xml=WITH_DNS)
    tasks = [[dhcp_host(hosts=many(2, 2 * number))] for number in range(PLAYS)]
    people = [stage.host.background(["sh", "-c", script]) for script in (WITH_NET_UPDATE, WITH_NET_EDIT)]
    with people[0] as update, people[1] as edit:
        running = [plays.start(stage.lab.inventory, stage.host.name, each) for each in tasks]
        for play in running:
            assert succeeded(plays.finish(play, 1)[0])["entries"]["added"]
    done = [person.stdout.read().split("\n") for person in (update, edit) if person.stdout]
    saved, live = stage.xml(NAME), stage.xml(NAME, saved=False)
    for host in many(2 * PLAYS, 0):
        assert (saved.count(host["ip"]), live.count(host["ip"])) == (1, 1), host
    updated, edited = ([line for line in lines if re.fullmatch(r"(52:|edit)\S+", line)] for lines in done)
    assert len(updated) > 2
    assert len(edited) > 2
    assert [line for line in updated if f"'{line}'" not in saved or f"'{line}'" not in live] == []
    assert [line for line in edited if f"'{line}'" not in saved] == []


def test_somebody_who_acts_between_any_two_calls_loses_nothing(stage: Stage) -> None:
    """With net-update and with a definition of the whole network, while entries go in one by one and all at once."""
    entries.make(stage, xml=WITH_DNS)
    tasks: list[Task] = []
    for moment in range(1, 6):
        host = f'<host mac="52:54:00:bb:00:0{moment}" ip="192.168.71.20{moment}"/>'
        small, other = (dhcp_host(hosts=many(2, 4 * moment + 2 * each)) for each in (0, 1))
        texts = [{"name": f"t{moment}-{number}", "value": "1"} for number in range(55)]
        tasks += [
            at_call(stage, moment, small, NET_UPDATE.format(host)),
            at_call(stage, moment, other, EDIT.format(moment)),
            at_call(stage, moment, entry("virt_dns_txt", txts=texts, restart="never"), EDIT.format(f"-big{moment}")),
        ]
    results = entries.play(stage, tasks)
    assert all(result["changed"] for result in results)
    saved, live = stage.xml(NAME), stage.xml(NAME, saved=False)
    for moment in range(1, 6):
        assert f"'52:54:00:bb:00:0{moment}'" in saved
        assert f"'52:54:00:bb:00:0{moment}'" in live
        assert f"'edit{moment}'" in saved
        assert f"'edit-big{moment}'" in saved
    for host in many(20, 4):
        assert (saved.count(host["mac"]), live.count(host["mac"])) == (1, 1)
    assert (saved.count("value='1'"), live.count("value='1'")) == (55 * 5 + 10, 55 * 5)
