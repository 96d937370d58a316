"""The ways to break a healthy hypervisor, each with the codes that a diagnosis finds."""

from __future__ import annotations

from typing import Callable

from ansible_collections.virtfleet.network.plugins.module_utils._values.host_facts import (
    Route,
    Scene,
    Server,
    Socket,
)
from ansible_collections.virtfleet.network.plugins.module_utils._values.observed import Device, ObservedGuest
from ansible_collections.virtfleet.network.plugins.module_utils._values.parking import parking_of
from ansible_collections.virtfleet.network.plugins.module_utils._xml.definition import Definition
from tests.unit.scenes import (
    BRIDGE_MAC,
    LAN,
    MAC,
    OPTIONS,
    RANGE,
    both,
    devices,
    down,
    guest,
    host,
    network,
    observed,
    saved,
    settings,
    sockets,
    without_rules,
)


def _second_nic(scene: Scene) -> Scene:
    text = scene.guests[0].live.text
    other = Definition(text.replace("<name>web", "<name>db").replace("vnet0", "vnet1"))
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
    "dnsmasq does not listen": (lambda scene: host(scene, sockets=()), ("dnsmasq_not_listening",)),
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
    "the uplink is too small for IPv6": (
        lambda scene: host(scene, routes=(Route("0.0.0.0/0", "br0"),), narrow={"br0": 600}),
        ("mtu_small",),
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
    "the persistent config differs": (
        lambda scene: saved(scene, LAN.replace('prefix="64"', 'prefix="56"')),
        ("restart_pending",),
    ),
    "the persistent config has something that no option describes": (
        lambda scene: saved(scene, LAN.replace("</network>", '<o:more xmlns:o="urn:o"/></network>')),
        ("restart_pending",),
    ),
    "it is not saved": (
        lambda scene: network(scene, persistent=False, autostart=False),
        ("transient",),
    ),
    "it does not start with the host": (lambda scene: network(scene, autostart=False), ("autostart_off",)),
    "the link is down": (
        lambda scene: guest(scene, '<alias name="net0"/>', '<alias name="net0"/><link state="down"/>'),
        ("nic_link_down",),
    ),
    "the NIC's filter is gone": (
        lambda scene: guest(scene._replace(filters={}), "<target", '<filterref filter="own"/><target'),
        ("nic_filter",),
    ),
    "the tap is down": (lambda scene: down(scene, "vnet0"), ("nic_tap_down",)),
    "the tap is on no bridge": (
        lambda scene: devices(scene, virbr5=Device(True, BRIDGE_MAC, {}, ("192.168.50.1/24", "fd00:50::1/64"))),
        ("nic_disconnected",),
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
    "dnsmasq ignores the guest": (
        lambda scene: host(scene, servers={"lan": Server(7, f"{OPTIONS}{MAC},ignore")}),
        ("dhcp_refused",),
    ),
    "the guest has no address": (lambda scene: scene._replace(addresses={}), ("no_address",)),
    "the hypervisor's bridge is missing": (lambda scene: devices(scene, br0=None), ("host_bridge_missing",)),
    "the hypervisor's bridge is down": (lambda scene: down(scene, "br0"), ("host_bridge_down",)),
    "the hypervisor's bridge is alone": (
        lambda scene: devices(scene, br0=Device(True, "", {"vnet7": True}, ("192.0.2.7/24",))),
        ("host_bridge_alone",),
    ),
    "another program has its address of DNS, too": (
        lambda scene: sockets(scene, Socket("udp", "192.168.50.1", "", 53, "named (process 8)")),
        ("port_taken",),
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
                "old": observed("old", LAN.replace("lan<", "old<").replace("virbr5", "br0")),
            }
        ),
        ("subnet_overlap",),
    ),
    "the port of DNS is taken": (
        lambda scene: sockets(scene, Socket("udp", "0.0.0.0", "", 53, "named (process 8)")),
        ("port_taken",),
    ),
    "the port of DNS is taken at each address": (
        lambda scene: sockets(
            scene,
            Socket("udp", "192.0.2.7", "", 53, "named (process 8)"),
            Socket("udp", "127.0.0.1", "", 53, "named (process 8)"),
        ),
        ("port_taken",),
    ),
    "a resolver listens for the hypervisor itself": (
        lambda scene: sockets(scene, Socket("udp", "127.0.0.53", "lo", 53, "systemd-resolve (process 8)")),
        ("network_inactive",),
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
