"""A rulebook's part of the source of events: a thread with a loop, in which the source runs as ansible-rulebook runs
it."""

from __future__ import annotations

import asyncio
import queue
import runpy
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FILE = Path(__file__).parents[1] / "extensions/eda/plugins/event_source/events.py"
SECONDS = 60  # for an event, on a machine that is busy
Event = dict[str, Any]


class Listener:
    """What a source has reported so far."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Event] = queue.SimpleQueue()

    async def put(self, event: Event) -> None:
        """Take an event, as the queue of ansible-rulebook does."""
        self._queue.put(event)

    def until(self, seconds: float = SECONDS, **wanted: Any) -> list[Event]:
        """Return the events up to the first one that is as wanted; AssertionError when it does not come."""
        heard, end = [], time.monotonic() + seconds
        while True:
            try:
                event = self._queue.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"no event with {wanted} in {seconds} seconds, but {heard}") from None
            heard.append(event)
            if all(event.get(name) == value for name, value in wanted.items()):
                return heard

    def rest(self, seconds: float) -> list[Event]:
        """Return the events of the next seconds."""
        heard, end = [], time.monotonic() + seconds
        while True:
            try:
                heard.append(self._queue.get(timeout=max(0.0, end - time.monotonic())))
            except queue.Empty:
                return heard


@contextmanager
def listening(**arguments: Any) -> Iterator[Listener]:
    """Run the source during a `with`; what it raises is raised at its end."""
    main, listener, ended = runpy.run_path(str(FILE))["main"], Listener(), []
    loop = asyncio.new_event_loop()
    task = loop.create_task(main(listener, arguments))

    def run() -> None:
        try:
            loop.run_until_complete(task)
        except asyncio.CancelledError:
            pass
        except Exception as error:  # noqa: BLE001 - it is raised below
            ended.append(error)
        finally:
            loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield listener
    finally:
        if not task.done():
            loop.call_soon_threadsafe(task.cancel)
        thread.join(SECONDS)
    if ended:
        raise ended[0]


def said(events: list[Event], *names: str) -> list[tuple[Any, ...]]:
    """Return what events say, without those of hypervisors: kind, name and what, or other parts."""
    return [
        tuple(event[name] for name in (names or ("kind", "name", "what")))
        for event in events
        if event["kind"] != "hypervisor"
    ]
