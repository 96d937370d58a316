# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user gave: an option that is null is left out, at every depth, and only what is written as empty is empty."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Callable

_ANY: Mapping[str, Any] = MappingProxyType({})


def given(value: Any, option: Mapping[str, Any] = _ANY, read: Callable[[str], Any] = str) -> Any:
    """A value without nulls. A dictionary or list of nothing but nulls is null itself.

    ``option``: its entry in the argument specification; ``read``: reads the text of a dictionary, as Ansible takes one.
    """
    if isinstance(value, str) and option.get("type") == "dict":
        value = read(value)
    if isinstance(value, Mapping):
        options = option.get("options") or _ANY
        inner = {name: given(one, options.get(name, _ANY), read) for name, one in value.items()}
        kept: Any = {name: one for name, one in inner.items() if one is not None}
    elif isinstance(value, (list, tuple)):
        item = {"type": option.get("elements"), "options": option.get("options")}
        kept = [one for one in (given(one, item, read) for one in value) if one is not None]
    else:
        return value
    return kept if kept or not value else None
