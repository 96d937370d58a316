"""The ways of a network or a NIC as one row of state."""

from __future__ import annotations

from ansible_collections.virtfleet.network.plugins.module_utils._diagnosis.way import WAYS, telling
from ansible_collections.virtfleet.network.plugins.module_utils._diagnosis.way_state import REACHED, reported, states
from tests.unit import kernels
from tests.unit._diagnosis.test_way import walked
from tests.unit.obstacles import BREAKS


def rows(kernel, domains=()):
    ways, _found = walked(kernel)
    return {(row["network"], row["domain"]): row for row in states(map(reported, telling(ways, domains)))}


def test_a_healthy_network_reaches_the_outside():
    row = rows(kernels.healthy())["lan", ""]
    assert (row["verdict"], row["hop"], row["code"], row["severity"], row["remedy"]) == ("passes", "", "", "", "")
    assert (row["question"], row["text"]) == ("outside", "reaches the outside")
    assert row["hops"][0] == "bridge virbr5"


def test_where_a_way_ends_is_said_with_evidence_and_remedy():
    row = rows(BREAKS["a foreign rule drops"][0](kernels.healthy()))["lan", ""]
    assert (row["verdict"], row["hop"], row["severity"]) == ("ends", "forward", "error")
    assert row["text"] == f"ends at forward: {row['evidence']}"
    assert row["hops"][-1] == "forward"
    assert (row["code"], row["remedy"].split()[0]) == ("firewall_drops", "iptables")


def test_a_nic_has_a_row_of_its_own_where_its_way_ends_elsewhere():
    found = rows(BREAKS["the port is locked"][0](kernels.healthy()))
    assert found["lan", ""]["verdict"] == "passes"
    assert (found["lan", "web"]["hop"], found["lan", "web"]["hops"][-1]) == ("port", "port vnet0")


def test_what_cannot_be_seen_is_said():
    row = rows(kernels.healthy()._replace(firewall=None))["lan", ""]
    assert (row["verdict"], row["code"]) == ("unknown", "")
    assert row["text"] == "reaches the outside, as far as can be seen: forward: the firewall cannot be read"


def test_how_far_packets_come_is_known_for_every_question():
    assert {*REACHED} == {*WAYS}
