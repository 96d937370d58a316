# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the variables of a role or a playbook: names that nobody knows, and values of the wrong shape."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

SHAPES = ((bool, "true or false"), (str, "a string"), (int, "a number"), (float, "a number"), (list, "a list"))
TEMPLATE = " with a template that nobody evaluated (AWX: ALLOW_JINJA_IN_EXTRA_VARS)"


def unknown_names(names: Iterable[str], known: Collection[str], prefix: str) -> list[str]:
    """Names that begin as those of a role or playbook do, and that it does not know."""
    found = []
    for name in sorted(name for name in names if name.startswith(f"{prefix}_") and name not in known):
        near = difflib.get_close_matches(name, known, 1, 0.8)
        found.append(f"{name} is not a variable of it{f', did you mean {near[0]}?' if near else ''}")
    return found


def wrong_shapes(name: str, value: Any, spec: Mapping[str, Any]) -> Iterator[str]:
    """Lists that are none, dictionaries that are none, and either of them in place of a single value, at every depth.

    Ansible's own types take "ab" for the list ["ab"], and a role then takes it letter by letter.
    """
    if value is None:
        return
    kind, inner = spec.get("type", "str"), spec.get("options") or {}
    if kind == "list" and isinstance(value, list):
        for number, one in enumerate(value):
            if one is None:
                yield f"{name}[{number}] must not be null"
            yield from wrong_shapes(f"{name}[{number}]", one, {"type": spec.get("elements", "raw"), "options": inner})
    elif kind == "dict" and isinstance(value, Mapping):
        for key, option in inner.items():
            yield from wrong_shapes(f"{name}.{key}", value.get(key), option)
    elif kind in ("list", "dict"):
        yield f"{name} must be a {'list' if kind == 'list' else 'dictionary'}, not {_shape(value)}"
    elif kind != "raw" and isinstance(value, (list, Mapping)):
        yield f"{name} must be a single value, not {_shape(value)}"


def without_nulls(value: Any) -> Any:
    """A value without what is null in it, which counts as left out. Its texts are plain ones: those of Ansible take
    long to be copied, and a validator copies all."""
    if isinstance(value, Mapping):
        return {str(name): without_nulls(one) for name, one in value.items() if one is not None}
    if isinstance(value, list):
        return [without_nulls(one) for one in value]
    return str(value) if isinstance(value, str) else value


def _shape(value: Any) -> str:
    word = next((word for kind, word in SHAPES if isinstance(value, kind)), "a dictionary")
    return word + (TEMPLATE if isinstance(value, str) and "{{" in value else "")
