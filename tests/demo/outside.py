"""What guests and the outside world have of the networks: packets, leases and names, and no word of our own modules."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from tests.demo.fleet import expect
from tests.lab import Client, Hypervisor, Machine
from tests.lab.guest import Guest

WORLD = "192.0.2.1"
SHOP = "52:54:00:00:50:0a"  # has a reservation in change.yml
OUTSIDE_DHCP = ["dnsmasq", "-k", "--port=0", "--conf-file=/dev/null", "--interface=wire0"]
OUTSIDE_RANGE = "--dhcp-range=198.51.100.100,198.51.100.199"


def nat(host: Hypervisor) -> None:
    """Behind NAT: an address by DHCP, and out into the world with the hypervisor's own address."""
    client = host.client("demo-nat")
    address = client.dhcp()["address"]
    with host.world.background(["timeout", "20", "tcpdump", "-lnc", "1", "-i", "eth0", "icmp"]) as tcpdump:
        assert tcpdump.stdout is not None
        while "listening" not in tcpdump.stdout.readline():
            pass
        good = _reaches(client, WORLD)
        packet = tcpdump.stdout.readline()
    expect(good and f"192.0.2.2 > {WORLD}" in packet, f"web: {address} reaches the world, which sees 192.0.2.2")
    client.stop()


def isolated(host: Hypervisor) -> None:
    """Isolated: guests reach each other and nobody else."""
    one, other = host.client("demo-iso"), host.client("demo-iso")
    _set_up(one, "10.50.0.8/24", "10.50.0.1")
    _set_up(other, "10.50.0.9/24", "10.50.0.1")
    good = _reaches(one, "10.50.0.9") and not _reaches(one, WORLD)
    expect(good, "storage: 10.50.0.8 reaches 10.50.0.9, and not the world")
    one.stop()
    other.stop()


def routed(host: Hypervisor) -> None:
    """Routed: the world reaches guests by their own addresses, once it knows the way."""
    client = host.client("demo-route")
    _set_up(client, "10.60.0.9/24", "10.60.0.1")
    host.world.run(["ip", "route", "add", "10.60.0.0/24", "via", "192.0.2.2"])
    expect(_reaches(host.world, "10.60.0.9"), "services: the world reaches 10.60.0.9")
    client.stop()


def virtual_machine(host: Hypervisor) -> Guest:
    """A guest that boots, on the NAT network and on the bridged one."""
    with host.world.background([*OUTSIDE_DHCP, OUTSIDE_RANGE]):
        guest = host.guest("machine", networks=["web", "outside"])
        guest.wait_for("NIC eth0")
        guest.wait_for("NIC eth1")
    places = re.findall(r"ADDRESS (\S+)", guest.console())
    good = any(place.startswith("192.168.50.") for place in places)
    expect(good, "web: it has an address of the network's own DHCP server")
    good = any(place.startswith("198.51.100.") for place in places)
    expect(good, "outside: it has an address of a DHCP server out there")
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
    # Around each live change of DHCP, libvirt makes the firewall anew; a restart takes half a second.
    expect(0 <= lost <= 2, f"the machine's pings went on ({lost} lost)", log)


def reservation(host: Hypervisor) -> None:
    """The change took effect while the network ran."""
    client = host.client("demo-nat", mac=SHOP)
    address = client.dhcp()["address"]
    expect(address == "192.168.50.10/24", f"the guest with the reservation gets {address}")
    answer = client.run(["dig", "+short", "@192.168.50.1", "www.web.example"]).stdout.strip()
    expect(answer == "192.168.50.10", f"www.web.example is {answer}")
    client.stop()


def _set_up(client: Client, address: str, router: str) -> None:
    client.run(["ip", "address", "add", address, "dev", "eth0"])
    client.run(["ip", "route", "add", "default", "via", router])


def _reaches(machine: Machine, address: str) -> bool:
    return machine.run(["ping", "-c", "1", "-W", "3", address], check=False).returncode == 0


def _ifindex(host: Hypervisor) -> str:
    """The kernel's number of the NAT network's bridge: another one when it was made anew."""
    return host.run(["cat", "/sys/class/net/demo-nat/ifindex"]).stdout.strip()
