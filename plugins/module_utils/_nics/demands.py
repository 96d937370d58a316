# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a NIC demands of where it is plugged in. Pure.

libvirt saves it in any case, and refuses it when it plugs the NIC in or starts the guest.

In libvirt 9.0: virDomainActualNetDefValidate, networkCheckBandwidth, virNWFilterInstantiateFilter.
"""

from __future__ import annotations

from collections.abc import Iterator

from .._nwfilter.references import Filters, dangling, lacking
from .._values.mode import is_managed, mode
from .._values.nic_steps import Around
from .._xml.fields import Spec
from .nics import label

# From then on bridges of the kernel tag, too.
_TAGGING_BRIDGES = 11000000


def demands(nic: Spec, around: Around) -> Iterator[str]:
    """What libvirt would refuse of a NIC that it plugs in, each with the reason."""
    network = around.networks.get(nic.get("source", {}).get("network", ""))
    there = (network.live or network.saved).spec if network else {}
    if network is not None or nic.get("type") != "network":
        yield from _vlan(nic, there, around.version)
    if network is not None:
        yield from _floor(nic, there)
    if around.filters is not None:
        yield from filter_problems(nic, around.filters)


def filter_problems(nic: Spec, filters: Filters) -> Iterator[str]:
    """libvirt refuses a filter that is not there, refers to one that is not, or lacks a parameter."""
    reference = nic.get("filterref", {})
    name = reference.get("filter")
    if name and name not in filters:
        known = ", ".join(sorted(filters)) or "none"
        yield f"filterref.filter of {label(nic)}: there is no filter {name!r} (there is: {known})"
    elif name:
        for other in dangling(filters, name):
            yield f"filterref.filter of {label(nic)}: {name!r} refers to filter {other!r}, which is not there"
        given = {one.get("name", ""): one.get("value", "") for one in reference.get("parameters", [])}
        for missing in lacking(filters, name, given):
            yield f"filterref.parameters of {label(nic)}: filter {name!r} needs {missing}: give it a value"


def _vlan(nic: Spec, network: Spec, version: int) -> Iterator[str]:
    if not nic.get("vlan", {}).get("tags"):
        return
    source, group = nic.get("source", {}), nic.get("source", {}).get("portgroup")
    groups = [one for one in network.get("portgroups", []) if one.get("name") == group]
    holders = [nic, network, *groups]
    switched = any(one.get("virtualport", {}).get("type") == "openvswitch" for one in holders)
    kind = _kind(nic, network)
    passing = "passthrough" in (source.get("mode"), mode(network))
    allowed = kind == "hostdev" or (kind == "direct" and passing)
    if not (allowed or (kind == "bridge" and (switched or version >= _TAGGING_BRIDGES))):
        newer = " (libvirt 11.0.0 can on a bridge of the host)" if kind == "bridge" else ""
        yield f"vlan of {label(nic)}: libvirt cannot tag there{newer}, only with Open vSwitch, SR-IOV or passthrough"


def _kind(nic: Spec, network: Spec) -> str:
    """The type that a NIC has while it runs."""
    if nic.get("type") != "network":
        return str(nic.get("type", ""))
    if mode(network) == "hostdev":
        return "hostdev"
    if is_managed(network):
        return "network"
    return "bridge" if network.get("bridge") else "direct"


def _floor(nic: Spec, network: Spec) -> Iterator[str]:
    if "floor" not in nic.get("bandwidth", {}).get("inbound", {}):
        return
    name = f"bandwidth.inbound.floor of {label(nic)}"
    if not is_managed(network):
        yield f"{name}: only a network with a bridge of its own can guarantee it"
    elif not network.get("bandwidth", {}).get("inbound"):
        yield f"{name}: the network has no bandwidth.inbound to give it from: set that first, with virt_network"
