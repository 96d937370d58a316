"""What guests have of networks of each kind, judged from outside: addresses, packets and names, no word of our modules.

    python -m tests.integration.kinds LAB join              a bridge br0 on each hypervisor, part of a LAN outside
    python -m tests.integration.kinds LAB nat=vbr-web ...   guests on each of these bridges have what they should

LAB is the name of a standing lab.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass

from tests.lab import Hypervisor, Machine
from tests.lab.lab import visit

from .clients import UPLINK, UPLINK6, WORLD, WORLD6, captured, dig, reaches
from .stage import wait_for

KINDS = ("nat", "isolated", "routed", "bridged")
HIDDEN = ("nat", "isolated")  # from outside
UNTOLD = "untold"  # routed, and the router outside has no route to it
BRIDGE = "br0"
LAN, LAN6 = "198.51.100.1", "2001:db8:100::1"
LAN_SETUP = f"""\
ip address add {LAN}/24 dev lan0
ip address add {LAN6}/64 dev lan0
ip link set lan0 up
"""
LAN_DHCP = """\
dnsmasq --keep-in-foreground --port=0 --conf-file=/dev/null --interface=lan0 --enable-ra --no-ping --log-facility=-
--dhcp-range=198.51.100.100,198.51.100.199 --dhcp-range=2001:db8:100::100,2001:db8:100::1ff
"""
ECHO = {4: "icmp[icmptype] = icmp-echo", 6: "icmp6[icmp6type] = icmp6-echo"}


@dataclass(frozen=True)
class GuestView:
    """What a guest has of its network in one family of addresses."""

    address: str
    source: str  # with which its packets arrive in the outside world, "" when none does
    reached: bool  # by its address, from the outside world
    neighbour: bool = True  # another guest answers
    named: bool = True  # the network's DNS knows its name


class Guests:
    """Two guests on a bridge: one asks for its addresses, the other has some."""

    def __init__(self, host: Hypervisor, kind: str, bridge: str) -> None:
        self.host, self.kind, self.bridge = host, kind, bridge
        self.one, self.other = host.client(bridge), host.client(bridge)
        self.leases: dict[int, dict[str, str]] = {}

    def ask(self) -> None:
        """Ask for a lease of each family."""
        self.leases = {family: self.one.dhcp(family) for family in (4, 6)}

    def look(self, family: int) -> GuestView:
        """Return what the guest has; AssertionError when it is not what a network of this kind gives."""
        lease = self.leases[family]
        address, server = lease["address"].partition("/")[0], lease.get("dns", "")
        if self.kind == "isolated":  # it is not for want of a route that nothing gets out
            self.one.run(["ip", f"-{family}", "route", "replace", "default", "via", server, "dev", "eth0"])
        elif self.kind != "bridged":
            wait_for(lambda: self.one.run(["ip", f"-{family}", "route", "show", "default"]).stdout)
        expected = should(self.kind, address)
        with _told(self.host.world, address) if self.kind in (*HIDDEN, UNTOLD) else nullcontext():
            source = self._source(family, expected)
            reached = _answers(self.host.world, address, expected.reached)
        named = self.kind == "bridged" or bool(dig(self.one, server, self.one.name))
        sight = GuestView(address, source, reached, self._has_neighbour(address), named)
        assert sight == expected, f"{self.host.name}: {self.kind} on {self.bridge} gives {sight}"
        return sight

    def _has_neighbour(self, address: str) -> bool:
        """Return whether the other guest answers, by an address beside this one."""
        separator, prefix = (":", 64) if ":" in address else (".", 24)
        beside = f"{address.rpartition(separator)[0]}{separator}9"
        self.other.run(["ip", "address", "replace", f"{beside}/{prefix}", "dev", "eth0"])
        return _answers(self.one, beside, True)

    def _source(self, family: int, expected: GuestView) -> str:
        """Return the address with which the guest's packets arrive outside."""
        on_lan = self.kind == "bridged"
        there = {4: (WORLD, LAN), 6: (WORLD6, LAN6)}[family][on_lan]
        if not _answers(self.one, there, bool(expected.source)):
            return ""
        with captured(self.host.world, f"{ECHO[family]} and dst {there}", "lan0" if on_lan else "eth0") as packets:
            reaches(self.one, there)
        return re.sub(r".*IP6? (\S+) > .*\n", r"\1", packets[0])


def join(host: Hypervisor) -> None:
    """Give a hypervisor a bridge that is part of a LAN outside."""
    host.run(["ip", "link", "add", BRIDGE, "up", "type", "bridge"])
    host.join("lan", host.world, "lan0")
    host.run(["ip", "link", "set", "lan", "up", "master", BRIDGE])
    host.world.run(["sh", "-e"], input=LAN_SETUP)


@contextmanager
def serve(world: Machine) -> Iterator[None]:
    """Let the LAN have a DHCP server and a router during a `with`."""
    with world.background(LAN_DHCP.split()) as serving:
        assert serving.stdout is not None
        while "router advertisement" not in serving.stdout.readline():
            assert serving.poll() is None, "the LAN has no DHCP server"
        yield


def look(host: Hypervisor, bridges: Mapping[str, str]) -> dict[str, list[GuestView]]:
    """Plug guests into the bridge of each kind of network and print what they have, with IPv4 and with IPv6.

    Raises AssertionError when it is not what a network of its kind gives.
    """
    with ExitStack() as stack:
        if "bridged" in bridges:
            stack.enter_context(serve(host.world))
        networks = [Guests(host, kind, bridge) for kind, bridge in bridges.items()]
        for guests in networks:
            stack.callback(guests.one.stop)
            stack.callback(guests.other.stop)
        with ThreadPoolExecutor(len(networks)) as pool:  # DHCP servers take their time
            list(pool.map(Guests.ask, networks))
        return {guests.kind: [guests.look(family) for family in (4, 6)] for guests in networks}


def should(kind: str, address: str) -> GuestView:
    """Return what a guest with this address should have."""
    uplink = UPLINK6 if ":" in address else UPLINK
    return GuestView(address, {"nat": uplink, "isolated": ""}.get(kind, address), kind not in HIDDEN)


@contextmanager
def _told(world: Machine, address: str) -> Iterator[None]:
    """Let the outside world know the way to an address."""
    route = [address, "via", UPLINK6 if ":" in address else UPLINK]
    world.run(["ip", "route", "replace", *route])
    yield
    world.run(["ip", "route", "delete", *route])


def _answers(machine: Machine, address: str, expected: bool) -> bool:
    """Return whether pings are answered; what is expected may take its time."""
    return expected if any(reaches(machine, address) == expected for _try in range(10)) else not expected


def main() -> int:
    """Do what is ordered on every hypervisor of a lab; return the exit status."""
    lab, *orders = sys.argv[1:]
    for name, host in visit(lab).items():
        if orders == ["join"]:
            join(host)
            continue
        for kind, sights in look(host, dict(order.split("=") for order in orders)).items():
            print(f"{name}: {kind}:", *sights, sep="\n  ")
    return 0


if __name__ == "__main__":
    sys.exit(main())
