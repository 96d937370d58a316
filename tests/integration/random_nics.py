"""Guests with NICs as they may be, and NICs as somebody may ask for, by chance."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any, NamedTuple

Options = dict[str, Any]

MACS = [f"52:54:00:88:00:0{number}" for number in range(1, 6)]
SOURCES: list[Options] = [
    *({"network": name} for name in ("lan", "lan", "bak", "hosted", "idle", "tap", "none")),
    {"network": "lan", "portgroup": "plain"},
    {"network": "lan", "portgroup": "nope"},
    {"bridge": "br0"},
    {"bridge": "br9"},
]
# What a NIC may have besides, most of it for itself. A guest has a disk with boot order 9 and an alias of its own.
MORE: dict[str, list[Any]] = {
    "boot": [{"order": order} for order in (1, 2, 3, 9)],
    "alias": [{"name": name} for name in ("ua-one", "ua-two", "ua-three", "ua-disk")],
    "address": [{"type": "pci", "domain": "0", "bus": "0", "slot": slot, "function": "0"} for slot in "4567"],
    "acpi": [{"index": index} for index in (1, 2)],
    "target": [{"dev": name} for name in ("tap-one", "tap-two", "br0")],
    "filterref": [{"filter": "clean-traffic"}, {"filter": "nope"}],
    "vlan": [{"tags": [{"id": 5}]}],
    "link": [{"state": "down"}, {"state": "up"}],
    "port": [{"isolated": True}],
    "model": [{"type": name} for name in ("virtio", "e1000e", "rtl8139")],
    "bandwidth": [{"inbound": {"average": 100, "floor": 50}}],
    "mtu": [{"size": 1400}],
    "teaming": [{"type": "persistent"}],
    "rom": [{"enabled": False}],
}
OLD = ("boot", "alias", "address", "acpi", "target", "link", "port", "model")


def _place(chance: random.Random, *, runs: bool) -> Options:
    # The lab has no /dev for devices of macvtap.
    return chance.choice([one for one in SOURCES if not (runs and one.get("network") == "tap")])


def _some(chance: random.Random, names: list[str], most: int) -> Options:
    return {name: chance.choice(MORE[name]) for name in chance.sample(names, chance.randrange(most + 1))}


def _fits(nic: Options, others: list[Options]) -> bool:
    """Whether a guest can be defined with it at all."""
    exclusive = ("boot", "alias", "address", "acpi", "target")
    return all(nic[name] != other.get(name) for name in exclusive if name in nic for other in others) and (
        nic.get("boot") != {"order": 9} and nic.get("alias") != {"name": "ua-disk"}
    )


def guest(chance: random.Random, version: tuple[int, ...], *, runs: bool) -> tuple[list[Options], bool]:
    """Return the NICs of a guest, and whether it boots from classes of devices."""
    classes, nics = chance.random() < 0.3, []
    names = [name for name in OLD if (name != "boot" or not classes) and (name != "acpi" or version >= (7, 3))]
    for mac in chance.sample(MACS[:4], chance.randrange(1, 4)):
        nic = {"mac": {"address": mac}, **_some(chance, names, 3)}
        nic["source"] = chance.choice([one for one in SOURCES[:4] if "portgroup" not in one])
        if runs and nic.get("target", {}).get("dev") == "br0":
            del nic["target"]
        if _fits(nic, nics):
            nics.append(nic)
    return nics, classes


def wishes(chance: random.Random, there: list[Options], version: tuple[int, ...], *, runs: bool) -> Options:
    """Return options of virt_iface for such a guest: some of its NICs as others, exchanged, gone, and new ones."""
    names = [name for name in MORE if name != "acpi" or version >= (7, 3)]
    asked: list[Options] = []
    for nic in chance.sample(there, chance.randrange(len(there) + 1)):
        wish = {"mac": nic["mac"], **_some(chance, names, 2)}
        if chance.random() < 0.3:
            wish["source"] = _place(chance, runs=runs)
        # Nobody in the guest would let go of it.
        if not runs and chance.random() < 0.15:
            wish = {"mac": nic["mac"], "state": "absent"}
        asked.append(wish)
    for one, other in zip(asked[::2], asked[1::2]):
        if chance.random() < 0.5:
            _exchange(chance, there, one, other)
    if chance.random() < 0.4 or not asked:
        mac = next(mac for mac in MACS if all(nic["mac"]["address"] != mac for nic in there))
        asked.append({"mac": {"address": mac}, "source": _place(chance, runs=runs), **_some(chance, names, 3)})
    return {"ifaces": asked, "exclusive": not runs and chance.random() < 0.2}


def _exchange(chance: random.Random, there: list[Options], one: Options, other: Options) -> None:
    """Give each of two NICs something that the other one has."""
    had = {nic["mac"]["address"]: nic for nic in there}
    name = chance.choice(["boot", "alias", "address", "acpi"])
    for wish, twin in ((one, other), (other, one)):
        if name in had[twin["mac"]["address"]] and "state" not in wish:
            wish[name] = had[twin["mac"]["address"]][name]


class Case(NamedTuple):
    """The NICs of a guest, whether it boots from classes of devices, what is wanted, and whether the guest runs."""

    there: list[Options]
    classes: bool
    options: Options
    runs: bool


def cases(seed: int, count: int, version: tuple[int, ...]) -> Iterator[Case]:
    """Yield cases, every third of a running guest."""
    for number in range(count):
        chance = random.Random(seed * 1_000_000 + number)
        runs = number % 3 == 2
        there, classes = guest(chance, version, runs=runs)
        yield Case(there, classes, wishes(chance, there, version, runs=runs), runs)
