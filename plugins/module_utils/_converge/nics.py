# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The conductor for a guest's NICs: as for networks, observe, plan, lock, plan again, apply, verify, put back."""

from __future__ import annotations

from collections.abc import Sequence

from .._errors.errors import InvalidNicsError, NetworkError, VerifyError
from .._nics.nics import interfaces, mac_of, spec_of
from .._nics.place import placed
from .._nics.plan import plan_nics
from .._values.host import GuestHost
from .._values.nic_steps import Around, DesiredNics, NicOutcome, NicStep, report
from .._values.observed import ObservedGuest
from .together import Part, again, carry_out


def converge_nics(host: GuestHost, desired: DesiredNics, rehearse: bool, patience: float) -> NicOutcome:
    """Brings the NICs of a guest to their wanted state, all or none; with ``rehearse`` only says what that would do."""
    outcome = glance(host, desired)
    if not (outcome.plan.steps or outcome.plan.problems):
        return outcome
    if rehearse:
        return prepare(desired, _observed(host, desired), around_of(host))

    def attempt() -> NicOutcome:
        outcome = prepare(desired, _observed(host, desired), around_of(host))
        return carry_out([part_of(host, outcome)], lambda: verified(host, [outcome]))[0]

    with host.lock([], patience, [desired.guest]):
        return again(attempt)


def glance(host: GuestHost, desired: DesiredNics) -> NicOutcome:
    """Whether there is anything to do, found out with little work. Raises InvalidNicsError when there is no guest."""
    guest = _observed(host, desired)
    return NicOutcome(desired, plan_nics(desired, guest, None), guest)


def prepare(desired: DesiredNics, guest: ObservedGuest, around: Around) -> NicOutcome:
    """The plan, checked. Raises InvalidNicsError with every problem."""
    from .._nics.checks import checked

    plan = checked(plan_nics(desired, guest, around), around)
    if plan.problems:
        raise InvalidNicsError(desired.guest, plan.problems)
    return NicOutcome(desired, plan, guest)


def _observed(host: GuestHost, desired: DesiredNics) -> ObservedGuest:
    guest = host.observe_guest(desired.guest)
    if not guest.exists:
        raise InvalidNicsError(desired.guest, [*desired.problems, "there is no such guest: define it first"])
    return guest


def around_of(host: GuestHost) -> Around:
    """What there is around NICs."""
    networks = {network.name: network for network in host.networks()}
    return Around(
        networks, host.devices(), host.version(), macs_of(host.all_guests()), (), host.filters(), host.driver()
    )


def macs_of(guests: Sequence[ObservedGuest]) -> dict[str, str]:
    """Who has which MAC address."""
    nics = ((guest.name, one) for guest in guests for xml in (guest.saved, guest.live) for one in interfaces(xml))
    return {mac_of(spec_of(one)): name for name, one in nics}


def part_of(host: GuestHost, outcome: NicOutcome) -> Part:
    """The plan for a guest, to be carried out."""

    def apply(step: NicStep) -> None:
        host.apply_nic(placed(step, host.observe_guest(step.guest)))

    return Part(outcome.plan.steps, apply, lambda _tried, _error: _put_back(host, outcome.desired, outcome.before))


def verified(host: GuestHost, outcomes: Sequence[NicOutcome]) -> list[NicOutcome]:
    """What has become of the NICs. Raises VerifyError where something is left to do."""
    changed = [one for one in outcomes if one.plan.steps]
    around = around_of(host) if changed else None
    for desired in (one.desired for one in changed):
        plan = plan_nics(desired, host.observe_guest(desired.guest), around)
        left = [row["path"] for row in report(plan.steps)] or plan.problems
        if left:
            raise VerifyError(
                f"Cannot bring the NICs of guest {desired.guest!r} to the wanted state: libvirt took the change "
                f"without an error but did not keep {', '.join(dict.fromkeys(left))}"
            )
    return list(outcomes)


def _put_back(host: GuestHost, desired: DesiredNics, before: ObservedGuest) -> str:
    """Restores the NICs and says how that went."""
    from .._nics.restore import plan_back

    name = f"guest {before.name!r}"
    try:
        around = around_of(host)
        steps = plan_back(before, host.observe_guest(before.name), around, desired.unplug_timeout)
        for step in steps:
            host.apply_nic(step)
        left = plan_back(before, host.observe_guest(before.name), around, desired.unplug_timeout)
    except NetworkError as failure:
        next_run = "run the task again when libvirt answers, it does the rest"
        was = before.saved or before.live
        return f"the NICs of {name} could not be put back ({failure}); {next_run}; its definition was: {was!r}"
    if left:
        paths = ", ".join(dict.fromkeys(row["path"] for row in report(left)))
        return f"the NICs of {name} could not be put back entirely ({paths} differ)"
    note = f"the NICs of {name} were {'put back as they were' if steps else 'not changed'}"
    if before.live and not before.devices:
        note += ", as far as libvirt knows: which bridges their taps are on can only be seen on the hypervisor itself"
    return note
