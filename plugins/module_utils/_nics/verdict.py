# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a running NIC is really connected, and if not, why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from .._values.connection import OVS, Plug, Seen, judge
from .._values.mode import mode
from .._values.observed import Device, Guest, Observed
from .._values.observed import Nic as Plugged
from .._xml.fields import Spec
from .live import has_bridge


class Verdict(NamedTuple):
    """``connected`` is None when that is unknown; ``reason`` says why not, or why it cannot; ``bridge`` is the one
    that the tap is on."""

    connected: bool | None
    reason: str = ""
    bridge: str = ""


class Sights(NamedTuple):
    """What a NIC is judged by: the networks by name, the hypervisor's devices (None: unseen), and the NICs of which
    libvirt knows more, by their taps."""

    networks: Mapping[str, Observed]
    devices: Mapping[str, Device] | None
    known: Mapping[str, Plugged]


def known(users: Mapping[str, Iterable[Guest]]) -> dict[str, Plugged]:
    """The NICs of running guests by their taps: only libvirt knows who has a port on its network, and who waits for a
    restart."""
    nics = (nic for guests in users.values() for guest in guests for nic in guest.nics)
    return {nic.device: nic for nic in nics if nic.device and nic.state != "unknown"}


def connection(nic: Spec, tap: str, sights: Sights) -> Verdict:
    """All that can be said of a running NIC with that tap."""
    found = verdict(nic, tap, sights.networks, sights.devices)
    plugged = sights.known.get(tap)
    return found if plugged is None else found._replace(connected=plugged.state == "connected", reason=plugged.why)


def verdict(nic: Spec, tap: str, networks: Mapping[str, Observed], devices: Mapping[str, Device] | None) -> Verdict:
    """What its network and the hypervisor's devices say of a running NIC with that tap."""
    bridge = next((name for name, device in (devices or {}).items() if tap in device.ports), "")
    hindrance = _network_reason(nic, networks)
    kind = "" if hindrance else _kind(nic, networks)
    if kind not in ("", "network", "bridge", "direct", "ethernet"):
        return Verdict(None, f"a NIC of type {kind} has nothing on the hypervisor to look at")
    belongs = None if hindrance else _expected(nic, networks)
    if belongs is not None and devices is not None and not {belongs, OVS} & set(devices):
        hindrance = f"there is no bridge {belongs}"
    seen = None
    if devices is not None:
        seen = Seen(tap in devices, bridge, not bridge or devices[bridge].ports[tap])
    down = nic.get("link", {}).get("state") == "down"
    state, reason = judge(Plug(tap, belongs, seen, None, hindrance, down))
    return Verdict(None if state == "unknown" else state == "connected", reason, bridge)


def _network_reason(nic: Spec, networks: Mapping[str, Observed]) -> str:
    name = nic.get("source", {}).get("network")
    if not name:
        return ""
    if name not in networks:
        return f"there is no network {name!r}"
    return "" if networks[name].active else f"network {name!r} is not active"


def _kind(nic: Spec, networks: Mapping[str, Observed]) -> str:
    """The type of a NIC, as its network makes it."""
    name = nic.get("source", {}).get("network")
    given = mode(networks[name].live.spec) if name else ""
    return given if given == "hostdev" else str(nic.get("type", ""))


def _expected(nic: Spec, networks: Mapping[str, Observed]) -> str | None:
    """The bridge that the NIC belongs on, None when there is none that the kernel has to know, as with Open vSwitch."""
    if nic.get("virtualport"):
        return None
    source = nic.get("source", {})
    if source.get("network"):
        network = networks[source["network"]]
        return str(network.live.spec.get("bridge", {}).get("name", "")) if has_bridge(network) else None
    return str(source["bridge"]) if source.get("bridge") else None
