# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one writer: lays a spec over XML that exists, touching nothing that is already so or that no row models."""

from __future__ import annotations

from .fields import Node, Row, Rows, Spec


def overlay(element: Node, rows: Rows, have: Spec, want: Spec) -> bool:
    """Edits an element in place until ``want`` holds; ``have`` is its spec as parsed. Returns whether it edited.

    An option that is absent is left alone, a dictionary merges, a list is the whole list matched by its key, an
    empty one removes. Nothing that is already so is written again, and nothing that no row models is touched.
    """
    edited = False
    for row in rows:
        if row.option not in want or row.reported or row.alias_of:
            continue
        if row.write(element, rows, have.get(row.option), want[row.option]):
            edited = True
            for other in rows:
                if other.alias_of == row.option:
                    element.attrib.pop(other.xml, None)
    for row in rows if edited else ():
        # What is assumed must be written where the schema requires the attribute as soon as the element exists.
        if row.required and row.assumed is not None and row.xml not in element.attrib:
            element.set(row.xml, row.kind.render(want.get(row.option) or row.assumed))
    return edited


def laid(old: Spec, new: Spec) -> Spec:
    """A spec with another laid over it: dictionaries merge, and an empty one removes."""
    inner = {name: laid(old.get(name, {}), value) for name, value in new.items() if isinstance(value, dict) and value}
    return {**old, **new, **inner}


def insert(element: Node, rows: Rows, row: Row, *children: Node) -> None:
    """Puts children of a row, one after the other, where libvirt itself would write them: in the order of the table."""
    if not children:
        return
    later = {other.tag for other in rows[rows.index(row) + 1 :]}
    behind = next((child for child in element if child.tag in later), None)
    if behind is None:
        element.extend(children)
        return
    for child in children:
        behind.addprevious(child)


def completed(rows: Rows, want: Spec, have: Spec, other: Spec) -> Spec:
    """What is wanted, in which an item of a list that only the other definition has keeps what is left out of it. A
    task that is killed between delete and add leaves such an item."""
    found = dict(want)
    for row in rows if have != other else ():
        value, mine, theirs = want.get(row.option), have.get(row.option), other.get(row.option)
        if value and mine != theirs:
            found[row.option] = row.completed(value, mine, theirs)
    return found


def remembered(rows: Rows, have: Spec, want: Spec) -> Spec:
    """What libvirt has generated in one spec and the other is silent about."""
    inner = {row.option: row.remembered(have.get(row.option), want.get(row.option)) for row in rows}
    return {option: value for option, value in inner.items() if value is not None}
