"""What happened to a network or guest between two looks."""

from __future__ import annotations

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._schema.network import LiveNetwork, NetworkDefinition
from ansible_collections.virtfleet.network.plugins.module_utils._values.observed import Observed, ObservedGuest
from ansible_collections.virtfleet.network.plugins.module_utils._xml.definition import Definition
from ansible_collections.virtfleet.network.plugins.plugin_utils._events.state import (
    State,
    happened,
    of_guest,
    of_network,
)

UUID = "77777777-0000-4000-8000-000000000001"
STOPPED, RUNNING = State(UUID, "saved", "", "none"), State(UUID, "saved", "live", "none")
NETWORK = f"<network><name>web</name><uuid>{UUID}</uuid>{{more}}<bridge name='vf-web'/></network>"
GUEST = f"<domain><name>app</name><uuid>{UUID}</uuid><devices>{{nic}}<disk/></devices></domain>"
NIC = "<interface type='network'><mac address='52:54:00:00:77:02'/><source network='web'{more}/>{tap}</interface>"


@pytest.mark.parametrize(
    "before,words,after,whats",
    [
        (None, [], STOPPED, ["defined"]),
        (None, ["started"], RUNNING, ["defined", "started"]),
        (STOPPED, ["started"], RUNNING, ["started"]),
        (STOPPED, [], RUNNING, ["started"]),
        (RUNNING, ["stopped"], STOPPED, ["stopped"]),
        (RUNNING, ["stopped"], RUNNING, ["stopped", "started"]),
        (RUNNING, ["stopped", "started", "stopped", "started"], RUNNING, ["stopped", "started"] * 2),
        (RUNNING, ["started"], RUNNING, []),
        (STOPPED, ["stopped"], STOPPED, []),
        (RUNNING, [], None, ["stopped", "removed"]),
        (STOPPED, [], None, ["removed"]),
        (None, ["started", "stopped"], None, ["started", "stopped"]),
        (RUNNING, [], RUNNING._replace(live="other"), ["changed"]),
        (RUNNING, [], STOPPED._replace(saved="other"), ["stopped", "changed"]),
        (RUNNING, [], RUNNING._replace(metadata="other"), ["metadata"]),
        (RUNNING, [], RUNNING, []),
    ],
)
def test_what_happened(before, words, after, whats):
    assert list(happened(before, words, after)) == whats


def network(more: str = "", live: str = "", **keywords: bool) -> State:
    definition = NetworkDefinition(NETWORK.format(more=more))
    running = LiveNetwork(NETWORK.format(more=live)) if live else NetworkDefinition()
    state = of_network(Observed("web", definition, running, **keywords))
    assert state
    return state


def test_a_network_is_remembered_by_what_matters():
    assert of_network(Observed("web")) is None
    assert (network().uuid, network().active, network(live="<mtu size='9000'/>").active) == (UUID, False, True)
    assert network() == network()
    assert network("<mtu size='9000'/>").saved != network().saved
    assert network(autostart=True).saved != network().saved
    described = network("<description>by hand</description>")
    assert (described.saved, described.metadata == network().metadata) == (network().saved, False)
    assert described.fingerprint != network().fingerprint


def test_users_of_a_network_are_no_change():
    one, two = (LiveNetwork(NETWORK.replace("<network>", f"<network connections='{count}'>")) for count in (1, 2))
    saved = NetworkDefinition(NETWORK.format(more=""))
    assert of_network(Observed("web", saved, one)) == of_network(Observed("web", saved, two))


def test_a_definition_that_is_no_xml_is_remembered_too():
    one, two = (of_network(Observed("web", NetworkDefinition(f"<network><name>{name}</network>"))) for name in "ab")
    assert one
    assert one != two
    assert of_guest(ObservedGuest("app", UUID, Definition("<domain>")))


def guest(nic: str, live: str = "") -> State:
    saved, running = (Definition(GUEST.format(nic=one)) if one else Definition() for one in (nic, live))
    state = of_guest(ObservedGuest("app", UUID, saved, running))
    assert state
    return state


def test_a_guest_is_remembered_by_its_nics_and_not_by_what_each_start_gives_them():
    nic = NIC.format(more="", tap="")
    first, second = (NIC.format(more=f" portid='{one}'", tap=f"<target dev='vnet{one}'/>") for one in (1, 2))
    assert of_guest(ObservedGuest("app")) is None
    assert guest(nic, first) == guest(nic, second)
    assert guest(nic).saved != guest(nic * 2).saved
    assert guest(nic, first).live != guest(nic, first.replace("web", "other")).live
