# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A definition as a value: XML is read where libvirt gives it, and written where libvirt takes it, once each."""

from __future__ import annotations

import functools

from .codec import parse, read_xml, write_xml
from .fields import Node, Rows, Spec


class Definition:
    """What libvirt or a user wrote (``text``), or what we made (``tree``): the other one is made when it is needed.

    False when there is no definition. Everybody shares the tree and the spec: a change is made to a copy.
    """

    rows: Rows = ()

    def __init__(self, text: str = "", tree: Node = None) -> None:
        if tree is None:
            self.text = text
        else:
            self.tree = tree

    @functools.cached_property
    def text(self) -> str:
        """The XML as libvirt wrote it, or takes it."""
        return write_xml(self.tree)

    @functools.cached_property
    def tree(self) -> Node:
        """The root element. Raises ValueError when the text is not XML."""
        return read_xml(self.text)

    @functools.cached_property
    def spec(self) -> Spec:
        """What its table describes, {} when there is no definition."""
        return parse(self.tree, self.rows) if self else {}

    @property
    def indented(self) -> str:
        """The XML in the form in which two definitions are compared line by line."""
        return write_xml(self.tree) if self else ""

    def __bool__(self) -> bool:
        return "tree" in vars(self) or bool(self.text)

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Definition) and self.text == other.text)

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.text!r})"


ABSENT = Definition()
