# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the modules for single entries, the wanted network that they make, and what becomes of each entry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Callable

from .._values.desired import Desired, EntryChanges
from .._values.outcome import Outcome
from .._xml.codec import normalise
from .._xml.fields import argument_spec
from .editor import Editor
from .free import AUTO, IDENTITIES, OPTIONS, Search, addressed
from .lists import Collection, WantedEntry

STATE = {"type": "str", "choices": ["present", "absent"], "default": "present"}


def entry_options(kind: Collection) -> dict[str, Any]:
    """One entry by its fields, or many in a list; and what goes for all of them."""
    one = {**argument_spec(kind.row.rows), "state": STATE}
    for option, alias in kind.aliases.items():
        one[option] = {**one[option], "aliases": [alias]}
    many = {"type": "list", "elements": "dict", "options": one}
    # Without a default here, so that it is known whether a task says it beside the list: present when it is missing.
    single = {**one, "state": {name: STATE[name] for name in ("type", "choices")}}
    options = {"network": {"type": "str", "required": True}, **single, kind.path[-1]: many}
    options["exclusive"] = {"type": "bool", "default": False}
    if kind.unique:
        options["conflict"] = {"type": "str", "choices": ["fail", "replace"], "default": "fail"}
    if kind.automatic:
        options.update(OPTIONS)
    if kind.names:
        options["append"] = {"type": "bool", "default": True}
    return options


def entry_rules(kind: Collection) -> dict[str, Any]:
    """What AnsibleModule is to check of these options together: the list, or the fields of one entry."""
    telling = sorted({field for fields in kind.identities for field in fields})
    single = [*argument_spec(kind.row.rows), "state"]
    return {
        "mutually_exclusive": [(kind.path[-1], field) for field in single],
        "required_one_of": [(kind.path[-1], *telling)],
    }


def desired_entries(
    kind: Collection, params: Mapping[str, Any], leases: Callable[[], Iterable[Any]] = tuple
) -> Desired:
    """The wanted network of a module for entries; ``leases`` are read where an address is to be chosen."""
    bulk, rows = kind.path[-1], kind.row.rows
    given = [params] if params[bulk] is None else params[bulk]
    wanted, problems = [], []
    for index, item in enumerate(given):
        auto, place = kind.automatic and item[kind.address] == AUTO, "" if params[bulk] is None else f"{bulk}[{index}]."
        entry, found = normalise(rows, {**item, kind.address: None} if auto else item, place)
        present = item["state"] != "absent"
        problems += found
        if auto and not any(entry.get(name) for name in IDENTITIES):
            problems.append(f"{place}{kind.address}=auto needs {' or '.join(IDENTITIES)}")
        else:
            wanted.append(WantedEntry(entry, present, auto and present))
    exclusive, replace = params["exclusive"], params.get("conflict") == "replace"
    if exclusive and params[bulk] is None and params["state"] == "absent":
        problems.append(f"exclusive with state=absent would remove all: say {bulk}=[] if that is meant")

    automatic = any(one.auto for one in wanted)
    search = Search(params.get("auto_subnet") or "", params.get("auto_ranges", ""), leases)

    def edit(have: dict[str, Any], other: Mapping[str, Any] = MappingProxyType({})) -> Any:
        """What becomes of an entry in the other definition is the model for one that is missing in this one."""
        append = params.get("append", True)
        asked, wrong = addressed(wanted, [have, dict(other)], search) if automatic else (wanted, [])
        model = {} if have == other else Editor(kind, dict(other), {}, append).edit(asked, exclusive, replace).spec
        edit = Editor(kind, have, model, append).edit(asked, exclusive, replace)
        return edit._replace(problems=[*wrong, *edit.problems])

    return Desired(params["network"], active=None, autostart=None, problems=tuple(problems), edit=edit)


def entry_changes(outcome: Outcome) -> EntryChanges:
    """What becomes of each entry, in the persistent or the live config: what changes in one of them has changed. What
    the live one gets only with a restart, this task does not do."""
    persistent, plan = outcome.before.persistent, outcome.plan
    found = [edit.entry_changes for edit in plan.targets.edits(persistent)]
    seen: set[str] = set()
    columns: list[list[str]] = []
    if plan.restart_required:
        found = found[: int(persistent)]
    for column in zip(*found):
        labels = [label for label in dict.fromkeys(label for part in column for label in part) if label not in seen]
        seen.update(labels)
        columns.append(labels)
    return EntryChanges(*columns) if columns else EntryChanges([], [], [], [])
