# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What libvirt can change of a NIC while its guest runs, and what of a running NIC is its network's.

Read in libvirt 9.0 (qemuDomainChangeNet, virDomainNetAllocateActualDevice) and seen with 7.0 to 12.8.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping

from .._values.mode import is_managed, mode
from .._values.nic_steps import Around
from .._values.observed import Observed
from .._xml.diff import Change as Difference
from .._xml.fields import Spec

# Not trust_guest_rx_filters: libvirt takes it without an error, and forgets it (9.0).
_ANY_TYPE = ("link", "bandwidth", "vlan", "filterref", "coalesce", "port")
_COMPARED = ("bandwidth", "vlan", "filterref", "coalesce", "port")
_MOVES = ("type", "source.network", "source.portgroup", "source.bridge")
# From then on libvirt refuses to change the portgroup; before, it did it.
_FIXED_PORTGROUP = 10006000
# What a running NIC has from its network or portgroup, where it says nothing itself.
CONTRIBUTED = ("bandwidth", "vlan", "virtualport", "trust_guest_rx_filters")


def in_place(path: str, have: Spec, want: Spec, around: Around | None) -> bool:
    """Whether libvirt changes an option of a running NIC without unplugging it."""
    if path.split(".", maxsplit=1)[0] in _ANY_TYPE:
        return True
    if path == "source.portgroup" and around and not (around.version < _FIXED_PORTGROUP and _kept(have, want, around)):
        return False
    return path in _MOVES and _on_a_bridge(have, around) and _on_a_bridge(want, around)


def _kept(have: Spec, want: Spec, around: Around) -> bool:
    """Whether libvirt keeps the new definition: only when it finds something else to do, of the NIC's own or of its
    portgroup."""
    if _source(have) != _source(want):
        return True
    there, wanted = ({**contributed(nic, around.networks), **nic} for nic in (have, want))
    return any(there.get(name) != wanted.get(name) for name in _COMPARED)


def _source(nic: Spec) -> object:
    return [nic.get("source", {}).get(name) for name in ("network", "bridge")]


def findable(changes: Iterable[Difference]) -> bool:
    """Whether libvirt finds the NIC of a definition after these changes of what it looks for: virDomainNetFindIdx."""
    return not any(
        change.path == "mac.address"
        or change.path.startswith("address.")
        or (change.path.startswith("alias.") and change.before is not None)
        for change in changes
    )


def _on_a_bridge(nic: Spec, around: Around | None) -> bool:
    """Whether the NIC has a tap that can be moved to another bridge; macvtap and devices of the host cannot."""
    if nic.get("type") == "bridge":
        return True
    network = around.networks.get(nic.get("source", {}).get("network", "")) if around else None
    return nic.get("type") == "network" and (network is None or has_bridge(network))


def has_bridge(network: Observed) -> bool:
    """Whether NICs of a network are taps on a bridge."""
    spec = (network.live or network.saved).spec
    return is_managed(spec) or (mode(spec) == "bridge" and bool(spec.get("bridge")))


def contributed(nic: Spec, networks: Mapping[str, Observed]) -> Spec:
    """What a NIC's network or portgroup adds to it while it runs."""
    source = nic.get("source", {})
    network = networks.get(source.get("network", ""))
    spec = network.live.spec if network else {}
    groups = spec.get("portgroups", [])
    group: Spec = next(
        (one for one in groups if one.get("name") == source.get("portgroup")),
        next((one for one in groups if "portgroup" not in source and one.get("default")), {}),
    )
    return {name: holder[name] for name in CONTRIBUTED for holder in (spec, group) if holder.get(name)}


def own(nic: Spec, networks: Mapping[str, Observed], but: Container[str] = ()) -> Spec:
    """A running NIC without what its network adds to it, but for these options."""
    added = contributed(nic, networks)
    return {name: value for name, value in nic.items() if name in but or name not in added or added[name] != value}
