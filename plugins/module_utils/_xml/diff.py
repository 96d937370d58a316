# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between two definitions, position by position."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, NamedTuple

from .codec import Element, Rows, canonical_content, etree, parse
from .fields import Row, Spec
from .overlay import match, same


class Change(NamedTuple):
    """One position that differs: ``path`` for people, ``before`` and ``after`` as spec values (None: absent),
    the ``row`` it is of, and for an entry of a list with a live section its XML before and after and ``parent``,
    the index of the list's item that it is in before the change (-1: none)."""

    path: str
    before: Any
    after: Any
    row: Row | None = None
    parent: int = -1
    xml_before: str = ""
    xml_after: str = ""


def differences(before: Element, after: Element, rows: Rows, have: Spec | None = None) -> list[Change]:
    """Every difference between two elements that a table describes, and one for all that it does not describe.

    ``have`` is the spec of ``before``, where it is at hand.
    """
    found = list(_rows(rows, have or parse(before, rows), parse(after, rows), "", before, after, -1))
    rest = unmodelled(before, rows), unmodelled(after, rows)
    if rest[0] != rest[1]:
        found.append(Change("xml", rest[0] or None, rest[1] or None))
    return found


def equal(rows: Rows, one: Spec, other: Spec) -> bool:
    """Whether two specs mean the same."""
    return next(_rows(rows, one, other, "", None, None, -1), None) is None


def _rows(
    rows: Rows, have: Spec, want: Spec, path: str, before: Element, after: Element, parent: int
) -> Iterator[Change]:
    for row in rows:
        one, other, place = have.get(row.option), want.get(row.option), f"{path}{row.option}"
        if row.reported or row.spells:
            continue
        if row.form == "element":
            inner = _child(before, row), _child(after, row)
            yield from _rows(row.rows, one or {}, other or {}, f"{place}.", inner[0], inner[1], parent)
        elif row.form == "many":
            yield from _many(row, one or [], other or [], place, before, after, parent)
        elif not same(row, one, other):
            yield Change(place, one, other, row)


def _child(element: Element, row: Row) -> Element:
    return None if element is None else element.find(row.xml)


def _many(
    row: Row, have: list[Spec], want: list[Spec], path: str, before: Element, after: Element, parent: int
) -> Iterator[Change]:
    olds = [] if before is None else before.findall(row.xml)
    news = [] if after is None else after.findall(row.xml)
    found = match(row, have, want)
    kept = sorted(index for index in found if index is not None)
    if row.ordered and [*kept, *(None for index in found if index is None)] != found:
        # libvirt can only add at the end of a running network's list.
        yield Change(path, have, want)
        return
    for index in sorted(set(range(len(have))).difference(kept)):
        yield Change(_place(path, row, have[index]), have[index], None, row, parent, _text(olds, index))
    for place, (item, there) in enumerate(zip(want, found)):
        name = _place(path, row, item)
        if there is None:
            yield Change(name, None, item, row, parent, "", _text(news, place))
        elif not row.live:
            inner = olds[there] if olds else None, news[place] if news else None
            yield from _rows(row.rows, have[there], item, f"{name}.", *inner, there)
        elif not equal(row.rows, have[there], item):
            yield Change(name, have[there], item, row, parent, _text(olds, there), _text(news, place))


def _text(elements: list[Element], index: int) -> str:
    return str(etree.tostring(elements[index], encoding="unicode", with_tail=False)) if index < len(elements) else ""


def _place(path: str, row: Row, item: Spec) -> str:
    return f"{path}[{','.join(str(part) for part in row.key(item) if part is not None)}]"


def unmodelled(element: Element, rows: Rows) -> str:
    """What no row describes, as canonical XML; empty when the table describes everything."""
    rest = copy.deepcopy(element)
    etree.strip_tags(rest, etree.Comment, etree.ProcessingInstruction)  # libvirt keeps neither
    _strip(rest, rows)
    return canonical_content(rest) + "".join(f" {name}={value!r}" for name, value in sorted(rest.attrib.items()))


def _strip(element: Element, rows: Rows) -> None:
    """Takes away every modelled attribute and child, but for children in which something is left."""
    for row in rows:
        if row.form == "attr":
            element.attrib.pop(row.xml, None)
            continue
        for child in element.findall(row.wrapper or row.xml):
            if row.form in ("element", "many"):
                _strip(child, row.rows)
            if row.form not in ("element", "many") or not (len(child) or child.attrib):
                element.remove(child)
