# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookup that finds what is wrong with the variables of a role or a playbook of this collection."""

from __future__ import annotations

DOCUMENTATION = r"""
name: wrong_variables
short_description: What is wrong with the variables of a role or a playbook
version_added: 1.0.0
description:
  - >-
    Returns a sentence for each variable that begins with the name of the role or playbook and that it does not know,
    for each that cannot be evaluated, and for each whose value is not of its type. A list has to be a list, and a
    dictionary a dictionary. Null counts as not set.
  - >-
    The role P(virtfleet.network.variables#role) makes one error of them. All roles and playbooks of this collection use
    it.
author:
  - virtfleet maintainers (@virtfleet)
options:
  _terms:
    description: The name of the role, or of the playbook.
    type: list
    elements: str
    required: true
  options:
    description:
      - The variables of the playbook, as a role's argument specification has them.
      - When it is not set, those of the role of that name, or those that playbooks of this collection have in common.
    type: dict
  complete:
    description: Whether a variable that is required has to be set.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: The variables of the role topology are right
  ansible.builtin.assert:
    that: query('virtfleet.network.wrong_variables', 'topology') | length == 0
"""

RETURN = r"""
_raw:
  description: What is wrong, each as a part of a sentence.
  type: list
  elements: str
  sample: ["nat_network_subnte is not a variable of it, did you mean nat_network_subnet?"]
"""

import json
import re
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.lookup import LookupBase

from ..plugin_utils._playbooks.plain import as_json, plain
from ..plugin_utils._playbooks.variables import unknown_names, without_nulls, wrong_shapes

COLLECTION = Path(__file__).parents[2]
UNKNOWN = re.compile(r"^(?:Unsupported parameters[^:]*: )?([^ ]+)\. Supported parameters include: ")
# What a template can end with; ansible-core 2.16 hands on what Python raises.
EVALUATION = (AnsibleError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
OMITTED = "AnsibleValueOmittedError"  # of ansible-core 2.19 and newer
LONGEST = 300  # of a problem: Ansible's own may name all options that there are


class LookupModule(LookupBase):  # type: ignore[misc]
    """What Ansible looks for."""

    def run(self, terms: list[str], variables: Any = None, options: Any = None, complete: bool = True) -> list[str]:
        """What is wrong."""
        (owner,), known = terms, variables or {}
        spec = options if options is not None else _spec(owner)
        found = unknown_names(known, {*spec, *_words(owner)}, owner)
        given: dict[str, Any] = {}
        for name in (name for name in spec if name in known):
            try:
                given[name] = self._evaluated(known[name])
            except EVALUATION as error:
                if error.__class__.__name__ == OMITTED:
                    continue
                found.append(f"{name} cannot be evaluated: {error}")
        given = {name: value for name, value in given.items() if value is not None}
        shapes = {name: list(wrong_shapes(name, value, spec[name])) for name, value in given.items()}
        fitting = {name: without_nulls(value) for name, value in given.items() if not shapes[name]}
        asked = {name: one for name, one in spec.items() if name in fitting or (complete and name not in given)}
        found += [problem for problems in shapes.values() for problem in problems]
        found += ArgumentSpecValidator(asked).validate(fitting).error_messages
        return [UNKNOWN.sub(r"\1 is not an option, there are ", problem)[:LONGEST] for problem in found]

    def _evaluated(self, value: Any) -> Any:
        text = as_json(self._templar, value)
        return plain(self._templar.template(value)) if text is None else json.loads(text)


def _spec(owner: str) -> dict[str, Any]:
    """The arguments of a role, or what playbooks have in common. Read for each hypervisor, by a process of its own, so
    not as YAML; Ansible would read a play's vars_files for each task of each."""
    files = (COLLECTION / "roles" / owner / "meta/options.json", COLLECTION / "playbooks/vars" / f"{owner}.json")
    options: dict[str, Any] = json.loads(next(filter(Path.exists, files)).read_text("utf-8"))
    return options


def _words(owner: str) -> set[str]:
    """The words in a role's own files, which are its own variables, and in AWX's: answers to a playbook's survey."""
    files = [COLLECTION / "playbooks/awx/objects.yml"]
    for folder in ("defaults", "handlers", "tasks", "vars"):
        files += (COLLECTION / "roles" / owner / folder).glob("*.yml")
    return {word for file in files for word in re.findall(rf"\b{owner}_\w+", file.read_text(encoding="utf-8"))}
