# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A source of events for rulebooks: what happens to networks and guests of one or many hypervisors."""

from __future__ import annotations

DOCUMENTATION = r"""
name: events
short_description: What happens to networks and guests of libvirt hypervisors
version_added: 1.0.0
description:
  - >-
    Watches one or many hypervisors, over libvirt's read-only connection, which needs no privileges: networks and
    guests that are defined, changed, started, stopped and removed, and hypervisors that are lost and come back.
  - >-
    libvirt has no event for some changes, like those of C(virsh net-update) and C(virsh net-autostart). So all of a
    hypervisor is looked at every O(interval) seconds, and after each new connection, and compared with what it was.
  - A hypervisor that hangs or is lost holds up nobody else. It is connected again as soon as it answers.
  - C(docs/guides/events.md) describes events, with rulebooks.
author:
  - virtfleet maintainers (@virtfleet)
requirements:
  - libvirt-python and lxml, in the Python of ansible-rulebook
options:
  hypervisors:
    description:
      - >-
        The hypervisors, each a URI of libvirt, or a dictionary with C(uri) and C(name). The name is that of the
        hypervisor in the inventory: playbooks are limited to it. It is the host of the URI when it is not given, and
        C(local) when there is none.
    type: list
    elements: raw
    required: true
  watch:
    description: What of them is watched.
    type: list
    elements: str
    choices: [networks, guests]
    default: [networks, guests]
  interval:
    description: The seconds between two looks at all of a hypervisor.
    type: float
    default: 30
  timeout:
    description: How many seconds libvirt may take for an answer before its hypervisor counts as unreachable.
    type: float
    default: 20
  retry:
    description: The seconds between two attempts to connect, at most. The first ones are half a second apart.
    type: float
    default: 60
"""

EXAMPLES = r"""
- name: Networks that somebody changes
  hosts: all
  sources:
    - virtfleet.network.events:
        hypervisors:
          - qemu+ssh://root@hv1.example/system
          - name: hv2
            uri: qemu+ssh://root@192.0.2.2/system
  rules:
    - name: Show it
      condition: event.kind == "network"
      action:
        debug:
          msg: "{{ event.name }} on {{ event.hypervisor }}: {{ event.what }}"
"""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

if not __package__:
    # ansible-rulebook runs this file by its path, and knows no collections that Python could import.
    _root = ModuleType("virtfleet_network")
    _root.__path__ = [str(Path(__file__).parents[4])]
    sys.modules.setdefault(_root.__name__, _root)
    __package__ = f"{_root.__name__}.extensions.eda.plugins.event_source"

from .....plugins.plugin_utils._events.source import watch


async def main(queue: Any, args: dict[str, Any]) -> None:
    """What ansible-rulebook calls."""
    await watch(queue, args)
