# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network filters of guests' NICs: what is wrong with one, and which one drops a packet. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .._nics.demands import filter_problems
from .._nics.nics import mac_of
from .._values.host_facts import Scene
from .._values.way import Hop, Verdict
from .._xml.fields import Spec
from .findings import Finding
from .trip import Trip, ends

# The chains that libvirt makes for the filter of a tap; the place of a rule begins with family and table.
CHAIN = re.compile(r"\w+ \w+ (?:libvirt-|[FH])?[IOJPS]-(vnet\d+)\b")


def broken(domain: str, nic: Spec, scene: Scene) -> Iterator[Finding]:
    """A filter that is missing, or refers to one that is, or lacks a parameter."""
    for why in filter_problems(nic, scene.filters) if scene.filters is not None else ():
        network = str(nic.get("source", {}).get("network", ""))
        yield Finding("nic_filter", network, f"guest {domain!r}: {why}", domain, mac_of(nic))


def dropped(trip: Trip, place: str, verdict: Verdict) -> Hop | None:
    """The end of a packet that a rule of a filter drops, None where another one does."""
    chain = CHAIN.match(verdict.rule)
    if chain is None:
        return None
    nics = [one for one in (trip.who, trip.peer) if one is not None and one.tap == chain[1]]
    names = [one.nic.get("filterref", {}).get("filter", "") for one in nics]
    whose = f" {names[0]!r} of guest {nics[0].domain!r}" if nics and names[0] else f" of {chain[1]}"
    return ends(place, "", "filter_drops", f"network filter{whose} drops packets: {verdict.rule}")
