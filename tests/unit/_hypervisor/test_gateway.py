"""The gateway against libvirt itself, by its test driver: observing, every step, refusals, guests."""

from __future__ import annotations

import libvirt
import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import LibvirtError, MeanwhileError
from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor import host as _host
from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor.gateway import Gateway, Lease
from ansible_collections.virtfleet.network.plugins.module_utils._schema.network import NetworkDefinition
from ansible_collections.virtfleet.network.plugins.module_utils._values.desired import Desired, Policy
from ansible_collections.virtfleet.network.plugins.module_utils._values.observed import Observed
from ansible_collections.virtfleet.network.plugins.module_utils._values.steps import (
    Define,
    Describe,
    Item,
    SetAutostart,
    Start,
    Stop,
    Undefine,
    Update,
)
from ansible_collections.virtfleet.network.plugins.module_utils._xml.definition import ABSENT
from tests.unit.case_files import load, network_of, spec_of, xml_of
from tests.unit.jobs import converge

ITEMS = (Item("path", None, None, "live"),)
XML = network_of({"bridge": {"name": "virbr50"}, "ips": [{"address": "10.0.0.1/24"}]})


def applied(gateway, *steps):
    for step in steps:
        gateway.apply(step)
    return gateway.observe("n")


def test_a_network_that_is_not_there_is_empty(gateway):
    assert gateway.observe("n") == Observed("n")


def test_every_step_has_its_effect(gateway):
    made = applied(gateway, Define("n", ITEMS, XML))
    assert (made.active, made.persistent, made.autostart, made.live) == (False, True, False, ABSENT)
    assert "<ip address='10.0.0.1' prefix='24'>" in made.saved.text
    started = applied(gateway, Start("n"), SetAutostart("n", True))
    assert (started.active, started.autostart) == (True, True)
    assert started.live
    host = "<host name='a' ip='10.0.0.9'/>"
    assert host in applied(gateway, Update("n", ITEMS, "add", "ip-dhcp-host", 0, host)).live.text
    assert host not in applied(gateway, Update("n", ITEMS, "delete", "ip-dhcp-host", 0, host)).live.text
    stopped = applied(gateway, SetAutostart("n", False), Stop("n"))
    assert (stopped.active, stopped.autostart) == (False, False)
    assert applied(gateway, Undefine("n")) == Observed("n")


def test_a_network_that_stops_while_it_is_observed_does_not_run(gateway, monkeypatch):
    applied(gateway, Define("n", ITEMS, XML), Start("n"))
    read = libvirt.virNetwork.XMLDesc

    def stopped(network, flags=0):
        if network.isActive():
            network.destroy()
        return read(network, flags)

    monkeypatch.setattr(libvirt.virNetwork, "XMLDesc", stopped)
    seen = gateway.observe("n")
    assert (seen.active, seen.live, seen.persistent) == (False, ABSENT, True)


@pytest.mark.parametrize(
    "scope,flags",
    [
        ("live", libvirt.VIR_NETWORK_UPDATE_AFFECT_LIVE),
        ("saved", libvirt.VIR_NETWORK_UPDATE_AFFECT_CONFIG),
        ("both", libvirt.VIR_NETWORK_UPDATE_AFFECT_LIVE | libvirt.VIR_NETWORK_UPDATE_AFFECT_CONFIG),
    ],
)
def test_entries_change_where_they_shall(gateway, monkeypatch, scope, flags):
    calls = []
    monkeypatch.setattr(libvirt.virNetwork, "update", lambda _network, *rest: calls.append(rest))
    gateway.apply(Update("default", ITEMS, "add", "dns-txt", -1, "<txt/>", scope=scope))
    add, section = libvirt.VIR_NETWORK_UPDATE_COMMAND_ADD_LAST, libvirt.VIR_NETWORK_SECTION_DNS_TXT
    assert calls == [(add, section, -1, "<txt/>", flags)]


@pytest.mark.parametrize("text,sent", [("The LAN", "The LAN"), ("", None)])
def test_titles_and_descriptions_go_to_the_running_network(gateway, monkeypatch, text, sent):
    calls = []
    monkeypatch.setattr(libvirt, "VIR_NETWORK_METADATA_TITLE", 1, raising=False)
    monkeypatch.setattr(libvirt.virNetwork, "setMetadata", lambda _network, *rest: calls.append(rest), raising=False)
    gateway.apply(Describe("default", ITEMS, "title", text))
    assert calls == [(1, sent, None, None, libvirt.VIR_NETWORK_UPDATE_AFFECT_LIVE)]


@pytest.mark.parametrize(
    "section", ["dns-txt", "dns-srv", "dns-host", "forward-interface", "portgroup", "ip-dhcp-range"]
)
def test_every_section_has_its_number(gateway, section):
    entry = {
        "dns-txt": "<txt name='a' value='b'/>",
        "dns-srv": "<srv service='a' protocol='tcp'/>",
        "dns-host": "<host ip='10.0.0.9'><hostname>a</hostname></host>",
        "forward-interface": "<interface dev='eth9'/>",
        "portgroup": "<portgroup name='p'/>",
        "ip-dhcp-range": "<range start='10.0.0.8' end='10.0.0.9'/>",
    }[section]
    wanted = network_of({"forward": {"mode": "nat"}, "ips": [{"address": "10.0.0.1/24"}]})
    applied(gateway, Define("n", ITEMS, wanted), Start("n"))
    tag = entry[1:].partition(" ")[0]
    assert f"<{tag}" in applied(gateway, Update("n", ITEMS, "add", section, 0, entry)).live.text
    assert f"<{tag}" not in applied(gateway, Update("n", ITEMS, "delete", section, 0, entry)).live.text


def test_a_transient_network_is_told_from_a_persistent_one(gateway):
    gateway._conn.networkCreateXML(XML.text)
    seen = gateway.observe("n")
    assert (seen.active, seen.persistent, seen.autostart) == (True, False, False)
    assert seen.saved


def test_a_definition_that_is_another_one_meanwhile_is_not_replaced(gateway):
    before = applied(gateway, Define("n", ITEMS, XML)).saved
    second, third = (NetworkDefinition(before.text.replace("10.0.0.1", f"10.0.0.{number}")) for number in (2, 3))
    applied(gateway, Define("n", ITEMS, second, before))
    with pytest.raises(
        MeanwhileError, match="'n': another program has changed the definition since it was read; run the task again"
    ):
        gateway.apply(Define("n", ITEMS, third, before))
    assert "10.0.0.2" in gateway.observe("n").saved.text


# ---- refusals ----


@pytest.mark.parametrize(
    "step,what,code",
    [
        (Start("gone"), "Cannot start network 'gone'", libvirt.VIR_ERR_NO_NETWORK),
        (Start("default"), "Cannot start network 'default'", libvirt.VIR_ERR_OPERATION_INVALID),
        (Define("n", ITEMS, NetworkDefinition("<network/>")), "Cannot define network 'n'", libvirt.VIR_ERR_NO_NAME),
        (Define("n", ITEMS, NetworkDefinition("<network")), "Cannot define network 'n'", libvirt.VIR_ERR_XML_DETAIL),
        (Undefine("default"), "Cannot undefine network 'default'", libvirt.VIR_ERR_OPERATION_INVALID),
    ],
)
def test_refusals_say_what_could_not_be_done_and_what_libvirt_said(gateway, step, what, code):
    with pytest.raises(LibvirtError) as refusal:
        gateway.apply(step)
    assert str(refusal.value).startswith(f"{what}: libvirt says ")
    assert str(refusal.value).endswith(f" (code {code})")
    assert refusal.value.code == code


def test_a_connection_that_cannot_be_made_says_so(capfd):
    with pytest.raises(LibvirtError, match="Cannot connect to nonsense:///system: libvirt says"):
        Gateway("nonsense:///system", readonly=True)
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("gateway")
def test_the_read_only_connection_changes_nothing():
    reader = Gateway("test:///default", readonly=True)
    try:
        assert reader.observe("default").active
        with pytest.raises(LibvirtError) as refusal:
            reader.apply(Stop("default"))
        assert refusal.value.code == libvirt.VIR_ERR_OPERATION_DENIED
    finally:
        reader.close()


# ---- what else there is ----


def test_all_networks_come_in_order(gateway):
    for name in ("z", "a"):
        gateway.apply(Define(name, ITEMS, NetworkDefinition(XML.text.replace("<name>n<", f"<name>{name}<"))))
    assert [network.name for network in gateway.networks()] == ["a", "default", "z"]


def test_a_network_that_vanishes_while_they_are_listed_is_left_out(gateway, monkeypatch):
    network = gateway._conn.networkDefineXML(XML.text)
    network.undefine()
    default = gateway._conn.networkLookupByName("default")
    monkeypatch.setattr(gateway, "_conn", _Listing(gateway._conn, [network, default]))
    assert [one.name for one in gateway.networks()] == ["default"]


class _Listing:
    """A connection that lists given networks."""

    def __init__(self, conn, networks):
        self._conn, self._networks = conn, networks

    def __getattr__(self, name):
        return getattr(self._conn, name)

    def listAllNetworks(self):
        return self._networks


def test_leases_are_none_where_libvirt_cannot_tell(gateway):
    assert gateway.leases("default") == []
    assert gateway.leases("vanished meanwhile") == []


def test_leases_are_told_as_libvirt_tells_them(gateway, monkeypatch):
    told = {
        "iface": "virbr0",
        "expirytime": 1700000000,
        "type": 0,
        "mac": "52:54:00:00:00:01",
        "iaid": None,
        "ipaddr": "10.0.0.9",
        "prefix": 24,
        "hostname": None,
        "clientid": "01:52",
    }
    monkeypatch.setattr(libvirt.virNetwork, "DHCPLeases", lambda _network: [told])
    assert gateway.leases("default") == [Lease("52:54:00:00:00:01", "10.0.0.9", 24, "", "01:52", 1700000000)]


def test_versions_are_libvirts(gateway):
    assert gateway.version() == gateway._conn.getLibVersion()
    assert gateway.api_version() == min(gateway.version(), libvirt.getVersion())


@pytest.mark.parametrize(
    "uri,here",
    [
        ("qemu:///system", True),
        ("qemu:///session", True),
        ("qemu+unix:///system", True),
        ("lxc:///", True),
        ("qemu+ssh://root@host/system", False),
        ("qemu+tcp://localhost/system", False),
        ("qemu:///system?socket=/run/other/libvirt-sock", False),
        ("qemu+unix:///system?mode=direct&socket=/run/x", False),
        ("test:///default", False),
    ],
)
def test_the_host_is_only_looked_at_where_the_task_runs_on_it(monkeypatch, uri, here):
    monkeypatch.setattr(_host, "devices", lambda: {"eth0": None})
    monkeypatch.setattr(_host, "schema_errors", lambda xml: [xml])
    gateway = object.__new__(Gateway)
    gateway._uri = uri
    assert gateway.devices() == ({"eth0": None} if here else None)
    assert gateway.schema_errors("x") == (["x"] if here else None)


# ---- the conductor through it ----


@pytest.mark.parametrize(
    "name", sorted(set(load("networks")) - {"dnsmasq"})
)  # the test driver knows no dnsmasq options
def test_every_form_of_network_is_made_kept_and_deleted(gateway, name):
    options = Desired(
        name, spec=spec_of({**load("networks")[name]["options"], "name": name}), active=False, autostart=False
    )
    assert converge(gateway, [options], Policy(), True, 1)[0].plan.steps != ()
    assert gateway.observe(name) == Observed(name)
    converge(gateway, [options], Policy(), False, 1)
    whole = options._replace(spec={}, xml=NetworkDefinition(xml_of(name)))
    for wanted in (options, whole):
        for dry_run in (True, False):
            assert converge(gateway, [wanted], Policy(), dry_run, 1)[0].plan.steps == ()
    converge(gateway, [Desired(name, present=False)], Policy(), False, 1)
    assert gateway.observe(name) == Observed(name)
