# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What users read about networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .._values.observed import Guest, Observed
from .target import pending

if TYPE_CHECKING:
    from .._values.host import Host


def summary(observed: Observed) -> dict[str, Any]:
    """A network's state, and the spec that would change nothing."""
    spec = observed.saved.spec
    return {
        "name": observed.name,
        "state": "present" if observed.saved else "absent",
        "active": observed.active,
        "autostart": observed.autostart,
        "persistent": observed.persistent,
        "uuid": spec.get("uuid", ""),
        "bridge": spec.get("bridge", {}).get("name", ""),
        "spec": spec,
    }


def networks(gateway: Host, names: Sequence[str]) -> list[dict[str, Any]]:
    """Everything about the named networks, or about all when no name is given; names of none are left out."""
    found = [gateway.observe(name) for name in dict.fromkeys(names)] if names else gateway.networks()
    users = gateway.guests()
    return [_everything(gateway, network, users.get(network.name, ())) for network in found if network.saved]


def _everything(gateway: Host, network: Observed, users: Sequence[Guest]) -> dict[str, Any]:
    result, live = summary(network), network.live.spec
    return {
        **result,
        "xml": network.saved.text,
        "live_xml": network.live.text,
        "live_spec": live,
        "pending": [
            {"path": change.path, "live": change.before, "saved": change.after}
            for change in pending(network.live, network.saved)
        ],
        "leases": [lease._asdict() for lease in gateway.leases(network.name)] if network.active else [],
        "guests": [_guest(guest) for guest in users if not guest.later],
    }


def _guest(guest: Guest) -> dict[str, Any]:
    nics = [nic._asdict() for nic in guest.nics]
    return {"name": guest.name, "running": guest.running, "macs": guest.macs, "nics": nics}
