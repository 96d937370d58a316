# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rolls single entries of a network back, one by one: entries that other programs add at the same time stay."""

from __future__ import annotations

from collections.abc import Sequence

from .._errors.errors import LibvirtError, MeanwhileError, StoppedError, VerifyError
from .._values.host import Host
from .._values.observed import Observed
from .._values.steps import Define, Step, Update, updates
from .live import took_effect
from .plan import changed_paths


def roll_back_entries(host: Host, before: Observed, tried: Sequence[Step], error: BaseException) -> str:
    """Rolls the entries back and says how that went. Raises MeanwhileError when another program changes them, too."""
    undo = [step for step in reversed(tried) if isinstance(step, (Define, Update))]
    # libvirt can refuse a call, and can also carry it out and fail afterwards.
    if isinstance(error, (LibvirtError, StoppedError)) and not took_effect(undo[0], host.observe(before.name)):
        undo.pop(0)
    for part in (part for step in undo for part in reversed(updates(step))):
        host.apply(part.inverse())
    if isinstance(error, LibvirtError) and changed_paths(before, host.observe(before.name)):
        raise MeanwhileError(f"{error}; network {before.name!r} could not be rolled back") from error
    left = changed_paths(before, host.observe(before.name)) if isinstance(error, VerifyError) else ()
    note = f"network {before.name!r} was rolled back"
    return f"{note}, but for what another program may have changed ({', '.join(sorted(left))})" if left else note
