"""Entries of a network under a running guest: they go live, one by one, and the guest goes on talking."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.lab.guest import Guest

from .. import entry_tasks
from ..clients import WORLD, dig, give_address
from ..entry_tasks import NAME, dhcp_host, duid, entry, mac
from ..stage import Stage

pytestmark = [pytest.mark.lab, entry_tasks.ON_ONE]

LONG_PING = f"ping -c 20000 {WORLD} >/ping.log & echo $! >/ping.pid"


@pytest.fixture(scope="module")
def guest(whole_stage: Stage) -> Iterator[Guest]:
    """A guest on a network. The tests come in their order in the file; the last one ends the guest."""
    whole_stage.kept = {NAME}
    entry_tasks.make(whole_stage, xml=entry_tasks.NAT)
    guest = whole_stage.host.guest("lodger", networks=[NAME], macs=[mac(1)])
    guest.wait_for(f"NIC eth0 {mac(1)} ADDRESS 192.168.71.1")
    yield guest
    guest.stop()
    whole_stage.kept = set()
    whole_stage.clear()


def lost(log: str) -> int:
    """Return how many pings were not answered."""
    found = re.search(r"(\d+) packets transmitted, (\d+) packets received", log)
    assert found, log
    assert int(found[2]) > 0
    return int(found[1]) - int(found[2])


def test_entries_go_live_under_a_guest(stage: Stage, guest: Guest) -> None:
    number = stage.ifindex(entry_tasks.BRIDGE)
    guest.run(LONG_PING)
    hosts = [{"mac": mac(host), "ip": f"192.168.71.{host}"} for host in range(11, 19)]
    made = entry_tasks.play(
        stage,
        [
            dhcp_host(restart="never", hosts=[*hosts[:2], {"id": duid(11), "ip": "fd00:71::11"}]),
            dhcp_host(restart="idle", hosts=hosts),
            entry("virt_dns_host", hosts=[{"ip": host["ip"], "hostnames": [f"h{host['mac'][-1]}"]} for host in hosts]),
            entry("virt_dns_txt", name="note.lab.test", value="1"),
            dhcp_host(hosts=[{"mac": mac(11), "ip": "192.168.71.12"}, {"mac": mac(12), "ip": "192.168.71.11"}]),
        ],
    )
    assert [(result["cost"]["calls"], result["cost"]["restart"]) for result in made] == [
        *((3, False), (6, False), (8, False), (1, False), (5, False))
    ]
    assert {step["effect"] for result in made for step in result["plan"]} == {"live"}
    guest.run("kill -INT $(cat /ping.pid)", check=False)
    # libvirt reinstalls its firewall rules with each reservation
    assert 0 <= lost(guest.run("cat /ping.log").stdout) <= sum(result["cost"]["calls"] for result in made)
    assert "1 packets received" in guest.run(f"ping -c 1 -W 2 {WORLD}").stdout
    assert stage.ifindex(entry_tasks.BRIDGE) == number
    assert len(entry_tasks.in_both(stage)) == 2 + 9 + 8 + 1
    client = stage.client(entry_tasks.BRIDGE, mac=mac(11))
    assert client.dhcp()["address"] == "192.168.71.12/24"
    assert dig(client, entry_tasks.GATEWAY, "note.lab.test", "TXT") == ['"1"']


def test_what_needs_a_restart_waits_for_the_guest(stage: Stage, guest: Guest) -> None:
    number = stage.ifindex(entry_tasks.BRIDGE)
    services = [
        {"service": "sip", "protocol": "udp", "domain": "lab.test", "target": "a"},
        {"service": "sip", "protocol": "udp"},
    ]
    tasks = [entry("virt_dns_srv", check, srvs=services) for check in (True, False, False)]
    dry_run, real, again = entry_tasks.play(stage, tasks)
    assert [result["changed"] for result in (dry_run, real, again)] == [True, True, False]
    assert [result["restart_required"] for result in (dry_run, real, again)] == [True, True, True]
    assert dry_run["plan"] == real["plan"]
    assert {step["effect"] for step in real["plan"]} == {"next_start"}
    assert all("lodger" in result["warnings"][0] for result in (dry_run, real, again))
    assert again["entries"]["added"] == []
    assert stage.ifindex(entry_tasks.BRIDGE) == number
    guest.stop()
    (restarted,) = entry_tasks.play(stage, tasks[1:2])
    assert (restarted["cost"]["restart"], restarted["restart_required"]) == (True, False)
    client = stage.client(entry_tasks.BRIDGE)
    give_address(client, "192.168.71.250/24", entry_tasks.GATEWAY)
    assert "0 0 1 a." in dig(client, entry_tasks.GATEWAY, "_sip._udp.lab.test", "SRV")
