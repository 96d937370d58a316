# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Events as rulebooks get them: plain data, whose texts no template, terminal or log obeys, without secrets. Pure."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from ...module_utils._errors.readable import readable
from ...module_utils._hypervisor.secrets import masked, secrets_of

# Jinja's own: Ansible evaluates the extra variables that a rulebook gives to a playbook.
_TEMPLATE = re.compile(r"\{(?=[{%#])|(?<=[}%#])\}")


class Happening(NamedTuple):
    """What happened to what: a network, a guest or the hypervisor itself; more in the words of rulebooks."""

    kind: str
    what: str
    name: str
    more: Mapping[str, Any] = MappingProxyType({})


class Teller:
    """Makes the events of one hypervisor."""

    def __init__(self, name: str, uri: str) -> None:
        self._secrets = secrets_of(uri)
        self._name, self._uri = self.shown(name), self.shown(uri)
        self._host = name

    def event(self, happening: Happening) -> dict[str, Any]:
        """The event of what happened, now."""
        kind, what, name, more = happening
        return {
            "kind": kind,
            "what": what,
            "name": self.shown(name),
            "hypervisor": self._name,
            "uri": self._uri,
            **{key: self.shown(value) if isinstance(value, str) else value for key, value in more.items()},
            "time": dt.datetime.now(dt.timezone.utc).isoformat(),
            # ansible-rulebook limits playbooks to it.
            "meta": {"hosts": self._host},
        }

    def shown(self, text: str) -> str:
        """A text that does no harm."""
        return _TEMPLATE.sub(lambda found: f"\\x{ord(found[0]):02x}", readable(masked(text, self._secrets)))
