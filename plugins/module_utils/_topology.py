# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The conductor for networks together with the NICs of guests on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Callable, NamedTuple, Protocol, Union

from ansible_collections.virtfleet.network.plugins.module_utils._converge import Host, Outcome, at_rest
from ansible_collections.virtfleet.network.plugins.module_utils._nic_converge import GuestHost, NicOutcome, glance
from ansible_collections.virtfleet.network.plugins.module_utils._nic_steps import DesiredNics
from ansible_collections.virtfleet.network.plugins.module_utils._state import Desired, Policy


class Hypervisor(Host, GuestHost, Protocol):
    """A host and its guests."""


class Wanted(NamedTuple):
    """Networks and guests' NICs as they shall be; ``bridges``: those of the host that are made before, so that they
    need not be there yet for a rehearsal."""

    networks: Sequence[Desired]
    guests: Sequence[DesiredNics] = ()
    bridges: Sequence[str] = ()


Outcomes = list[Union[Outcome, NicOutcome]]


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
    from ansible_collections.virtfleet.network.plugins.module_utils._topology_transaction import prepare, transact

    if rehearse:
        return prepare(host, wanted, policy, wanted.bridges)
    networks, guests = [one.name for one in wanted.networks], [one.guest for one in wanted.guests]
    with host.lock(networks, patience, guests):
        return transact(host, wanted, policy, about_to)
