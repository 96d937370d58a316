# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reading functions of any table: XML to a spec (parse), what a user wrote to a spec (normalise)."""

from __future__ import annotations

import re
from typing import Any, Callable

from .fields import Node, Normal, Rows, Spec

try:
    from lxml import etree
except ImportError:  # reported by the glue in Ansible's usual words
    etree = None  # type: ignore[assignment]
else:
    etree.register_namespace("dnsmasq", "http://libvirt.org/schemas/network/dnsmasq/1.0")

# https://www.w3.org/TR/xml/#charsets, by what it leaves out: a class of all that is in takes a millisecond to compile.
_XML = re.compile("[^\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]*")
# libvirt sends no text of more than 4 MiB between client and daemon (REMOTE_STRING_MAX; seen with 7.0 and 9.0), and
# what it adds to a definition must fit, too: a network that nobody can read any more would hide all others.
LARGEST = 4 * 1024 * 1024 - 65536
HAS_LXML = etree is not None
Element = Node


def read_xml(text: str) -> Node:
    """The root element of an XML text; no entities, no network, no DTD. Raises ValueError when it is not XML."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_blank_text=True, encoding="utf-8"
    )
    try:
        root = etree.fromstring(text.encode("utf-8"), parser)
    except (etree.XMLSyntaxError, UnicodeEncodeError) as error:
        raise ValueError(f"is not well-formed XML ({error})") from None
    if root.getroottree().docinfo.doctype:
        raise ValueError("must not have a document type")
    return root


def write_xml(root: Node) -> str:
    """An element as indented XML text."""
    return str(etree.tostring(root, encoding="unicode", pretty_print=True, with_tail=False))


def canonical_xml(text: str) -> str:
    """XML elements as a text that is the same for equal elements. Raises ValueError when they are not XML."""
    root = read_xml(f"<x>{text}</x>")
    if any((text or "").strip() for text in (root.text, *(child.tail for child in root))):
        raise ValueError("must be XML elements, without text between them")
    return canonical_content(root)


def canonical_content(element: Node) -> str:
    """What is inside an element in canonical form: only elements, as libvirt keeps no more of metadata (9.0)."""
    # C14N 2.0: 1.0 refuses namespaces that are no absolute URIs, which libvirt accepts, and dies at comments (lxml 5).
    # By way of text, since lxml's writer knows only the namespaces that are declared inside.
    texts = [etree.tostring(one, encoding="unicode", with_tail=False) for one in element.iterchildren(etree.Element)]
    return "".join(etree.canonicalize(text) for text in texts)


# ---- parse ----


def parse(element: Node, rows: Rows) -> Spec:
    """The spec of an element: option names to canonical values, without what is only reported."""
    spec: Spec = {}
    for row in rows:
        value = None if row.reported else row.read(element)
        if value is not None:
            spec[row.alias_of or row.option] = value
    return spec


# ---- normalise ----


def normalise(rows: Rows, wanted: Spec, path: str = "") -> tuple[Spec, list[str]]:
    """What a user wrote as a spec of canonical values, and every problem with single values as text."""
    spec: Spec = {}
    problems: list[str] = []
    for row in rows:
        value, place = wanted.get(row.option), f"{path}{row.option}"
        if value is None or row.reported:
            continue
        value, found = row.normal(value, place)
        problems += found
        for aliased in rows if row.alias_of and not found else ():
            if aliased.option == row.alias_of:
                value, found = aliased.normal(value, place)
                problems += found
        if row.slash and "/" in str(value) and not found:
            value, _slash, behind = str(value).partition("/")
            problems += _put(spec, row.slash, int(behind), path)
        problems += _put(spec, row.alias_of or row.option, value, path)
    return spec, problems


def _put(spec: Spec, option: str, value: Any, path: str) -> list[str]:
    before = spec.setdefault(option, value)
    # The one device of <forward dev> may also stand first in the list that it is a short form of.
    if before in (value, value[:1] if isinstance(value, list) else value):
        spec[option] = value
        return []
    # A value that no network has, so that the contradiction counts as a change and is reported.
    spec[option] = [*before, *value] if isinstance(value, list) else f"{before} or {value}"
    return [f"{path}{option} is given twice: {spec[option]}"]


def leaf(canonical: Callable[[Any], Any], value: Any, path: str) -> Normal:
    """The canonical form of a single value, or the value as it is and why it has none."""
    if isinstance(value, str) and len(value) > LARGEST:
        return "", [f"{path} has {len(value)} characters: libvirt takes a definition of {LARGEST} bytes at most"]
    try:
        return canonical(value), []
    except ValueError as error:
        # What XML cannot hold is refused all the same, only later, with whatever else is wrong.
        kept = repr(value) if isinstance(value, str) and not _XML.fullmatch(value) else value
        return kept, [f"{path} {error}, not {value!r}"]
