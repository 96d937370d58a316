# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter behind the role host_bridge: from bridges and a host as it is to what is to be done."""

from __future__ import annotations

DOCUMENTATION = r"""
name: host_bridge_plan
short_description: Work out what bridges need on a host
version_added: 1.0.0
description:
  - >-
    Compares bridges with what a host has, and works out the files or profiles of the host's network provider that make
    them. The role P(virtfleet.network.host_bridge#role) uses it.
  - It is a part of this collection's roles, and may change in any release.
author:
  - virtfleet maintainers (@virtfleet)
options:
  _input:
    description:
      - The bridges, as the role's O(virtfleet.network.host_bridge#role:main:host_bridge_bridges) has them.
    type: list
    elements: dict
    required: true
  look:
    description:
      - What the role's C(look.sh) printed on the host.
    type: str
    required: true
  provider:
    description:
      - The provider. If not given, it is the one that manages the ports.
    type: str
    choices: [networkmanager, networkd, netplan, ifupdown]
  targets:
    description:
      - Addresses that have to answer afterwards.
    type: list
    elements: str
    default: []
  timeout:
    description:
      - After how many seconds without a confirmation the change is undone.
    type: int
    default: 60
"""

EXAMPLES = r"""
- name: Whether a bridge can be made
  ansible.builtin.debug:
    var: plan.problems
  vars:
    plan: "{{ [{'name': 'br0', 'port': 'eno1'}] | virtfleet.network.host_bridge_plan(look='') }}"
"""

RETURN = r"""
_value:
  description:
    - >-
      A dictionary with the C(problems), or with the C(provider), whether something is C(changed), the C(steps) in
      words, the C(files) with their paths and texts, which may hold secrets of the host, the C(shown) part of what
      changes in them, the C(timeout) in seconds, and the C(head) of the script that guards the change.
  type: dict
"""

from typing import Any, Callable

from ..plugin_utils._bridges.bridge import wanted
from ..plugin_utils._bridges.guard import guard_head
from ..plugin_utils._bridges.host import host_of
from ..plugin_utils._bridges.options import bridge_options, seconds_option, shown, target_options
from ..plugin_utils._bridges.plan import bridge_plan
from ..plugin_utils._bridges.providers import PROVIDERS, provider_of

# A port of a bridge with STP is deaf for half a minute.
STP_SECONDS = 60


def host_bridge_plan(
    bridges: Any,
    look: str,
    provider: str | None = None,
    targets: Any = (),
    timeout: Any = 60,
) -> dict[str, Any]:
    """The filter."""
    items, problems = bridge_options(bridges)
    hosts, wrong_targets = target_options(targets)
    seconds, wrong_timeout = seconds_option(timeout)
    problems += [*wrong_targets, *wrong_timeout]
    if provider not in (None, *PROVIDERS):
        problems.append(f"host_bridge_provider {shown(provider)} is none of {', '.join(PROVIDERS)}")
    if problems:
        return {"problems": problems, "provider": ""}
    host = host_of(look)
    chosen, problems = provider_of(items, host, provider)
    if problems or not chosen:
        return {"problems": problems, "provider": chosen.name if chosen else ""}
    plan = bridge_plan([wanted(item, host) for item in items], chosen, host)
    patience = seconds + (STP_SECONDS if any(bridge.get("stp") for bridge in items) else 0)
    return {
        "problems": [],
        "provider": chosen.name,
        "steps": plan.steps,
        "changed": plan.changed,
        "files": [file._asdict() for file in plan.files],
        "shown": plan.shown,
        "timeout": patience,
        "head": guard_head(plan, hosts, patience),
    }


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filter by its name."""
        return {"host_bridge_plan": host_bridge_plan}
