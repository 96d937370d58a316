# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The conductor: observe, plan, and unless it is a rehearsal lock, plan again, apply, verify, put back on failure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Callable

from .._network.target import build, objections
from .._values.desired import Desired, Policy
from .._values.host import Host
from .._values.observed import Observed
from .._values.outcome import Outcome, Plan


def converge(
    host: Host,
    wanted: Sequence[Desired],
    policy: Policy,
    rehearse: bool,
    patience: float,
    about_to: Callable[[list[Outcome]], object] = list,
) -> list[Outcome]:
    """Brings networks to their wanted state, all or none; with ``rehearse`` only says what that would do. The outcomes
    are in the order in which that is done.

    ``patience``: seconds to wait for a lock; ``about_to`` is called with the plans before the first step. Raises a
    NetworkError; what was changed by then has been put back.
    """
    rest = at_rest(host, wanted, policy)
    if rest is not None:
        return rest
    from .transaction import prepare, transact

    if rehearse:
        return prepare(host, wanted, policy)
    with host.lock([desired.name for desired in wanted], patience):
        return transact(host, wanted, policy, about_to)


def at_rest(host: Host, wanted: Sequence[Desired], policy: Policy) -> list[Outcome] | None:
    """The outcomes where all networks certainly are as they shall be, else None."""
    # Guests that an earlier restart has cut off are looked for only where their NICs may be moved.
    users = host.guests() if policy.restart == "replug" else {}
    observed = [host.observe(desired.name)._replace(guests=users.get(desired.name)) for desired in wanted]
    if not all(map(settled, wanted, observed)):
        return None
    return [
        Outcome(desired, Plan(one.name, before=one.saved, after=one.saved), one, one)
        for desired, one in zip(wanted, observed)
    ]


def stranded(observed: Observed) -> bool:
    """Whether a running guest has lost its connection to the network, as far as that was asked for."""
    return any(nic.state == "cut_off" for guest in observed.guests or () for nic in guest.nics)


def settled(desired: Desired, observed: Observed) -> bool:
    """Whether a network is certainly as it shall be already, found out with the least work."""
    if not desired.present:
        return not observed.saved
    if desired.xml or not observed.saved or desired.active not in (None, observed.active):
        return False
    if desired.bounce or observed.parking or stranded(observed):
        return False
    if desired.autostart not in (None, observed.autostart) or not (observed.persistent or desired.edit):
        return False
    if objections(desired, observed):
        return False
    pairs = ((observed.saved, observed.live), (observed.live, observed.saved))
    return not any(build(desired, xml, other)[1] for xml, other in pairs if xml)
