"""libvirt's RelaxNG schemas: where they are, and the positions that they allow, as paths like those of the tables."""

from __future__ import annotations

import re
from pathlib import Path

from lxml import etree

from ansible_collections.virtfleet.network.plugins.module_utils._xml.leaves import Attr
from tests.lab.cache import cache_dir

RNG = "{http://relaxng.org/ns/structure/1.0}"
SCHEMAS = "usr/share/libvirt/schemas"
# The libvirt of Debian's stable releases; that of unstable is always another one.
VERSIONS = {"bullseye": (7, 0, 0), "bookworm": (9, 0, 0), "trixie": (11, 3, 0)}


def installed():
    """The folders with libvirt's schemas: this machine's, and those of the lab's cached roots."""
    here = Path("/") / SCHEMAS
    roots = sorted(root for root in cache_dir().glob("root-*") if not root.suffix)  # one with a suffix is in the making
    return [folder for folder in (here, *(root / SCHEMAS for root in roots)) if (folder / "network.rng").exists()]


def label(folder):
    """Whose schema it is."""
    root = re.search("root-([a-z]+)", str(folder))
    return root[1] if root else "this machine"


def version_of(folder):
    """The version of the libvirt that a schema is of, None where it is unknown."""
    system = re.search("VERSION_CODENAME=(.*)", (folder.parents[3] / "etc/os-release").read_text())
    return VERSIONS.get(system[1]) if system else None


def read_schema(file):
    """The definitions of a RelaxNG schema by name, and where it starts; with the files that it includes."""
    definitions, starts = {}, []
    root = etree.parse(str(file)).getroot()
    for included in root.iter(f"{RNG}include"):
        more, _starts = read_schema(file.parent / included.get("href"))
        definitions.update(more)
    for one in root.iter(f"{RNG}define"):
        definitions.setdefault(one.get("name"), []).append(one)
    starts += root.iter(f"{RNG}start")
    return definitions, starts


def schema_positions(file, name):
    """Every element and attribute that a schema allows in the element of this name, which it starts with or defines."""
    definitions, starts = read_schema(file)
    begins = (*starts, *definitions.get(name, ()))
    return {place for start in begins for place in _walk(start, definitions, "", "", frozenset())} - {name}


def _walk(node, definitions, path, space, inside):
    for child in node.iterchildren(etree.Element):
        tag, name = child.tag[len(RNG) :], child.get("name")
        if tag == "ref" and name not in inside:
            for one in definitions.get(name, ()):
                yield from _walk(one, definitions, path, space, inside | {name})
        elif tag == "attribute":
            yield f"{path}/@{name}"
        elif tag == "element" and name:
            own = child.get("ns", space)
            place = "/".join(part for part in (path, f"{{{own}}}{name}" if own else name) if part)
            yield place
            if name != "metadata":  # anything may stand in it
                yield from _walk(child, definitions, place, own, inside)
        elif tag != "ref":
            yield from _walk(child, definitions, path, space, inside)


def newer_positions(rows, above, since=()):
    """The positions that a libvirt may not know yet, each with the version that brought it."""
    found = {}
    for row in rows:
        place = f"{above}/@{row.xml}" if isinstance(row, Attr) else f"{above}/{row.xml}"
        version = max(since, tuple(int(part) for part in row.since.split(".")) if row.since else ())
        found.update({place: version} if version else {})
        found.update(newer_positions(row.rows, place, version))
    return found


def used_positions(root):
    """The positions that a definition uses."""
    found = set()
    for element in root.iter(etree.Element):
        path = "/".join(one.tag for one in (*reversed(list(element.iterancestors())), element))
        found |= {path, *(f"{path}/@{name}" for name in element.attrib)}
    return found
