# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The next free address of a network, as a task of virt_dhcp_host would choose it now."""

from __future__ import annotations

import contextlib
from typing import NamedTuple

from ...module_utils._entries.free import IDENTITIES, Search, addressed
from ...module_utils._entries.lists import DHCP_HOST, WantedEntry
from ...module_utils._errors.errors import PlanError
from ...module_utils._hypervisor.gateway import Gateway
from ...module_utils._xml.codec import normalise
from .reading import require_libraries


class Asked(NamedTuple):
    """For whom an address is looked for, by the fields of a reservation, and where."""

    mac: str | None
    id: str | None
    name: str | None
    auto_subnet: str | None
    auto_ranges: str


def free_address(uri: str, seconds: float, network: str, asked: Asked) -> str:
    """The address; raises NetworkError."""
    require_libraries()
    entry, problems = normalise(DHCP_HOST.row.rows, {name: getattr(asked, name) for name in IDENTITIES})
    if problems:
        raise PlanError(f"Cannot look for a free address: {'; '.join(problems)}")
    with contextlib.closing(Gateway(uri, True, seconds)) as gateway:
        there = gateway.observe(network)
        if not there.saved:
            raise PlanError(f"Cannot look for a free address at {uri}: there is no network {network!r}")
        specs = [one.spec for one in (there.saved, there.live) if one]
        search = Search(asked.auto_subnet or "", asked.auto_ranges, lambda: gateway.leases(network))
        found = addressed([WantedEntry(entry, auto=True)], specs, search)
    if found.problems:
        raise PlanError(f"Cannot find a free address of network {network!r}: {found.problems[0]}")
    return str(found.wanted[0].entry["ip"])
