# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks as a resource of the conductor: all that is loaded where they are already up to date."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Callable

from .._values.desired import Desired, Policy
from .._values.observed import Observed
from .._values.outcome import Outcome, Plan
from .target import objections, targets

if TYPE_CHECKING:
    from .._values.host import Host
    from .operations import NetworkOperations


class Networks:
    """Wanted networks. ``bridges``: those of the host that exist by then, so that they need not be there yet in a dry
    run; ``explain`` says why a network does not start."""

    kind = "network"

    def __init__(
        self,
        host: Host,
        wanted: Sequence[Desired],
        policy: Policy,
        bridges: Sequence[str] = (),
        explain: Callable[[Host, str], str] = lambda _host, _network: "",
    ) -> None:
        self.host, self.wanted, self.policy = host, wanted, policy
        self._bridges, self._explain = bridges, explain
        self.names = [desired.name for desired in wanted]

    def up_to_date(self) -> list[Outcome] | None:
        """The outcomes where certainly nothing is left to do for all networks, else None."""
        # Guests that an earlier restart has disconnected are looked for only where their NICs may be moved.
        users = self.host.guests() if self.policy.restart == "replug" else {}
        outcomes: list[Outcome] = []
        for desired in self.wanted:
            observed = self.host.observe(desired.name)._replace(guests=users.get(desired.name))
            plan = quick_plan(desired, observed)
            if plan is None:
                return None
            outcomes.append(Outcome(desired, plan, observed, observed))
        return outcomes

    def operations(self, dry_run: bool) -> NetworkOperations:
        """What plans and changes them, in one attempt."""
        from .operations import NetworkOperations

        bridges = self._bridges if dry_run else ()
        return NetworkOperations(self.host, self.wanted, self.policy, bridges, self._explain)


def has_disconnected_nics(observed: Observed) -> bool:
    """Whether a running guest has lost its connection to the network, as far as that was asked for."""
    return any(nic.state == "disconnected" for guest in observed.guests or () for nic in guest.nics)


def quick_plan(desired: Desired, observed: Observed) -> Plan | None:
    """The plan without any step where certainly nothing is left to do for a network, found out with the least work."""
    plan = Plan(observed.name, before=observed.saved, after=observed.saved)
    if not desired.present:
        return None if observed.saved else plan
    if desired.xml or not observed.saved or desired.active not in (None, observed.active):
        return None
    if desired.restarted or observed.parking or has_disconnected_nics(observed):
        return None
    if desired.autostart not in (None, observed.autostart) or not (observed.persistent or desired.edit):
        return None
    aims = targets(desired, observed)
    if aims.saved.differs or aims.live.differs or objections(desired, observed, aims):
        return None
    return plan._replace(targets=aims)
