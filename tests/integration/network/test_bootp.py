"""Replacing all that <bootp> stands beside, on a real libvirt: dnsmasq goes on sending guests to their boot file."""

from __future__ import annotations

import pytest

from .. import entry_tasks
from ..entry_tasks import NAME, dhcp_host, entry, mac
from ..plays import network
from ..stage import Stage

pytestmark = pytest.mark.lab

HOST = f"<host mac='{mac(1)}' name='one' ip='192.168.71.11'/>"
PXE = f"""
<network>
  <name>{NAME}</name>
  <forward mode='open'/>
  <bridge name='{entry_tasks.BRIDGE}'/>
  <ip address='{entry_tasks.GATEWAY}' netmask='255.255.255.0'>
    <tftp root='/run'/>
    <dhcp>{HOST}<bootp file='pxe' server='192.168.71.1'/></dhcp>
  </ip>
</network>
"""
RANGE = {"start": "192.168.71.50", "end": "192.168.71.59"}
# Each task leaves one entry beside <bootp>, which the next one replaces; with the number of restarts that it costs.
TASKS = [
    (dhcp_host(mac=mac(1), name="uno"), 1),
    (dhcp_host(hosts=[{"mac": mac(2), "ip": "192.168.71.12"}], exclusive=True), 0),
    (dhcp_host(mac=mac(3), ip="192.168.71.12", conflict="replace"), 1),
    (network(name=NAME, ips=[{"address": "192.168.71.1/24", "dhcp": {"hosts": [], "ranges": [RANGE]}}]), 0),
    (entry("virt_dhcp_range", ranges=[{**RANGE, "end": "192.168.71.69"}], exclusive=True), 0),
    (entry("virt_dhcp_range", **{**RANGE, "end": "192.168.71.69"}, lease={"expiry": 5}), 1),
]


def test_bootp_outlasts_all_that_it_stands_beside(stage: Stage) -> None:
    entry_tasks.make(stage, xml=PXE)
    number, tasks = stage.ifindex(entry_tasks.BRIDGE), [task for task, _restarts in TASKS]
    for result, (task, restarts) in zip(entry_tasks.play(stage, tasks), TASKS):
        assert (result["changed"], result["cost"]["restart"]) == (True, bool(restarts)), task
    found = entry_tasks.in_both(stage)
    assert [line for line in found if "bootp" in line] == ['<bootp file="pxe" server="192.168.71.1"/>']
    assert len(found) == 2
    assert stage.ifindex(entry_tasks.BRIDGE) != number
    configuration = stage.host.run(["cat", f"/var/lib/libvirt/dnsmasq/{NAME}.conf"]).stdout
    assert "dhcp-boot=pxe,192.168.71.1" in configuration.replace(",,", ",")
    assert "enable-tftp" in configuration


def test_under_a_transient_network_it_is_kept_too(stage: Stage) -> None:
    (stage.host.home / "run/lab/pxe.xml").write_text(PXE)
    stage.host.virsh("net-create", "/run/lab/pxe.xml")
    live, saved_only = entry_tasks.play(
        stage,
        [dhcp_host(hosts=[{"mac": mac(2), "ip": "192.168.71.12"}], exclusive=True), dhcp_host(mac=mac(2), name="two")],
    )
    assert (live["changed"], live["restart_required"]) == (True, False)
    assert (saved_only["changed"], saved_only["restart_required"]) == (False, True)
    assert "<bootp file='pxe' server='192.168.71.1'/>" in stage.xml(NAME, saved=False)
