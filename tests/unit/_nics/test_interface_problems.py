"""NICs of a new guest: what is wrong with a spec is reported, all at once."""

from __future__ import annotations

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import InvalidInterfaceError
from ansible_collections.virtfleet.network.plugins.module_utils._nics.interface_spec import problems, render
from tests.unit.interface_examples import EXAMPLES, LAN, VIRTIO

WRONG = [
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
    (VIRTIO, "interface needs type, or a source that tells it, like source.network"),
    ({"source": {"dev": "eth0"}}, "interface needs type, or a source that tells it, like source.network"),
    ([LAN, {"type": "network"}], "interfaces[1] needs source.network, being of type network"),
    ({"type": "bridge", **LAN}, "interface.source.network does not go with type bridge"),
    ({"type": "hostdev"}, "interface needs source.address or source.vendor, being of type hostdev"),
    (
        {"type": "direct", "source": {"dev": "eth0", "mode": "client"}},
        "interface.source.mode must be one of vepa, bridge, private, passthrough for type direct",
    ),
    ({"source": {"network": "lan", "ips": [{"address": "10.0.0.1"}]}}, "source.ips does not go with type network"),
    ({**LAN, "managed": True}, "interface.managed does not go with type network, only with hostdev"),
    (
        {"type": "direct", "source": {"dev": "eth0"}, "filterref": {"filter": "clean-traffic"}},
        "interface.filterref does not go with type direct, only with network, bridge, ethernet",
    ),
    ({**LAN, "driver": {"queues": 2}}, "interface.driver needs model.type virtio"),
    ({**EXAMPLES["vhostuser"], "model": {}}, "interface needs model.type virtio, being of type vhostuser"),
    ({"source": {"bridge": "br0"}, "virtualport": {"parameters": {"typeid": 1}}}, "interface.virtualport needs type"),
    (
        {"source": {"bridge": "br0"}, "virtualport": {"type": "802.1Qbh"}},
        "interface.virtualport of type 802.1Qbh needs parameters.profileid",
    ),
    (
        {"source": {"bridge": "br0"}, "virtualport": {"type": "openvswitch", "parameters": {"typeid": 1}}},
        "interface.virtualport of type openvswitch has no parameter typeid",
    ),
    ({"type": "user", "port": {"isolated": True}}, "interface.port does not go with type user"),
    ({"source": {"vendor": {"id": "1"}}}, "interface.source needs vendor and product together"),
    ({"source": {"address": {"device": 1}}}, "interface.source.address needs bus beside device"),
    (
        {**VIRTIO, "source": {"path": "/a", "mode": "server", "reconnect": {"enabled": True, "timeout": 1}}},
        "interface.source.reconnect does not go with mode server",
    ),
    (
        {**VIRTIO, "source": {"path": "/a", "mode": "client", "reconnect": {"enabled": True}}},
        "interface.source.reconnect needs timeout",
    ),
    ({"type": "user", "source": {"dev": "eth0"}}, "interface.source.dev needs backend.type passt"),
    ({**LAN, "rom": {"enabled": False, "bar": True}}, "interface.rom has settings, and yet enabled is false"),
    (
        {**LAN, "vlan": {"tags": [{"id": tag, "native_mode": "tagged"} for tag in (1, 2)]}},
        "interface.vlan may have one tag with native_mode",
    ),
    ({**EXAMPLES["hostdev"], "driver": {"packed": True}}, "interface.driver needs model.type virtio"),
    ({**LAN, "bandwidth": {"inbound": {"peak": 1}}}, "interface.bandwidth.inbound needs average"),
    (
        {"source": {"bridge": "br0"}, "bandwidth": {"inbound": {"average": 2, "floor": 1}}},
        "interface.bandwidth.inbound.floor is only possible inbound, and with type network",
    ),
    ({**EXAMPLES["hostdev"], "bandwidth": {"inbound": {"average": 2}}}, "bandwidth does not go with type hostdev"),
    ({**LAN, "target": {"managed": False}}, "interface.target.managed may be false only with type ethernet"),
    ({**LAN, "target": {"dev": "vnet7"}}, "interface.target.dev must not begin with vnet, macvtap, macvlan"),
    ({**LAN, "teaming": {"type": "transient"}}, "interface.teaming.persistent goes with type transient"),
    ({**LAN, "teaming": {"type": "persistent", "persistent": "ua-a"}}, "teaming.persistent goes with type transient"),
    (
        {**LAN, "routes": [{"address": "10.0.0.1/24", "gateway": "10.0.0.9"}]},
        "interface.routes[0] must have the address of a network with its prefix",
    ),
    ({**LAN, "ips": [{"address": "fd00::1", "family": "ipv4"}]}, "interface.ips[0] mixes IPv4 and IPv6"),
    (
        {**LAN, "ips": [{"address": "10.0.0.1", "prefix": 64}]},
        "interface.ips[0].prefix is too long for the address: 64",
    ),
    (
        {**LAN, "vlan": {"trunk": False, "tags": [{"id": 1}, {"id": 2}]}},
        "interface.vlan.trunk cannot be false with several tags or a native one",
    ),
    ({**LAN, "filterref": {"parameters": [{"name": "IP"}]}}, "interface.filterref.parameters[0] needs value"),
    (
        [{**LAN, "mac": {"address": f"52:54:00:00:00:0{last}"}} for last in "121"],
        "interfaces[2].mac.address is that of interfaces[0], too: 52:54:00:00:00:01",
    ),
]


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
