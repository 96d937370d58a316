# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The glue of the module that finds out what is wrong."""

from __future__ import annotations

from typing import Any

from .._diagnosis.check import check
from .._errors.errors import LibvirtError
from .._hypervisor.client import ask
from .._hypervisor.gateway import leads_here
from .._hypervisor.snapshot import Snapshot
from .._hypervisor.without_libvirt import Files
from .networks import run_info
from .task import Module


def run_check() -> None:
    """Runs the module that finds out what is wrong."""
    options = {
        "network": {"type": "list", "elements": "str", "aliases": ["networks"], "default": []},
        "domain": {"type": "list", "elements": "str", "aliases": ["domains"], "default": []},
        "probe": {"type": "bool", "default": False},
    }

    def describe(gateway: Snapshot | Files, module: Module) -> dict[str, Any]:
        params = module.params
        may_ask = params["probe"] and not module.check_mode
        return check(gateway, params["network"], params["domain"], ask if may_ask else None)

    run_info(options, describe, Snapshot, instead=_files)


def _files(uri: str, error: LibvirtError) -> Files | None:
    """What stands in for a libvirt of this machine that does not answer."""
    return Files(str(error)) if error.is_down and leads_here(uri) else None
