"""A hypervisor's network without a libvirt: a bridge with two guests, an uplink, and what arrives where."""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import socket
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from ansible_collections.virtfleet.network.plugins.module_utils._diagnosis.nft_rules import Saved, ruleset
from ansible_collections.virtfleet.network.plugins.module_utils._diagnosis.ruleset import Ruleset
from ansible_collections.virtfleet.network.plugins.module_utils._values.way import Packet

from .frames import cable, frame, listeners, mark

CLONE_NEWNET = 0x40000000
SECONDS = 0.15  # within which a frame arrives that does
GUEST_MAC, OTHER_MAC, BRIDGE_MAC, WORLD_MAC, UPLINK_MAC = (f"02:00:00:00:00:{number:02x}" for number in (9, 8, 1, 2, 3))
SETUP = f"""\
set -ex
ip link add p1 type veth peer eth0 netns {{guest}}
ip link add p2 type veth peer eth1 netns {{world}}
ip link add u0 type veth peer eth0 netns {{world}}
ip link add br0 address {BRIDGE_MAC} type bridge stp_state 0 forward_delay 0 mcast_snooping 0
for end in "{{guest}} eth0 {GUEST_MAC}" "{{world}} eth1 {OTHER_MAC}" "{{world}} eth0 {WORLD_MAC}"; do
    set -- $end
    nsenter -t $1 -n ip link set $2 address $3 arp off up
done
for port in p1 p2; do ip link set $port master br0 up; done
ip link set br0 up
ip link set u0 address {UPLINK_MAC} up
ip link set lo up
echo 1 >/proc/sys/net/ipv4/ip_forward
echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
# an answer would look like the question
echo 1 >/proc/sys/net/ipv4/icmp_echo_ignore_all
echo 1 >/proc/sys/net/ipv6/icmp/echo_ignore_all
for file in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 >$file; done
ip address add 10.60.0.1/24 dev br0
ip address add fd60::1/64 dev br0 nodad
ip address add 10.61.0.1/24 dev u0
ip address add fd61::1/64 dev u0 nodad
ip route add default via 10.61.0.2
ip route add default via fd61::2
for address in 10.61.0.2 fd61::2; do ip neighbour add $address lladdr {WORLD_MAC} dev u0; done
# connections are tracked, whatever the rules ask for
nft add table inet keep
nft 'add chain inet keep tracked {{{{ type filter hook prerouting priority -500; }}}}'
nft add rule inet keep tracked ct state new
"""


class Arrival(NamedTuple):
    """Where a frame came out, "" nowhere, "host", "uplink" or "guest", and as what."""

    place: str
    data: bytes = b""


class Site:
    """The namespaces of a hypervisor, of a guest, and of all that is beyond."""

    def __init__(self) -> None:
        self._ends: dict[socket.socket, str] = {}
        # A shell that waits for its input ends with this process, however that ends.
        command = ["unshare", "--net", "sh", "-c", "echo; read never"]
        self._holders = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _each in range(3)]
        for holder in self._holders:
            assert holder.stdout
            holder.stdout.readline()
        self.host, self.guest, self.world = (holder.pid for holder in self._holders)

    def connect(self) -> None:
        """Lay the cables, and listen at their ends."""
        self.run(SETUP.format(guest=self.guest, world=self.world))
        with inside(self.guest):
            self._senders = {"": cable("eth0")}
        with inside(self.world):
            self._senders["uplink"] = cable("eth0")
            self._ends.update({cable("eth0"): "uplink", cable("eth1"): "guest"})
        with inside(self.host):
            self._ends.update(dict.fromkeys(listeners(), "host"))
        macs = {"source_mac": GUEST_MAC, "destination_mac": BRIDGE_MAC}
        first = Packet(4, "10.60.0.9", "10.60.0.1", "udp", 1, 1, **macs)
        while not self.send([first], 0)[0].place:
            pass  # the cables are not up yet

    def close(self) -> None:
        """End the namespaces, and with them all that is in them."""
        for end in (*self._ends, *self._senders.values()):
            end.close()
        for holder in self._holders:
            holder.communicate()

    def run(self, script: str, text: str = "") -> str:
        """Run a script on the hypervisor and return what it prints; CalledProcessError when it fails."""
        command = ["nsenter", "-t", str(self.host), "-n", "sh", "-c", script]
        return subprocess.run(command, check=True, text=True, input=text, capture_output=True).stdout

    def rules(self) -> Ruleset:
        """Read the hypervisor's firewall, as a diagnosis does."""
        saved = [Saved(4, self.run("iptables-save -c")), Saved(6, self.run("ip6tables-save -c"))]
        return ruleset(self.run("nft -j list ruleset"), saved, self.run("nft -a list ruleset"))

    def send(self, packets: Iterable[Packet], first: int, sender: str = "") -> dict[int, Arrival]:
        """Send packets from the guest, or from "uplink", numbered from `first`; returns where each came out."""
        sent = {number: frame(packet, number) for number, packet in enumerate(packets, first)}
        marks = {mark(number): number for number in sent}
        for data in sent.values():
            self._senders[sender].send(data)
        found = dict.fromkeys(sent, Arrival(""))
        for place, data in self._arriving():
            number = marks.get(data[-len(mark(0)) :])
            # A frame, a packet, or what is in one of IPv6; an error of ICMP, which quotes it, is longer.
            if number is not None and len(sent[number]) - len(data) in (0, 14, 54):
                found[number] = Arrival(place, data)
        return found

    def _arriving(self) -> Iterator[tuple[str, bytes]]:
        while True:
            ready, _out, _bad = select.select(list(self._ends), [], [], SECONDS)
            if not ready:
                return
            for end in ready:
                yield self._ends[end], end.recv(4096)


@contextlib.contextmanager
def inside(pid: int) -> Iterator[None]:
    """Open what is opened in the network namespace of a process."""
    libc = ctypes.CDLL(None, use_errno=True)
    with Path("/proc/thread-self/ns/net").open() as back, Path(f"/proc/{pid}/ns/net").open() as there:
        assert libc.setns(there.fileno(), CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
        try:
            yield
        finally:
            assert libc.setns(back.fileno(), CLONE_NEWNET) == 0
