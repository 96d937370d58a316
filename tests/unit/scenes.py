"""A hypervisor where all is well, as a diagnosis sees it, and the ways to break it."""

from __future__ import annotations

from typing import Any, Callable

from ansible_collections.virtfleet.network.plugins.module_utils._values.host_facts import (
    Route,
    Rule,
    Scene,
    Server,
    Sight,
    Socket,
)
from ansible_collections.virtfleet.network.plugins.module_utils._values.observed import Device, Observed, ObservedGuest
from ansible_collections.virtfleet.network.plugins.module_utils._values.parking import parking_of

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
REJECT = "-o virbr5 -j REJECT --reject-with icmp-port-unreachable"
RULES = (
    *(Rule(version, "FORWARD", f"-j {chain}") for version in (4, 6) for chain in CHAINS),
    *(Rule(version, chain, REJECT) for version in (4, 6) for chain in CHAINS),
    Rule(4, "LIBVIRT_PRT", "-s 192.168.50.0/24 ! -d 192.168.50.0/24 -j MASQUERADE"),
)


def healthy() -> Scene:
    """A NAT network with a guest on it, and a network on a bridge of the hypervisor."""
    devices = {
        "eth0": Device(False, "52:54:00:00:00:ee", {}, ()),
        "br0": Device(True, "52:54:00:00:00:ee", {"eth0": True}, ("192.0.2.7/24",)),
        "virbr5": Device(True, BRIDGE_MAC, {"vnet0": True}, ("192.168.50.1/24", "fd00:50::1/64")),
        "vnet0": Device(False, "fe:54:00:00:01:01", {}, ()),
    }
    dnsmasq = "dnsmasq (process 7)"
    host = Sight(
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
        {"lan": Observed("lan", LAN, LAN, True, True), "out": Observed("out", BRIDGED, BRIDGED, True, True)},
        (ObservedGuest("web", "1", GUEST, GUEST, GUEST),),
        {"lan": ("192.168.50.100",), "out": ()},
        {MAC: ("192.168.50.100",)},
        host,
        9000000,
    )


def host(scene: Scene, **changes: Any) -> Scene:
    """The scene with other sights of the hypervisor."""
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
    """The scene with other saved and running definitions of a network."""
    one = scene.networks[name]
    return network(scene, name, saved=one.saved.replace(old, new), live=one.live.replace(old, new))


def guest(scene: Scene, old: str, new: str) -> Scene:
    """The scene with another running guest."""
    one, *others = scene.guests
    return scene._replace(guests=(one._replace(live=one.live.replace(old, new)), *others))


def stopped(scene: Scene) -> Scene:
    """The scene with a network that does not run, as libvirt leaves one."""
    idle = network(devices(scene, virbr5=None), live="")
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


def _second_nic(scene: Scene) -> Scene:
    text = scene.guests[0].live
    other = text.replace("<name>web", "<name>db").replace("vnet0", "vnet1")
    scene = scene._replace(guests=(*scene.guests, ObservedGuest("db", "2", other, other, other)))
    tap = Device(False, "fe:54:00:00:01:01", {}, ())
    bridge = Device(True, BRIDGE_MAC, {"vnet0": True, "vnet1": True}, ("192.168.50.1/24", "fd00:50::1/64"))
    return devices(scene, virbr5=bridge, vnet1=tap)


BREAKS: dict[str, tuple[Callable[[Scene], Scene], tuple[str, ...]]] = {
    "the bridge is gone": (lambda scene: devices(scene, virbr5=None), ("bridge_missing",)),
    "the bridge is down": (lambda scene: down(scene, "virbr5"), ("bridge_down",)),
    "an address is gone": (
        lambda scene: devices(scene, virbr5=Device(True, BRIDGE_MAC, {"vnet0": True}, ("192.168.50.1/24",))),
        ("address_missing",),
    ),
    "dnsmasq is dead": (
        lambda scene: host(scene, servers={"lan": Server(0, None)}, answers={}, offers={}),
        ("dnsmasq_missing",),
    ),
    "dnsmasq has other ranges": (
        lambda scene: host(scene, servers={"lan": Server(7, "interface=virbr5\n")}),
        ("dnsmasq_options",),
    ),
    "dnsmasq has a longer range": (
        lambda scene: host(scene, servers={"lan": Server(7, OPTIONS.replace(".101,", ".1019,"))}),
        ("dnsmasq_options",),
    ),
    "dnsmasq serves another bridge": (
        lambda scene: host(scene, servers={"lan": Server(7, OPTIONS.replace("virbr5", "virbr55"))}),
        ("dnsmasq_options",),
    ),
    "dnsmasq lacks a reservation": (
        lambda scene: both(scene, RANGE, f'{RANGE}<host mac="52:54:00:00:02:03" ip="192.168.50.9"/>'),
        ("dnsmasq_options",),
    ),
    "dnsmasq does not listen": (lambda scene: host(scene, sockets=()), ("dnsmasq_deaf",)),
    "DNS does not answer": (
        lambda scene: host(scene, answers={"192.168.50.1": False, "fd00:50::1": True}),
        ("dns_silent",),
    ),
    "DHCP does not answer": (lambda scene: host(scene, offers={"lan": False}), ("dhcp_silent",)),
    "nothing is forwarded": (lambda scene: settings(scene, net__ipv4__conf__all__forwarding="0"), ("forwarding_off",)),
    "nothing of IPv6 is forwarded from the bridge": (
        lambda scene: settings(scene, net__ipv6__conf__virbr5__forwarding="0"),
        ("forwarding_off",),
    ),
    "the translation is flushed": (lambda scene: without_rules(scene, "MASQUERADE"), ("firewall_rules_missing",)),
    "the rules of the bridge are flushed": (
        lambda scene: without_rules(scene, "LIBVIRT_FWX"),
        ("firewall_rules_missing",),
    ),
    "the chain FORWARD is flushed": (lambda scene: without_rules(scene, "FORWARD"), ("firewall_rules_missing",)),
    "there is no default route": (
        lambda scene: host(scene, routes=(Route("192.0.2.0/24", "br0"),)),
        ("no_default_route",),
    ),
    "a route covers guests": (
        lambda scene: host(scene, routes=(Route("0.0.0.0/0", "br0"), Route("192.168.50.128/25", "eth0"))),
        ("subnet_overlap",),
    ),
    "the range is leased": (
        lambda scene: scene._replace(leases={"lan": ("192.168.50.100", "192.168.50.101")}),
        ("range_exhausted",),
    ),
    "a reservation is outside": (
        lambda scene: both(scene, RANGE, f'{RANGE}<host mac="52:54:00:00:02:01" ip="192.168.9.9"/>'),
        ("reservation_outside",),
    ),
    "an MTU that the kernel refuses": (
        lambda scene: both(scene, '<ip address="192.168.50.1"', '<mtu size="9"/><ip address="192.168.50.1"'),
        ("definition_invalid",),
    ),
    "two reservations of one address": (
        lambda scene: both(
            scene,
            RANGE,
            RANGE + "".join(f'<host mac="52:54:00:00:02:0{one}" ip="192.168.50.9"/>' for one in (1, 2)),
        ),
        ("definition_odd",),
    ),
    "a forward device is missing": (
        lambda scene: both(scene, '"nat"/>', '"nat" dev="eth9"><interface dev="eth9"/></forward>'),
        ("uplink_missing",),
    ),
    "the saved definition differs": (
        lambda scene: network(scene, saved=LAN.replace('prefix="64"', 'prefix="56"')),
        ("restart_pending",),
    ),
    "the saved definition has something that no option describes": (
        lambda scene: network(scene, saved=LAN.replace("</network>", '<o:more xmlns:o="urn:o"/></network>')),
        ("restart_pending",),
    ),
    "it is not saved": (
        lambda scene: network(scene, persistent=False, autostart=False, saved=LAN, live=LAN),
        ("transient",),
    ),
    "it does not start with the host": (lambda scene: network(scene, autostart=False), ("autostart_off",)),
    "the link is down": (
        lambda scene: guest(scene, '<alias name="net0"/>', '<alias name="net0"/><link state="down"/>'),
        ("nic_link_down",),
    ),
    "the tap is down": (lambda scene: down(scene, "vnet0"), ("nic_tap_down",)),
    "the tap is on no bridge": (
        lambda scene: devices(scene, virbr5=Device(True, BRIDGE_MAC, {}, ("192.168.50.1/24", "fd00:50::1/64"))),
        ("nic_cut_off",),
    ),
    "the guest waits": (
        lambda scene: guest(scene, '"lan"', f'"{parking_of("lan").network}"'),
        ("nic_parked",),
    ),
    "the guest's network is gone": (lambda scene: guest(scene, '"lan"', '"nowhere"'), ("network_missing",)),
    "two NICs have one MAC address": (_second_nic, ("mac_duplicate",)),
    "the guest has another address": (
        lambda scene: host(scene._replace(addresses={}), neighbours=((MAC, "10.0.0.9"),)),
        ("address_outside",),
    ),
    "the guest has no address": (lambda scene: scene._replace(addresses={}), ("no_address",)),
    "the hypervisor's bridge is missing": (lambda scene: devices(scene, br0=None), ("host_bridge_missing",)),
    "the hypervisor's bridge is down": (lambda scene: down(scene, "br0"), ("host_bridge_down",)),
    "the hypervisor's bridge is alone": (
        lambda scene: devices(scene, br0=Device(True, "", {"vnet7": True}, ("192.0.2.7/24",))),
        ("host_bridge_alone",),
    ),
    "bridged frames are dropped": (
        lambda scene: host(
            settings(scene, **{"net__bridge__bridge-nf-call-iptables": "1"}),
            rules=(*RULES, Rule(4, "FORWARD", "policy drop")),
        ),
        ("bridge_netfilter",),
    ),
}
# What keeps a network from its start; the network does not run.
HINDRANCES: dict[str, tuple[Callable[[Scene], Scene], tuple[str, ...]]] = {
    "nothing": (lambda scene: scene, ("network_inactive",)),
    "its bridge was left behind": (
        lambda scene: devices(scene, virbr5=Device(True, BRIDGE_MAC, {}, ("192.168.50.1/24",))),
        ("bridge_left_behind",),
    ),
    "its bridge is somebody's": (
        lambda scene: devices(scene, virbr5=Device(True, "52:54:00:ff:00:01", {}, ())),
        ("bridge_taken",),
    ),
    "its subnet is the hypervisor's": (
        lambda scene: devices(scene, eth0=Device(False, "52:54:00:00:00:ee", {}, ("192.168.50.7/24",))),
        ("subnet_overlap",),
    ),
    "its subnet is another network's": (
        lambda scene: scene._replace(
            networks={
                **scene.networks,
                "old": Observed("old", *[LAN.replace("lan<", "old<").replace("virbr5", "br0")] * 2, True, True),
            }
        ),
        ("subnet_overlap",),
    ),
    "the port of DNS is taken": (
        lambda scene: sockets(scene, Socket("udp", "0.0.0.0", "", 53, "named (process 8)")),
        ("port_taken",),
    ),
    "the port of DHCP is taken": (
        lambda scene: sockets(scene, Socket("udp", "*", "", 67, "dhcpd (process 8)")),
        ("port_taken",),
    ),
    "its forward device is down": (
        lambda scene: down(both(scene, '"nat"/>', '"nat" dev="eth0"><interface dev="eth0"/></forward>'), "eth0"),
        ("uplink_missing",),
    ),
}
