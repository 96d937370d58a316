# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter behind the role host_bridge: from bridges and a host as it is to what is to be done."""

from __future__ import annotations

DOCUMENTATION = r"""
name: host_bridge_plan
short_description: Work out what bridges need on a host
version_added: 0.1.0
description:
  - >-
    Compares bridges with what a host has, and works out the files or profiles of the host's network provider that make
    them. The role P(virtfleet.network.host_bridge#role) uses it.
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
    choices: [networkmanager, networkd, netplan, ifupdown, nmstate]
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
      words, the C(files) with their paths and texts, the C(profiles) of NetworkManager, the C(state) for nmstate, and
      the C(head) of the script that guards the change.
  type: dict
"""

from collections.abc import Mapping, Sequence
from typing import Any, Callable

from ansible.module_utils.common.yaml import yaml_dump, yaml_load

from ansible_collections.virtfleet.network.plugins.module_utils._bridge_documents import NETPLAN
from ansible_collections.virtfleet.network.plugins.module_utils._bridge_files import NOTE
from ansible_collections.virtfleet.network.plugins.module_utils._bridge_guard import guard_head
from ansible_collections.virtfleet.network.plugins.module_utils._bridge_look import host_of
from ansible_collections.virtfleet.network.plugins.module_utils._bridge_plan import bridge_plan

# A port of a bridge with STP is deaf for half a minute.
STP_SECONDS = 60


def host_bridge_plan(
    bridges: Sequence[Mapping[str, Any]],
    look: str,
    provider: str | None = None,
    targets: Sequence[str] = (),
    timeout: int = 60,
) -> dict[str, Any]:
    """The filter."""
    plan = bridge_plan(_plain(bridges), host_of(look, yaml_load), provider)
    if plan["problems"]:
        return plan
    texts = {**plan["texts"], **{path: _text(path, data) for path, data in plan["documents"].items()}}
    files = [{"path": path, "text": text, "mode": _mode(path)} for path, text in sorted(texts.items())]
    plan["state"] = _dump(plan["state"]) if plan["state"] else ""
    plan["checks"] += [["target", target] for target in targets]
    patience = timeout + (STP_SECONDS if any(bridge.get("stp") for bridge in bridges) else 0)
    return {
        **{name: plan[name] for name in ("problems", "provider", "steps", "profiles", "state")},
        "changed": plan["drifted"] or bool(files) or bool(plan["state"]),
        "files": files,
        "timeout": patience,
        "head": guard_head(plan, files, patience),
    }


def _plain(value: Any) -> Any:
    """The same without what Ansible marks values with, which YAML cannot write."""
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    kinds = (bool, int, str)
    return next((kind(value) for kind in kinds if isinstance(value, kind)), None)


def _text(path: str, document: Mapping[str, Any] | None) -> str | None:
    note = NOTE if path.startswith(NETPLAN) else ""
    return None if document is None else note + _dump(document)


def _dump(data: Mapping[str, Any]) -> str:
    return str(yaml_dump(dict(data), sort_keys=False))


def _mode(path: str) -> str:
    return "0600" if path.endswith(".yaml") else "0644"


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filter by its name."""
        return {"host_bridge_plan": host_bridge_plan}
