# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The glue of the modules for single entries of a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._entries import options as _entries
from . import networks as _module

if TYPE_CHECKING:
    from .._entries.lists import Collection
    from .._hypervisor.gateway import Gateway
    from .._values.resource import Resource
    from .task import Module


def run_entries(kind: Collection) -> None:
    """Runs a module for the entries of one list of a network."""

    def job(module: Module, gateway: Gateway) -> list[Resource]:
        desired = _entries.desired_entries(kind, module.params, lambda: gateway.leases(module.params["network"]))
        return [_module.networks_of(gateway, [desired], module.params)]

    _module.run_job(
        {**_entries.entry_options(kind), **_module.CHANGE},
        job,
        lambda run: {**_module.network_result(run), "entries": _entries.entry_changes(run.outcomes[0])._asdict()},
        **_entries.entry_rules(kind),
    )
