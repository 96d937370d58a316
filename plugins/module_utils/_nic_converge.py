# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The conductor for a guest's NICs: as for networks, observe, plan, lock, plan again, apply, verify, put back."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from ansible_collections.virtfleet.network.plugins.module_utils._errors import (
    ApplyError,
    InvalidNicsError,
    NetworkError,
    VerifyError,
)
from ansible_collections.virtfleet.network.plugins.module_utils._nic_place import placed
from ansible_collections.virtfleet.network.plugins.module_utils._nic_plan import plan_nics
from ansible_collections.virtfleet.network.plugins.module_utils._nic_steps import (
    Around,
    DesiredNics,
    NicPlan,
    NicStep,
    report,
)
from ansible_collections.virtfleet.network.plugins.module_utils._nics import interfaces, mac_of, spec_of
from ansible_collections.virtfleet.network.plugins.module_utils._state import Device, Observed, ObservedGuest


class GuestHost(Protocol):
    """What the conductor needs of a hypervisor for guests; the gateway, or a fake."""

    def observe_guest(self, name: str) -> ObservedGuest:
        """A guest as it is."""

    def all_guests(self) -> list[ObservedGuest]:
        """All guests."""

    def networks(self) -> list[Observed]:
        """All networks."""

    def devices(self) -> dict[str, Device] | None:
        """The hypervisor's devices, None when they cannot be seen from here."""

    def version(self) -> int:
        """libvirt's version."""

    def apply_nic(self, step: NicStep) -> None:
        """Carries out one step."""

    def lock(self, names: Sequence[str], seconds: float, kind: str = "network") -> AbstractContextManager[None]:
        """Holds guests against other tasks."""


class NicOutcome(NamedTuple):
    """What became of a guest's NICs: the plan that was, or would be, carried out, and the guest before it."""

    plan: NicPlan
    before: ObservedGuest


def converge_nics(host: GuestHost, desired: DesiredNics, rehearse: bool, patience: float) -> NicOutcome:
    """Brings the NICs of a guest to their wanted state, all or none; with ``rehearse`` only says what that would do."""
    guest = _observed(host, desired)
    plan = plan_nics(desired, guest, None)
    if not (plan.steps or plan.problems):
        return NicOutcome(plan, guest)
    if rehearse:
        return _prepare(host, desired)
    with host.lock([desired.guest], patience, "guest"):
        return _transact(host, desired)


def _prepare(host: GuestHost, desired: DesiredNics) -> NicOutcome:
    """The plan, checked. Raises InvalidNicsError with every problem."""
    from ansible_collections.virtfleet.network.plugins.module_utils._nic_checks import checked

    guest = _observed(host, desired)
    around = _around(host)
    plan = checked(plan_nics(desired, guest, around), around)
    if plan.problems:
        raise InvalidNicsError(desired.guest, plan.problems)
    return NicOutcome(plan, guest)


def _observed(host: GuestHost, desired: DesiredNics) -> ObservedGuest:
    guest = host.observe_guest(desired.guest)
    if not guest.exists:
        raise InvalidNicsError(desired.guest, [*desired.problems, "there is no such guest: define it first"])
    return guest


def _around(host: GuestHost) -> Around:
    macs: dict[str, str] = {}
    for guest in host.all_guests():
        for xml in (guest.saved, guest.live):
            macs.update({mac_of(spec_of(one)): guest.name for one in interfaces(xml)})
    return Around({network.name: network for network in host.networks()}, host.devices(), host.version(), macs)


def _transact(host: GuestHost, desired: DesiredNics) -> NicOutcome:
    outcome = _prepare(host, desired)
    tried = False
    try:
        for step in outcome.plan.steps:
            tried = True
            host.apply_nic(placed(step, host.observe_guest(desired.guest)))
        if tried:
            _verify(host, desired)
    except BaseException as error:
        note = _put_back(host, desired, outcome.before) if tried else ""
        if not isinstance(error, NetworkError) or not note:
            raise
        raise ApplyError(f"{error}; {note}") from error
    return outcome


def _verify(host: GuestHost, desired: DesiredNics) -> None:
    plan = plan_nics(desired, host.observe_guest(desired.guest), _around(host))
    left = [row["path"] for row in report(plan.steps)] or plan.problems
    if left:
        raise VerifyError(
            f"Cannot bring the NICs of guest {desired.guest!r} to the wanted state: libvirt took the change without an "
            f"error but did not keep {', '.join(dict.fromkeys(left))}"
        )


def _put_back(host: GuestHost, desired: DesiredNics, before: ObservedGuest) -> str:
    """Restores the NICs and says how that went."""
    from ansible_collections.virtfleet.network.plugins.module_utils._nic_restore import plan_back

    name = f"guest {before.name!r}"
    try:
        around = _around(host)
        steps = plan_back(before, host.observe_guest(before.name), around, desired.unplug_timeout)
        for step in steps:
            host.apply_nic(step)
        left = plan_back(before, host.observe_guest(before.name), around, desired.unplug_timeout)
    except NetworkError as failure:
        return f"the NICs of {name} could not be put back ({failure}); its saved definition was: {before.saved!r}"
    if left:
        paths = ", ".join(dict.fromkeys(row["path"] for row in report(left)))
        return f"the NICs of {name} could not be put back entirely ({paths} differ)"
    return f"the NICs of {name} were {'put back as they were' if steps else 'not changed'}"
