"""A hypervisor where all is well, as a diagnosis sees it, and the ways to break it."""

from __future__ import annotations

from typing import Any

from ansible_collections.virtfleet.network.plugins.module_utils._schema.network import LiveNetwork, NetworkDefinition
from ansible_collections.virtfleet.network.plugins.module_utils._values.host_facts import (
    HostFacts,
    Route,
    Rule,
    Scene,
    Server,
    Socket,
)
from ansible_collections.virtfleet.network.plugins.module_utils._values.observed import Device, Observed, ObservedGuest
from ansible_collections.virtfleet.network.plugins.module_utils._xml.definition import ABSENT, Definition

MAC, BRIDGE_MAC = "52:54:00:00:01:01", "52:54:00:00:00:01"
RANGE = '<range start="192.168.50.100" end="192.168.50.101"/>'
LAN = f"""<network><name>lan</name><forward mode="nat"/><bridge name="virbr5" stp="on" delay="0"/>
<mac address="{BRIDGE_MAC}"/><ip address="192.168.50.1" prefix="24"><dhcp>{RANGE}</dhcp></ip>
<ip family="ipv6" address="fd00:50::1" prefix="64"/></network>"""
BRIDGED = '<network><name>out</name><forward mode="bridge"/><bridge name="br0"/></network>'
GUEST = f"""<domain><name>web</name><devices><interface type="network"><mac address="{MAC}"/>
<source network="lan" bridge="virbr5"/><target dev="vnet0"/><alias name="net0"/></interface></devices></domain>"""
OPTIONS = """interface=virbr5
dhcp-range=192.168.50.100,192.168.50.101,255.255.255.0
52:54:00:00:01:01,192.168.50.9,web
52:54:00:00:02:01,192.168.9.9
52:54:00:00:02:01,192.168.50.9
52:54:00:00:02:02,192.168.50.9
52:54:00:00:AA:01,192.168.50.10
"""
CHAINS = ("LIBVIRT_FWO", "LIBVIRT_FWI", "LIBVIRT_FWX")
NET = "192.168.50.0/24"
REJECT = "-o virbr5 -j REJECT --reject-with icmp-port-unreachable"
RULES = (
    *(Rule(version, "FORWARD", f"-j {chain}") for version in (4, 6) for chain in CHAINS),
    *(Rule(version, chain, REJECT) for version in (4, 6) for chain in CHAINS),
    *(Rule(4, "LIBVIRT_PRT", f"-s {NET} ! -d {NET} {what}-j MASQUERADE") for what in ("-p tcp ", "-p udp ", "")),
)


def observed(name: str, xml: str) -> Observed:
    """A network that runs as it is saved."""
    return Observed(name, NetworkDefinition(xml), LiveNetwork(xml), True, True)


def healthy() -> Scene:
    """A NAT network with a guest on it, and a network on a bridge of the hypervisor."""
    devices = {
        "eth0": Device(False, "52:54:00:00:00:ee", {}, ()),
        "br0": Device(True, "52:54:00:00:00:ee", {"eth0": True}, ("192.0.2.7/24",)),
        "virbr5": Device(True, BRIDGE_MAC, {"vnet0": True}, ("192.168.50.1/24", "fd00:50::1/64")),
        "vnet0": Device(False, "fe:54:00:00:01:01", {}, ()),
    }
    dnsmasq = "dnsmasq (process 7)"
    host = HostFacts(
        devices,
        routes=(Route("0.0.0.0/0", "br0"), Route("192.0.2.0/24", "br0"), Route("192.168.50.0/24", "virbr5")),
        sockets=(
            Socket("udp", "192.168.50.1", "", 53, dnsmasq),
            Socket("udp", "fd00:50::1", "", 53, dnsmasq),
            Socket("udp", "0.0.0.0", "virbr5", 67, dnsmasq),
        ),
        servers={"lan": Server(7, OPTIONS)},
        settings={
            f"net.ipv{version}.conf.{scope}.forwarding": "1" for version in (4, 6) for scope in ("all", "virbr5")
        },
        rules=RULES,
        answers={"192.168.50.1": True, "fd00:50::1": True},
        offers={"lan": True},
    )
    return Scene(
        {"lan": observed("lan", LAN), "out": observed("out", BRIDGED)},
        (ObservedGuest("web", "1", *[Definition(GUEST)] * 3),),
        {"lan": ("192.168.50.100",), "out": ()},
        {MAC: ("192.168.50.100",)},
        host,
        9000000,
    )


def host(scene: Scene, **changes: Any) -> Scene:
    """The scene with other facts of the hypervisor."""
    assert scene.host is not None
    return scene._replace(host=scene.host._replace(**changes))


def devices(scene: Scene, **changes: Device | None) -> Scene:
    """The scene with other devices; None takes one away."""
    assert scene.host is not None
    found = {**scene.host.devices, **changes}
    return host(scene, devices={name: device for name, device in found.items() if device is not None})


def network(scene: Scene, name: str = "lan", **changes: Any) -> Scene:
    """The scene with another state of a network."""
    return scene._replace(networks={**scene.networks, name: scene.networks[name]._replace(**changes)})


def both(scene: Scene, old: str, new: str, name: str = "lan") -> Scene:
    """The scene with another persistent and live config of a network."""
    one = scene.networks[name]
    saved, live = NetworkDefinition(one.saved.text.replace(old, new)), LiveNetwork(one.live.text.replace(old, new))
    return network(scene, name, saved=saved, live=live)


def saved(scene: Scene, text: str) -> Scene:
    """The scene with another persistent config of a network."""
    return network(scene, saved=NetworkDefinition(text))


def guest(scene: Scene, old: str, new: str) -> Scene:
    """The scene with another running guest."""
    one, *others = scene.guests
    return scene._replace(guests=(one._replace(live=Definition(one.live.text.replace(old, new))), *others))


def stopped(scene: Scene) -> Scene:
    """The scene with a network that does not run, as libvirt leaves one."""
    idle = network(devices(scene, virbr5=None), live=ABSENT)
    idle = idle._replace(leases={"out": ()})
    return host(idle, routes=healthy().host.routes[:2], sockets=(), servers={}, answers={}, offers={}, rules=())


def sockets(scene: Scene, *more: Socket) -> Scene:
    """The scene with other sockets besides."""
    assert scene.host is not None
    return host(scene, sockets=(*scene.host.sockets, *more))


def settings(scene: Scene, **changes: str) -> Scene:
    """The scene with other sysctls; a name's dots are written as double underscores."""
    assert scene.host is not None
    found = {name.replace("__", "."): value for name, value in changes.items()}
    return host(scene, settings={**scene.host.settings, **found})


def without_rules(scene: Scene, *words: str) -> Scene:
    """The scene without the rules that hold one of these words."""
    assert scene.host is not None
    assert scene.host.rules is not None
    kept = [rule for rule in scene.host.rules if not {*words} & {rule.chain, *rule.text.split()}]
    return host(scene, rules=tuple(kept))


def down(scene: Scene, *names: str) -> Scene:
    """The scene with devices that are set down."""
    assert scene.host is not None
    return host(scene, down=frozenset({*scene.host.down, *names}))
