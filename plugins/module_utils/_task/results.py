# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a module returns of networks and NICs alike: what changed, the plan, the difference, and what it cost."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from .._values.observed import Observed
from .._values.outcome import Outcome


def result_of(outcomes: Sequence[Any]) -> dict[str, Any]:
    """What a user reads about the networks and NICs of a task."""
    changed = [one for one in outcomes if one.plan.steps]
    diff, rows = [difference(one) for one in changed], [row for one in changed for row in one.plan.rows()]
    networks = [one for one in outcomes if isinstance(one, Outcome)]
    result = {"restart_required": any(one.plan.restart_required for one in networks)} if networks else {}
    if changed:
        from .._values.steps import line

        diff.append({"prepared": "".join(map(line, rows))})
    unchecked = [text for one in outcomes for text in one.plan.unchecked]
    return {**result, "changed": bool(changed), "plan": rows, "diff": diff, "unchecked": list(dict.fromkeys(unchecked))}


@functools.singledispatch
def difference(outcome: Any) -> dict[str, str]:
    """What Ansible shows of the difference: the definition of a network with its state."""
    name, plan = outcome.name, outcome.plan
    return {
        "before_header": name,
        "after_header": name,
        "before": _state_line(outcome.before) + plan.before.indented,
        "after": _state_line(outcome.after) + plan.after.indented,
    }


def _state_line(observed: Observed) -> str:
    if not observed.saved:
        return ""
    return f"<!-- active: {observed.active}, autostart: {observed.autostart}, persistent: {observed.persistent} -->\n"


def cost(plans: Sequence[Any], seconds: float) -> dict[str, Any]:
    """What plans cost: calls to libvirt, whether a running network was restarted, the time of the whole task."""
    steps, calls = [step for plan in plans for step in plan.steps], 0
    if steps:
        from .._values.steps import calls_of

        calls = sum(map(calls_of, steps))
    restarted = any(row["effect"] == "restart" for plan in plans for row in plan.rows())
    return {"calls": calls, "restart": restarted, "seconds": round(seconds, 3)}
