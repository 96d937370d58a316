# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The vocabulary of the tables: rows that describe the positions of an XML format, and what can be read off them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Callable, NamedTuple

from .kinds import TEXT, Kind

Spec = dict[str, Any]
Key = tuple[Any, ...]


class Row(NamedTuple):
    """One position of the XML (see the functions below, which make the rows).

    ``form``: attr, text, element, many, values or opaque; ``xml``: the tag or attribute (with its namespace in
    braces); ``option``: its name for users; ``rows``: the positions inside; ``key``: from an item of a list to what
    tells it from the others; ``kin``: whether a wanted item is an existing one although their keys differ;
    ``implied``: adds to what was read what libvirt reads between the lines; ``settle``: completes what is wanted of
    an item with what is there; ``assumed``: what libvirt assumes when the XML is silent; ``since``: the libvirt
    version that brought it; ``made_up``: libvirt invents it (an element: all of it); ``reported``: libvirt reports
    it, nobody sets it; ``spells``: another option that this attribute is a spelling of; ``needed``: the schema
    wants it, so that an empty string is a value and what is assumed gets written; ``live``: the virNetworkUpdate
    section that changes it on a running network; ``passive``: only a description, of no effect on the running
    network; ``ordered``: the order of the list means something; ``lines``: what libvirt writes for it into dnsmasq's
    files, templates that _dnsmasq fills with what is in it, or for a single value with what is beside it.
    """

    form: str
    xml: str
    option: str
    kind: Kind = TEXT
    rows: tuple[Row, ...] = ()
    key: Callable[[Spec], Key] = lambda _item: ()
    kin: Callable[[Spec, Spec], bool] | None = None
    implied: Callable[[Spec], Spec] | None = None
    settle: Callable[[Spec, Spec], Spec] | None = None
    assumed: Any = None
    since: str = ""
    made_up: bool = False
    reported: bool = False
    spells: str = ""
    needed: bool = False
    live: str = ""
    passive: bool = False
    ordered: bool = False
    lines: tuple[str, ...] = ()
    wrapper: str = ""
    attribute: str = ""


def snake(name: str) -> str:
    """An XML name as an option name: localOnly and {uri}local-only become local_only."""
    return re.sub("(?<=[a-z])(?=[A-Z])", "_", name.rpartition("}")[2]).lower().replace("-", "_")


def attr(xml: str, kind: Kind = TEXT, **more: Any) -> Row:
    """An attribute."""
    return Row("attr", xml, more.pop("option", snake(xml)), kind, **more)


def text(xml: str, kind: Kind = TEXT, **more: Any) -> Row:
    """A child element that holds only text."""
    return Row("text", xml, more.pop("option", snake(xml)), kind, **more)


def element(xml: str, *rows: Row, **more: Any) -> Row:
    """A child element that occurs once at most: a dictionary for users."""
    return Row("element", xml, more.pop("option", snake(xml)), rows=rows, **more)


def many(xml: str, *rows: Row, **more: Any) -> Row:
    """A child element that may occur many times: a list of dictionaries, told apart by ``key``."""
    return Row("many", xml, more.pop("option", snake(xml) + "s"), rows=rows, **more)


def values(xml: str, kind: Kind = TEXT, **more: Any) -> Row:
    """Child elements with one value each, in their text or ``attribute``, maybe in a ``wrapper``: a plain list."""
    return Row("values", xml, more.pop("option", snake(xml) + "s"), kind, **more)


def opaque(xml: str, **more: Any) -> Row:
    """A child element whose content is XML of somebody else's, kept as it is: a string for users."""
    return Row("opaque", xml, more.pop("option", snake(xml)), **more)


def fields(*names: str) -> Callable[[Spec], Key]:
    """A key made of the values of some options of an item; an empty string is no value."""
    return lambda item: tuple(None if item.get(name) == "" else item.get(name) for name in names)


def argument_spec(rows: tuple[Row, ...]) -> dict[str, Any]:
    """The Ansible argument specification of a table: every position that can be set, as a typed option."""
    spec: dict[str, Any] = {}
    for row in rows:
        if row.reported:
            continue
        if row.form in ("element", "many"):
            inner = {"options": argument_spec(row.rows)}
            spec[row.option] = (
                {"type": "dict", **inner} if row.form == "element" else {"type": "list", "elements": "dict", **inner}
            )
        elif row.form == "values":
            spec[row.option] = {"type": "list", "elements": row.kind.option["type"]}
        else:
            spec[row.option] = dict(row.kind.option)
    return spec


def positions(rows: tuple[Row, ...], above: str = "") -> list[str]:
    """Every position of a table as a path like network/ip/@address, to compare with a RelaxNG schema."""
    found: list[str] = []
    for row in rows:
        place = "/".join(part for part in (above, row.wrapper, row.xml) if part)
        if row.form == "attr":
            found.append(f"{above}/@{row.xml}")
            continue
        if row.wrapper:
            found.append(f"{above}/{row.wrapper}")
        found.append(place)
        if row.attribute:
            found.append(f"{place}/@{row.attribute}")
        found.extend(positions(row.rows, place))
    return found


def missing(
    rows: tuple[Row, ...], needed: Mapping[str, tuple[str, ...]], spec: Spec, shown: str = "", path: str = ""
) -> Iterator[str]:
    """What a spec lacks, as sentences; ``needed`` names for each path in the table the options that must be there,
    ``shown`` is where the spec itself is."""
    for name in needed.get(path, ()):
        if spec.get(name) in (None, []):
            yield f"{shown} needs {name}"
    for row in rows:
        inner = f"{path}.{row.option}" if path else row.option
        place = f"{shown}.{row.option}" if shown else row.option
        if row.form == "element" and row.option in spec:
            yield from missing(row.rows, needed, spec[row.option], place, inner)
        elif row.form == "many":
            for index, item in enumerate(spec.get(row.option, [])):
                yield from missing(row.rows, needed, item, f"{place}[{index}]", inner)
