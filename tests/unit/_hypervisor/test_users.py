"""Which guests use a network, by libvirt's test driver."""

from __future__ import annotations

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._values.observed import Guest
from ansible_collections.virtfleet.network.plugins.module_utils._values.steps import Define
from tests.unit.case_files import network_of

XML = network_of({"bridge": {"name": "virbr50"}, "ips": [{"address": "10.0.0.1/24"}]})
GUEST = """<domain type='test'><name>{name}</name><memory>1024</memory><os><type>hvm</type></os><devices>
<interface type='network'><mac address='52:54:00:00:00:0{nr}'/><source network='n'/></interface>
<interface type='bridge'><mac address='52:54:00:00:01:0{nr}'/><source bridge='virbr50'/></interface>
<interface type='bridge'><mac address='52:54:00:00:02:0{nr}'/><source bridge='br0'/></interface>
<interface type='user'><mac address='52:54:00:00:03:0{nr}'/></interface>
</devices></domain>"""


@pytest.fixture
def guests(gateway):
    """Two guests with NICs on a network and on its bridge, one of them running."""
    running = gateway._conn.createXML(GUEST.format(name="runs", nr=1))
    off = gateway._conn.defineXML(GUEST.format(name="off", nr=2))
    yield
    running.destroy()
    off.undefine()


@pytest.mark.usefixtures("guests")
def test_guests_are_found_by_the_network_and_by_its_bridge(gateway):
    gateway.apply(Define("n", (), XML))
    off, runs = gateway.guests()["n"]
    assert off == Guest("off", False, ("52:54:00:00:00:02", "52:54:00:00:01:02"), by_bridge=True)
    assert runs[:3] == ("runs", True, ("52:54:00:00:00:01", "52:54:00:00:01:01"))
    assert [nic.why for nic in runs.nics] == ["network 'n' is not active"] * 2
    assert [(guest.name, guest.by_bridge) for guest in gateway.guests()["default"]] == [("test", False)]


def test_guest_that_a_network_only_gets_with_its_next_start_is_known(gateway):
    gateway.apply(Define("n", (), XML))
    now, then = GUEST.format(name="moves", nr=4), "<source network='n'/>"
    moves = gateway._conn.defineXML(now.replace(then, "<source network='default'/>").replace("virbr50", "br1"))
    moves.create()
    gateway._conn.defineXML(
        now.replace("virbr50", "br1").replace("</name>", f"</name><uuid>{moves.UUIDString()}</uuid>")
    )
    try:
        assert gateway.guests()["n"] == (Guest("moves", False, ("52:54:00:00:00:04",), later=True),)
        assert ("moves", True) in [guest[:2] for guest in gateway.guests()["default"]]
    finally:
        moves.destroy()
        moves.undefine()


@pytest.mark.usefixtures("guests")
def test_a_bridge_of_the_host_is_not_of_the_network_that_names_it(gateway):
    gateway.apply(Define("n", (), network_of({"forward": {"mode": "bridge"}, "bridge": {"name": "br0"}})))
    assert [guest.macs for guest in gateway.guests()["n"]] == [("52:54:00:00:00:02",), ("52:54:00:00:00:01",)]
