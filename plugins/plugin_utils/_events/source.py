# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A source of events for Event-Driven Ansible: all hypervisors, watched side by side in one loop."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from .._guests.reading import require_libraries
from .options import options
from .watcher import Watcher

SPREAD = 0.02  # seconds between the first connections to two hypervisors


async def watch(queue: Any, arguments: Mapping[str, Any]) -> None:
    """Puts what happens on hypervisors into a queue, for ever; raises PlanError."""
    wanted = options(arguments)
    require_libraries()
    watchers = [Watcher(source, wanted, queue.put) for source in wanted.sources]
    tasks = [asyncio.create_task(_later(place * SPREAD, watcher)) for place, watcher in enumerate(watchers)]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


async def _later(seconds: float, watcher: Watcher) -> None:
    await asyncio.sleep(seconds)
    await watcher.run()
