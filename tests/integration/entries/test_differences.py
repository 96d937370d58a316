"""Entries of networks that others have changed, in one of their definitions, and of such that do not run."""

from __future__ import annotations

import pytest

from .. import entry_tasks
from ..clients import dig
from ..entry_tasks import NAME, dhcp_host, entry, mac, many
from ..plays import Result, Task
from ..stage import Stage

pytestmark = pytest.mark.lab

HOST = "<host mac='{}' ip='192.168.71.{}'/>"
# What somebody changes with virsh: command, section, entry, definition.
FOREIGN = [
    ("add", "ip-dhcp-host", HOST.format(mac(1), 11), "--live"),
    ("add", "ip-dhcp-host", HOST.format(mac(2), 12), "--config"),
    ("add", "ip-dhcp-host", HOST.format(mac(3), 13), "--live"),
    ("add", "ip-dhcp-host", HOST.format(mac(3), 93), "--config"),
    ("add", "ip-dhcp-host", HOST.format(mac(4), 14), "--live"),
    ("add", "ip-dhcp-host", HOST.format(mac(5), 15), "--config"),
    ("add", "ip-dhcp-host", f"<host mac='{mac(6)}' name='six' ip='192.168.71.16'/>", "--config"),
    ("add", "dns-host", "<host ip='192.168.71.8'><hostname>live.lab.test</hostname></host>", "--live"),
    ("add", "dns-host", "<host ip='192.168.71.8'><hostname>saved.lab.test</hostname></host>", "--config"),
    ("add", "dns-txt", "<txt name='note.lab.test' value='live'/>", "--live"),
    ("add", "dns-srv", "<srv service='sip' protocol='udp' target='a' port='1'/>", "--config"),
    ("add", "portgroup", "<portgroup name='plain'/>", "--live"),
    ("delete", "ip-dhcp-range", "<range start='192.168.71.100' end='192.168.71.149'/>", "--live"),
]


def somebody_changes(stage: Stage, changes: list[tuple[str, str, str, str]]) -> None:
    """Change the network with virsh, as a human does."""
    for command, section, xml, definition in changes:
        stage.host.virsh("net-update", NAME, command, section, xml, definition, "--parent-index", "0")


def twice(stage: Stage, *tasks: Task) -> list[Result]:
    """Run tasks twice; returns what the first runs returned."""
    results = entry_tasks.play(stage, [one for task in tasks for one in (task, task)])
    assert [result["changed"] for result in results] == [True, False] * len(tasks)
    return results[::2]


def thrice(stage: Stage, task: Task) -> Result:
    """Run a task in check mode, for real and for real again; returns what the first real one returned."""
    dry_run, real, again = entry_tasks.play(stage, [{**task, "check_mode": True}, task, task])
    assert [dry_run["changed"], real["changed"], again["changed"]] == [True, True, False]
    for name in ("plan", "diff", "entries", "restart_required"):
        assert dry_run[name] == real[name]
    return real


def test_both_definitions_are_brought_to_what_is_wanted(stage: Stage) -> None:
    number = entry_tasks.make(stage).ifindex(entry_tasks.BRIDGE)
    somebody_changes(stage, FOREIGN)
    hosts = [{"mac": mac(host), "ip": f"192.168.71.1{host}"} for host in (1, 2, 3)]
    hosts[2]["ip"] = "192.168.71.23"
    hosts += [{"mac": mac(4), "state": "absent"}, {"mac": mac(5), "state": "absent"}, {"mac": mac(6), "name": "VI"}]
    reserved = thrice(stage, dhcp_host(hosts=hosts))
    named, *_others = twice(
        stage,
        entry("virt_dns_host", append=False, ip="192.168.71.8", hostnames=["both.lab.test"]),
        entry("virt_dns_txt", name="note.lab.test", value="both"),
        entry("virt_dns_srv", service="sip", protocol="udp", target="a", port=5060),
        entry("virt_portgroup", name="plain", trust_guest_rx_filters=True),
        entry("virt_dhcp_range", start="192.168.71.100", end="192.168.71.149"),
    )
    assert reserved["entries"]["removed"] == [mac(5), mac(4)]
    assert set(reserved["entries"]["changed"]) | set(reserved["entries"]["added"]) == {
        mac(host) for host in (1, 2, 3, 6)
    }
    assert named["entries"]["changed"] == ["192.168.71.8"]
    found = entry_tasks.in_both(stage)
    assert len(found) == 10
    for part in (
        f'mac="{mac(1)}" ip="192.168.71.11"',
        f'mac="{mac(2)}" ip="192.168.71.12"',
        f'mac="{mac(3)}" ip="192.168.71.23"',
        f'mac="{mac(6)}" name="VI" ip="192.168.71.16"',
        'value="both"',
        'port="5060"',
        "trustGuestRxFilters",
        "<hostname>both.lab.test</hostname></host>",
    ):
        assert sum(part in line for line in found) == 1, (part, found)
    assert stage.ifindex(entry_tasks.BRIDGE) == number
    client = stage.client(entry_tasks.BRIDGE, mac=mac(3))
    assert client.dhcp()["address"] == "192.168.71.23/24"
    names = [dig(client, entry_tasks.GATEWAY, f"{name}.lab.test") for name in ("both", "live", "saved")]
    assert names == [["192.168.71.8"], [], []]


def test_network_that_does_not_run_only_learns_for_its_next_start(stage: Stage) -> None:
    entry_tasks.make(stage, start=False)
    done = twice(
        stage,
        dhcp_host(hosts=[{"mac": mac(1), "ip": "192.168.71.11"}, {"id": entry_tasks.duid(1), "ip": "fd00:71::11"}]),
        entry("virt_dns_txt", name="note.lab.test", value="1"),
    )
    assert {step["effect"] for result in done for step in result["plan"]} == {"next_start"}
    assert stage.active() == set()
    stage.host.virsh("net-start", NAME)
    client = stage.client(entry_tasks.BRIDGE, mac=mac(1))
    assert client.dhcp()["address"] == "192.168.71.11/24"
    assert dig(client, entry_tasks.GATEWAY, "note.lab.test", "TXT") == ['"1"']


def test_transient_network_learns_and_stays_transient(stage: Stage) -> None:
    (stage.host.home / "run/lab/transient.xml").write_text(entry_tasks.OPEN)
    stage.host.virsh("net-create", "/run/lab/transient.xml")
    number = stage.ifindex(entry_tasks.BRIDGE)
    reserved = thrice(stage, dhcp_host(hosts=many(10)))
    assert (reserved["cost"]["calls"], reserved["restart_required"]) == (10, False)
    # libvirt takes the second for the first, so it needs a restart, which would end the network
    services = [{"service": "sip", "protocol": "udp", "domain": "lab.test"}, {"service": "sip", "protocol": "udp"}]
    (served,) = entry_tasks.play(stage, [entry("virt_dns_srv", srvs=services)])
    assert (served["changed"], served["restart_required"]) == (False, True)
    assert "it is transient and a stop would delete it; virt_network makes it persistent" in served["warnings"][0]
    assert "Persistent:     no" in stage.host.virsh("net-info", NAME)
    assert stage.ifindex(entry_tasks.BRIDGE) == number
    assert sum("<host " in line for line in entry_tasks.lines(stage, saved=False)) == 10


def test_network_that_is_not_there(stage: Stage) -> None:
    for task in (dhcp_host(mac=mac(1), ip="192.168.71.11"), dhcp_host(True, mac=mac(1), state="absent")):
        result = stage.run(task)
        assert result["failed"]
        assert "there is no such network: create it first, with virt_network" in result["msg"]
    assert stage.networks() == set()


def test_many_are_one_definition_and_one_restart(stage: Stage) -> None:
    number = entry_tasks.make(stage, xml=entry_tasks.NAT.replace("255.255.255.0", "255.255.0.0")).ifindex(
        entry_tasks.BRIDGE
    )
    hosts = many(1000)
    records = [{"ip": host["ip"], "hostnames": [f"h{number}.lab.test"]} for number, host in enumerate(hosts)]
    made = thrice(stage, dhcp_host(hosts=hosts))
    (named,) = twice(stage, entry("virt_dns_host", hosts=records))
    (gone,) = twice(stage, dhcp_host(hosts=hosts[:9], exclusive=True))
    for result in (made, named, gone):
        assert (result["cost"]["calls"], result["cost"]["restart"]) == (3, True)
        assert [step["action"] for step in result["plan"]][-2:] == ["stop", "start"]
    assert (len(made["entries"]["added"]), len(gone["entries"]["removed"])) == (1000, 991)
    assert stage.ifindex(entry_tasks.BRIDGE) != number
    assert sum("<host mac" in line for line in entry_tasks.in_both(stage)) == 9
    client = stage.client(entry_tasks.BRIDGE, mac=mac(15))
    assert client.dhcp()["address"] == f"{hosts[4]['ip']}/16"
    assert dig(client, entry_tasks.GATEWAY, "h999.lab.test") == [hosts[999]["ip"]]


def test_restart_that_nothing_needs_brings_nothing_else_about(stage: Stage) -> None:
    """Somebody saved a change for the next start, and made another one that only runs: both stay as they are."""
    number = entry_tasks.make(stage, xml=entry_tasks.NAT).ifindex(entry_tasks.BRIDGE)
    stage.define(stage.xml(NAME).replace("<domain", "<mtu size='1400'/><domain"))
    somebody_changes(stage, [("add", "ip-dhcp-host", HOST.format(mac(1), 99), "--live")])
    (result,) = twice(stage, dhcp_host(hosts=many(10)))
    assert (result["cost"]["restart"], result["restart_required"]) == (False, False)
    assert stage.ifindex(entry_tasks.BRIDGE) == number
    assert mac(1) in stage.xml(NAME, saved=False)
    assert "mtu" not in stage.xml(NAME, saved=False)
