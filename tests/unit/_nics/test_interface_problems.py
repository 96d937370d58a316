"""NICs of a new guest: what is wrong with a spec is reported, all at once."""

from __future__ import annotations

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import InvalidInterfaceError
from ansible_collections.virtfleet.network.plugins.module_utils._nics.interface_spec import problems, render
from tests.unit.broken_interfaces import BROKEN
from tests.unit.interface_examples import LAN, VIRTIO

# What is malformed, or only wrong beside another one.
MALFORMED = [
    ("lan", "an interface must be a dictionary of options, or a list of such, not 'lan'"),
    ([LAN, "lan"], "interfaces[1] must be a dictionary of options, not 'lan'"),
    ({"source": {"netwrok": "lan"}}, "interface.source.netwrok is an unknown option (did you mean network?)"),
    ({"network": "lan"}, "interface.network is an unknown option (did you mean source.network?)"),
    ({**LAN, "backend": {"logFile": "/a"}}, "interface.backend.logFile is an unknown option (did you mean log_file?)"),
    ({**LAN, 7: 7}, "interface.7 is an unknown option"),
    ({**LAN, "bandwidth": {"class_id": 3}}, "interface.bandwidth.class_id is an unknown option"),
    ({**LAN, "model": "virtio"}, "interface.model must be a dictionary with type, not 'virtio'"),
    ({**LAN, "ips": {"address": "10.0.0.1"}}, "interface.ips must be a list of dictionaries with"),
    ({**LAN, "link": {"state": "Up"}}, "interface.link.state must be one of up, down, not 'Up'"),
    ({**LAN, "mac": {"address": 190}}, "interface.mac.address must be a MAC address (put it in quotes), not '190'"),
    ({**LAN, "mtu": {"size": True}}, "interface.mtu.size must be a whole number, not True"),
    ({**LAN, "mtu": {"size": [1]}}, "interface.mtu.size must be a whole number, not [1]"),
    ({"source": {"network": False}}, "interface.source.network must be a text (put it in quotes), not False"),
    ({**LAN, "address": {"port": 1.2}}, "interface.address.port must be a text (put it in quotes), not 1.2"),
    ({**LAN, "port": {"isolated": "maybe"}}, "interface.port.isolated must be yes or no, not 'maybe'"),
    (VIRTIO, "interface needs type, or a source that implies it, like source.network"),
    ({"source": {"dev": "eth0"}}, "interface needs type, or a source that implies it, like source.network"),
    ([LAN, {"type": "network"}], "interfaces[1] needs source.network, being of type network"),
    (
        {**LAN, "vlan": {"trunk": False, "tags": [{"id": 1}, {"id": 2}]}},
        "interface.vlan.trunk cannot be false with several tags or a native one",
    ),
    (
        [{**LAN, "mac": {"address": f"52:54:00:00:00:0{last}"}} for last in "121"],
        "interfaces[2].mac.address is that of interfaces[0], too: 52:54:00:00:00:01",
    ),
]
WRONG = [*MALFORMED, *BROKEN]


@pytest.mark.parametrize("wanted,problem", WRONG, ids=[problem for _wanted, problem in WRONG])
def test_what_is_wrong_is_told(wanted, problem):
    found = problems(wanted)
    assert any(problem in one for one in found), found
    with pytest.raises(InvalidInterfaceError, match="Cannot write <interface>"):
        render(wanted)


def test_all_problems_are_told_together():
    wanted = [{"type": "network", "mtu": {"size": -1}, "modle": {}}, {"source": {"bridge": "br 0;"}}]
    assert [problem.partition(" ")[0] for problem in problems(wanted)] == [
        "interfaces[0].modle",
        "interfaces[0].mtu.size",
        "interfaces[0]",
        "interfaces[1].source.bridge",
    ]


def test_passt_that_shares_memory_needs_nothing_else():
    assert problems({"type": "vhostuser", "source": {"dev": "eth0"}, "backend": {"type": "passt"}}) == []


def test_a_team_has_one_mac_address():
    mac = {"mac": {"address": "52:54:00:00:00:01"}}
    standing = {**LAN, **mac, **VIRTIO, "teaming": {"type": "persistent"}, "alias": {"name": "ua-a"}}
    moving = {"source": {"network": "pool"}, **mac, "teaming": {"type": "transient", "persistent": "ua-a"}}
    assert problems([standing, moving]) == []
