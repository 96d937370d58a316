# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the modules for single entries, the wanted network that they make, and what becomes of each entry."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from .._values.desired import Desired, EntryChanges
from .._values.outcome import Outcome
from .._xml.codec import normalise
from .._xml.fields import argument_spec
from .editor import Editor
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


def desired_entries(kind: Collection, params: Mapping[str, Any]) -> Desired:
    """The wanted network of a module for entries."""
    bulk, rows = kind.path[-1], kind.row.rows
    given = [params] if params[bulk] is None else params[bulk]
    wanted, problems = [], []
    for index, item in enumerate(given):
        entry, found = normalise(rows, item, "" if params[bulk] is None else f"{bulk}[{index}].")
        wanted.append(WantedEntry(entry, item["state"] != "absent"))
        problems += found
    exclusive, replace = params["exclusive"], params.get("conflict") == "replace"
    if exclusive and params[bulk] is None and not wanted[0].present:
        problems.append(f"exclusive with state=absent would remove all: say {bulk}=[] if that is meant")

    def edit(have: dict[str, Any], other: Mapping[str, Any] = MappingProxyType({})) -> Any:
        """What becomes of an entry in the other definition is the model for one that is missing in this one."""
        append = params.get("append", True)
        model = {} if have == other else Editor(kind, dict(other), {}, append).edit(wanted, exclusive, replace).spec
        return Editor(kind, have, model, append).edit(wanted, exclusive, replace)

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
