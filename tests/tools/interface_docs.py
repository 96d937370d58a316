"""The options of virt_iface, and docs/reference/interface-options.md: what the table knows of a NIC, and the words of
people."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from ansible_collections.virtfleet.network.plugins.module_utils._schema.interface import INTERFACE
from ansible_collections.virtfleet.network.plugins.module_utils._xml.branches import Element, Many
from ansible_collections.virtfleet.network.plugins.module_utils._xml.fields import Row
from ansible_collections.virtfleet.network.plugins.module_utils._xml.leaves import Attr
from tests.tools.option_docs import Descriptions, Options, Place, each_text, flat, listed, options_of, walk, word

_TYPES = {"str": "text", "int": "number", "bool": "yes or no"}


def iface_docs(specs: Options, own: Descriptions, texts: Descriptions) -> Options:
    """The options of virt_iface: those of the task, those of one NIC, and the latter once more for several."""
    names = {row.option for row in INTERFACE}
    task = flat({name: spec for name, spec in specs.items() if name not in names}, own)
    inner = specs["ifaces"]["options"]
    task["ifaces"]["suboptions"] = several(inner, own, texts, "ifaces[].")
    return {**task, **options_of(INTERFACE, specs, texts)}


def several(inner: Options, own: Descriptions, texts: Descriptions, shown: str) -> Options:
    """The options of each NIC in a list."""
    return {**flat({"state": inner["state"]}, own), **options_of(INTERFACE, inner, texts, Place("", shown))}


def guest_docs(specs: Options, own: Descriptions, texts: Descriptions) -> Options:
    """The options for the NICs of a guest, one of several."""
    task = flat(specs, own)
    task["ifaces"]["description"] = ["The NICs of the guest.", *own.of("ifaces")[1:]]
    inner = several(specs["ifaces"]["options"], own, texts, "ifaces[].")
    own_names = "|".join(name for name in specs["ifaces"]["options"] if name not in specs)
    deeper = partial(re.sub, rf"O\((?:ifaces\[\]\.|(?=(?:{own_names})\b))", "O(ifaces[].ifaces[].")
    task["ifaces"]["suboptions"] = each_text(inner, deeper)
    names = "|".join(specs)
    inside = partial(re.sub, rf"O\(({names})\b(?!\[\]\.ifaces)", r"O(ifaces[].\1")
    return each_text(task, inside)


def page(by_hand: str, texts: Descriptions) -> str:
    """The page: its beginning, which people write, and a section for each option of the NIC itself."""
    told = {path: (row, " ".join([*texts.of(path, row), *_facts(row)])) for path, row in walk(INTERFACE)}
    plain = [row.option for row in INTERFACE if isinstance(row, Attr) and not row.reported]
    lines = [by_hand, "", *_table({name: told[name] for name in plain})]
    for row in INTERFACE:
        if isinstance(row, Attr) or row.reported:
            continue
        inner = {path: told[path] for path, _row in walk(row.rows, f"{row.option}.")}
        lists = " A list." if isinstance(row, Many) else ""
        lines += ["", f"## `{row.option}`", "", _plain(told[row.option][1]) + lists]
        lines += ["", *_table(inner)] if inner else []
    return "\n".join(lines) + "\n"


def _table(told: dict[str, tuple[Row, str]]) -> Iterator[str]:
    yield from ("| option | value | meaning |", "| --- | --- | --- |")
    for path, (row, text) in told.items():
        yield f"| `{path}` | {_value(row)} | {_plain(text)} |"


def _value(row: Row) -> str:
    choices = row.kind.option.get("choices")
    if isinstance(row, Element):
        return "dictionary"
    if isinstance(row, Many):
        return "list of dictionaries"
    return listed(tuple(choices), "`{}`", "or") if choices else _TYPES[row.kind.option["type"]]


def _facts(row: Row) -> Iterator[str]:
    if row.required and row.assumed is None:
        yield "Needed."
    if row.alias_of:
        yield f"Another spelling of C({row.alias_of})."
    if row.assumed is not None and row.removable:
        yield f"libvirt assumes V({word(row.assumed)})."
    elif row.generated and isinstance(row, Attr):
        yield "libvirt generates one when none is given."
    if row.since:
        yield f"Needs libvirt {row.since} or newer."


def _plain(text: str) -> str:
    """Ansible's markup as that of the page."""
    return re.sub(r"\b[OVCE]\(([^)]*)\)", r"`\1`", text).replace("[].", ".").replace("|", r"\|")
