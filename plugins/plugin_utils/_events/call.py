# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls that may hang, awaited: each in a thread of its own, which neither a loop nor the end of Python waits for."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import Any, Callable


class Call:
    """A call, which goes on until it ends by itself, whether or not somebody waits."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self._loop = asyncio.get_running_loop()
        self._function = function
        self.result: asyncio.Future[Any] = self._loop.create_future()
        self.thread = threading.Thread(target=self._work, daemon=True)
        self.thread.start()

    def _work(self) -> None:
        result, error = None, None
        try:
            result = self._function()
        except BaseException as raised:  # noqa: BLE001 - it is raised where the result is awaited
            error = raised
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._settle, result, error)

    def _settle(self, result: Any, error: BaseException | None) -> None:
        if self.result.done():
            return
        if error is None:
            self.result.set_result(result)
        else:
            self.result.set_exception(error)
            self.result.exception()  # somebody may not have waited

    async def within(self, seconds: float) -> bool:
        """Whether it ends in time; it goes on where it does not."""
        done, _others = await asyncio.wait({self.result}, timeout=seconds)
        return bool(done)
