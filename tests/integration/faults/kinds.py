"""What a kind of fault is, and the places where it can be planted."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from typing import NamedTuple

GUESTS = ("web", "app")
# The networks by their name: the mode, the bridge, and the subnets as far as the last part of an address.
NETWORKS = {
    "nat": ("nat", "vf-nat", "192.168.91.", "fd00:91::"),
    "rt": ("route", "vf-rt", "192.168.93.", "fd00:93::"),
    "iso": ("isolated", "vf-iso", "192.168.92.", "fd00:92::"),
    "out": ("bridge", "vf-out", "", ""),
}
OUTWARDS, MANAGED, EVERY = "nat rt", "nat rt iso", "nat rt iso out"
PLACE = re.compile(r"[A-Z]{3,}6?")


class Kind(NamedTuple):
    """How it is broken and mended, in shell; ``codes`` are those of findings that are right, and ``names`` what one of
    them names, in words that stand together. Words in capitals are places: see place(). ``probe``: nothing that can be
    read says it, so a client has to ask."""

    breaks: str
    mends: str
    codes: str
    names: str
    on: str = MANAGED
    probe: bool = False


class Fault(NamedTuple):
    """A kind of fault at a place."""

    kind: str
    breaks: str
    mends: str
    codes: frozenset[str]
    names: str
    probe: bool


def mac(guest: str, network: str) -> str:
    """The MAC address of a guest's NIC."""
    return f"52:54:00:90:0{[*NETWORKS].index(network)}:0{GUESTS.index(guest) + 1}"


def tap(guest: str, network: str) -> str:
    """The hypervisor's end of a guest's NIC."""
    return f"tap-{guest}-{network}"


def address(guest: str, network: str, version: int) -> str:
    """The address of a guest's NIC."""
    return f"{NETWORKS[network][version // 2]}{100 + GUESTS.index(guest)}"


def place(chance: random.Random, on: str) -> dict[str, str]:
    """A place for a fault: a guest's NIC on one of the networks, and whatever else is a matter of chance."""
    network, (guest, peer) = chance.choice(on.split()), chance.sample(GUESTS, 2)
    _mode, bridge, four, six = NETWORKS[network]
    return {
        "NETWORK": network,
        "BRIDGE": bridge,
        "DOMAIN": guest,
        "TAP": tap(guest, network),
        "MAC": mac(guest, network),
        "GUEST": address(guest, network, 4),
        "GUEST6": address(guest, network, 6),
        "PEERTAP": tap(peer, network),
        "PEERMAC": mac(peer, network),
        "PEER": address(peer, network, 4),
        "GATEWAY": f"{four}1",
        "GATEWAY6": f"{six}1",
        "SUBNET": f"{four}0/24",
        "FIRSTADDR": f"{four}0",
        "SUBNET6": f"{six}/64",
        "ROUTER": "192.0.2.1",
        "ROUTER6": "2001:db8:ffff::1",
        "UPLINK": "uplink",
        "WORD": f"w{chance.randrange(1000)}",
        "PRIORITY": str(chance.randint(-399, 399)),
        "PREFERENCE": str(chance.randint(1, 32000)),
        "NUMBER": str(chance.randint(20, 250)),
        "NUMBERH": f"{chance.randrange(256):02x}",
        "NUMBERP": str(chance.choice((16, 22, 25, 32))),
        "KILLS": chance.choice(("blackhole", "unreachable", "prohibit")),
    }


def planted(name: str, kind: Kind, chance: random.Random) -> Fault:
    """A fault of a kind at a place by chance."""
    there = place(chance, kind.on)
    breaks, mends, names = (filled(text, there) for text in (kind.breaks, kind.mends, kind.names))
    codes = frozenset(kind.codes.split()) | ({"no_answer"} if kind.probe else set())
    return Fault(name, breaks, mends, codes, names, kind.probe)


def filled(text: str, there: Mapping[str, str]) -> str:
    """A text with its places."""
    return PLACE.sub(lambda word: there.get(word[0], word[0]), text)


def is_named(fault: Fault, finding: Mapping[str, str]) -> bool:
    """Whether a finding names what was planted."""
    return (
        finding["code"] in fault.codes and fault.names.lower() in f"{finding['evidence']} {finding['remedy']}".lower()
    )
