"""A guest that has booted cannot reach the world: what is found says why, and after its remedy the guest reaches it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.deep import sampled
from tests.lab.guest import Guest

from .. import entry_tasks
from ..breakage import CHECK, NAT, NAT_MAC, RUNNING, WORDS
from ..clients import WORLD
from ..obstacles import COMMANDS, OBSTACLES, Obstacle
from ..stage import Stage, succeeded, wait_for

pytestmark = [pytest.mark.lab, pytest.mark.slow, pytest.mark.deep, entry_tasks.ON_ONE]

BOOT_SECONDS = 240  # on a busy machine
NAMES = (
    "DROP in FORWARD",
    "DROP on the way back",
    "DROP in mangle",
    "DROP in raw",
    "policy rule",
    "policy rule by device",
    "policy rule towards guests",
    "blackhole in another table",
    "table of inet",
    "table of bridge",
    "table of ip with a set",
    "not translated",
    "accepted before it is translated",
    "queue of the bridge",
    "forwarding off",
    "tap down",
)


def obstacle(name: str) -> Obstacle:
    """What stands in the way."""
    return OBSTACLES[name] if name in OBSTACLES else Obstacle(RUNNING[name][0], RUNNING[name][2])


@pytest.fixture(scope="module")
def web(whole_stage: Stage) -> Iterator[tuple[Stage, Guest]]:
    """A network, and a guest on it that has a lease."""
    whole_stage.network(**NAT)
    guest = whole_stage.host.guest("web", networks=["nat"], macs=[NAT_MAC])
    guest.wait_for("ADDRESS 192.168.91.", BOOT_SECONDS)
    yield whole_stage, guest
    guest.stop()
    whole_stage.clear()


def reaches_the_world(guest: Guest) -> bool:
    return guest.run(f"ping -c 1 -W 2 {WORLD}", check=False).returncode == 0


@pytest.mark.parametrize("name", sampled(NAMES, 2))
def test_a_guest_reaches_the_world_again_after_the_remedy(web: tuple[Stage, Guest], name: str) -> None:
    (stage, guest), case = web, obstacle(name)
    wait_for(lambda: reaches_the_world(guest))
    stage.host.run(["sh"], input=f"{WORDS}\n{case.breaks}", check=False)
    cut = not reaches_the_world(guest)
    first = succeeded(stage.run({CHECK: {"domain": "web"}}))["findings"][:1]
    remedy = "".join(one["remedy"] for one in first)
    stage.host.run(["sh"], input=f"{WORDS}\n{remedy if remedy.partition(' ')[0] in COMMANDS else 'false'}", check=False)
    try:
        wait_for(lambda: reaches_the_world(guest), 30)
    finally:
        stage.host.run(["sh"], input=f"{WORDS}\n{case.rest}", check=False)
    assert (cut, [one["code"] for one in first]) == (True, [case.code])
