# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hypervisors of an inventory of guests: from its options, and from the hosts of earlier sources."""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from ...module_utils._errors.errors import PlanError

# What may stand in a command of ssh, and in a URI, whoever has chosen it.
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?")


class Source(NamedTuple):
    """A hypervisor: its name in groups and warnings, its URI, and where ssh jumps to its guests from ("": nowhere);
    ``wrong`` is why it cannot be asked."""

    name: str
    uri: str
    jump: str = ""
    wrong: str = ""


def given(hypervisors: Iterable[Any]) -> list[Source]:
    """The hypervisors of the option of that name; raises PlanError."""
    found = []
    for place, one in enumerate(hypervisors):
        entry = {"uri": one} if isinstance(one, str) else one
        if not isinstance(entry, Mapping) or not isinstance(entry.get("uri"), str):
            raise PlanError(
                f"Cannot read hypervisors[{place}]: it is not a URI, and not a dictionary with uri; "
                "write for example qemu+ssh://root@hv1.example/system"
            )
        if unknown := sorted(map(str, set(entry) - {"name", "uri", "jump"})):
            raise PlanError(f"Cannot read hypervisors[{place}]: it takes name, uri and jump, not {', '.join(unknown)}")
        uri = str(entry["uri"])
        found.append(_checked(str(entry.get("name") or _called(uri)), uri, entry.get("jump")))
    return found


def distinct(sources: list[Source]) -> list[Source]:
    """The hypervisors, which have names of their own; raises PlanError."""
    again = [name for name, times in Counter(one.name for one in sources).items() if times > 1]
    if again:
        raise PlanError(f"Cannot tell hypervisors apart: {', '.join(again)} is the name of several; give each a name")
    return sources


def chosen(names: Iterable[str], inventory: Any) -> list[Any]:
    """The hosts of an inventory that are named, also by a group of them; raises PlanError."""
    found: dict[str, Any] = {}
    for name in names:
        group = inventory.groups.get(name)
        if group is None and name not in inventory.hosts:
            raise PlanError(
                f"Cannot find {name!r} of hosts: no earlier source of the inventory has such a host or group; "
                "name that file before this one, as in 10_hypervisors.yml and 20_guests.yml"
            )
        found.update({host.name: host for host in ([inventory.hosts[name]] if group is None else group.get_hosts())})
    return list(found.values())


def of_host(name: str, template: str, variables: Mapping[str, Any], evaluate: Callable[[Any], Any]) -> Source:
    """The hypervisor that a host of the inventory is; ``evaluate`` is what a template is with its variables."""
    try:
        uri = str(evaluate(template)) if template else _uri_of(name, variables, evaluate)
    except PlanError as error:
        return Source(name, "", wrong=str(error))
    return _checked(name, uri, None)


def _uri_of(name: str, variables: Mapping[str, Any], evaluate: Callable[[Any], Any]) -> str:
    """The URI by which libvirt reaches a host as Ansible does."""
    connection, user, host, port = (
        str(evaluate(variables.get(f"ansible_{word}", ""))) for word in ("connection", "user", "host", "port")
    )
    if connection == "local":
        return "qemu:///system"
    # Without a terminal ssh asks for nothing that nobody can answer.
    return f"qemu+ssh://{_endpoint(user, host or name, port)}/system?no_tty=1"


def _checked(name: str, uri: str, jump: Any) -> Source:
    try:
        return Source(name, uri, _jump_of(uri) if jump is None else _asked(str(jump)))
    except (PlanError, ValueError) as error:
        return Source(name, uri, wrong=str(error))


def _asked(jump: str) -> str:
    parts = urlsplit(f"//{jump}")
    return _endpoint(parts.username or "", parts.hostname or "", str(parts.port or "")) if jump else ""


def _jump_of(uri: str) -> str:
    """The login at a hypervisor that its URI has."""
    parts = urlsplit(uri)
    if not parts.scheme.endswith("+ssh") or not parts.hostname:
        return ""
    return _endpoint(parts.username or "", parts.hostname, str(parts.port or ""))


def _endpoint(user: str, host: str, port: str) -> str:
    """user@host:port as ssh and URIs take it, with nothing in it that either obeys."""
    if user and not _USER.fullmatch(user):
        raise PlanError(f"{user!r} is not the name of a user")
    if port and not (port.isascii() and port.isdigit()):
        raise PlanError(f"{port!r} is not a port")
    if not _NAME.fullmatch(host):
        try:
            host = f"[{ipaddress.IPv6Address(host.strip('[]'))}]"
        except ValueError:
            raise PlanError(f"{host!r} is not the name or address of a host") from None
        if "%" in host:
            raise PlanError(f"{host!r} has a zone, and ssh cannot jump there")
    return f"{user}@" * bool(user) + host + f":{port}" * bool(port)


def _called(uri: str) -> str:
    """The name of a hypervisor that has got none: its host."""
    try:
        return urlsplit(uri).hostname or "local"
    except ValueError:
        return uri
