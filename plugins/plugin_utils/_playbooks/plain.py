# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values as nothing but plain dictionaries and lists, or as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def plain(value: Any) -> Any:
    """A copy in which nothing is shared and nothing waits to be evaluated: since ansible-core 2.19, what Ansible has is
    worked out whenever it is read."""
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    return [plain(one) for one in value] if isinstance(value, (list, tuple)) else value


def as_json(templar: Any, value: Any) -> str | None:
    """A variable's value as JSON; None where Ansible has to evaluate it first, be it a template, a text of Ansible
    Vault's, or a date. ``templar``: that of a lookup."""
    if templar.is_template(value):
        return None
    try:
        return json.dumps(value)
    except (TypeError, ValueError):
        return None
