"""Reservations and ranges as clients feel them: who gets which address, and that nothing is recreated for it."""

from __future__ import annotations

import pytest

from tests.lab import Client

from .. import entry_tasks
from ..entry_tasks import dhcp_host, duid, entry, mac
from ..plays import Result, Task
from ..stage import Stage

pytestmark = pytest.mark.lab


@pytest.fixture
def network(stage: Stage) -> Stage:
    return entry_tasks.make(stage)


def change(stage: Stage, *tasks: Task) -> list[Result]:
    """Run tasks that must go live, and find nothing to do a second time."""
    number = stage.ifindex(entry_tasks.BRIDGE)
    *results, again = entry_tasks.play(stage, [*tasks, tasks[-1]])
    assert {step["effect"] for result in results for step in result["plan"]} == {"live"}
    assert not again["changed"]
    assert stage.ifindex(entry_tasks.BRIDGE) == number
    entry_tasks.in_both(stage)
    return results


def four(client: Client) -> dict[str, str]:
    """Return the address and the name that a client gets."""
    lease = client.dhcp()
    return {"ip": lease["address"].partition("/")[0], "name": lease.get("hostname", "")}


def six(client: Client) -> str:
    """Return the IPv6 address that a client gets."""
    return client.dhcp(family=6)["address"].partition("/")[0]


def test_clients_get_what_is_reserved_for_them(stage: Stage) -> None:
    network = entry_tasks.make(stage)
    one, two = (network.client(entry_tasks.BRIDGE, mac=mac(number)) for number in (1, 2))
    change(
        network,
        dhcp_host(
            hosts=[
                {"mac": mac(1).upper(), "ip": "192.168.71.11", "hostname": "one", "lease": {"expiry": 5}},
                {"mac": mac(2), "ip": "192.168.71.12", "name": "two"},
                {"id": duid(1).upper(), "ip": "FD00:71:0:0::11", "name": "one"},
                {"id": duid(2), "ip": "fd00:71::12", "name": "two"},
            ]
        ),
    )
    assert four(one) == {"ip": "192.168.71.11", "name": "one"}
    assert six(one) == "fd00:71::11"

    swapped = change(
        network,
        dhcp_host(
            hosts=[
                {"mac": mac(1).replace(":", "-"), "ip": "192.168.71.12"},
                {"mac": mac(2).upper(), "ip": "192.168.71.11"},
                {"id": duid(1), "ip": "fd00:71::0012"},
                {"id": duid(2), "ip": "fd00:0071::11"},
            ]
        ),
    )
    assert swapped[0]["entries"]["changed"] == [mac(1), mac(2), duid(1), duid(2)]
    assert four(one) == {"ip": "192.168.71.12", "name": "one"}
    assert four(two) == {"ip": "192.168.71.11", "name": "two"}
    assert six(one) == "fd00:71::12"

    # one takes the name that two had, two that of a third, which goes
    change(network, dhcp_host(mac=mac(3), ip="192.168.71.13", name="three"))
    names = [{"mac": mac(1), "name": "two"}, {"mac": mac(2), "name": "three"}, {"mac": mac(3), "state": "absent"}]
    change(network, dhcp_host(hosts=names))
    assert four(one) == {"ip": "192.168.71.12", "name": "two"}
    assert four(two) == {"ip": "192.168.71.11", "name": "three"}


def test_clients_without_a_reservation_get_an_address_of_a_range(network: Stage) -> None:
    one = network.client(entry_tasks.BRIDGE, mac=mac(1))
    hosts = [{"mac": mac(1), "ip": "192.168.71.11"}, {"id": duid(1), "ip": "fd00:71::11"}]
    narrow = [{"start": "192.168.71.200", "end": "192.168.71.200"}, {"start": "fd00:71::a00", "end": "fd00:71::a00"}]
    change(network, dhcp_host(hosts=hosts), entry("virt_dhcp_range", exclusive=True, ranges=narrow))
    assert (four(one)["ip"], six(one)) == ("192.168.71.11", "fd00:71::11")
    change(network, dhcp_host(exclusive=True, hosts=[]))
    assert (four(one)["ip"], six(one)) == ("192.168.71.200", "fd00:71::a00")


def test_every_field_changes_live(network: Stage) -> None:
    """What libvirt's own modify would hit wrongly: its search takes the first that agrees in any field."""
    lease = {"expiry": 5, "unit": "minutes"}
    first = {"mac": mac(1), "ip": "192.168.71.11", "name": "one", "lease": lease}
    fields = [{"ip": "192.168.71.21"}, {"name": "uno"}, {"lease": {"expiry": 1, "unit": "hours"}}, {"mac": mac(9)}]
    stages = [
        first,
        *({**first, **dict(pair for field in fields[:end] for pair in field.items())} for end in range(1, 5)),
    ]
    there = [first, {"mac": mac(2), "ip": "192.168.71.12", "name": "two"}]
    changes = [dhcp_host(mac=mac(1), **field) for field in fields[:3]]
    _made, *changed, replaced = change(
        network, dhcp_host(hosts=there), *changes, dhcp_host(conflict="replace", **stages[4])
    )
    for result, before, after in zip(changed, stages, stages[1:]):
        assert result["entries"] == {"added": [], "changed": [mac(1)], "removed": [], "left": [mac(2)]}
        assert [(step["before"], step["after"]) for step in result["plan"]] == [(before, None), (None, after)]
    assert replaced["entries"] == {"added": [mac(9)], "changed": [], "removed": [mac(1)], "left": [mac(2)]}
    lease = network.client(entry_tasks.BRIDGE, mac=mac(9)).dhcp()
    assert (lease["address"], lease["hostname"], lease["dhcp_lease_time"]) == ("192.168.71.21/24", "uno", "3600")


def test_reservation_moves_to_another_subnet(stage: Stage) -> None:
    """libvirt serves one subnet of a family; when the last reservation leaves it, another one can be served."""
    second = "<ip address='192.168.72.1' netmask='255.255.255.0'/>"
    bare = entry_tasks.OPEN.replace("<range start='192.168.71.100' end='192.168.71.149'/>", "")
    entry_tasks.make(stage, xml=bare.replace("</network>", f"{second}</network>"))
    client = stage.client(entry_tasks.BRIDGE, mac=mac(1))
    entry_tasks.play(stage, [dhcp_host(mac=mac(1), ip="192.168.71.11", name="one")])
    client = stage.client(entry_tasks.BRIDGE, mac=mac(1))
    assert four(client) == {"ip": "192.168.71.11", "name": "one"}
    moved, again = entry_tasks.play(stage, [dhcp_host(mac=mac(1), ip="192.168.72.11")] * 2)
    assert moved["entries"]["changed"] == [mac(1)]
    assert not again["changed"]
    entry_tasks.in_both(stage)
    client = stage.client(entry_tasks.BRIDGE, mac=mac(1))
    assert four(client) == {"ip": "192.168.72.11", "name": "one"}
