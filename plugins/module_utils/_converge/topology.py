# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The conductor for networks together with the NICs of guests on them."""

from __future__ import annotations

from typing import Callable

from .._values.desired import Policy
from .._values.host import Hypervisor
from .._values.outcome import Outcome
from .._values.topology import Outcomes, Wanted
from .networks import at_rest
from .nics import glance


def converge_topology(
    host: Hypervisor,
    wanted: Wanted,
    policy: Policy,
    rehearse: bool,
    patience: float,
    about_to: Callable[[list[Outcome]], object] = list,
) -> Outcomes:
    """Brings networks and NICs to their wanted state, all or none; as _converge.converge() does it for networks."""
    rest = at_rest(host, wanted.networks, policy)
    if rest is not None:
        nics = [glance(host, one) for one in wanted.guests]
        if not any(one.plan.steps or one.plan.problems for one in nics):
            return [*rest, *nics]
    from .topology_transaction import prepare, transact

    if rehearse:
        return prepare(host, wanted, policy, wanted.bridges)
    networks, guests = [one.name for one in wanted.networks], [one.guest for one in wanted.guests]
    with host.lock(networks, patience, guests):
        return transact(host, wanted, policy, about_to)
