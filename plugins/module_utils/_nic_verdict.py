# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a running NIC is really connected, and if not, why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ansible_collections.virtfleet.network.plugins.module_utils._fields import Spec
from ansible_collections.virtfleet.network.plugins.module_utils._nic_live import has_bridge
from ansible_collections.virtfleet.network.plugins.module_utils._state import Device, Observed
from ansible_collections.virtfleet.network.plugins.module_utils._target import mode, spec_of

# The one that all ports of Open vSwitch have for a bridge in the kernel's eyes.
OVS = "ovs-system"


class Verdict(NamedTuple):
    """``connected`` is None when it cannot be told; ``reason`` says why not, or why it cannot; ``bridge`` is the one
    that the tap is on."""

    connected: bool | None
    reason: str = ""
    bridge: str = ""


def verdict(nic: Spec, tap: str, networks: Mapping[str, Observed], devices: Mapping[str, Device] | None) -> Verdict:
    """What can be said of a running NIC with that tap."""
    bridge = next((name for name, device in (devices or {}).items() if tap in device.ports), "")
    reason = _network_reason(nic, networks) or (
        "its link is down" if nic.get("link", {}).get("state") == "down" else ""
    )
    if reason:
        return Verdict(False, reason, bridge)
    kind = _kind(nic, networks)
    if kind not in ("network", "bridge", "direct", "ethernet"):
        return Verdict(None, f"a NIC of type {kind} has nothing on the hypervisor to look at")
    expected = _expected(nic, networks)
    if not tap:
        return Verdict(False, "it has no tap")
    if devices is None:
        return Verdict(None, "the hypervisor's devices cannot be seen from here")
    return Verdict(*_tap(tap, bridge, expected, devices), bridge)


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
    given = mode(spec_of(networks[name].live)) if name else ""
    return given if given == "hostdev" else str(nic.get("type", ""))


def _expected(nic: Spec, networks: Mapping[str, Observed]) -> str | None:
    """The bridge that the NIC belongs on, None when it belongs on none."""
    source = nic.get("source", {})
    if source.get("network"):
        network = networks[source["network"]]
        return str(spec_of(network.live).get("bridge", {}).get("name", "")) if has_bridge(network) else None
    return str(source["bridge"]) if source.get("bridge") else None


def _tap(tap: str, bridge: str, expected: str | None, devices: Mapping[str, Device]) -> tuple[bool, str]:
    if tap not in devices:
        return False, f"its tap {tap} is gone"
    if expected is None or bridge == OVS:
        return True, ""
    if expected not in devices:
        return False, f"there is no bridge {expected}"
    if not bridge:
        return False, f"its tap {tap} is on no bridge, it belongs on {expected}"
    if bridge != expected:
        return False, f"its tap {tap} is on bridge {bridge}, it belongs on {expected}"
    return (True, "") if devices[bridge].ports[tap] else (False, f"its tap {tap} has no carrier")
