# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of the elements that networks, portgroups and guests' interfaces have in common."""

from __future__ import annotations

from ansible_collections.virtfleet.network.plugins.module_utils import _kinds as kind
from ansible_collections.virtfleet.network.plugins.module_utils._fields import Spec, attr, element, fields, many


def _implied_trunk(vlan: Spec) -> Spec:
    """Several tags, or a native one, make a trunk (virNetDevVlanParse)."""
    tags = vlan.get("tags", [])
    return {**vlan, "trunk": True} if len(tags) > 1 or any("native_mode" in tag for tag in tags) else vlan


RATE = (
    attr("average", kind.integer(1, 2**32 - 1)),
    attr("peak", kind.integer(1, 2**32 - 1)),
    attr("floor", kind.integer(1, 2**32 - 1)),
    attr("burst", kind.integer(1, 2**32 - 1)),
)
VLAN = element(
    "vlan",
    attr("trunk", kind.YES, assumed=False),
    many(
        "tag",
        attr("id", kind.integer(0, 4095)),
        attr("nativeMode", kind.choice("tagged", "untagged")),
        key=fields("id"),
    ),
    implied=_implied_trunk,
)
VIRTUALPORT = element(
    "virtualport",
    attr("type", kind.choice("802.1Qbg", "802.1Qbh", "openvswitch", "midonet")),
    element(
        "parameters",
        attr("managerid", kind.integer(0, 255, c_notation=True)),
        attr("typeid", kind.integer(0, 2**24 - 1, c_notation=True)),
        attr("typeidversion", kind.integer(0, 255, c_notation=True)),
        attr("instanceid", kind.UUID),
        attr("profileid", kind.PROFILE),
        attr("interfaceid", kind.UUID),
    ),
)
BANDWIDTH = element(
    "bandwidth",
    attr("classID", kind.integer(1, 2**32 - 1), option="class_id", reported=True),
    element("inbound", *RATE),
    element("outbound", *RATE),
)
CONNECTIONS = attr("connections", kind.integer(0, 2**32 - 1), reported=True)
