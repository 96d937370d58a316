# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between two definitions, position by position."""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterator
from typing import Any, NamedTuple

from .branches import Element, Many
from .codec import canonical_content, etree, parse
from .definition import Definition
from .fields import Node, Row, Rows, Spec


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


class _Where(NamedTuple):
    """The elements before and after that a spec is of (None: there is none), and ``parent`` as a change has it."""

    before: Node = None
    after: Node = None
    parent: int = -1


def differences(before: Node, after: Node, rows: Rows, have: Spec | None = None) -> list[Change]:
    """Every difference between two elements that a table describes, and one for all that it does not describe.

    ``have`` is the spec of ``before``, where it is at hand.
    """
    return _all(rows, have or parse(before, rows), parse(after, rows), _Where(before, after))


def compare(before: Definition, after: Definition) -> list[Change]:
    """The same of two definitions."""
    return _all(after.rows, before.spec, after.spec, _Where(before.tree, after.tree))


def _all(rows: Rows, have: Spec, want: Spec, where: _Where) -> list[Change]:
    found = list(_rows(rows, have, want, "", where))
    rest = unmodelled(where.before, rows), unmodelled(where.after, rows)
    if rest[0] != rest[1]:
        found.append(Change("xml", rest[0] or None, rest[1] or None))
    return found


def equal(rows: Rows, one: Spec, other: Spec) -> bool:
    """Whether two specs mean the same."""
    return next(_rows(rows, one, other, "", _Where()), None) is None


def _rows(rows: Rows, have: Spec, want: Spec, path: str, where: _Where) -> Iterator[Change]:
    for row in rows:
        if not (row.reported or row.alias_of):
            yield from _changes(row, have.get(row.option), want.get(row.option), f"{path}{row.option}", where)


@functools.singledispatch
def _changes(row: Row, one: Any, other: Any, path: str, _where: _Where) -> Iterator[Change]:
    """The changes of one position, by the class of its row."""
    if not row.same(one, other):
        yield Change(path, one, other, row)


@_changes.register(Element)
def _of_element(row: Element, one: Any, other: Any, path: str, where: _Where) -> Iterator[Change]:
    before, after = (None if element is None else element.find(row.xml) for element in where[:2])
    yield from _rows(row.rows, one or {}, other or {}, f"{path}.", _Where(before, after, where.parent))


@_changes.register(Many)
def _of_many(row: Many, one: Any, other: Any, path: str, where: _Where) -> Iterator[Change]:
    have, want = one or [], other or []
    olds = [] if where.before is None else where.before.findall(row.xml)
    news = [] if where.after is None else where.after.findall(row.xml)
    found = row.match(have, want)
    kept = sorted(index for index in found if index is not None)
    if row.ordered and [*kept, *(None for index in found if index is None)] != found:
        # libvirt can only add at the end of a running network's list.
        yield Change(path, have, want)
        return
    for index in sorted(set(range(len(have))).difference(kept)):
        yield Change(_place(path, row, have[index]), have[index], None, row, where.parent, _text(olds, index))
    for place, (item, there) in enumerate(zip(want, found)):
        name = _place(path, row, item)
        if there is None:
            yield Change(name, None, item, row, where.parent, "", _text(news, place))
        elif not row.live:
            inner = _Where(olds[there] if olds else None, news[place] if news else None, there)
            yield from _rows(row.rows, have[there], item, f"{name}.", inner)
        elif not equal(row.rows, have[there], item):
            yield Change(name, have[there], item, row, where.parent, _text(olds, there), _text(news, place))


def _text(elements: list[Node], index: int) -> str:
    return str(etree.tostring(elements[index], encoding="unicode", with_tail=False)) if index < len(elements) else ""


def _place(path: str, row: Row, item: Spec) -> str:
    return f"{path}[{','.join(str(part) for part in row.key(item) if part is not None)}]"


def unmodelled(element: Node, rows: Rows) -> str:
    """What no row describes, as canonical XML; empty when the table describes everything."""
    rest = copy.deepcopy(element)
    etree.strip_tags(rest, etree.Comment, etree.ProcessingInstruction)  # libvirt keeps neither
    _strip(rest, rows)
    return canonical_content(rest) + "".join(f" {name}={value!r}" for name, value in sorted(rest.attrib.items()))


def _strip(element: Node, rows: Rows) -> None:
    """Removes every modelled attribute and child, but for children in which something is left."""
    for row in rows:
        if not row.tag:
            element.attrib.pop(row.xml, None)
            continue
        for child in element.findall(row.tag):
            _strip(child, row.rows)
            if not row.rows or not (len(child) or child.attrib):
                element.remove(child)
