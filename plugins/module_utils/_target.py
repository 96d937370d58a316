# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the definition that is wanted, on the one that there is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.virtfleet.network.plugins.module_utils._codec import Element, Rows, parse, read_xml
from ansible_collections.virtfleet.network.plugins.module_utils._fields import Spec
from ansible_collections.virtfleet.network.plugins.module_utils._network_xml import MANAGED_MODES, NETWORK
from ansible_collections.virtfleet.network.plugins.module_utils._overlay import overlay
from ansible_collections.virtfleet.network.plugins.module_utils._state import Desired

NOTHING = "<network/>"
# What libvirt makes up for its own bridge, and refuses in a mode that uses one of the host's (networkValidate).
OWN_BRIDGE = {"mac": ("address",), "bridge": ("stp", "delay", "zone")}


def definition(xml: str) -> Element:
    """The tree of a definition, without the devices that the live XML lists below the <pf> they were derived from."""
    root = read_xml(xml)
    forward = root.find("forward[pf]")
    for child in () if forward is None else (*forward.findall("interface"), *forward.findall("address")):
        forward.remove(child)
    return root


def build(desired: Desired, base: str) -> tuple[Element, bool]:
    """The wanted definition as a tree, and for a spec whether it differs from ``base`` at all."""
    root = definition(base or NOTHING)
    have = parse(root, NETWORK)
    if desired.xml:
        wanted = read_xml(desired.xml)
        spec = parse(wanted, NETWORK)
        overlay(wanted, NETWORK, spec, _missing(NETWORK, spec, have, not (_managed(spec) and _managed(have))))
        return wanted, True
    edited = overlay(root, NETWORK, have, {"name": desired.name, **desired.spec})
    return root, _drop_own_bridge(root, have, desired.spec) or edited


def mode(spec: Spec) -> str:
    """The forward mode of a network's spec: "" for an isolated one."""
    return str(spec.get("forward", {}).get("mode", ""))


def _managed(spec: Spec) -> bool:
    return (mode(spec) or None) in MANAGED_MODES


def _missing(rows: Rows, spec: Spec, have: Spec, foreign: bool) -> Spec:
    """What libvirt once made up for this network and the wanted definition is silent about."""
    found: Spec = {}
    for row in rows:
        if row.option not in have or (foreign and row.option in OWN_BRIDGE):
            continue
        if row.form == "element":
            inner = _missing(row.rows, spec.get(row.option, {}), have[row.option], foreign)
            found.update({row.option: inner} if inner else {})
        elif row.made_up and row.assumed is None and row.option not in spec:
            found[row.option] = have[row.option]
    return found


def _drop_own_bridge(root: Element, have: Spec, wanted: Mapping[str, Any]) -> bool:
    """Takes away what libvirt made up for a bridge of its own when the mode no longer has one."""
    if _managed(parse(root, NETWORK)) or not _managed(have):
        return False
    for tag, names in OWN_BRIDGE.items():
        for child in root.findall(tag):
            for name in ("name", *names):
                if name not in wanted.get(tag, {}):
                    child.attrib.pop(name, None)
            if not child.attrib:
                root.remove(child)
    return True
