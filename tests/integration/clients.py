"""What cheap guests and the outside world see of a network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.lab import Client, Machine

WORLD = "192.0.2.1"
WORLD6 = "2001:db8:ffff::1"
UPLINK = "192.0.2.2"
UPLINK6 = "2001:db8:ffff::2"


def reaches(machine: Machine, address: str) -> bool:
    """Return whether a ping is answered."""
    return machine.run(["ping", "-c", "1", "-W", "2", address], check=False).returncode == 0


def dig(machine: Machine, server: str, *question: str) -> list[str]:
    """Ask a DNS server; returns the lines of its answer, none for a name that it does not know."""
    return machine.run(["dig", "+short", "+time=2", "+tries=5", f"@{server}", *question]).stdout.splitlines()


def give_address(client: Client, address: str, router: str) -> None:
    """Set a client up by hand."""
    client.run(["ip", "address", "add", address, "dev", "eth0"])
    client.run(["ip", "route", "replace", "default", "via", router])


@contextmanager
def captured(machine: Machine, expression: str, device: str = "eth0") -> Iterator[list[str]]:
    """Catch the first packet of a kind that the machine sees during a `with`; it is in the list after it."""
    lines: list[str] = []
    command = ["tcpdump", "-l", "-n", "-i", device, "-c", "1", expression]
    with machine.background(["timeout", "20", *command]) as tcpdump:
        assert tcpdump.stdout is not None
        while "listening" not in tcpdump.stdout.readline():
            pass
        yield lines
        lines.append(tcpdump.stdout.readline())
