"""Watching one hypervisor that is lost, hangs, floods or refuses, without a libvirt."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import LibvirtError
from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor.watch import NETWORK, Hint
from ansible_collections.virtfleet.network.plugins.module_utils._schema.network import LiveNetwork, NetworkDefinition
from ansible_collections.virtfleet.network.plugins.module_utils._values.observed import Observed
from ansible_collections.virtfleet.network.plugins.plugin_utils._events import watcher as _watcher
from ansible_collections.virtfleet.network.plugins.plugin_utils._events.options import Options
from ansible_collections.virtfleet.network.plugins.plugin_utils._events.watcher import Watcher
from ansible_collections.virtfleet.network.plugins.plugin_utils._guests.sources import Source

NEVER = 3600
SECONDS = 30
SOURCE = Source("hv1", "qemu:///system")


class Fake:
    """A hypervisor with networks, and the connections that were made to it."""

    def __init__(self) -> None:
        self.networks: dict[str, bool] = {}  # whether each runs
        self.refusals: list[str] = []  # of the next connections
        self.connections: list[Connection] = []
        self.goes_on = threading.Event()
        self.goes_on.set()
        self.looks = 0

    def connect(self, _uri: str) -> Connection:
        self.goes_on.wait(SECONDS)
        if self.refusals:
            raise LibvirtError("Cannot connect", self.refusals.pop(0), 38)
        self.connections.append(Connection(self))
        return self.connections[-1]

    def do(self, name: str, *words: str) -> None:
        """Start and stop a network, and say so."""
        for word in words:
            self.networks[name] = word == "started"
        for word in words:
            self.connections[-1].hear(Hint(NETWORK, name, word))


class Connection:
    """What Watch is to the watcher."""

    def __init__(self, fake: Fake) -> None:
        self.fake, self.closed = fake, False
        self.hear: Callable[[Hint | None], None] = lambda _hint: None

    def listen(self, _kinds: tuple[str, ...], hear: Callable[[Hint | None], None]) -> None:
        self.hear = hear

    def networks(self) -> list[Observed]:
        self.fake.looks += 1
        return [self.observe(name) for name in self.fake.networks]

    def observe(self, name: str) -> Observed:
        self.fake.goes_on.wait(SECONDS)
        if name not in self.fake.networks:
            return Observed(name)
        text = f"<network><name>{name}</name></network>"
        return Observed(name, NetworkDefinition(text), LiveNetwork(text if self.fake.networks[name] else ""))

    def close(self) -> None:
        self.closed = True


def watched(
    story: Callable[[Fake, asyncio.Queue[Any]], Any], refusals: Sequence[str] = (), **options: float
) -> list[tuple[str, str]]:
    """Run a story while a hypervisor is watched; returns what has been reported: names and what."""
    told: list[tuple[str, str]] = []

    async def run() -> None:
        fake, queue = Fake(), asyncio.Queue()
        fake.refusals = list(refusals)

        async def put(event: dict[str, Any]) -> None:
            told.append((event["name"], event["what"]))
            await queue.put(event)

        wanted = Options([SOURCE], (NETWORK,), **{"interval": NEVER, "timeout": SECONDS, "retry": 0.01, **options})
        task = asyncio.create_task(Watcher(SOURCE, wanted, put, fake.connect).run())
        try:
            await asyncio.wait_for(story(fake, queue), SECONDS)
        finally:
            task.cancel()
            fake.goes_on.set()
            await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()

    asyncio.run(run())
    return told


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_watcher, "FIRST_RETRY", 0.01)


async def until(queue: asyncio.Queue[Any], what: str) -> dict[str, Any]:
    while True:
        event: dict[str, Any] = await queue.get()
        if event["what"] == what:
            return event


def test_a_lost_connection_is_made_again_and_what_happened_meanwhile_is_told() -> None:
    async def story(fake: Fake, queue: asyncio.Queue[Any]) -> None:
        fake.networks = {"web": True, "old": False}
        await until(queue, "reachable")
        fake.refusals = ["connection refused"] * 3
        fake.connections[0].hear(None)
        await until(queue, "unreachable")
        fake.networks = {"web": False, "new": False}
        await until(queue, "defined")
        assert [one.closed for one in fake.connections] == [True, False]

    told = watched(story)
    assert told[:3] == [("hv1", "reachable"), ("hv1", "unreachable"), ("hv1", "reachable")]
    assert sorted(told[3:]) == [("new", "defined"), ("old", "removed"), ("web", "stopped")]


def test_one_that_never_answers_is_told_once_with_the_reason() -> None:
    async def story(_fake: Fake, queue: asyncio.Queue[Any]) -> None:
        assert "no route" in (await until(queue, "unreachable"))["reason"]
        await until(queue, "reachable")

    assert watched(story, ["no route"] * 5) == [("hv1", "unreachable"), ("hv1", "reachable")]


def test_a_call_that_hangs_is_waited_for_and_none_is_made_beside_it() -> None:
    async def story(fake: Fake, queue: asyncio.Queue[Any]) -> None:
        await until(queue, "reachable")
        fake.goes_on.clear()
        fake.do("web", "started")
        await until(queue, "unreachable")
        before = threading.active_count()
        await asyncio.sleep(0.2)
        assert threading.active_count() <= before
        fake.goes_on.set()
        await until(queue, "started")
        assert len(fake.connections) == 1

    told = [("hv1", "reachable"), ("hv1", "unreachable"), ("hv1", "reachable"), ("web", "defined"), ("web", "started")]
    assert watched(story, timeout=0.05) == told


def test_a_restart_between_two_looks_is_told() -> None:
    async def story(fake: Fake, queue: asyncio.Queue[Any]) -> None:
        fake.networks = {"web": True}
        await until(queue, "reachable")
        fake.do("web", "stopped", "started")
        await until(queue, "started")

    assert watched(story)[1:] == [("web", "stopped"), ("web", "started")]


def test_a_flood_of_hints_is_one_look_at_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_watcher, "MANY", 3)

    async def story(fake: Fake, queue: asyncio.Queue[Any]) -> None:
        await until(queue, "reachable")
        for number in range(10):
            fake.do(f"n{number}", "started")
        names = {(await until(queue, "started"))["name"] for _number in range(10)}
        assert names == {f"n{number}" for number in range(10)}
        assert fake.looks == 2

    watched(story)


def test_looks_come_in_time_although_hints_keep_coming() -> None:
    async def story(fake: Fake, queue: asyncio.Queue[Any]) -> None:
        await until(queue, "reachable")
        fake.networks["silent"] = False  # libvirt does not report it
        while queue.empty() or (await queue.get())["name"] != "silent":
            fake.connections[0].hear(Hint(NETWORK, "busy"))
            await asyncio.sleep(0.01)

    assert watched(story, interval=0.3)[-1] == ("silent", "defined")
