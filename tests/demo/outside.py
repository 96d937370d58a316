"""What guests and the outside world have of the networks: packets, leases and names, and no word of our own modules."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from tests.demo.fleet import expect
from tests.integration.clients import WORLD, dig
from tests.integration.kinds import look, serve
from tests.lab import Hypervisor
from tests.lab.guest import Guest

SHOP = "52:54:00:00:20:0a"  # has a reservation in networks.yml
BRIDGES = {"nat": "vbr-web", "isolated": "vbr-storage", "routed": "vbr-dmz", "bridged": "br0"}
ROW = "   {:4} {:9} {:19} {:22} {}"


def table(hosts: list[Hypervisor]) -> None:
    """Guests on each network of each hypervisor; ends the demonstration when one has not what it should have."""
    with ThreadPoolExecutor(len(hosts)) as pool:
        try:
            looks = list(pool.map(look, hosts, [BRIDGES] * len(hosts)))
        except AssertionError as wrong:
            expect(False, str(wrong))
    print(ROW.format("", "NETWORK", "ADDRESS OF A GUEST", "ITS PACKETS COME FROM", "REACHED FROM OUTSIDE"))
    for host, sights in zip(hosts, looks):
        for kind, sight in ((kind, sight) for kind, found in sights.items() for sight in found):
            print(ROW.format(host.name, kind, sight.address, sight.source or "-", "yes" if sight.reached else "no"))
    print("-> guests also reach each other, and those on networks of ours have names")


def virtual_machine(host: Hypervisor) -> Guest:
    """A guest that boots, on the NAT network and on the bridged one."""
    with serve(host.world):
        guest = host.guest("machine", networks=["web", "lan"])
        guest.wait_for("NIC eth0")
        guest.wait_for("NIC eth1")
    places = re.findall(r"ADDRESS (\S+)", guest.console())
    good = any(place.startswith("10.20.0.") for place in places)
    expect(good, "web: it has an address of the network's own DHCP server")
    good = any(place.startswith("198.51.100.") for place in places)
    expect(good, "lan: it has an address of a DHCP server out there")
    return guest


@contextmanager
def undisturbed(host: Hypervisor, guest: Guest) -> Iterator[None]:
    """A `with` in which the virtual machine goes on talking to the world, on a network that stays up."""
    before = _ifindex(host)
    with _pinging(guest):
        yield
    expect(_ifindex(host) == before, "the bridge is the same as before")


@contextmanager
def survives(host: Hypervisor, guest: Guest) -> Iterator[None]:
    """A `with` in which the virtual machine goes on talking to the world, while its network is restarted."""
    before, address = _ifindex(host), guest.run("ip -4 -o address show dev eth0").stdout
    with _pinging(guest):
        yield
    expect(_ifindex(host) != before, "the bridge is a new one")
    expect(guest.run("ip -4 -o address show dev eth0").stdout == address, "the machine has the address that it had")


@contextmanager
def _pinging(guest: Guest) -> Iterator[None]:
    guest.run(f"ping {WORLD} >/ping.log & echo $! >/ping.pid")
    yield
    guest.run("kill -INT $(cat /ping.pid); sleep 1")
    log = guest.run("cat /ping.log").stdout
    found = re.search(r"(\d+) packets transmitted, (\d+) packets received", log)
    lost = int(found[1]) - int(found[2]) if found else -1
    # Around each live change of DHCP, libvirt reinstalls the firewall rules; a restart takes half a second.
    expect(0 <= lost <= 2, f"the machine's pings went on ({lost} lost)", log)


def reservation(host: Hypervisor) -> None:
    """The change took effect while the network ran."""
    client = host.client("vbr-web", mac=SHOP)
    address = client.dhcp()["address"]
    expect(address == "10.20.0.10/24", f"the guest with the reservation gets {address}")
    expect(dig(client, "10.20.0.1", "www.example") == ["10.20.0.10"], "www.example is 10.20.0.10")
    client.stop()


def _ifindex(host: Hypervisor) -> str:
    """The kernel's number of the NAT network's bridge: another one when it was recreated."""
    return host.run(["cat", "/sys/class/net/vbr-web/ifindex"]).stdout.strip()
