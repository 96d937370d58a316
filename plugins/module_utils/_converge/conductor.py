# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The conductor: observe, plan, and unless it is a dry run lock, plan again, apply, verify, roll back on failure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Callable

if TYPE_CHECKING:
    from .._values.resource import Locks, Resource


def converge(
    host: Locks,
    job: Sequence[Resource],
    dry_run: bool,
    lock_timeout: float,
    before_apply: Callable[[list[Any]], object] = list,
) -> list[Any]:
    """Brings all resources of a job to their wanted state, all or none; with ``dry_run`` only says what that would do.
    The outcomes are in the order in which that is done.

    ``lock_timeout``: seconds to wait for a lock; ``before_apply`` is called with the outcomes before the first step.
    Raises a NetworkError; what was changed by then is rolled back.
    """
    outcomes: list[Any] = []
    for resource in job:
        found = resource.up_to_date()
        if found is None:
            break
        outcomes += found
    else:
        return outcomes
    from .transaction import prepare, transact

    if dry_run:
        return [part.outcome for part in prepare(job, True)]
    with host.lock([(resource.kind, name) for resource in job for name in resource.names], lock_timeout):
        return transact(job, before_apply)
