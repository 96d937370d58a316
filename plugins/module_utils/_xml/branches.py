# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows that hold other rows: elements that occur once at most, and lists of elements."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Callable

from .codec import etree, normalise, parse
from .fields import Key, Node, Normal, Row, Rows, Spec, argument_spec, fields, positions
from .overlay import completed, insert, laid, overlay, remembered

Completion = Callable[[Spec, Spec], Spec]


class _Branch(Row):
    """An element with rows inside.

    ``implied``: adds to what was read what libvirt reads between the lines; ``complete``: completes what is wanted
    with what exists.
    """

    def __init__(
        self,
        xml: str,
        *rows: Row,
        implied: Callable[[Spec], Spec] | None = None,
        complete: Completion | None = None,
        **facts: Any,
    ) -> None:
        super().__init__(xml, **facts)
        self.rows, self.implied, self.complete = rows, implied, complete

    def positions(self, above: str) -> Iterator[str]:
        place = f"{above}/{self.xml}" if above else self.xml
        yield place
        yield from positions(self.rows, place)

    def values(self, _beside: Spec, value: Any) -> Iterator[tuple[str, Spec]]:
        return self.inside(value)

    def _read_item(self, child: Node) -> Spec:
        spec = parse(child, self.rows)
        return self.implied(spec) if self.implied else spec

    def _write_item(self, child: Node, have: Spec, want: Spec) -> bool:
        return overlay(child, self.rows, have, self.complete(want, have) if self.complete else want)


class Element(_Branch):
    """A child element that occurs once at most: a dictionary for users."""

    def options(self) -> dict[str, Any]:
        """A dictionary."""
        return {"type": "dict", "options": argument_spec(self.rows)}

    def inside(self, value: Any) -> Iterator[tuple[str, Spec]]:
        """Its one spec."""
        if value is not None:
            yield "", value

    def remembered(self, have: Any, want: Any) -> Any:
        """What is inside, wherever only the other is silent."""
        return remembered(self.rows, have or {}, want or {}) or None

    def completed(self, want: Any, have: Any, other: Any) -> Any:
        """The same for what is inside."""
        return completed(self.rows, want, have or {}, other or {})

    def read(self, element: Node) -> Any:
        """A spec; an empty one is nothing."""
        child = element.find(self.xml)
        return None if child is None else self._read_item(child) or None

    def normal(self, value: Any, path: str) -> Normal:
        """A spec, and what is wrong in it."""
        return normalise(self.rows, value, f"{path}.")

    def write(self, element: Node, rows: Rows, have: Any, want: Any) -> bool:
        """Merges; an empty one removes."""
        child = element.find(self.xml)
        if not want:
            return child is not None and not self.generated and self._clear(child)
        new = etree.Element(self.xml) if child is None else child
        if not self._write_item(new, have or {}, want):
            return False
        if child is None:
            insert(element, rows, self, new)
        elif not (len(child) or child.attrib):
            element.remove(child)
        return True

    def _clear(self, child: Node) -> bool:
        """Removes an element, but for what libvirt would only generate again."""
        kept = {inner.xml for inner in self.rows if inner.generated}
        if not kept.intersection(child.attrib):
            child.getparent().remove(child)
            return True
        gone = [name for name in child.attrib if name not in kept]
        for name in gone:
            del child.attrib[name]
        return bool(gone)


class Present(Element):
    """One that says something by being there alone, so that an empty one is no nothing, and only what holds it can do
    without it again."""

    def _whole(self, spec: Spec) -> Spec:
        """A spec with what is assumed, which is never empty."""
        return {**{row.option: row.assumed for row in self.rows if row.assumed is not None}, **spec}

    def read(self, element: Node) -> Any:
        """A spec, None where there is no such child."""
        child = element.find(self.xml)
        return None if child is None else self._whole(self._read_item(child))

    def normal(self, value: Any, path: str) -> Normal:
        """A spec, and what is wrong in it."""
        spec, found = super().normal(value, path)
        return self._whole(spec), found

    def write(self, element: Node, rows: Rows, have: Any, want: Any) -> bool:
        """Adds or edits it."""
        child = element.find(self.xml)
        if child is not None:
            return self._write_item(child, have or {}, want)
        child = etree.Element(self.xml)
        self._write_item(child, {}, want)
        insert(element, rows, self, child)
        return True


class Many(_Branch):
    """A child element that may occur many times: a list of dictionaries.

    ``key``: from an item to what identifies it; ``matches``: whether a wanted item is an existing one
    although their keys differ; ``ordered``: the order of the list means something.
    """

    plural = "s"

    def __init__(
        self,
        xml: str,
        *rows: Row,
        key: Callable[[Spec], Key] = fields(),
        matches: Callable[[Spec, Spec], bool] | None = None,
        ordered: bool = False,
        **facts: Any,
    ) -> None:
        super().__init__(xml, *rows, **facts)
        self.key, self.matches, self.ordered = key, matches, ordered

    def options(self) -> dict[str, Any]:
        """A list of dictionaries."""
        return {"type": "list", "elements": "dict", "options": argument_spec(self.rows)}

    def inside(self, value: Any) -> Iterator[tuple[str, Spec]]:
        """Each item."""
        return ((f"[{index}]", item) for index, item in enumerate(value or ()))

    def remembered(self, _have: Any, _want: Any) -> Any:
        """Nothing: no item is added."""
        return None

    def completed(self, want: Any, have: Any, other: Any) -> Any:
        """Each item, like the other definition's where that alone has it."""
        return list(self._completed_items(want, have or [], other or []))

    def _completed_items(self, want: list[Spec], have: list[Spec], other: list[Spec]) -> Iterator[Spec]:
        for item, here, there in zip(want, self.match(have, want), self.match(other, want)):
            if there is None:
                yield item
            else:
                whole = completed(self.rows, item, {} if here is None else have[here], other[there])
                yield laid(other[there], whole) if here is None else whole

    def match(self, have: list[Spec], want: list[Spec]) -> list[int | None]:
        """For each wanted item the index of the existing one that it is, or None when it is new."""
        free: dict[Any, list[int]] = {}
        for index, item in enumerate(have):
            free.setdefault(self.key(item), []).append(index)
        keys = list(map(self.key, want))
        found: list[int | None] = [None] * len(want)
        # libvirt takes several items with one key, so those that stay as they are come first, then the most alike.
        for most in (0, None):
            for place, item in enumerate(want):
                mine = free.get(keys[place], []) if found[place] is None else []
                nearest = min(mine, key=lambda one: (_edits(have[one], item), abs(one - place)), default=None)
                if nearest is not None and most in (None, _edits(have[nearest], item)):
                    found[place] = nearest
                    mine.remove(nearest)
        if self.matches:
            rest = [index for index in range(len(have)) if index not in found]
            for place, item in enumerate(want):
                if found[place] is None:
                    found[place] = next((index for index in rest if self.matches(item, have[index])), None)
                    rest = [index for index in rest if index != found[place]]
        return found

    def read(self, element: Node) -> Any:
        """A list of specs; an empty one is nothing."""
        return [self._read_item(child) for child in element.findall(self.xml)] or None

    def normal(self, value: Any, path: str) -> Normal:
        """A list of specs, and what is wrong in them."""
        items = [normalise(self.rows, item, f"{path}[{index}].") for index, item in enumerate(value)]
        return [item for item, _found in items], [problem for _item, found in items for problem in found]

    def write(self, element: Node, rows: Rows, have: Any, want: Any) -> bool:
        """Removes, edits and adds items: the list is the whole list."""
        if (have or []) == want:
            return False
        children = element.findall(self.xml)
        # Fewer children than items: an attribute spells the list, and goes when the list is written.
        specs = have if have and len(have) == len(children) else []
        found = self.match(specs, want)
        edited = False
        for index in set(range(len(children))).difference(index for index in found if index is not None):
            element.remove(children[index])
            edited = True
        wanted = []
        for item, place in zip(want, found):
            child = etree.Element(self.xml) if place is None else children[place]
            edited |= self._write_item(child, {} if place is None else specs[place], item) or place is None
            wanted.append(child)
        new = [child for child in wanted if child.getparent() is None]
        kept = [children[index] for index in sorted(index for index in found if index is not None)]
        if self.ordered and kept + new != wanted:
            new, edited = wanted, True
            for child in kept:
                element.remove(child)
        insert(element, rows, self, *new)
        return edited


def _edits(have: Spec, want: Spec) -> int:
    """How many options of an item differ from a wanted one, or are in one of them only."""
    return sum(have.get(name) != want.get(name) for name in {**have, **want})
