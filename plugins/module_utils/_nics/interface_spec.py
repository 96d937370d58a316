# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The interfaces of a new guest: from what a user wrote to XML, with everything that speaks against it."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Iterator, Mapping
from typing import Any

from .._errors.errors import InvalidInterfaceError
from .._schema.interface import INTERFACE, INTERFACES, UNTYPED, typed
from .._values.check import Context
from .._values.check import problems as problems_among
from .._xml.branches import Element, Many
from .._xml.codec import etree, normalise, write_xml
from .._xml.fields import Row, Rows, Spec, snake
from .._xml.given import given
from .._xml.overlay import overlay
from .interface_checks import interface_remarks, list_problems

# As Ansible reads them.
_YES, _NO = {"yes", "on", "true", "1", "y", "t"}, {"no", "off", "false", "0", "n", "f"}


def render(wanted: Any) -> str:
    """One spec, or each of a list, as indented <interface> elements; raises InvalidInterfaceError with all problems."""
    specs, found = _read(wanted)
    if found:
        raise InvalidInterfaceError(found)
    devices = etree.Element("devices")
    overlay(devices, (INTERFACES,), {}, {"interfaces": specs})
    return "\n".join(write_xml(interface).rstrip() for interface in devices)


def problems(wanted: Any) -> list[str]:
    """Everything that is wrong with one spec, or with a list of them."""
    return _read(wanted)[1]


def _read(wanted: Any) -> tuple[list[Spec], list[str]]:
    wanted = given(wanted)
    if isinstance(wanted, Mapping):
        spec, found = _one(wanted, "interface")
        return [spec], found
    if not isinstance(wanted, (list, tuple)):
        return [], [f"an interface must be a dictionary of options, or a list of such, not {wanted!r}"]
    specs, found = [], []
    for index, item in enumerate(wanted):
        spec, wrong = _one(item, f"interfaces[{index}]")
        specs.append(spec)
        found += wrong
    return specs, [*found, *list_problems(specs, "interfaces")]


def _one(wanted: Any, name: str) -> tuple[Spec, list[str]]:
    """An interface as a spec, and what is wrong with it: the words, the values, and what they say together."""
    if not isinstance(wanted, Mapping):
        return {}, [f"{name} must be a dictionary of options, not {wanted!r}"]
    shaped, misshaped = _shaped(INTERFACE, wanted, f"{name}.")
    spec, wrong = normalise(INTERFACE, shaped, f"{name}.")
    spec = typed(spec)
    if "type" not in spec:
        return spec, [*misshaped, *wrong, f"{name} {UNTYPED}"]
    return spec, [*misshaped, *wrong, *problems_among(interface_remarks(spec, Context(name=name)))]


def _shaped(rows: Rows, wanted: Mapping[Any, Any], path: str) -> tuple[Spec, list[str]]:
    """The options that there are, without empty values, and unknown or malformed options."""
    spec: Spec = {}
    found: list[str] = []
    known = {row.option: row for row in rows if not row.reported}
    for option, value in wanted.items():
        row = known.get(option)
        if row is None:
            found.append(f"{path}{option} is an unknown option{_hint(rows, str(option))}")
        elif value != "" or not row.removable:
            shaped, wrong = _shaped_value(row, value, f"{path}{option}")
            found += wrong
            if shaped not in (None, {}, []):
                spec[row.option] = shaped
    return spec, found


@functools.singledispatch
def _shaped_value(row: Row, value: Any, path: str) -> tuple[Any, list[str]]:
    """A value of the form of its row; a single one as plain Python has it."""
    return _single(row, value, path)


@_shaped_value.register(Element)
def _of_element(row: Element, value: Any, path: str) -> tuple[Any, list[str]]:
    if isinstance(value, Mapping):
        return _shaped(row.rows, value, f"{path}.")
    return None, [f"{path} must be a dictionary with {_names(row.rows)}, not {value!r}"]


@_shaped_value.register(Many)
def _of_many(row: Many, value: Any, path: str) -> tuple[Any, list[str]]:
    if not isinstance(value, (list, tuple)) or not all(isinstance(item, Mapping) for item in value):
        return None, [f"{path} must be a list of dictionaries with {_names(row.rows)}, not {value!r}"]
    items = [_shaped(row.rows, item, f"{path}[{index}].") for index, item in enumerate(value)]
    return [item for item, _wrong in items], [problem for _item, wrong in items for problem in wrong]


def _single(row: Row, value: Any, path: str) -> tuple[Any, list[str]]:
    """A value as plain Python has it; templates make texts of all, and YAML numbers and truth values of some texts."""
    wanted = row.kind.option["type"]
    if wanted == "bool":
        word = str(value).lower()
        return (word in _YES, []) if word in _YES | _NO else (None, [f"{path} must be yes or no, not {value!r}"])
    if isinstance(value, str):
        return str(value), []
    if isinstance(value, int) and not isinstance(value, bool):
        return (value if wanted == "int" else str(value)), []
    expected = "a whole number" if wanted == "int" else "a text (put it in quotes)"
    return None, [f"{path} must be {expected}, not {value!r}"]


def _names(rows: Rows) -> str:
    names = [row.option for row in rows if not row.reported]
    return ", ".join(names if len(names) < 5 else [*names[:4], "..."])


def _hint(rows: Rows, option: str) -> str:
    """What may have been meant: an option with a similar name, else one with this name further inside."""
    near = difflib.get_close_matches(snake(option), [row.option for row in rows if not row.reported], 1)
    found = [*near, *(path for path in _paths(rows) if path.endswith(f".{snake(option)}"))]
    return f" (did you mean {found[0]}?)" if found else ""


def _paths(rows: Rows, above: str = "") -> Iterator[str]:
    for row in rows:
        if not row.reported:
            yield f"{above}{row.option}"
            yield from _paths(row.rows, f"{above}{row.option}.")
