# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A task as Ansible hands it over: options in, one result or one error out, in words that people can read."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.validation import check_type_dict

from ansible_collections.virtfleet.network.plugins.module_utils._given import given
from ansible_collections.virtfleet.network.plugins.module_utils._readable import readable


class Module(AnsibleModule):  # type: ignore[misc]  # Ansible has no types
    """An AnsibleModule for which null is the same as left out. Ansible itself fills in null for what is left out inside
    a dictionary, after which an empty one and one that holds nothing but nulls look alike."""

    def _load_params(self) -> None:
        super()._load_params()
        own = {name: value for name, value in self.params.items() if name.startswith("_ansible_")}
        users = {name: value for name, value in self.params.items() if name not in own}
        self.params: dict[str, Any] = {**(given(users, {"options": self.argument_spec}, _dictionary) or {}), **own}

    def fail_json(self, msg: str, **result: Any) -> None:
        """Ends the task with an error."""
        super().fail_json(msg=readable(msg), **_readable_problems(result))

    def exit_json(self, **result: Any) -> None:
        """Ends the task with a result."""
        super().exit_json(**_readable_problems(result))

    def warn(self, warning: str) -> None:
        """Adds a warning to the result."""
        super().warn(readable(warning))


def _readable_problems(result: dict[str, Any]) -> dict[str, Any]:
    told = {"problems": [readable(problem) for problem in result["problems"]]} if "problems" in result else {}
    return {**result, **told}


def _dictionary(text: str) -> Any:
    try:
        return check_type_dict(text)
    except TypeError:  # Ansible refuses it, in its own words
        return text
