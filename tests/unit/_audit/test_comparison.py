"""Networks as they are against what was asked, field by field."""

from __future__ import annotations

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._audit.comparison import (
    NOT_SHOWN,
    AuditRow,
    network_rows,
    without_metadata,
)
from ansible_collections.virtfleet.network.plugins.module_utils._schema.network import LiveNetwork, NetworkDefinition
from ansible_collections.virtfleet.network.plugins.module_utils._values.desired import Desired
from ansible_collections.virtfleet.network.plugins.module_utils._values.observed import Guest, Nic, Observed
from ansible_collections.virtfleet.network.plugins.module_utils._values.parking import parking_of

MAC = "52:54:00:00:00:0a"
LAN = "<network><name>lan</name><uuid>11111111-2222-4333-8444-555555555555</uuid><bridge name='virbr1'/>{}</network>"
MTU, DOMAIN = "<mtu size='{}'/>", "<domain name='{}'/>"
SPEC = {"mtu": {"size": 1400}}


def lan(saved, live=None, **more):
    live = saved if live is None else live
    return Observed(
        "lan",
        NetworkDefinition(LAN.format(saved)),
        LiveNetwork(live and LAN.format(live)),
        **{"autostart": True, "persistent": True, **more},
    )


def rows(network, **more):
    return network_rows([Desired("lan", **{"spec": SPEC, **more})], {"lan": network} if network else {})


@pytest.mark.parametrize(
    "network, expected",
    [
        (None, [AuditRow("lan", "missing")]),
        (lan(MTU.format(1400)), [AuditRow("lan", "as_asked")]),
        (lan(MTU.format(1400) + DOMAIN.format("d")), [AuditRow("lan", "as_asked")]),
        (lan(MTU.format(1300)), [AuditRow("lan", "differs", "mtu.size", 1400, 1300, 1300)]),
        (lan(MTU.format(1300), MTU.format(1200)), [AuditRow("lan", "differs", "mtu.size", 1400, 1300, 1200)]),
        (lan(MTU.format(1400), MTU.format(1200)), [AuditRow("lan", "differs", "mtu.size", 1400, 1400, 1200)]),
        (lan(MTU.format(1300), MTU.format(1400)), [AuditRow("lan", "differs", "mtu.size", 1400, 1300, 1400)]),
        (
            lan(MTU.format(1400) + DOMAIN.format("new"), MTU.format(1400) + DOMAIN.format("old")),
            [AuditRow("lan", "restart_pending", "domain.name", None, "new", "old")],
        ),
        (
            lan(MTU.format(1300), ""),
            [
                AuditRow("lan", "differs", "active", True, None, False),
                AuditRow("lan", "differs", "mtu.size", 1400, 1300, None),
            ],
        ),
        (lan(MTU.format(1400), autostart=False), [AuditRow("lan", "differs", "autostart", True, False)]),
        (
            lan(MTU.format(1400), autostart=False, persistent=False),
            [
                AuditRow("lan", "differs", "autostart", True, False),
                AuditRow("lan", "differs", "persistent", True, False),
            ],
        ),
    ],
)
def test_a_network_that_is_asked_for(network, expected):
    assert rows(network) == expected


def test_a_network_that_shall_not_be():
    assert rows(lan(""), present=False) == [AuditRow("lan", "unwanted")]
    assert rows(None, present=False) == [AuditRow("lan", "as_asked")]


def test_what_cannot_be_is_told():
    assert rows(lan(""), problems=("mtu.size is none",)) == [AuditRow("lan", "invalid", "", "mtu.size is none")]


def test_a_network_that_nobody_asked_for_and_those_where_nics_wait():
    parking = parking_of("lan").network
    found = network_rows([], {"lan": lan(""), parking: Observed(parking, NetworkDefinition("<network/>"))})
    assert found == [AuditRow("lan", "unknown")]


def test_guests_that_are_disconnected():
    nics = tuple(
        Nic(MAC[:-1] + last, state=state, why="why") for last, state in (("a", "disconnected"), ("b", "connected"))
    )
    network = lan(MTU.format(1400), guests=(Guest("web", True, (), nics),))
    disconnected = AuditRow("lan", "disconnected", "nic", "connected", None, "why", "web", MAC)
    assert rows(network) == [AuditRow("lan", "as_asked"), disconnected]


def test_what_others_keep_in_metadata_is_not_told():
    assert without_metadata(
        {
            "rows": [{"path": "metadata", "asked": None, "saved": "secret", "running": "", "state": "differs"}],
            "networks": [
                {"spec": {"name": "lan", "metadata": "secret"}, "pending": [{"path": "metadata", "live": "s"}]}
            ],
            "guests": [{"running": True, "nics": ["metadata"]}],
        }
    ) == {
        "rows": [
            {"path": "metadata", "asked": None, "saved": NOT_SHOWN, "running": NOT_SHOWN, "state": "differs"},
        ],
        "networks": [{"spec": {"name": "lan"}, "pending": [{"path": "metadata", "live": NOT_SHOWN}]}],
        "guests": [{"running": True, "nics": ["metadata"]}],
    }
