# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Applies wanted entries to the list of a network: which is which, what grows, what goes, what collides."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .._schema.shared import subnet
from .._values.desired import Edit, EntryChanges
from .._xml.diff import equal
from .._xml.fields import Spec
from .._xml.overlay import laid
from .lists import Collection, WantedEntry


class _Placed:
    """An entry, the number of the <ip> that it is in (0 for lists outside of them), and what becomes of it: ``wanted``
    by the task, ``gone`` from the list, ``refused`` as there is a problem with it."""

    def __init__(self, home: int, entry: Spec, wanted: bool = False) -> None:
        self.home, self.entry, self.before, self.wanted = home, entry, entry, wanted
        self.gone = self.refused = False


class Editor:
    """Applies wanted entries to the list of a network as it is."""

    def __init__(self, kind: Collection, have: Spec, model: Mapping[str, Any], append: bool) -> None:
        """``model`` is like ``have``: an entry that is missing here is made after the one that is there."""
        self.kind, self.have, self.append = kind, have, append
        self.there = _placed(kind, have)
        self.new: list[_Placed] = []
        self.problems: list[str] = []
        self.index = _index(kind, self.there)
        self.model = _index(kind, _placed(kind, model))
        self.nets = [subnet(item) for item in have.get("ips", [])] if kind.address else []

    def edit(self, wanted: Sequence[WantedEntry], exclusive: bool, replace: bool) -> Edit:
        """All wanted entries applied; ``exclusive``: others go; ``replace``: others that hold the same value go."""
        self._twice(wanted)
        for item in wanted:
            (self._put if item.present else self._take)(item.entry)
        for placed in self.there if exclusive else ():
            placed.gone |= not placed.wanted
        self._resolve(replace)
        return Edit(self._spec(), self.problems, self._entry_changes())

    def _twice(self, wanted: Sequence[WantedEntry]) -> None:
        """An entry that is listed twice is a problem; single names of one may go while others come."""
        seen: dict[tuple[Any, ...], bool] = {}
        for item in wanted:
            fields, names = self._identity(item.entry), item.entry.get(self.kind.names, [])
            # A guest may have one name in both families.
            family = ":" in item.entry.get("ip", "") if set(fields) <= set(self.kind.local) else None
            key = (family, fields, *_values(item.entry, fields))
            if key in seen and (item.present or seen[key]) and any(_values(item.entry, fields)):
                self._object(f"{self._label(item.entry)} is listed twice")
            if any(seen.setdefault((*key, name), item.present) != item.present for name in names):
                self.problems.append(f"{self._label(item.entry)} is listed with a name to be there and not")
            if item.present or not names:
                seen[key] = item.present

    def _object(self, problem: str) -> None:
        if problem not in self.problems:
            self.problems.append(problem)

    def _identity(self, entry: Spec) -> tuple[str, ...]:
        """The fields that identify this entry; the last ones of the kind, when none are given in full."""
        for fields in self.kind.identities:
            if all(entry.get(field) not in (None, "") or field in self.kind.loose for field in fields):
                return fields
        return self.kind.identities[-1]

    def _lacks(self, entry: Spec, needed: Sequence[str] = ()) -> bool:
        """Whether an entry does not say which one it is, or all that a new one needs; that is a problem."""
        needed = needed or [one for one in self._identity(entry) if one not in self.kind.loose]
        fields = [one for one in needed if entry.get(one) in (None, "", [])]
        if fields:
            self.problems.append(f"{self._label(entry)} needs {' and '.join(fields)}")
        return bool(fields)

    def _find(self, entry: Spec, home: int | None, index: _Index) -> list[_Placed]:
        """The entries that have this one's identity; with a local one, only in the <ip> ``home`` if there is one."""
        fields = self._identity(entry)
        local = home is not None and set(fields) <= set(self.kind.local)
        found = index.get(fields, {}).get(_values(entry, fields), [])
        # An earlier entry of the same task may have given it another identity.
        now = [one for one in found if _values(one.entry, fields) == _values(entry, fields)]
        return [one for one in now if not one.gone and not (local and one.home != home)]

    def _put(self, entry: Spec) -> None:
        if self._lacks(entry):
            return
        given = self.kind.address in entry or not self.kind.address
        home = self._home(entry) if given else None
        found = self._find(entry, home, self.index)
        if found:
            one = next((one for one in found if self._laid(one.entry, entry) == one.entry), found[0])
            self._change(one, entry, home)
            one.refused |= given and home is None
        else:
            self._add(entry, home, given)

    def _change(self, placed: _Placed, entry: Spec, home: int | None) -> None:
        """Lays what is wanted over an entry of the list."""
        if placed.wanted:
            self._object(f"{self._label(entry)} is listed twice")
        placed.wanted, placed.entry = True, self._laid(placed.entry, entry)
        placed.home = placed.home if home is None else home

    def _add(self, entry: Spec, home: int | None, given: bool) -> None:
        """Adds a new entry, like the one in the other definition where there is one; ``given``: with its address."""
        model = self._find(entry, home, self.model)
        entry = self._laid(model[0].entry if model else {}, entry)
        home = self._home(entry) if home is None and model else home
        if (given and home is None) or self._lacks(entry, self.kind.needs):
            return
        placed = _Placed(home or 0, entry, wanted=True)
        self.new.append(placed)
        for fields, values in self.index.items():
            values.setdefault(_values(entry, fields), []).append(placed)

    def _laid(self, old: Spec, entry: Spec) -> Spec:
        return {**laid(old, entry), **self._grown(old, entry)}

    def _grown(self, old: Spec, entry: Spec) -> Spec:
        names = self.kind.names
        before = old.get(names, []) if self.append else []
        return {names: list(dict.fromkeys([*before, *entry[names]]))} if entry.get(names) else {}

    def _take(self, entry: Spec) -> None:
        if self._lacks(entry):
            return
        fields = self._identity(entry)
        found = self._find(entry, self._home(entry, tell=False) if self.kind.address in entry else None, self.index)
        if any(entry.get(field) in (None, "") for field in fields):
            given = tuple(field for field in fields if entry.get(field) not in (None, ""))
            found = [one for one in (*self.there, *self.new) if _values(one.entry, given) == _values(entry, given)]
        for placed in found:
            gone = entry.get(self.kind.names, [])
            if placed.wanted and not gone:
                self._object(f"{self._label(placed.entry)} is listed twice")
                continue
            names = [name for name in placed.entry.get(self.kind.names, []) if name not in gone]
            if gone and names:
                placed.entry = {**placed.entry, self.kind.names: names}
            else:
                placed.gone = True

    def _home(self, entry: Spec, tell: bool = True) -> int | None:
        """The <ip> whose subnet the entry lies in; a problem when there is none."""
        if not self.kind.address:
            return 0
        try:
            address = ipaddress.ip_address(entry[self.kind.address])
        except ValueError:
            return None  # reported already, as a bad value
        for home, net in enumerate(self.nets):
            if net is not None and address.version == net.version and address in net:
                return home
        nets = ", ".join(str(net) for net in self.nets) or "none"
        if tell:
            self._object(f"{self._label(entry)} at {address} lies in no subnet of the network (it has: {nets})")
        return None

    def _resolve(self, replace: bool) -> None:
        """Values that only one entry may have: two wanted ones cannot, another one goes or is a problem."""
        for field in self.kind.unique:
            holders: dict[tuple[int, Any], list[_Placed]] = {}
            for placed in self._kept():
                if placed.entry.get(field):
                    holders.setdefault((placed.home, placed.entry[field]), []).append(placed)
            for (_home, value), several in holders.items():
                if len(several) > 1:
                    self._collide(field, value, several, replace)
        for placed in (*self.there, *self.new):
            placed.gone |= placed.refused  # so that nothing else is said of it

    def _collide(self, field: str, value: Any, several: list[_Placed], replace: bool) -> None:
        wanted = [placed for placed in several if placed.wanted]
        if len(wanted) > 1:
            labels = " and ".join(self._label(placed.entry) for placed in wanted)
            self.problems.append(f"{labels} both want {field} {value}")
            for placed in wanted:
                placed.refused = True
        for placed in several if wanted else ():
            if not placed.wanted and replace:
                placed.gone = True
            elif not placed.wanted:
                self.problems.append(
                    f"{self._label(wanted[0].entry)} wants {field} {value}, which {self._label(placed.entry)} has: "
                    "remove that one, or say conflict=replace"
                )
                wanted[0].refused = True

    def _kept(self) -> Iterator[_Placed]:
        return (placed for placed in (*self.there, *self.new) if not placed.gone)

    def _spec(self) -> Spec:
        lists: list[list[Spec]] = [[] for _home in _lists(self.kind, self.have)]
        for placed in self._kept():
            lists[placed.home].append(placed.entry)
        if not self.kind.address:
            return _nest(self.kind.path, lists[0])
        inner = self.kind.path[1:]
        items = self.have.get("ips", [])
        places = [{name: item[name] for name in ("address", "prefix") if name in item} for item in items]
        return {"ips": [{**place, **_nest(inner, entries)} for place, entries in zip(places, lists)]}

    def _entry_changes(self) -> EntryChanges:
        entry_changes, rows = EntryChanges([], [], [], []), self.kind.row.rows
        for placed in self.there:
            if placed.gone:
                entry_changes.removed.append(self._label(placed.before))
            else:
                same = placed.entry is placed.before or equal(rows, placed.before, _without_empty(placed.entry))
                (entry_changes.left if same else entry_changes.changed).append(self._label(placed.entry))
        entry_changes.added.extend(self._label(placed.entry) for placed in self.new if not placed.gone)
        return entry_changes

    def _label(self, entry: Spec) -> str:
        given = [str(entry[field]) for field in self._identity(entry) if entry.get(field) not in (None, "")]
        return "/".join(given) or "an entry"


_Index = dict[tuple[str, ...], dict[tuple[Any, ...], list[_Placed]]]


def _placed(kind: Collection, spec: Mapping[str, Any]) -> list[_Placed]:
    return [_Placed(home, entry) for home, entries in enumerate(_lists(kind, spec)) for entry in entries]


def _index(kind: Collection, placed: list[_Placed]) -> _Index:
    """Entries by each identity."""
    index: _Index = {}
    for fields in kind.identities:
        values = index[fields] = {}
        for one in placed:
            values.setdefault(_values(one.entry, fields), []).append(one)
    return index


def _lists(kind: Collection, have: Mapping[str, Any]) -> list[list[Spec]]:
    """The entries as they are, one list for each <ip> or one in all."""
    if kind.address:
        return [item.get("dhcp", {}).get(kind.path[-1], []) for item in have.get("ips", [])]
    found: Any = have
    for option in kind.path[:-1]:
        found = found.get(option, {})
    return [found.get(kind.path[-1], [])]


def _nest(path: tuple[str, ...], entries: list[Spec]) -> Spec:
    value: Any = entries
    for option in reversed(path):
        value = {option: value}
    return dict(value)


def _without_empty(entry: Spec) -> Spec:
    """An entry without what takes something away."""
    kept = {name: _without_empty(value) if isinstance(value, dict) else value for name, value in entry.items()}
    return {name: value for name, value in kept.items() if value not in ("", {}, [])}


def _values(entry: Spec, fields: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(None if entry.get(field) == "" else entry.get(field) for field in fields)
