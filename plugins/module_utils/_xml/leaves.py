# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows that hold single values: attributes, texts, plain lists, and XML that is kept as it is."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

from .codec import canonical_content, canonical_xml, etree, leaf, read_xml
from .fields import Node, Normal, Row, Rows, Spec
from .kinds import TEXT, Kind
from .overlay import insert


class _Single(Row):
    """One value, which an empty string removes."""

    def normal(self, value: Any, path: str) -> Normal:
        """A canonical value."""
        return (value, []) if value == "" and self.removable else leaf(self.kind.canonical, value, path)

    def write(self, element: Node, rows: Rows, have: Any, want: Any) -> bool:
        """Sets the value, or removes it."""
        want = None if want == "" and self.removable else want
        if self.same(have, want) or (want is None and self.generated):
            return False
        self._set(element, rows, want)
        return True

    @abstractmethod
    def _set(self, element: Node, rows: Rows, want: Any) -> None:
        """Sets the value in an element, None removes it."""


class Attr(_Single):
    """An attribute."""

    def __init__(self, xml: str, kind: Kind = TEXT, **facts: Any) -> None:
        super().__init__(xml, kind, **facts)
        self.tag = ""  # no child

    def positions(self, above: str) -> Iterator[str]:
        """Its one position."""
        yield f"{above}/@{self.xml}"

    def read(self, element: Node) -> Any:
        """Its value."""
        text = element.get(self.xml)
        return None if text is None else self.kind.read(text)

    def _set(self, element: Node, _rows: Rows, want: Any) -> None:
        # Silence always says what libvirt assumes; libvirt refuses some of the words (port='0' of an SRV record).
        text = None if want in (None, self.assumed) else self.kind.render(want)
        if text is None:
            element.attrib.pop(self.xml, None)
        else:
            element.set(self.xml, text)


class Text(_Single):
    """A child element that holds only text."""

    def read(self, element: Node) -> Any:
        """Its value."""
        child = element.find(self.xml)
        return None if child is None else self.kind.read(child.text or "")

    def write(self, element: Node, rows: Rows, have: Any, want: Any) -> bool:
        """An empty text is none."""
        return super().write(element, rows, have, want or None)

    def _set(self, element: Node, rows: Rows, want: Any) -> None:
        child = element.find(self.xml)
        if want is None:
            element.remove(child)
            return
        if child is None:
            child = etree.Element(self.xml)
            insert(element, rows, self, child)
        child.text = self.kind.render(want)


class Opaque(Row):
    """A child element that holds other people's XML, which is kept as it is: a string for users."""

    def read(self, element: Node) -> Any:
        """Its content as canonical XML."""
        child = element.find(self.xml)
        return None if child is None else canonical_content(child) or None

    def normal(self, value: Any, path: str) -> Normal:
        """Canonical XML."""
        xml, found = leaf(canonical_xml, value, path)
        return (xml.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"), found) if found else (xml, found)

    def write(self, element: Node, rows: Rows, have: Any, want: Any) -> bool:
        """Replaces the content."""
        if (have or "") == want:
            return False
        child = element.find(self.xml)
        if child is not None:
            element.remove(child)
        if want:
            insert(element, rows, self, read_xml(f"<{self.xml}>{want}</{self.xml}>"))
        return True


class Values(Row):
    """Child elements with one value each, in their text or ``attribute``, maybe in a ``wrapper``: a plain list."""

    plural = "s"

    def __init__(self, xml: str, kind: Kind = TEXT, *, attribute: str = "", wrapper: str = "", **facts: Any) -> None:
        super().__init__(xml, kind, **facts)
        self.tag, self.attribute, self.wrapper = wrapper or xml, attribute, wrapper

    def options(self) -> dict[str, Any]:
        """A plain list."""
        return {"type": "list", "elements": self.kind.option["type"]}

    def positions(self, above: str) -> Iterator[str]:
        """Those of the wrapper, the element and the attribute."""
        if self.wrapper:
            above = f"{above}/{self.wrapper}"
            yield above
        yield f"{above}/{self.xml}"
        if self.attribute:
            yield f"{above}/{self.xml}/@{self.attribute}"

    def values(self, _beside: Spec, value: Any) -> Iterator[tuple[str, Spec]]:
        """Each item."""
        for index, item in enumerate(value):
            yield f"[{index}]", {"value": item}

    def read(self, element: Node) -> Any:
        """A list of values; an empty one is nothing."""
        path = f"{self.wrapper}/{self.xml}" if self.wrapper else self.xml
        texts = [child.get(self.attribute) if self.attribute else child.text for child in element.findall(path)]
        return [self.kind.read(text or "") for text in texts] or None

    def normal(self, value: Any, path: str) -> Normal:
        """A list of canonical values, and what is wrong with them."""
        leaves = [leaf(self.kind.canonical, item, f"{path}[{index}]") for index, item in enumerate(value)]
        return [item for item, _found in leaves], [problem for _item, found in leaves for problem in found]

    def write(self, element: Node, rows: Rows, have: Any, want: Any) -> bool:
        """Replaces the list."""
        if (have or []) == want:
            return False
        holder = element.find(self.wrapper) if self.wrapper else element
        if holder is None:
            holder = etree.Element(self.wrapper)
            insert(element, rows, self, holder)
        for child in holder.findall(self.xml):
            holder.remove(child)
        for value in want:
            child = etree.SubElement(holder, self.xml)
            if self.attribute:
                child.set(self.attribute, self.kind.render(value))
            else:
                child.text = self.kind.render(value)
        if self.wrapper and not len(holder):
            element.remove(holder)
        return True
