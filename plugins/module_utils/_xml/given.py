# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user gave: an option that is null is left out, at every depth, and only what is written as empty is empty."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Callable

_ANY: Mapping[str, Any] = MappingProxyType({})


def given(value: Any, option: Mapping[str, Any] = _ANY, read: Callable[[str], Any] = str) -> Any:
    """A value without nulls. A dictionary or list of nothing but nulls is null itself.

    ``option``: its entry in the argument specification; ``read``: reads the text of a dictionary, as Ansible takes one.
    A list of dictionaries may be JSON, too.
    """
    if isinstance(value, str) and option.get("type") == "dict":
        value = read(value)
    elif isinstance(value, str) and option.get("elements") == "dict":
        value = _listed(value)
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


def _listed(text: str) -> Any:
    """A list from JSON; any other text as it is."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return found if isinstance(found, list) else text


def malformed(values: Mapping[str, Any], options: Mapping[str, Any], place: str = "") -> Iterator[str]:
    """Values that stand in the place of dictionaries, at every depth, and what to write instead. Ansible itself does
    not name the option, or fails with a traceback."""
    for name, option in options.items():
        value, inner = values.get(name), option.get("options")
        if inner and option["type"] == "dict" and value is not None:
            yield from _malformed(value, inner, f"{place}{name}", _advice(name, value, inner, options))
        elif inner and isinstance(value, str):
            yield f"{place}{name} must be a list of dictionaries, not {value!r}"
        elif inner and isinstance(value, list):
            for index, one in enumerate(value):
                yield from _malformed(one, inner, f"{place}{name}[{index}]", "")


def _malformed(value: Any, inner: Mapping[str, Any], place: str, advice: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from malformed(value, inner, f"{place}.")
    else:
        yield f"{place} must be a dictionary, not {value!r}{advice}"


def _advice(name: str, value: Any, inner: Mapping[str, Any], beside: Mapping[str, Any]) -> str:
    """What takes such a value: the suboption with that choice, else the name or the only one; or an option beside."""
    takes = [one for one, option in inner.items() if value in option.get("choices", ())]
    takes = takes or [one for one in inner if one == "name" or len(inner) == 1]
    ways = [f"{name}: {{{one}: {value}}}" for one in takes[:1]]
    ways += [f"{one}: {value}" for one, option in beside.items() if value in option.get("choices", ())]
    return f": write {' or '.join(ways)}" if ways else ""
