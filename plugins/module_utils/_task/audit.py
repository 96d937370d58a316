# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The glue of the module that compares a hypervisor with what was asked of it."""

from __future__ import annotations

import json
from typing import Any

from ansible.module_utils.common.parameters import remove_values

from .._audit.comparison import without_metadata
from .._audit.survey import survey
from .._hypervisor.snapshot import Snapshot
from .networks import run_info
from .task import Module
from .topology import desired_topology, topology_options


def run_audit() -> None:
    """Runs the module that compares a hypervisor with what was asked of it."""

    def describe(gateway: Snapshot, module: Module) -> dict[str, Any]:
        told: dict[str, Any] = without_metadata(survey(gateway, desired_topology(module.params, gateway)))
        if not module.params["as_text"]:
            return told
        # Without secrets already, as they look otherwise in JSON.
        text = json.dumps(remove_values(told, module.no_log_values))
        return {"as_asked": told["as_asked"], "text": text}

    run_info({**topology_options(), "as_text": {"type": "bool", "default": False}}, describe, Snapshot)
