# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is remembered of a network or guest, and what happened to it between two looks. Pure."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ...module_utils._errors.errors import DefinitionError
from ...module_utils._values.observed import Observed, ObservedGuest
from ...module_utils._xml.codec import write_xml
from ...module_utils._xml.definition import Definition
from ...module_utils._xml.fields import Node

# What people write for people, and other programs for themselves.
_METADATA = ("title", "description", "metadata")
# What of a live definition changes with its users or with each start, without a change by anybody.
_PASSING = {"connections", "portid", "portgroupid"}
_OF_A_START = ("target", "alias", "address")
LENGTH = 16  # of a fingerprint, in hexadecimal digits


class State(NamedTuple):
    """What is remembered: fingerprints of its persistent config, its live config ("" while it does not run) and its
    metadata."""

    uuid: str
    saved: str
    live: str
    metadata: str

    @property
    def active(self) -> bool:
        """Whether it runs."""
        return bool(self.live)

    @property
    def fingerprint(self) -> str:
        """One for all of it."""
        return _fingerprint(*self[1:])


def of_network(network: Observed) -> State | None:
    """What is remembered of a network; None when there is no such network."""
    if not network.saved:
        return None
    saved, metadata, uuid = _parts(network.saved)
    live = _parts(network.live)[0] if network.live else ""
    return State(uuid, _fingerprint(saved, str(network.autostart), str(network.persistent)), live, metadata)


def of_guest(guest: ObservedGuest) -> State | None:
    """What is remembered of a guest: of its definitions, its NICs; None when there is no such guest."""
    if not guest.exists:
        return None
    saved, live = (_nics(one) if one else "" for one in (guest.saved, guest.live))
    return State(guest.uuid, saved, live, _parts(guest.saved or guest.live)[1])


def happened(before: State | None, words: Sequence[str], after: State | None) -> Iterator[str]:
    """What happened between two looks, in libvirt's order; ``words`` is what libvirt said meanwhile: started,
    stopped."""
    if before is None and after is not None and after.saved:
        yield "defined"
    runs = bool(before and before.active)
    for now in (*(word == "started" for word in words), bool(after and after.active)):
        if now != runs:
            yield "started" if now else "stopped"
        runs = now
    if before and after is None:
        yield "removed"
    if before and after:
        if before.saved != after.saved or (before.active and after.active and before.live != after.live):
            yield "changed"
        if before.metadata != after.metadata:
            yield "metadata"


def _parts(definition: Definition) -> tuple[str, str, str]:
    """The fingerprints of a definition without metadata, and of that; the uuid."""
    try:
        root = copy.deepcopy(definition.tree)
    except DefinitionError:  # libvirt does not escape every value
        return _fingerprint(definition.text), "", ""
    uuid, metadata = root.findtext("uuid") or "", []
    for child in [child for child in root if child.tag in _METADATA]:
        metadata.append(_text(child))
        root.remove(child)
    return _fingerprint(_text(root)), _fingerprint(*metadata), uuid


def _nics(definition: Definition) -> str:
    try:
        nics = [copy.deepcopy(nic) for nic in definition.tree.iterfind("devices/interface")]
    except DefinitionError:
        return _fingerprint(definition.text)
    for nic in nics:
        for child in [child for child in nic if child.tag in _OF_A_START]:
            nic.remove(child)
    return _fingerprint(*map(_text, nics))


def _text(node: Node) -> str:
    for one in node.iter():
        for name in _PASSING & set(one.attrib):
            del one.attrib[name]
    return write_xml(node)


def _fingerprint(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode("utf-8", "surrogatepass")).hexdigest()[:LENGTH]
