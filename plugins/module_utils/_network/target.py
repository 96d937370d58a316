# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the definition that is wanted, on the one that there is."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Callable

from .._schema.network import NETWORK
from .._values.desired import Desired, Edit, Tally
from .._values.mode import is_managed
from .._values.observed import Observed
from .._xml.codec import Element, etree, parse, read_xml
from .._xml.fields import Spec
from .._xml.overlay import completed, overlay, remembered

if TYPE_CHECKING:
    from .._xml.diff import Change

NOTHING = "<network/>"
# What tells in a network's metadata which topology made it.
OWNER = "https://github.com/virtfleet/virtfleet.network/topology"
# What libvirt generates for its own bridge, and refuses in a mode that uses one of the host's (networkValidate).
OWN_BRIDGE = {"mac": ("address",), "bridge": ("stp", "delay", "zone")}


def definition(xml: str) -> Element:
    """The tree of a definition, without the devices that the live XML lists below the <pf> they were derived from."""
    root = read_xml(xml)
    forward = root.find("forward[pf]")
    for child in () if forward is None else (*forward.findall("interface"), *forward.findall("address")):
        forward.remove(child)
    return root


@functools.lru_cache(maxsize=1024)
def spec_of(xml: str) -> Spec:
    """The spec of a definition, empty for "". It is shared by all that ask for it: not to be changed."""
    return parse(definition(xml), NETWORK) if xml else {}


@functools.lru_cache(maxsize=1024)
def pending(live: str, saved: str) -> tuple[Change, ...]:
    """What the next start of a network changes; nothing where it does not run."""
    from .._xml.diff import differences

    return tuple(differences(definition(live), definition(saved), NETWORK, spec_of(live))) if live else ()


@functools.lru_cache(maxsize=8)
def _edit_of(edit: Callable[..., Edit], xml: str, other: str) -> Edit:
    return edit(spec_of(xml), spec_of(other))


def build(desired: Desired, base: str, other: str = "") -> tuple[Element, bool]:
    """The wanted definition as a tree, and for a spec whether it differs from ``base`` at all; ``other`` is the live
    config where the base is the persistent one, and the other way round."""
    root = definition(base or NOTHING)
    have = spec_of(base)
    if desired.xml:
        whole = read_xml(desired.xml)
        spec = parse(whole, NETWORK)
        own = is_managed(spec) and is_managed(have)
        missing = remembered(tuple(row for row in NETWORK if own or row.option not in OWN_BRIDGE), have, spec)
        overlay(whole, NETWORK, spec, {**missing, **_mark(desired, base, spec)})
        return whole, True
    if desired.edit:
        wanted = _edit_of(desired.edit, base, other).spec
    else:
        model = spec_of(other)
        named = {"name": desired.name, **desired.spec, **_new_bridge(desired, have or model)}
        wanted = completed(NETWORK, named, have, model)
    edited = overlay(root, NETWORK, have, {**wanted, **_mark(desired, base, {**have, **wanted})})
    if edited:
        _drop_own_bridge(root, have, desired.spec)
    return root, edited


def _new_bridge(desired: Desired, have: Spec) -> Spec:
    """The bridge with its default name, for a network that has none of its own: one that exists keeps the name."""
    if not desired.bridge or (is_managed(have) and have.get("bridge", {}).get("name")):
        return {}
    return {"bridge": {"name": desired.bridge, **desired.spec.get("bridge", {})}}


def owner(xml: str) -> str:
    """The topology that made the network of a definition, "" when none did."""
    mark = read_xml(xml).find(f"metadata/{{{OWNER}}}topology") if OWNER in xml else None
    return "" if mark is None else str(mark.get("name"))


def _mark(desired: Desired, base: str, spec: Spec) -> Spec:
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


def objections(desired: Desired, observed: Observed) -> list[str]:
    """What is wrong with what was written, and what speaks against the entries that are wanted of a network."""
    found = list(desired.problems)
    if desired.edit and not observed.saved:
        found.append("there is no such network: create it first, with virt_network")
    for edit in _edits(desired, observed):
        found += edit.problems
    return list(dict.fromkeys(found))


def _edits(desired: Desired, observed: Observed) -> list[Edit]:
    saved = observed.saved if observed.persistent else ""
    pairs = [(xml, other) for xml, other in ((saved, observed.live), (observed.live, saved)) if xml]
    return [_edit_of(desired.edit, *pair) for pair in pairs] if desired.edit else []


def tally(desired: Desired, observed: Observed, restart_required: bool = False) -> Tally:
    """What becomes of each entry, in the persistent or the live config: what changes in one of them has changed. What
    the live one gets only with a restart, this task does not do."""
    tallies = [edit.tally for edit in _edits(desired, observed)]
    seen: set[str] = set()
    columns: list[list[str]] = []
    if restart_required:
        tallies = tallies[: int(observed.persistent)]
    for column in zip(*tallies):
        labels = [label for label in dict.fromkeys(label for part in column for label in part) if label not in seen]
        seen.update(labels)
        columns.append(labels)
    return Tally(*columns) if columns else Tally([], [], [], [])
