# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one writer: lays a spec over XML that exists, touching nothing that is already so or that no row models."""

from __future__ import annotations

from typing import Any, Callable

from .codec import Element, Rows, etree, read_xml
from .fields import Row, Spec


def overlay(element: Element, rows: Rows, have: Spec, want: Spec) -> bool:
    """Edits an element in place until ``want`` holds; ``have`` is its spec as parsed. Returns whether it edited.

    An option that is absent is left alone, a dictionary merges, a list is the whole list matched by its key, an
    empty one removes. Nothing that is already so is written again, and nothing that no row models is touched.
    """
    edited = False
    for row in rows:
        if row.option not in want or row.reported or row.spells:
            continue
        if _WRITE[row.form](element, rows, row, have.get(row.option), want[row.option]):
            edited = True
            for other in rows:
                if other.spells == row.option:
                    element.attrib.pop(other.xml, None)
    for row in rows if edited else ():
        # What is assumed must be written where the schema wants the attribute as soon as there is the element.
        if row.needed and row.assumed is not None and row.xml not in element.attrib:
            element.set(row.xml, row.kind.render(want.get(row.option) or row.assumed))
    return edited


def same(row: Row, one: Any, other: Any) -> bool:
    """Whether two values of a position mean the same, silence being what libvirt assumes."""
    return bool((row.assumed if one is None else one) == (row.assumed if other is None else other))


def laid(old: Spec, new: Spec) -> Spec:
    """A spec with another laid over it: dictionaries merge, and an empty one removes."""
    inner = {name: laid(old.get(name, {}), value) for name, value in new.items() if isinstance(value, dict) and value}
    return {**old, **new, **inner}


def _insert(element: Element, rows: Rows, row: Row, new: Element) -> None:
    """Puts a child where libvirt itself would write it: in the order of the table."""
    later = {other.wrapper or other.xml for other in rows[rows.index(row) + 1 :] if other.form != "attr"}
    for child in element:
        if child.tag in later:
            child.addprevious(new)
            return
    element.append(new)


def _write_attr(element: Element, _rows: Rows, row: Row, have: Any, want: Any) -> bool:
    if want == "" and not row.needed:
        want = None
    if same(row, have, want) or (want is None and row.made_up):
        return False
    # Silence says what libvirt assumes in every case; in some libvirt refuses the words (port='0' of an SRV record).
    text = None if want in (None, row.assumed) else row.kind.render(want)
    if text is None:
        element.attrib.pop(row.xml, None)
    else:
        element.set(row.xml, text)
    return True


def _write_text(element: Element, rows: Rows, row: Row, have: Any, want: Any) -> bool:
    child = element.find(row.xml)
    if want == "":
        want = None
    if same(row, have, want) or (want is None and row.made_up):
        return False
    if want is None:
        element.remove(child)
        return True
    if child is None:
        child = etree.Element(row.xml)
        _insert(element, rows, row, child)
    child.text = row.kind.render(want)
    return True


def _write_element(element: Element, rows: Rows, row: Row, have: Spec | None, want: Spec) -> bool:
    child = element.find(row.xml)
    if not want:
        return child is not None and not row.made_up and _clear(child, row)
    new = etree.Element(row.xml) if child is None else child
    if not _write_item(new, row, have or {}, want):
        return False
    if child is None:
        _insert(element, rows, row, new)
    elif not (len(child) or child.attrib):
        element.remove(child)
    return True


def _clear(child: Element, row: Row) -> bool:
    """Takes an element away, but for what libvirt would only invent anew."""
    kept = {inner.xml for inner in row.rows if inner.made_up}
    if not kept.intersection(child.attrib):
        child.getparent().remove(child)
        return True
    gone = [name for name in child.attrib if name not in kept]
    for name in gone:
        del child.attrib[name]
    return bool(gone)


def _write_item(element: Element, row: Row, have: Spec, want: Spec) -> bool:
    return overlay(element, row.rows, have, row.settle(want, have) if row.settle else want)


def match(row: Row, have: list[Spec], want: list[Spec]) -> list[int | None]:
    """For each wanted item of a list the index of the existing one that it is, or None when it is new."""
    free: dict[Any, list[int]] = {}
    for index, item in enumerate(have):
        free.setdefault(row.key(item), []).append(index)
    found = [free[key].pop(0) if free.get(key) else None for key in map(row.key, want)]
    if row.kin:
        rest = [index for index in range(len(have)) if index not in found]
        for place, item in enumerate(want):
            if found[place] is None:
                found[place] = next((index for index in rest if row.kin(item, have[index])), None)
                rest = [index for index in rest if index != found[place]]
    return found


def _write_many(element: Element, rows: Rows, row: Row, have: list[Spec] | None, want: list[Spec]) -> bool:
    if (have or []) == want:
        return False
    children = element.findall(row.xml)
    # Fewer children than items: an attribute spells the list, and goes when the list is written.
    specs = have if have and len(have) == len(children) else []
    found = match(row, specs, want)
    edited = False
    for index in set(range(len(children))).difference(index for index in found if index is not None):
        element.remove(children[index])
        edited = True
    wanted = []
    for item, place in zip(want, found):
        child = etree.Element(row.xml) if place is None else children[place]
        edited |= _write_item(child, row, {} if place is None else specs[place], item) or place is None
        wanted.append(child)
    new = [child for child in wanted if child.getparent() is None]
    kept = [children[index] for index in sorted(index for index in found if index is not None)]
    if row.ordered and kept + new != wanted:
        new, edited = wanted, True
        for child in kept:
            element.remove(child)
    _insert_all(element, rows, row, new)
    return edited


def _insert_all(element: Element, rows: Rows, row: Row, new: list[Element]) -> None:
    """Adds the children of a list behind those that are there; the place is looked for once."""
    if not new:
        return
    _insert(element, rows, row, new[0])
    for before, child in zip(new, new[1:]):
        before.addnext(child)


def _write_values(element: Element, rows: Rows, row: Row, have: list[Any] | None, want: list[Any]) -> bool:
    if (have or []) == want:
        return False
    holder = element.find(row.wrapper) if row.wrapper else element
    if holder is None:
        holder = etree.Element(row.wrapper)
        _insert(element, rows, row, holder)
    for child in holder.findall(row.xml):
        holder.remove(child)
    for value in want:
        child = etree.SubElement(holder, row.xml)
        if row.attribute:
            child.set(row.attribute, row.kind.render(value))
        else:
            child.text = row.kind.render(value)
    if row.wrapper and not len(holder):
        element.remove(holder)
    return True


def _write_opaque(element: Element, rows: Rows, row: Row, have: str | None, want: str) -> bool:
    if (have or "") == want:
        return False
    child = element.find(row.xml)
    if child is not None:
        element.remove(child)
    if want:
        _insert(element, rows, row, read_xml(f"<{row.xml}>{want}</{row.xml}>"))
    return True


_WRITE: dict[str, Callable[[Element, Rows, Row, Any, Any], bool]] = {
    "attr": _write_attr,
    "text": _write_text,
    "element": _write_element,
    "many": _write_many,
    "values": _write_values,
    "opaque": _write_opaque,
}
