"""The one judgement of whether a running NIC is connected: what counts, and what counts first."""

from __future__ import annotations

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._values.connection import OVS, Plug, Seen, judge

GOOD = Plug("vnet0", "virbr1", Seen(True, "virbr1"), True)


@pytest.mark.parametrize(
    "facts,state,why",
    [
        ({}, "connected", ""),
        ({"counted": None}, "connected", ""),
        ({"seen": None}, "connected", ""),
        ({"seen": Seen(True, OVS, carrier=False)}, "connected", ""),
        ({"belongs": None, "seen": Seen(True, carrier=False)}, "connected", ""),
        ({"seen": None, "counted": None}, "unknown", "cannot be seen from here"),
        ({"hindrance": "network 'n' is not active"}, "disconnected", "network 'n' is not active"),
        ({"counted": False}, "disconnected", "libvirt has no port for it"),
        ({"seen": Seen(True, "virbr2")}, "disconnected", "its tap vnet0 is on bridge virbr2, it belongs on virbr1"),
        ({"seen": Seen(True)}, "disconnected", "its tap vnet0 is on no bridge, it belongs on virbr1"),
        ({"tap": ""}, "broken", "it has no tap"),
        ({"seen": Seen(False)}, "broken", "its tap vnet0 is gone"),
        ({"seen": Seen(True, "virbr1", carrier=False)}, "broken", "its tap vnet0 has no carrier"),
        ({"down": True}, "link_down", "its link is down"),
        # A link that is down has no carrier; one that has lost its bridge as well has to be reattached.
        ({"down": True, "seen": Seen(True, "virbr1", carrier=False)}, "link_down", "its link is down"),
        ({"down": True, "counted": False}, "disconnected", "libvirt has no port for it"),
        ({"down": True, "seen": None, "counted": None}, "link_down", "its link is down"),
    ],
)
def test_judgement(facts, state, why):
    told = judge(GOOD._replace(**facts))
    assert told[0] == state
    assert why in told[1]
    assert bool(told[1]) == (state != "connected")
