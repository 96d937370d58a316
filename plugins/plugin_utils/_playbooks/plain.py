# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values as nothing but plain dictionaries and lists, or as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

OVERRIDE = '"#jinja2:'  # the beginning of a text that names delimiters of its own


def plain(value: Any) -> Any:
    """A copy in which nothing is shared and nothing waits to be evaluated: since ansible-core 2.19, what Ansible has is
    worked out whenever it is read."""
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    return [plain(one) for one in value] if isinstance(value, (list, tuple)) else value


def as_json(templar: Any, value: Any) -> str | None:
    """A variable's value as JSON; None where Ansible has to evaluate it first, be it a template, a text of Ansible
    Vault's, or a date. ``templar``: that of a lookup."""
    try:
        text = json.dumps(value)
    except (TypeError, ValueError):
        return None
    # Not is_template(): inside of another template, ansible-core 2.19 does not look into a list for it.
    return None if templar.is_possibly_template(text) or OVERRIDE in text else text
