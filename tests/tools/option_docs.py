"""Documentation of options and results: what the tables know, in sentences, together with the words of people."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ansible_collections.virtfleet.network.plugins.module_utils._entries.lists import DHCP_HOST, Collection
from ansible_collections.virtfleet.network.plugins.module_utils._network.live import FIREWALL_SECONDS, call_seconds
from ansible_collections.virtfleet.network.plugins.module_utils._network.plan import WORTH_A_RESTART
from ansible_collections.virtfleet.network.plugins.module_utils._network.short_options import SHORT
from ansible_collections.virtfleet.network.plugins.module_utils._schema.network import NETWORK
from ansible_collections.virtfleet.network.plugins.module_utils._xml.branches import Element, Many
from ansible_collections.virtfleet.network.plugins.module_utils._xml.fields import Row
from ansible_collections.virtfleet.network.plugins.module_utils._xml.leaves import Opaque, Text, Values

Options = dict[str, Any]
# The module that has an option for everything, to which texts lead that speak of an option of another one.
WHOLE = "virtfleet.network.virt_network"


class Descriptions:
    """The texts for the options of one fragment by path, and what is wrong with them."""

    def __init__(self, title: str, texts: dict[str, list[str]]) -> None:
        self.title, self.texts = title, texts
        self.missing: list[str] = []
        self.used: set[str] = set()
        self._path_of: dict[int, str] = {}

    def of(self, path: str, row: Row | None = None) -> list[str]:
        """The text for an option; a row that stands in several places is described at the first."""
        found = path if path in self.texts else self._path_of.get(id(row), "")
        if not found:
            self.missing.append(path)
            return []
        self.used.add(found)
        self._path_of.setdefault(id(row), found)
        return self.texts[found]

    def problems(self) -> Iterator[str]:
        """What is described and not there, or there and not described."""
        for path in dict.fromkeys(self.missing):
            yield f"tests/tools/descriptions.yml: {self.title}: no description of {path}"
        for path in sorted(set(self.texts) - self.used):
            yield f"tests/tools/descriptions.yml: {self.title}: there is no option {path}"


class Place(NamedTuple):
    """Where options are: ``path`` in the table, with a dot at its end, and ``shown``, as markup writes it for readers
    (ips[].dhcp.); ``kind``: the list of whose entries they are the options, in a module for entries."""

    path: str = ""
    shown: str = ""
    kind: Collection | None = None

    def inside(self, row: Row) -> Place:
        """The place inside an option."""
        items = "[]." if isinstance(row, Many) else "."
        return Place(f"{self.path}{row.option}.", f"{self.shown}{row.option}{items}")


TOP = Place()


# ---- options of a table ----


def options_of(rows: tuple[Row, ...], specs: Options, texts: Descriptions, place: Place = TOP) -> Options:
    """The documentation of a table's options."""
    documented: Options = {}
    for row in rows:
        if row.reported or row.option not in specs:
            continue
        spec = specs[row.option]
        entry = {"description": [*texts.of(place.path + row.option, row), *facts(row, place)], **head(spec)}
        if "options" in spec:
            entry["suboptions"] = options_of(row.rows, spec["options"], texts, place.inside(row))
        documented[row.option] = entry
    return documented


def head(spec: Options) -> Options:
    """What an argument specification says of one option, apart from its suboptions."""
    names = ("type", "elements", "choices", "default", "required", "aliases")
    return {name: spec[name] for name in names if name in spec}


def flat(specs: Options, texts: Descriptions) -> Options:
    """The documentation of options without a table."""
    return {name: {"description": texts.of(name), **head(spec)} for name, spec in specs.items()}


def short_docs(specs: Options, texts: Descriptions, table: Descriptions) -> Options:
    """The documentation of those options of the short form that are among others."""
    documented = flat({name: spec for name, spec in specs.items() if name in SHORT}, texts)
    if "reservations" in documented:
        place = Place("ips.dhcp.hosts.", "reservations[].")
        hosts = options_of(DHCP_HOST.row.rows, specs["reservations"]["options"], table, place)
        documented["reservations"]["suboptions"] = hosts
    return documented


def facts(row: Row, place: Place) -> Iterator[str]:
    """What the table knows about an option, in sentences."""
    if row.alias_of:
        yield f"Another spelling of O({place.shown}{row.alias_of})."
    if isinstance(row, (Many, Values)):
        yield from _list_facts(row, place)
    if row.assumed is not None:
        yield f"libvirt assumes V({word(row.assumed)}) where the definition does not say."
    elif row.generated:
        yield "libvirt generates one when none is given."
    if row.since:
        yield f"Needs libvirt {row.since} or newer."
    yield from _obligation(row, place)
    if row.passive and not row.live:
        yield "It has no effect on a running network, so it never needs a restart."
    elif row.live:
        yield "A running network takes it without a restart."


def _list_facts(row: Row, place: Place) -> Iterator[str]:
    keys = inspect.getclosurevars(row.key).nonlocals.get("names", ())
    if place.kind is None or row.option != place.kind.names:
        yield "The list is the whole list: entries that are not in it are removed."
    if keys:
        yield f"Entries are matched by {listed(keys)}."
    if row.ordered:
        yield "Their order matters."


def _obligation(row: Row, place: Place) -> Iterator[str]:
    """Whether the option must be there at the end, else how it is taken away (further inside, a note says that)."""
    string = isinstance(row, (Text, Opaque)) and not row.generated
    if row.required and row.assumed is None and place.path:
        yield _needed(row, place)
    elif not place.path and isinstance(row, Element) and not any(one.generated for one in (row, *row.rows)):
        yield "An empty dictionary removes it."
    elif not place.path and isinstance(row, (Many, Values)):
        yield "An empty list removes all."
    elif not place.path and string:
        yield "An empty string removes it."


def _needed(row: Row, place: Place) -> str:
    if place.kind is None:
        return "Every entry needs it." if place.shown.endswith("[].") else f"O({place.shown.rstrip('.')}) needs it."
    if row.option in place.kind.needs:
        return "A new entry needs it."
    return "Every entry needs it." if place.shown else f"Needed unless O({place.kind.path[-1]}) is given."


def listed(names: tuple[str, ...], mark: str = "C({})", last: str = "and") -> str:
    """Names as a sentence has them."""
    quoted = [mark.format(name) for name in names]
    return f" {last} ".join([*filter(None, [", ".join(quoted[:-1])]), quoted[-1]])


def word(value: Any) -> str:
    """A value as documentation writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def walk(rows: tuple[Row, ...], above: str = "") -> Iterator[tuple[str, Row]]:
    """Every row that can be set, with its path."""
    for row in rows:
        if not row.reported:
            yield f"{above}{row.option}", row
            yield from walk(row.rows, f"{above}{row.option}.")


# ---- modules for entries ----


class Entries:
    """The documentation of the modules for single entries, in the words of descriptions.yml for each."""

    def __init__(self, data: Options, common: Descriptions, table: Descriptions) -> None:
        self._data, self._common, self._table = data, common, table

    def options(self, module: str, kind: Collection, specs: Options) -> Options:
        """The options of one module: those of one entry, a list of entries, and what goes for all of them."""
        path, bulk, rows = ".".join(kind.path) + ".", kind.path[-1], kind.row.rows
        documented = options_of(rows, specs, self._table, Place(path, "", kind))
        for name, spec in specs.items():
            if name not in documented:
                documented[name] = {"description": self._text(module, kind, name), **head(spec)}
        inner = options_of(rows, specs[bulk]["options"], self._table, Place(path, f"{bulk}[].", kind))
        for name, texts in self._own(module).get("options", {}).items():
            for one in (documented, inner) if name in inner else ():
                one[name] = {**one[name], "description": [*one[name]["description"], *texts]}
        documented[bulk]["description"].append(identity(kind))
        state = self._text(module, kind, "state")
        documented[bulk]["suboptions"] = {
            **inner,
            "state": {"description": state, **head(specs[bulk]["options"]["state"])},
        }
        documented["state"]["description"] = [*state, "When the option is not set, V(present) is meant."]
        return elsewhere({name: documented[name] for name in specs})

    def more(self, module: str, kind: Collection) -> Options:
        """What the documentation of a module has beside its options and its own words."""
        firewall = kind.row.live in FIREWALL_SECONDS
        notes = [*self._data["notes"], *self._data["firewall_notes" if firewall else "other_notes"]]
        texts = {name: self._data[name] for name in ("attributes", "seealso")}
        calls = int(WORTH_A_RESTART / call_seconds(kind.row.live))
        words = {**self._own(module)["words"], "calls": calls}
        found: Options = each_text({**texts, "notes": notes}, lambda text: text.format(**words))
        return found

    def _own(self, module: str) -> Options:
        if module not in self._data["modules"]:
            raise SystemExit(f"tests/tools/descriptions.yml: entries.modules: no words of {module}")
        found: Options = self._data["modules"][module]
        return found

    def _text(self, module: str, kind: Collection, name: str) -> list[str]:
        own, unique = self._own(module), listed(kind.unique, last="or") if kind.unique else ""
        texts = [*self._common.of("list" if name == kind.path[-1] else name), *own.get("options", {}).get(name, [])]
        return [text.format(**own["words"], list=kind.path[-1], unique=unique) for text in texts]

    def result(self, module: str, whole: Options) -> Options:
        """What a module returns: as virt_network, with the entries in place of the network."""
        own = self._own(module)
        entries = each_text(self._data["returns"], lambda text: text.format(**own["words"]))
        returned: Options = {}
        for name, entry in whole.items():
            returned.update(entries if name == "network" else {name: entry})
        sample = own["sample"]
        change = f"{sample['path']}: {_told(sample['before'])} -> {_told(sample['after'])}"
        sampled = {"plan": sample, "entries": sample, "diff": {"prepared": f"update guests: {change} (live)\n"}}
        for name, samples in sampled.items():
            inner = {
                key: {**entry, "sample": samples[key]} if key in samples else entry
                for key, entry in returned[name]["contains"].items()
            }
            returned[name] = {**returned[name], "contains": inner}
        return {**returned, "problems": {**returned["problems"], "sample": [sample["problem"]]}}


def kinds(folder: Path, lists: Mapping[str, Any]) -> dict[str, Collection]:
    """Which module is for the entries of which list, as the modules say it."""
    found = {path.stem: re.findall(r"run_entries\((\w+)\)", path.read_text()) for path in sorted(folder.glob("*.py"))}
    return {module: lists[name] for module, names in found.items() for name in names}


def identity(kind: Collection) -> str:
    """How entries are matched, as a sentence."""
    first, mark = kind.identities[0], f"O({kind.path[-1]}[].{{}})"
    if len(first) > 1:
        return f"Entries are matched by {listed(first, mark)} together."
    names = tuple(name for names in kind.identities for name in names)
    several = ("the first of ", " that is given") if len(names) > 1 else ("", "")
    return f"Entries are matched by {several[0]}{listed(names, mark)}{several[1]}."


def elsewhere(documented: Options) -> Options:
    """The same documentation, where texts that speak of an option of virt_network alone lead to that module."""
    own, whole = set(_paths(documented)), {path for path, _row in walk(NETWORK)}

    def lead(found: re.Match[str]) -> str:
        path = found[1].partition("=")[0].replace("[]", "")
        return f"O({WHOLE}#module:{found[1]})" if path in whole - own else found[0]

    rewritten: Options = each_text(documented, lambda text: re.sub(r"O\(([^)]+)\)", lead, text))
    return rewritten


def each_text(value: Any, change: Callable[[str], str]) -> Any:
    """The same data with every text in it changed."""
    if isinstance(value, dict):
        return {name: each_text(inner, change) for name, inner in value.items()}
    if isinstance(value, list):
        return [each_text(inner, change) for inner in value]
    return change(value) if isinstance(value, str) else value


def _paths(options: Options, above: str = "") -> Iterator[str]:
    for name, option in options.items():
        yield f"{above}{name}"
        yield from _paths(option.get("suboptions", {}), f"{above}{name}.")


def _told(value: Any) -> str:
    return "nothing" if value is None else str(value)
