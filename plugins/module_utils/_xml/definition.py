# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A definition as a value: XML is read where libvirt gives it, and written where libvirt takes it, once each."""

from __future__ import annotations

import functools

from .._errors.errors import DefinitionError
from .codec import parse, read_xml, write_xml
from .fields import Node, Rows, Spec


class Definition:
    """What somebody wrote (``text``) or we made (``tree``); the other form follows when it is needed, once. False when
    there is none. Everybody shares tree and spec: changes are made to a copy."""

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
        """The root element. Raises DefinitionError when the text is not XML."""
        return self._read()

    def _read(self) -> Node:
        try:
            return read_xml(self.text)
        except ValueError as error:
            raise DefinitionError(self.text, str(error)) from None

    @functools.cached_property
    def spec(self) -> Spec:
        """What the table describes of it."""
        return parse(self.tree, self.rows) if self else {}

    @property
    def indented(self) -> str:
        """The XML in the form in which two definitions are compared."""
        return write_xml(self.tree) if self else ""

    def __bool__(self) -> bool:
        return "tree" in vars(self) or bool(self.text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Definition) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)


ABSENT = Definition()
