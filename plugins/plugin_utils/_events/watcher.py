# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Watches one hypervisor for ever: listens, looks at all of it again and again, and connects again after a loss.

libvirt's events say that something happened, a look says what it is: so nothing is missed that happens between two
connections, or that libvirt has no event for, and nothing is reported twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Sequence
from functools import partial
from typing import Any, Callable

from ...module_utils._errors.errors import NetworkError, UnreachableError
from ...module_utils._hypervisor.calls import end_started
from ...module_utils._hypervisor.watch import GUEST, NETWORK, Hint, Watch
from .._guests.sources import Source
from .call import Call
from .event import Happening, Teller
from .options import Options
from .state import State, happened, of_guest, of_network

Thing = tuple[str, str]  # a kind and a name
Put = Callable[[dict[str, Any]], Awaitable[None]]
FIRST_RETRY = 0.5  # seconds; each attempt that fails doubles them
MANY = 1000  # hints that wait: instead of each, there is a look at all of it


class Watcher:
    """What watches one hypervisor, and puts what happens there into a queue."""

    def __init__(self, source: Source, options: Options, put: Put, watch: Callable[[str], Any] = Watch) -> None:
        self._source, self._options, self._put, self._watch = source, options, put, watch
        self._teller = Teller(source.name, source.uri)
        self._known: dict[Thing, State] | None = None  # None before the first look
        self._reachable: bool | None = None  # None before the first answer
        self._retry = FIRST_RETRY
        self._hints: list[Hint] = []
        self._lost = self._flooded = False
        self._woken = asyncio.Event()

    async def run(self) -> None:
        """Watches for ever."""
        while True:
            try:
                await self._watch_once()
            except NetworkError as error:
                await self._unreachable(str(error))
            # Of many that are lost at once, not all come back at once.
            await asyncio.sleep(self._retry * random.uniform(0.5, 1))
            self._retry = min(2 * self._retry, self._options.retry)

    async def _watch_once(self) -> None:
        """Watches for as long as a connection lasts; raises NetworkError when it ends."""
        self._hints, self._lost, self._flooded = [], False, False
        gateway = await self._answer(lambda: self._watch(self._source.uri), starts=True)
        try:
            hear = self._hearing(asyncio.get_running_loop())
            await self._answer(lambda: gateway.listen(self._options.kinds, hear))
            await self._look(gateway)
            self._retry = FIRST_RETRY
            await self._listen(gateway)
        except asyncio.CancelledError:
            Call(gateway.close)
            raise
        except NetworkError:
            await Call(gateway.close).result
            raise

    async def _listen(self, gateway: Any) -> None:
        loop = asyncio.get_running_loop()
        # Not all hypervisors that begin together are looked at together.
        due = time.monotonic() + self._options.interval * random.uniform(0.5, 1)
        while True:
            alarm = loop.call_later(due - time.monotonic(), self._woken.set)
            await self._woken.wait()
            alarm.cancel()
            self._woken.clear()
            if self._lost:
                raise UnreachableError("the connection to libvirt has ended")
            if self._flooded or time.monotonic() >= due:
                await self._look(gateway)
                due = time.monotonic() + self._options.interval
            await self._follow(gateway)

    # ---- hearing, in a thread of libvirt's ----

    def _hearing(self, loop: asyncio.AbstractEventLoop) -> Callable[[Hint | None], None]:
        def hear(hint: Hint | None) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._heard, hint)

        return hear

    def _heard(self, hint: Hint | None) -> None:
        if hint is None:
            self._lost = True
        elif len(self._hints) < MANY:
            self._hints.append(hint)
        else:
            self._flooded = True
        self._woken.set()

    # ---- looking ----

    async def _answer(self, function: Callable[[], Any], starts: bool = False) -> Any:
        """What a call returns. One that takes too long makes the hypervisor unreachable, and goes on until it ends: so
        there is never more than one that hangs. What ``starts`` with it, like ssh, is ended."""
        call = Call(function)
        if not await call.within(self._options.timeout):
            await self._unreachable(f"libvirt has not answered for {self._options.timeout:g} seconds")
            if starts:
                await Call(lambda: end_started(call.thread)).result
        return await call.result

    async def _look(self, gateway: Any) -> None:
        """Looks at everything, and reports what happened meanwhile."""
        self._flooded = False
        found = await self._answer(lambda: _all(gateway, self._options.kinds))
        await self._is_reachable()
        if self._known is None:
            self._known = found
        for thing in {**self._known, **found}:
            await self._tell(thing, (), found.get(thing), "look")

    async def _follow(self, gateway: Any) -> None:
        """Looks at what hints are about, and reports what happened to it."""
        hints, self._hints = self._hints, []
        words: dict[Thing, list[str]] = {}
        for hint in hints:
            words.setdefault((hint.kind, hint.name), []).extend([hint.word] * bool(hint.word))
        for thing, heard in words.items():
            found = await self._answer(partial(_one, gateway, thing))
            await self._is_reachable()
            await self._tell(thing, heard, found, "event")

    # ---- reporting ----

    async def _tell(self, thing: Thing, words: Sequence[str], now: State | None, noticed: str) -> None:
        known = self._known if self._known is not None else {}
        before, (kind, name) = known.pop(thing, None), thing
        if now:
            known[thing] = now
        more = {
            "uuid": (now or before or State("", "", "", "")).uuid,
            "active": bool(now and now.active),
            "before": before.fingerprint if before else "",
            "after": now.fingerprint if now else "",
            "noticed_by": noticed,
        }
        for what in happened(before, words, now):
            await self._send(Happening(kind, what, name, more))

    async def _is_reachable(self) -> None:
        if not self._reachable:
            self._reachable = True
            await self._of_hypervisor("reachable", "")

    async def _unreachable(self, why: str) -> None:
        if self._reachable is not False:
            self._reachable = False
            await self._of_hypervisor("unreachable", why)

    async def _of_hypervisor(self, what: str, why: str) -> None:
        await self._send(Happening("hypervisor", what, self._source.name, {"reason": why}))

    async def _send(self, happening: Happening) -> None:
        await self._put(self._teller.event(happening))


def _all(gateway: Any, kinds: Sequence[str]) -> dict[Thing, State]:
    found = [((NETWORK, one.name), of_network(one)) for one in (gateway.networks() if NETWORK in kinds else ())]
    found += [((GUEST, one.name), of_guest(one)) for one in (gateway.all_guests() if GUEST in kinds else ())]
    return {thing: state for thing, state in found if state}


def _one(gateway: Any, thing: Thing) -> State | None:
    kind, name = thing
    return of_network(gateway.observe(name)) if kind == NETWORK else of_guest(gateway.observe_guest(name))
