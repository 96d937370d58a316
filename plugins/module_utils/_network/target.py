# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the definition that is wanted, on the one that there is."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .._schema.network import NETWORK, NetworkDefinition
from .._values.desired import Desired, Target, Targets
from .._values.mode import is_managed
from .._values.observed import Observed
from .._xml.codec import Element, etree, parse
from .._xml.definition import ABSENT, Definition
from .._xml.fields import Spec
from .._xml.overlay import completed, overlay, remembered

if TYPE_CHECKING:
    from .._xml.diff import Change

NOTHING = NetworkDefinition("<network/>")
# What says in a network's metadata which topology made it.
OWNER = "https://github.com/virtfleet/virtfleet.network/topology"
# What libvirt generates for its own bridge, and refuses in a mode that uses one of the host's (networkValidate).
OWN_BRIDGE = {"mac": ("address",), "bridge": ("stp", "delay", "zone")}


def pending(live: Definition, saved: Definition) -> list[Change]:
    """What the next start of a network changes; nothing where it does not run."""
    from .._xml.diff import compare

    return compare(live, saved) if live else []


def targets(desired: Desired, observed: Observed) -> Targets:
    """What a network is to be."""
    saved = build(desired, observed.saved, observed.live)
    return Targets(saved, build(desired, observed.live, observed.saved) if observed.active else Target())


def build(desired: Desired, base: Definition, other: Definition = ABSENT) -> Target:
    """What a definition is to be, made of the one that there is; ``other`` is the live config where the base is the
    persistent one, and the other way round."""
    have = base.spec
    if desired.xml:
        whole, spec = copy.deepcopy(desired.xml.tree), desired.xml.spec
        own = is_managed(spec) and is_managed(have)
        missing = remembered(tuple(row for row in NETWORK if own or row.option not in OWN_BRIDGE), have, spec)
        overlay(whole, NETWORK, spec, {**missing, **_mark(desired, base, spec)})
        return Target(NetworkDefinition(tree=whole), True)
    edit = desired.edit(have, other.spec) if desired.edit else None
    wanted = edit.spec if edit else _wanted(desired, have, other.spec)
    root = copy.deepcopy((base or NOTHING).tree)
    if not overlay(root, NETWORK, have, {**wanted, **_mark(desired, base, {**have, **wanted})}):
        return Target(base or NOTHING, False, edit)
    _drop_own_bridge(root, have, desired.spec)
    return Target(NetworkDefinition(tree=root), True, edit)


def _wanted(desired: Desired, have: Spec, other: Spec) -> Spec:
    named = {"name": desired.name, **desired.spec, **_new_bridge(desired, have or other)}
    return completed(NETWORK, named, have, other)


def _new_bridge(desired: Desired, have: Spec) -> Spec:
    """The bridge with its default name, for a network that has none of its own: one that exists keeps the name."""
    if not desired.bridge or (is_managed(have) and have.get("bridge", {}).get("name")):
        return {}
    return {"bridge": {"name": desired.bridge, **desired.spec.get("bridge", {})}}


def owner(definition: Definition) -> str:
    """The topology that made the network of a definition, "" when none did."""
    mark = definition.tree.find(f"metadata/{{{OWNER}}}topology") if OWNER in definition.text else None
    return "" if mark is None else str(mark.get("name"))


def _mark(desired: Desired, base: Definition, spec: Spec) -> Spec:
    """The metadata with the mark of the topology that makes a network or once made it."""
    text = spec.get("metadata", "")
    if not desired.topology or OWNER in text or (base and owner(base) != desired.topology):
        return {}
    mark = etree.Element(f"{{{OWNER}}}topology", {"name": desired.topology}, {"virtfleet": OWNER})
    return {"metadata": text + etree.tostring(mark, method="c14n").decode()}


def _drop_own_bridge(root: Element, have: Spec, wanted: Mapping[str, Any]) -> None:
    """Takes away what libvirt generated for a bridge of its own when the mode no longer has one."""
    if is_managed(parse(root, NETWORK)) or not is_managed(have):
        return
    for tag, names in OWN_BRIDGE.items():
        for child in root.findall(tag):
            for name in ("name", *names):
                if name not in wanted.get(tag, {}):
                    child.attrib.pop(name, None)
            if not child.attrib:
                root.remove(child)


def objections(desired: Desired, observed: Observed, aims: Targets) -> list[str]:
    """What is wrong with what was written, and what speaks against the entries that are wanted of a network."""
    found = list(desired.problems)
    if desired.edit and not observed.saved:
        found.append("there is no such network: create it first, with virt_network")
    for edit in aims.edits(observed.persistent):
        found += edit.problems
    return list(dict.fromkeys(found))
