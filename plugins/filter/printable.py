# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that makes a text safe for the screen."""

from __future__ import annotations

DOCUMENTATION = r"""
name: printable
short_description: A value as text that is safe for the screen
version_added: 1.0.0
description:
  - >-
    Names come from hypervisors and may be anything. Each character that is not printable, such as a line break of any
    kind, an escape of a terminal or a mark that turns the direction of writing, is written as its number.
  - It is a part of this collection's playbooks, and may change in any release.
author:
  - virtfleet maintainers (@virtfleet)
options:
  _input:
    description: The value. What is not a string is written as JSON, and null as nothing.
    type: raw
    required: true
"""

EXAMPLES = r"""
- name: Show the names of networks
  ansible.builtin.debug:
    msg: "{{ info.networks | map(attribute='name') | map('virtfleet.network.printable') }}"
"""

RETURN = r"""
_value:
  description: The text.
  type: str
  sample: "lan\\x1b[2J"
"""

from collections.abc import Callable
from typing import Any

from ..plugin_utils._reports.words import printable


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filter by its name."""
        return {"printable": printable}
