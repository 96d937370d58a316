# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who else listens on the ports that a network's dnsmasq needs."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from .._values.host_facts import HostFacts, Socket
from .._xml.fields import Spec

# A finding before it is said of which network: its code, what was seen, and the command that mends it, if there is one.
Seen = Iterator[tuple[str, ...]]
EVERYWHERE = ("0.0.0.0", "::", "*")  # read, not bound
DNS = 53


def shares(socket: Socket) -> bool:
    """Whether a socket at all addresses is of a dnsmasq, which binds those of DHCP in a way that others can, too."""
    return socket.address in EVERYWHERE and not socket.device and socket.program.startswith("dnsmasq")


def port_taken(ports: Collection[int], host: HostFacts) -> Seen:
    """Who listens on these ports at all addresses, and so keeps dnsmasq from its own."""
    for socket in host.sockets:
        everywhere = socket.address in EVERYWHERE and not socket.device
        if socket.port in ports and everywhere and not (shares(socket) and socket.port != DNS):
            yield "port_taken", f"{_listens(socket)} at all addresses"


def port_shared(served: Collection[Spec], host: HostFacts, pid: int) -> Seen:
    """Who listens on DNS's port at the network's own addresses beside its dnsmasq, which has one socket at each."""
    addresses = {item["address"] for item in served}
    mine = [one for one in host.sockets if (one.protocol, one.port) == ("udp", DNS) and one.address in addresses]
    own = f"(process {pid})" if pid else "dnsmasq"
    others = [one for one in mine if one.program and own not in one.program]
    if not others and len(mine) > len({one.address for one in mine}):
        others = mine[:1]  # who may not see whose they are counts them
    for one in dict.fromkeys(others):
        where = f"{_listens(one)} at {one.address}, the network's own address"
        yield "port_taken", f"{where}: guests ask it in place of the network's dnsmasq"


def port_followed(ports: Collection[int], host: HostFacts) -> Seen:
    """Who listens on one of these ports at each address that the hypervisor has, and so at that of a new bridge before
    its dnsmasq does."""
    there = {one: one for one in host.sockets if one.port in ports and one.address not in EVERYWHERE}
    devices = (device for name, device in host.devices.items() if name not in host.down)
    every = {place.partition("/")[0] for device in devices for place in device.addresses if "." in place}
    for one in there:
        same = [other for other in there if (other.protocol, other.port) == (one.protocol, one.port)]
        free = every - {other.address for other in same if other.program != one.program}
        own = {other.address for other in same if other.program == one.program}
        if free <= own and any(not address.startswith("127.") for address in free):
            where = f"{_listens(one)} at each address of the hypervisor"
            yield "port_taken", f"{where}, and so at that of a new bridge before dnsmasq does"
            return


def _listens(socket: Socket) -> str:
    return f"{socket.program or 'a program of another user'} listens on {socket.protocol} port {socket.port}"
