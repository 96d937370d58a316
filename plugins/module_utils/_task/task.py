# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A task as Ansible hands it over: options in, one result or one error out, in words that people can read."""

from __future__ import annotations

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.validation import check_type_dict

from .._errors.readable import readable
from .._hypervisor.secrets import masked, secrets_of
from .._xml.given import given, malformed


class Module(AnsibleModule):  # type: ignore[misc]  # Ansible has no types
    """An AnsibleModule for which null is the same as left out. Ansible itself fills in null for what is left out inside
    a dictionary, after which an empty one and one that holds nothing but nulls look alike.

    Secrets of the connection's URI are known before the options are validated, and so before anything is logged."""

    def _load_params(self) -> None:
        super()._load_params()
        own = {name: value for name, value in self.params.items() if name.startswith("_ansible_")}
        users = {name: value for name, value in self.params.items() if name not in own}
        self.params: dict[str, Any] = {**(given(users, {"options": self.argument_spec}, _dictionary) or {}), **own}
        # A list that came as JSON is shown as it came: Ansible goes through all that a task returns.
        lists = {name for name, value in self.params.items() if isinstance(value, list)}
        self._texts = {name: value for name, value in users.items() if name in lists and isinstance(value, str)}
        self._secrets = secrets_of(str(users.get("uri") or os.environ.get("LIBVIRT_DEFAULT_URI", "")))
        self.no_log_values |= self._secrets

    def _set_internal_properties(self, *given: Any, **more: Any) -> None:
        super()._set_internal_properties(*given, **more)
        wrong = [*malformed(self.params, self.argument_spec)]
        if wrong:
            self.fail_json(f"Cannot read the options: {'; '.join(wrong)}", problems=wrong)

    def fail_json(self, msg: str, **result: Any) -> None:
        """Ends the task with an error."""
        super().fail_json(msg=self._shown(msg), **self._complete(result))

    def exit_json(self, **result: Any) -> None:
        """Ends the task with a result."""
        super().exit_json(**self._complete(result))

    def warn(self, warning: str) -> None:
        """Adds a warning to the result."""
        super().warn(self._shown(warning))

    def _shown(self, text: str) -> str:
        return readable(masked(text, self._secrets))

    def _complete(self, result: dict[str, Any]) -> dict[str, Any]:
        shown = {"problems": [self._shown(problem) for problem in result["problems"]]} if "problems" in result else {}
        # Without the nulls that Ansible has filled in: of a topology they would be most of what comes back.
        return {"invocation": {"module_args": {**given(self.params), **self._texts}}, **result, **shown}


def _dictionary(text: str) -> Any:
    try:
        return check_type_dict(text)
    except TypeError:  # Ansible refuses it, in its own words
        return text
