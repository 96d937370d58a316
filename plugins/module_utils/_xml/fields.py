# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The vocabulary of the tables: rows that describe the positions of an XML format, and what can be read off them."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, Callable

from .kinds import TEXT, Kind

Spec = dict[str, Any]
Key = tuple[Any, ...]
Normal = tuple[Any, list[str]]  # a canonical value, and what is wrong with it
Node = Any  # lxml's element classes are private


class Row(ABC):
    """One position of the XML. What it is decides its class: see ``leaves`` and ``branches``.

    ``xml``: the tag or attribute (with its namespace in braces); ``option``: its name for users, if another one than
    follows from it; ``assumed``: what libvirt assumes when the XML is silent; ``since``: the libvirt version that
    brought it; ``generated``: libvirt generates it (an element: all of it); ``reported``: libvirt reports it, nobody
    sets it; ``required``: the schema requires it beside its neighbors, so that what is assumed gets written;
    ``removable``: an empty string removes it, and is no value; ``alias_of``: another option that this attribute is a
    spelling of; ``slash``: another option that what follows a slash in the value is for; ``live``: the
    virNetworkUpdate section that changes it on a running network; ``passive``: only a description, of no effect on the
    running network; ``lines``: what libvirt writes for it into dnsmasq's files, templates that _network/dnsmasq fills.
    """

    rows: Rows = ()  # the positions inside
    ordered = False  # whether the order of a list means something
    plural = ""  # what its option has beside the name of the XML

    def __init__(
        self,
        xml: str,
        kind: Kind = TEXT,
        *,
        option: str = "",
        assumed: Any = None,
        since: str = "",
        generated: bool = False,
        reported: bool = False,
        required: bool = False,
        removable: bool = True,
        alias_of: str = "",
        slash: str = "",
        live: str = "",
        passive: bool = False,
        lines: tuple[str, ...] = (),
    ) -> None:
        self.xml, self.tag, self.kind, self.option = xml, xml, kind, option or snake(xml) + self.plural
        self.assumed, self.generated, self.required, self.removable = assumed, generated, required, removable
        self.since, self.reported, self.alias_of, self.slash = since, reported, alias_of, slash
        self.live, self.passive, self.lines, self.key = live, passive, lines, fields()

    def options(self) -> dict[str, Any]:
        """Its entry in an Ansible argument specification."""
        return dict(self.kind.option)

    def positions(self, above: str) -> Iterator[str]:
        """Its positions in the XML."""
        yield f"{above}/{self.xml}" if above else self.xml

    def inside(self, _value: Any) -> Iterator[tuple[str, Spec]]:
        """The specs in a value, each with its index in brackets, "" where there is only one."""
        return iter(())

    def values(self, beside: Spec, _value: Any) -> Iterator[tuple[str, Spec]]:
        """What fills the templates of its ``lines``, as ``inside``; ``beside`` is the spec that the value is in."""
        yield "", beside

    def same(self, one: Any, other: Any) -> bool:
        """Whether two values mean the same, silence being what libvirt assumes."""
        return bool((self.assumed if one is None else one) == (self.assumed if other is None else other))

    def remembered(self, have: Any, want: Any) -> Any:
        """What libvirt has generated in one value and the other is silent about, None for nothing."""
        return have if self.generated and self.assumed is None and want is None else None

    def completed(self, want: Any, _have: Any, _other: Any) -> Any:
        """What is wanted, with what only the other definition has of an item of a list and the item leaves out."""
        return want

    @abstractmethod
    def read(self, element: Node) -> Any:
        """The value in an element that XML holds, None for nothing."""

    @abstractmethod
    def normal(self, value: Any, path: str) -> Normal:
        """The canonical form of what a user wrote."""

    @abstractmethod
    def write(self, element: Node, rows: Rows, have: Any, want: Any) -> bool:
        """Edits an element until it holds what is wanted; ``rows`` are those of the element. Whether it did."""


Rows = tuple[Row, ...]


def snake(name: str) -> str:
    """An XML name as an option name: localOnly and {uri}local-only become local_only."""
    return re.sub("(?<=[a-z])(?=[A-Z])", "_", name.rpartition("}")[2]).lower().replace("-", "_")


def fields(*names: str) -> Callable[[Spec], Key]:
    """A key made of the values of some options of an item; an empty string is no value."""
    return lambda item: tuple(None if item.get(name) == "" else item.get(name) for name in names)


def argument_spec(rows: Rows) -> dict[str, Any]:
    """The Ansible argument specification of a table: every position that can be set, as a typed option."""
    return {row.option: row.options() for row in rows if not row.reported}


def positions(rows: Rows, above: str = "") -> list[str]:
    """Every position of a table as a path like network/ip/@address, to compare with a RelaxNG schema."""
    return [position for row in rows for position in row.positions(above)]
