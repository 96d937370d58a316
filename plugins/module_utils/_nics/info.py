# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What users read about the NICs of guests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._schema.interface import INTERFACE
from .._values.host import Inspected
from .._values.observed import Observed, ObservedGuest
from .._xml.diff import differences
from .._xml.fields import Spec
from .live import own
from .nics import Nic, alias_of, interfaces, mac_of, nics_of, render, tap_of
from .verdict import Sights, Verdict, connection, known


def guests(gateway: Inspected, names: Sequence[str], agent: bool) -> list[dict[str, Any]]:
    """The NICs of the named guests, or of all when no name is given; names of none are left out."""
    found = [gateway.observe_guest(name) for name in dict.fromkeys(names)] if names else gateway.all_guests()
    networks = {network.name: network for network in gateway.networks()}
    sights = Sights(networks, gateway.devices(), known(gateway.guests()))
    return [_described(gateway, guest, sights, agent) for guest in found if guest.exists]


def _described(gateway: Inspected, guest: ObservedGuest, sights: Sights, agent: bool) -> dict[str, Any]:
    elements = interfaces(guest.live)
    addresses = gateway.addresses(guest.name, agent) if elements else {}
    shown = []
    for nic in nics_of(guest):
        tap = tap_of(elements[nic.live_at]) if nic.live is not None else ""
        seen = connection(nic.live, tap, sights) if nic.live is not None else unplugged(guest)
        shown.append(
            {
                **nic_summary(nic, sights.networks),
                "tap": tap,
                **seen._asdict(),
                "addresses": [one._asdict() for one in addresses.get(mac_of(nic.live or {}), [])],
                "counters": gateway.counters(guest.name, tap) if tap else {},
            }
        )
    return {
        "name": guest.name,
        "uuid": guest.uuid,
        "running": bool(guest.live),
        "persistent": bool(guest.saved),
        "nics": shown,
    }


def unplugged(guest: ObservedGuest) -> Verdict:
    """What is said of a NIC that does not run."""
    return Verdict(
        False, "it is only in the persistent config, and not plugged in" if guest.live else "the guest does not run"
    )


def nic_summary(nic: Nic, networks: Mapping[str, Observed]) -> dict[str, Any]:
    """A NIC with the spec that would change nothing, and what waits for the guest's next start."""
    saved = nic.saved
    live = None if nic.live is None else own(nic.live, networks, saved or ())
    spec = dict(saved if saved is not None else live or {})
    if saved is not None and live is not None and saved.get("address") != live.get("address"):
        # One that was plugged in while the guest ran may have another place until the next start.
        spec.pop("address", None)
    return {
        "mac": nic.mac,
        "alias": alias_of(spec),
        "spec": spec,
        "live": nic.live is not None,
        "saved": saved is not None,
        "live_spec": live or {},
        "pending": _pending(live, saved) if live is not None and saved is not None else [],
        "link": (nic.live or spec).get("link", {}).get("state", "up"),
    }


def _pending(live: Spec, saved: Spec) -> list[dict[str, Any]]:
    """What the next start of the guest would change."""
    changes = differences(render(live), render(saved), INTERFACE)
    return [
        {"path": change.path, "live": change.before, "saved": change.after}
        for change in changes
        # What libvirt generates may be another one each time.
        if not (change.path.startswith("address.") or (change.row and change.row.generated and change.after is None))
    ]
