"""The filters of the role nwfilters, judged by frames: where what a guest sends arrives, and what it gets.

The guest is paused. Its frames come in by a port that is called as its tap was, and so has the rules that libvirt made.
"""

from __future__ import annotations

import re
import select
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.virtfleet.network.plugins.module_utils._values.way import Packet
from tests.lab import Client

from ..firewall.frames import cable, frame
from ..firewall.site import inside
from ..stage import Stage, succeeded

pytestmark = pytest.mark.lab

READY = yaml.safe_load((Path(__file__).parents[3] / "roles/nwfilters/vars/main.yml").read_text())["nwfilters_ready"]
MAC, PEER_MAC, GATEWAY_MAC, WRONG_MAC, EVERY_MAC, ALL_NODES_MAC = (
    *(f"52:54:00:87:00:{number:02x}" for number in (9, 8, 1, 7)),
    *("ff:ff:ff:ff:ff:ff", "33:33:00:00:00:01"),
)
IP, PEER, GATEWAY, WORLD = "192.168.87.9", "192.168.87.8", "192.168.87.1", "198.51.100.1"
IPV6, PEER6, GATEWAY6, WORLD6 = "fd00:87::9", "fd00:87::8", "fd00:87::1", "2001:db8::1"
LOCAL, ALL_NODES = "fe80::9", "ff02::1"
LEAST = {"GATEWAY_MAC": GATEWAY_MAC, "IP": IP}
MORE = {
    "IPV6": IPV6,
    "GATEWAY": GATEWAY,
    "SUBNET": "192.168.87.0",
    "SUBNET_MASK": "24",
    "GATEWAY_IPV6": GATEWAY6,
    "SUBNET_IPV6": "fd00:87::",
    "SUBNET_IPV6_MASK": "64",
}
GUEST = f"""\
<domain type='qemu'>
  <name>apart</name><memory unit='MiB'>16</memory>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <devices>
    <interface type='network'><mac address='{MAC}'/><source network='apart'/><model type='virtio'/></interface>
    <memballoon model='none'/>
  </devices>
</domain>
"""
SECONDS = 0.3  # within which a frame arrives that does


def udp(source: str = IP, destination: str = WORLD, port: int = 9, to: str = GATEWAY_MAC, **more: Any) -> bytes:
    """Return a frame from the guest to the world by the gateway, unless something else is said."""
    packet = Packet(6 if ":" in source else 4, source, destination, "udp", 4000, port)
    return frame(packet._replace(**{"source_mac": MAC, "destination_mac": to, **more}), 1)


def icmp6(number: int) -> bytes:
    """Return a message of this type from the guest to all; no bridge looks at its checksum."""
    macs = {"source_mac": MAC, "destination_mac": ALL_NODES_MAC}
    whole = frame(Packet(6, LOCAL, ALL_NODES, "icmp", **macs), 1)
    return whole[:54] + bytes([number]) + whole[55:]


def arp(sender_mac: str = MAC, sender: str = IP) -> bytes:
    """Return the guest's question for the gateway's MAC address."""
    body = bytes.fromhex("0001080006040001" + sender_mac.replace(":", "")) + socket.inet_aton(sender)
    head = bytes.fromhex((EVERY_MAC + MAC).replace(":", "") + "0806")
    return head + body + bytes(6) + socket.inet_aton(GATEWAY)


ALL = "gateway peer"
# Frames of the guest, where they arrive, and where with clean-guest, with guests-apart, and with more parameters.
SENT = {
    "own": (udp(), "gateway", "gateway", "gateway", "gateway"),
    "own, IPv6": (udp(IPV6, WORLD6), "gateway", "gateway", "", "gateway"),
    "arp": (arp(), ALL, ALL, ALL, ALL),
    "neighbours": (icmp6(135), ALL, ALL, ALL, ALL),
    "DHCP's client": (udp("0.0.0.0", "255.255.255.255", 67, EVERY_MAC), ALL, ALL, ALL, ALL),
    "another MAC": (udp(source_mac=WRONG_MAC), "gateway", "", "", ""),
    "another MAC in ARP": (arp(WRONG_MAC), ALL, "", "", ""),
    "another IP": (udp(PEER), "gateway", "", "", ""),
    "another IP in ARP": (arp(sender=GATEWAY), ALL, "", "", ""),
    "another IP, IPv6": (udp(PEER6, WORLD6), "gateway", "", "", ""),
    "DHCP's server": (udp(port=68, to=EVERY_MAC, source_port=67), ALL, "", "", ""),
    "DHCP's server by another port": (udp(port=68, to=PEER_MAC), "peer", "", "", ""),
    "DHCP's server, IPv6": (udp(LOCAL, ALL_NODES, 546, ALL_NODES_MAC, source_port=547), ALL, "", "", ""),
    "router": (icmp6(134), ALL, "", "", ""),
    "redirect": (icmp6(137), ALL, "", "", ""),
    "to the peer": (udp(destination=PEER, to=PEER_MAC), "peer", "peer", "", ""),
    "to the peer, IPv6": (udp(LOCAL, PEER6, to=PEER_MAC), "peer", "peer", "", ""),
    "to the peer by the gateway": (udp(destination=PEER), "gateway", "gateway", "gateway", ""),
    "to the peer by the gateway, IPv6": (udp(LOCAL, PEER6), "gateway", "gateway", "gateway", ""),
    "to the gateway itself": (udp(destination=GATEWAY), "gateway", "gateway", "gateway", "gateway"),
}
TO_GUEST = {
    "from the peer": udp(PEER, IP, to=MAC, source_mac=PEER_MAC),
    "from the gateway": udp(WORLD, IP, to=MAC, source_mac=GATEWAY_MAC),
}
SENDERS = {**dict.fromkeys(SENT, "guest"), "from the peer": "peer", "from the gateway": "gateway"}
FILTERS: list[tuple[str, dict[str, str]]] = [
    ("", {}),
    ("clean-guest", {"IP": IP, "IPV6": IPV6}),
    ("guests-apart", LEAST),
    ("guests-apart", {**LEAST, **MORE}),
]


class Ends:
    """What a guest, its peer and the gateway send and get: sockets in their network namespaces."""

    def __init__(self, **clients: Client) -> None:
        self._ends: dict[str, socket.socket] = {}
        for name, client in clients.items():
            with inside(client.process.pid):
                self._ends[name] = cable("eth0")

    def close(self) -> None:
        """Send and get nothing more."""
        for end in self._ends.values():
            end.close()

    def arrive(self, frames: dict[str, bytes], senders: dict[str, str]) -> dict[str, str]:
        """Send frames, each unlike the others, and return where each arrives."""
        for what, data in frames.items():
            self._ends[senders[what]].send(data)
        found: dict[str, set[str]] = {what: set() for what in frames}
        whats, names = {data: what for what, data in frames.items()}, {end: name for name, end in self._ends.items()}
        while ready := select.select(list(names), [], [], SECONDS)[0]:
            for end in ready:
                what = whats.get(end.recv(4096))
                if what is not None and senders[what] != names[end]:
                    found[what].add(names[end])
        return {what: " ".join(sorted(places)) for what, places in found.items()}


@pytest.fixture
def ends(stage: Stage) -> Iterator[Ends]:
    """A guest whose NIC has no filter yet, another one, and a gateway, on one bridge that knows them."""
    stage.network(name="apart", bridge={"name": "vf-apart", "stp": False}, ips=[{"address": "192.168.87.254/24"}])
    (stage.host.home / "run/lab/apart.xml").write_text(GUEST)
    stage.host.virsh("define", "/run/lab/apart.xml")
    stage.host.virsh("start", "apart", "--paused")
    tap = stage.host.virsh("--quiet", "domiflist", "apart").split()[0]
    stage.host.run(["ip", "link", "set", tap, "nomaster", "down", "name", "aside"])
    guest = Client(stage.host.site, f"{stage.host.name}-apart", stage.host, "vf-apart", tap, mac=MAC)
    clients = {
        "guest": guest,
        "peer": stage.client("vf-apart", PEER_MAC),
        "gateway": stage.client("vf-apart", GATEWAY_MAC),
    }
    ends, macs = Ends(**clients), dict(zip(clients, (MAC, PEER_MAC, GATEWAY_MAC)))
    ends.arrive({name: udp(to=EVERY_MAC, source_mac=mac) for name, mac in macs.items()}, {name: name for name in macs})
    yield ends
    ends.close()
    guest.stop()
    gone = [f"nwfilter-undefine {one['name']}" for one in reversed(READY)]
    stage.host.run(["virsh", "--quiet"], input="\n".join(["destroy apart", "undefine apart", *gone]))


def put_behind(stage: Stage, name: str, parameters: dict[str, str]) -> None:
    """Let the guest's NIC refer to a filter."""
    nic = re.findall("<interface.*?</interface>", stage.host.virsh("dumpxml", "apart"), re.DOTALL)[0]
    nic = re.sub(" *<filterref.*</filterref>\n", "", nic, flags=re.DOTALL)
    given = "".join(f"<parameter name='{one}' value='{value}'/>" for one, value in parameters.items())
    nic = nic.replace("</interface>", f"<filterref filter='{name}'>{given}</filterref></interface>")
    (stage.host.home / "run/lab/nic.xml").write_text(nic)
    stage.host.virsh("update-device", "apart", "/run/lab/nic.xml", "--live")


def test_frames_of_a_guest(ends: Ends, stage: Stage) -> None:
    succeeded(stage.run({"virtfleet.network.virt_topology": {"networks": [], "nwfilters": READY}}))
    for number, (name, parameters) in enumerate(FILTERS):
        if name:
            put_behind(stage, name, parameters)
        wanted = {what: places[number] for what, (_data, *places) in SENT.items()}
        wanted.update({"from the peer": "" if name == "guests-apart" else "guest", "from the gateway": "guest"})
        frames = {**{what: row[0] for what, row in SENT.items()}, **TO_GUEST}
        assert ends.arrive(frames, SENDERS) == wanted, (name, parameters)
