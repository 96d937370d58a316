"""Interfaces of guests that break a rule each, and what is said of it; real libvirts refuse or drop it, too."""

from __future__ import annotations

from tests.unit.interface_examples import EXAMPLES, LAN, VIRTIO

BROKEN = [
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
    ({**LAN, "filterref": {"parameters": [{"name": "IP"}]}}, "interface.filterref.parameters[0] needs value"),
]
