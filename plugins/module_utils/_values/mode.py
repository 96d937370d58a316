# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The forward mode of a network, and what follows from it alone."""

from __future__ import annotations

from .._xml.codec import Element
from .._xml.fields import Spec

# Modes in which libvirt creates the bridge itself; in the others it only uses what the host has.
MANAGED_MODES = ("", "nat", "route", "open")


def mode(spec: Spec) -> str:
    """The forward mode of a network's spec: "" for an isolated one."""
    return str(spec.get("forward", {}).get("mode", ""))


def mode_of(definition: Element) -> str:
    """The forward mode of a definition: without a word a <forward> means NAT."""
    forward = definition.find("forward")
    return "" if forward is None else str(forward.get("mode", "nat"))


def is_managed(spec: Spec) -> bool:
    """Whether libvirt creates the bridge of a network."""
    return mode(spec) in MANAGED_MODES


def has_firewall(spec: Spec) -> bool:
    """Whether libvirt installs firewall rules for a network."""
    return is_managed(spec) and mode(spec) != "open"
