# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts of an inventory, from the guests of many hypervisors. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .addresses import Order, choose
from .names import group_name, inventory_names
from .sources import Source

# Nobody has it (RFC 6761): Ansible must not look for a guest of this name elsewhere.
NO_ADDRESS = "no-address-is-known.invalid"
# What the networks are like whose guests only their hypervisor reaches.
_BEHIND = ("nat", "isolated")


class Choices(NamedTuple):
    """What a user chooses: the order of addresses, the groups, whether ssh jumps, and whether names are full."""

    order: Order
    group_by: Collection[str]
    proxy_jump: bool
    full: bool


def choices_of(option: Callable[[str], Any]) -> Choices:
    """What a user chooses, by the options of the inventory."""
    order = Order(option("networks"), option("families"), option("address_from"))
    return Choices(order, option("group_by"), option("proxy_jump"), option("full_names"))


class Host(NamedTuple):
    """A host of the inventory."""

    name: str
    variables: dict[str, Any]
    groups: list[str]


def hosts(
    guests: Mapping[str, Sequence[Mapping[str, Any]]],
    sources: Iterable[Source],
    choices: Choices,
    taken: Iterable[str],
) -> list[Host]:
    """The hosts, in the order of their hypervisors; ``guests`` are those of each hypervisor by its name, ``taken`` the
    names that hosts and groups have already."""
    found = [(one, guest) for one in sources for guest in guests.get(one.name, ())]
    groups = [list(dict.fromkeys(_groups(source.name, guest, choices.group_by))) for source, guest in found]
    there = {*taken, *(name for names in groups for name in names)}
    known = [{"hypervisor": source.name, **guest} for source, guest in found]
    names = inventory_names(known, there, choices.full)
    return [
        Host(names[place], _variables(source, guest, choices), groups[place])
        for place, (source, guest) in enumerate(found)
    ]


def _variables(source: Source, guest: Mapping[str, Any], choices: Choices) -> dict[str, Any]:
    best = choose(guest["nics"], choices.order)
    found = {
        "ansible_host": best[0] if best else NO_ADDRESS,
        "virt_address": best[0] if best else "",
        "virt_hypervisor": source.name,
        "virt_uri": source.uri,
        **{f"virt_{name}": guest[name] for name in ("name", "uuid", "state", "metadata", "nics")},
    }
    if choices.proxy_jump and source.jump and best and best[1]["forward"] in _BEHIND:
        found["ansible_ssh_common_args"] = f"-o ProxyJump={source.jump}"
    return found


def _groups(hypervisor: str, guest: Mapping[str, Any], group_by: Collection[str]) -> Iterator[str]:
    if "hypervisor" in group_by:
        yield group_name("hypervisor", hypervisor)
    if "state" in group_by:
        yield group_name("state", guest["state"])
    if "network" in group_by:
        yield from (group_name("network", nic["network"]) for nic in guest["nics"] if nic["network"])
    if "metadata" in group_by:
        yield from _leaves("metadata", guest["metadata"])


def _leaves(name: str, value: Any) -> Iterator[str]:
    """A group for each text in metadata, by the name of its element or attribute."""
    if isinstance(value, Mapping):
        for inner, one in value.items():
            yield from _leaves(group_name(name, inner) if name == "metadata" else f"metadata_{inner}", one)
    elif isinstance(value, list):
        for one in value:
            yield from _leaves(name, one)
    elif value:
        yield group_name(name, value)
