# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a guest's NICs as a plan makes them: by themselves, and where they are to be plugged in."""

from __future__ import annotations

from collections.abc import Iterator

from .._errors.errors import Caution
from .._values.check import Context
from .._values.nic_steps import Around, NicChange, NicPlan
from .._xml.fields import Spec
from .demands import demands
from .interface_checks import interface_remarks
from .nics import label, mac_of, source_of

UNCHECKED_HOST = "the hypervisor's own bridges and devices were not checked, because this task does not run on it"


def checked(plan: NicPlan, around: Around) -> NicPlan:
    """The plan with everything that is wrong, or worth a warning; what was wrong before is no reason to refuse it."""
    problems, warnings = list(plan.problems), list(plan.warnings)
    for nic_change in plan.nic_changes:
        if nic_change.after is None:
            continue
        before, context = nic_change.before, Context(around.version, around.driver, label(nic_change.after))
        old = interface_remarks(before, context) if before is not None else []
        found = interface_remarks(nic_change.after, context)
        problems += [one for one in found if one not in old and not isinstance(one, Caution)]
        warnings += [one for one in found if isinstance(one, Caution)]
        if before is None or _plugged(before) != _plugged(nic_change.after):
            problems += _unknown(nic_change.after, around)
            missing = list(_missing(nic_change.after, around))
            (problems if nic_change.scope == "live" else warnings).extend(missing)
        problems += _taken(nic_change, plan, around)
        known = list(demands(before, around)) if before is not None else []
        refused = [one for one in demands(nic_change.after, around) if one not in known]
        (problems if nic_change.scope == "live" else warnings).extend(refused)
        warnings += _shared_mac(nic_change, plan.guest, around)
    for spec in (spec for nic in plan.nics for spec in (nic.live, nic.saved) if spec is not None):
        if _network_of(spec) in around.gone:
            problems.append(f"{label(spec)}: this task removes network {_network_of(spec)!r}")
    # What forbids a change of the running guest is no news for its persistent config.
    others = [one for one in dict.fromkeys(warnings) if one not in problems]
    unchecked = (UNCHECKED_HOST,) if around.devices is None and plan.steps else ()
    return plan._replace(problems=tuple(dict.fromkeys(problems)), warnings=tuple(others), unchecked=unchecked)


def _plugged(nic: Spec) -> object:
    return source_of(nic), nic.get("source", {}).get("portgroup")


def _network_of(nic: Spec) -> str:
    return str(nic.get("source", {}).get("network", ""))


def _unknown(nic: Spec, around: Around) -> Iterator[str]:
    """libvirt takes any names, and refuses the network's when the guest starts; a portgroup's it ignores."""
    name, group = _network_of(nic), nic.get("source", {}).get("portgroup")
    if not name or name in around.gone:
        return
    network = around.networks.get(name)
    if network is None:
        there = ", ".join(sorted(around.networks)) or "none"
        yield f"{label(nic)}: there is no network {name!r} (there is: {there})"
        return
    groups = [one.get("name") for one in (network.live or network.saved).spec.get("portgroups", [])]
    if group and group not in groups:
        there = ", ".join(map(str, groups)) or "none"
        yield f"{label(nic)}: network {name!r} has no portgroup {group!r} (it has: {there})"


def _missing(nic: Spec, around: Around) -> Iterator[str]:
    """What a running NIC cannot do without."""
    source = nic.get("source", {})
    network = around.networks.get(_network_of(nic))
    bridge, device = source.get("bridge"), source.get("dev") if nic.get("type") == "direct" else None
    if network is not None and not network.active:
        yield (
            f"{label(nic)}: network {network.name!r} is not active, and a NIC of a running guest needs it: start it "
            "first, with virt_network"
        )
    elif network is not None:
        spec = network.live.spec
        bridge = spec.get("bridge", {}).get("name")
    # Any device will do: Open vSwitch's are no bridges of the kernel's.
    if bridge and around.devices is not None and bridge not in around.devices:
        yield f"{label(nic)}: the hypervisor has no bridge {bridge!r}: create it first"
    if device and around.devices is not None and device not in around.devices:
        yield f"{label(nic)}: the hypervisor has no network device {device!r}"


def _taken(nic_change: NicChange, plan: NicPlan, around: Around) -> Iterator[str]:
    """A tap gets the name that is asked for only while nothing has it."""
    before = [one.before or {} for one in plan.nic_changes if one.scope == nic_change.scope == "live"]
    own = {None, *(nic.get("target", {}).get("dev") for nic in before)}
    name = (nic_change.after or {}).get("target", {}).get("dev")
    if nic_change.scope == "live" and name not in own and name in (around.devices or {}):
        where = f"target.dev of {label(nic_change.after or {})}"
        yield f"{where}: the hypervisor has an interface {name!r}: choose another name"


def _shared_mac(nic_change: NicChange, guest: str, around: Around) -> Iterator[str]:
    mac = mac_of(nic_change.after or {})
    owner = around.macs.get(mac, guest)
    if owner != guest and mac != mac_of(nic_change.before or {}):
        yield f"Guest {owner!r} has a NIC with the MAC address {mac}, too"
