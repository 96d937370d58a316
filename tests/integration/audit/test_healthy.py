"""Where nothing is wrong, nothing is found: on invented hypervisors with networks of every kind, with a client and
without, and with two hundred NICs."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.deep import sampled

from .. import entry_tasks
from ..breakage import CHECK, shell
from ..healthy import DOMAIN, NIC, Healthy, Invented, managed
from ..plays import Task, network
from ..random_specs import HOST_BRIDGE
from ..stage import Stage, succeeded

pytestmark = [pytest.mark.lab, pytest.mark.slow, entry_tasks.ON_ONE]

TOPOLOGIES = 50
NICS, GUESTS = 200, 4


@pytest.fixture(scope="module")
def given(whole_stage: Stage) -> Iterator[Stage]:
    """A hypervisor with a bridge of its own, through which its NIC goes out."""
    run = whole_stage.host.run
    run(
        ["sh", "-e"],
        input=f"ip link add {HOST_BRIDGE} up type bridge; ip link add vf-port up master {HOST_BRIDGE} type veth",
    )
    yield whole_stage
    run(["sh"], input=f"ip link del {HOST_BRIDGE}; ip link del vf-port")


def checks(stage: Stage, healthy: Healthy, *options: dict[str, bool]) -> list[list[str]]:
    """What is found on it, each time with these options."""
    for number, text in enumerate(healthy.guests):
        (stage.host.home / f"run/lab/guest{number}.xml").write_text(text)
    start = "\n".join(f"virsh -q create --paused /run/lab/guest{number}.xml" for number in range(len(healthy.guests)))
    known = "\n".join(healthy.neighbours)
    tasks: list[Task] = [network(**one) for one in healthy.networks]
    tasks += [shell(f"{start}\nip -force -batch - <<END\n{known}\nEND\nsleep 2"), *({CHECK: one} for one in options)]
    try:
        results = [succeeded(result) for result in stage.play(*tasks)]
    finally:
        stop = "\n".join(f"destroy guest{number}" for number in range(len(healthy.guests)))
        stage.host.run(["virsh", "-q"], input=stop, check=False)
        stage.clear()
    looks = results[-len(options) :]
    return [[f"{one['code']}: {one['network']}: {one['evidence']}" for one in look["findings"]] for look in looks]


@pytest.mark.deep
@pytest.mark.parametrize("number", sampled(range(TOPOLOGIES), 2, "healthy"))
def test_nothing_is_found_where_nothing_is_wrong(given: Stage, number: int) -> None:
    healthy = Invented(number, given.version).hypervisor()
    assert checks(given, healthy, {}, {"probe": True}) == [[], []], json.dumps(healthy.networks)


@pytest.mark.deep
def test_nothing_is_found_among_two_hundred_nics(given: Stage) -> None:
    macs = [f"52:54:00:93:{number:02x}:ff" for number in range(NICS)]
    each = NICS // GUESTS
    guests = [
        DOMAIN.format(f"guest{guest}", "".join(NIC.format(mac, "h1", "") for mac in macs[guest * each :][:each]))
        for guest in range(GUESTS)
    ]
    known = [f"neigh replace 10.93.1.{20 + at} lladdr {mac} dev vf-h1 nud permanent" for at, mac in enumerate(macs)]
    spec = {"name": "h1", **managed(1, "nat")}
    assert checks(given, Healthy([spec], guests, known), {}, {"probe": True}) == [[], []]
