# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a running NIC is really connected: the one judgement, of whatever facts there are. Pure."""

from __future__ import annotations

from typing import NamedTuple

# The one that all ports of Open vSwitch have for a bridge in the kernel's eyes.
OVS = "ovs-system"


class Seen(NamedTuple):
    """A device as the hypervisor itself sees it: whether it is there, its bridge ("" for none), whether it has a
    carrier, and whether the bridge keeps it apart from its other isolated ports."""

    there: bool
    bridge: str = ""
    carrier: bool = True
    isolated: bool = False


class Plug(NamedTuple):
    """What is known of a running NIC.

    ``tap``: its device on the hypervisor, which ``seen`` describes, None where that cannot be seen; ``belongs``:
    the bridge that it belongs on, None for none; ``counted``: whether libvirt has a port for it, None where that is
    unknown; ``hindrance``: why its network carries nobody; ``down``: whether its link is set down.
    """

    tap: str = ""
    belongs: str | None = None
    seen: Seen | None = None
    counted: bool | None = None
    hindrance: str = ""
    down: bool = False


def judge(plug: Plug) -> tuple[str, str]:
    """How a NIC is (see _state.Nic), and why."""
    if plug.hindrance:
        return "disconnected", plug.hindrance
    if plug.counted is False:
        return "disconnected", "libvirt has no port for it: the network was restarted without restart=replug"
    lost = _lost(plug)
    if lost:
        return lost
    if plug.down:
        return "link_down", "its link is down"
    if plug.seen is None and not plug.counted:
        return "unknown", "the hypervisor's devices cannot be seen from here"
    if plug.seen and plug.belongs is not None and plug.seen.bridge != OVS and not plug.seen.carrier:
        return "broken", f"its tap {plug.tap} has no carrier"
    return "connected", ""


def _lost(plug: Plug) -> tuple[str, str] | None:
    """What the hypervisor itself sees amiss with the tap."""
    if plug.seen is None:
        return None
    if not plug.tap:
        return "broken", "it has no tap"
    if not plug.seen.there:
        return "broken", f"its tap {plug.tap} is gone"
    if plug.belongs is None or plug.seen.bridge in (plug.belongs, OVS):
        return None
    where = f"bridge {plug.seen.bridge}" if plug.seen.bridge else "no bridge"
    return "disconnected", f"its tap {plug.tap} is on {where}, it belongs on {plug.belongs}"
