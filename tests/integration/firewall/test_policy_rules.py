"""What policy rules are said to do to packets, and what the kernel says: random rules, and packets of every way."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._diagnosis.routes import decision
from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor.kernel import KernelInspector
from ansible_collections.virtfleet.network.plugins.module_utils._values.way import Lookup
from tests.deep import SEED, amount

from .site import Site, inside

pytestmark = pytest.mark.lab

GUEST, GATEWAY, AWAY = "10.60.0.9", "10.60.0.1", "10.61.0.2"
WAYS = [
    Lookup(4, AWAY, GUEST, "br0"),
    Lookup(4, AWAY, GUEST, "br0", "tcp", 443, source_port=40000),
    Lookup(4, AWAY, GUEST, "br0", "udp", 53, 7, 40000),
    Lookup(4, GUEST, GATEWAY),
    Lookup(4, GUEST, GATEWAY, protocol="udp", port=40000, source_port=53),
    Lookup(4, GUEST, AWAY, "u0", "tcp", 40000, source_port=443),
]
SELECTORS = (
    *("from 10.60.0.0/24", "from 10.9.0.0/16", "to 10.60.0.9", "to 10.0.0.0/8", "iif br0", "iif lo", "iif u0"),
    *("oif u0", "oif br0", "uidrange 0-65534", "uidrange 5-9", "uidrange 0-0", "fwmark 7", "fwmark 0x5/0x4"),
    *("ipproto tcp", "ipproto udp", "sport 53", "sport 1024-65534", "dport 443", "dport 440-450", "dport 40000"),
    *("tos 0x10", "tun_id 7", "l3mdev"),
)
ACTIONS = ("blackhole", "unreachable", "prohibit", "lookup 99")


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with contextlib.closing(Site()) as site:
        site.connect()
        site.run("ip route add blackhole default table 99")
        yield site


def rule(chance: random.Random) -> str:
    """A policy rule that asks for one thing or two, or for all but those."""
    chosen = {one.split()[0]: one for one in chance.sample(SELECTORS, chance.randint(1, 2))}
    asked = " ".join(chosen.values())
    return f"{chance.choice(('', '', 'not '))}{asked} {'' if 'l3mdev' in chosen else chance.choice(ACTIONS)}"


@pytest.mark.parametrize("seed", [SEED + number for number in range(amount(25, 400))])
def test_what_decides_is_what_the_kernel_decides_and_its_command_deletes_it(site: Site, seed: int) -> None:
    text = rule(random.Random(f"policy {seed}"))
    site.run(f"ip rule add {text} priority 77")
    with inside(site.host):
        inspector = KernelInspector(0)
        kernel = inspector.kernel()
        answers = inspector.lookups(WAYS)
    assert kernel
    found = {way: decision(kernel, way) for way in WAYS}
    try:
        assert {way: one.drops for way, one in found.items()} == {way: bool(one.error) for way, one in answers.items()}
        for remedy in {one.remedy for one in found.values() if one.drops and one.remedy.startswith("ip rule")}:
            site.run(remedy)
            with inside(site.host):
                assert not [way for way, one in inspector.lookups(WAYS).items() if one.error], remedy
    finally:
        site.run("ip rule del priority 77 || true; ip route replace blackhole default table 99")
