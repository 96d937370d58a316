# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wanted of a guest's NICs, the steps to it, and the plan that they make. No behaviour but how it reads."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import Any, NamedTuple, Union

from .._xml.definition import Definition
from .._xml.fields import Spec
from .observed import Device, Observed, ObservedGuest
from .steps import Item


class WantedNic(NamedTuple):
    """A NIC that is wanted, or that is to go; ``name`` is what to call it before one knows which it is."""

    name: str
    spec: Spec
    present: bool = True


class DesiredNics(NamedTuple):
    """What is wanted of a guest's NICs; ``apply``: live_and_config, live or config; ``exclusive``: no others;
    ``replace``: one of a running guest may be unplugged for a change; ``unplug_timeout``: for how long a guest may
    hold on."""

    guest: str
    nics: tuple[WantedNic, ...] = ()
    exclusive: bool = False
    apply: str = "live_and_config"
    replace: bool = False
    unplug_timeout: float = 30
    problems: tuple[str, ...] = ()


class Around(NamedTuple):
    """What else there is: networks by name, the host's devices (None: they cannot be seen from here), libvirt's
    version, and who has which MAC address; ``gone``: networks that the same task removes; ``filters``: network
    filters by name (None: they are not known); ``driver``: libvirt's for these guests."""

    networks: Mapping[str, Observed]
    devices: Mapping[str, Device] | None
    version: int
    macs: Mapping[str, str]
    gone: Container[str] = ()
    filters: Mapping[str, Spec] | None = None
    driver: str = "QEMU"


class Attach(NamedTuple):
    """Plug a NIC in; ``scope`` is live or saved."""

    guest: str
    items: tuple[Item, ...]
    interface: Definition
    scope: str


class Change(NamedTuple):
    """Change a NIC in place."""

    guest: str
    items: tuple[Item, ...]
    interface: Definition
    scope: str


class Detach(NamedTuple):
    """Take a NIC away; a running guest, which knows it by its ``alias``, has so many ``seconds`` to let go of it."""

    guest: str
    items: tuple[Item, ...]
    interface: Definition
    scope: str
    alias: str = ""
    seconds: float = 0


class Reconnect(NamedTuple):
    """Put a running NIC's tap on the bridge that libvirt believes it is on: for libvirt itself there is nothing to
    do."""

    guest: str
    items: tuple[Item, ...]
    tap: str
    bridge: str
    isolated: bool
    scope: str = "live"


class Redefine(NamedTuple):
    """Give a persistent config these interfaces at once, where it has ``base``; ``parts`` are the steps that this
    stands for, ``boots`` what is wanted in <os> (None: what is there)."""

    guest: str
    parts: tuple[OneNicStep, ...]
    base: tuple[Definition, ...]
    interfaces: tuple[Definition, ...]
    boots: tuple[str, ...] | None = None
    scope: str = "saved"


OneNicStep = Union[Attach, Change, Detach, Reconnect]
NicStep = Union[OneNicStep, Redefine]
_ACTIONS = {Attach: "attach", Change: "update", Detach: "detach", Reconnect: "reconnect"}


class PlannedNic(NamedTuple):
    """A NIC that is present afterwards: its spec in each definition, None where it is not; whether its MAC address was
    chosen here; whether it is newly plugged in, so that its guest has to ask for an address."""

    live: Spec | None
    saved: Spec | None
    generated: bool = False
    moved: bool = False


class NicChange(NamedTuple):
    """What becomes of a NIC in a definition, live or saved: its specs, None where it is not there."""

    scope: str
    before: Spec | None
    after: Spec | None


class NicPlan(NamedTuple):
    """The steps from what is to what is wanted, what they do, NIC by NIC, and which NICs are present afterwards."""

    guest: str
    steps: tuple[NicStep, ...] = ()
    nic_changes: tuple[NicChange, ...] = ()
    nics: tuple[PlannedNic, ...] = ()
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()

    def rows(self) -> list[dict[str, Any]]:
        """The steps as users see them."""
        return report(self.steps)


def report(steps: Iterable[NicStep]) -> list[dict[str, Any]]:
    """The steps as users see them in a result: one dictionary for each thing that changes."""
    parts = [part for step in steps for part in (step.parts if isinstance(step, Redefine) else (step,))]
    return [
        {"guest": part.guest, "action": _ACTIONS[type(part)], **item._asdict()} for part in parts for item in part.items
    ]


class NicOutcome(NamedTuple):
    """What became of a guest's NICs: what was wanted, the plan that was (or would be) carried out, and the guest before
    it."""

    desired: DesiredNics
    plan: NicPlan
    before: ObservedGuest

    @property
    def name(self) -> str:
        """The guest's."""
        return self.desired.guest
