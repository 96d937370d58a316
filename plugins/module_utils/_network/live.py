# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which changes libvirt can make to a running network, and the calls for them."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import Any, Union

from .._schema.network import NETWORK
from .._values.mode import has_firewall
from .._values.observed import Observed
from .._values.steps import Define, Describe, Item, Update
from .._xml.diff import Change, compare
from .._xml.fields import Rows, Spec
from .live_lists import LiveList

Call = Union[Update, Describe]

# What a live call takes, in seconds (libvirt 7.0 to 12.8). The first three re-install the network's firewall rules, as
# far as it has any; the others restart dnsmasq.
FIREWALL_SECONDS = {"ip-dhcp-host": 0.37, "ip-dhcp-range": 0.37, "forward-interface": 0.37}
_DNSMASQ = {"dns-txt": 0.23, "dns-srv": 0.23, "ip-dhcp-range": 0.23}
_OTHERWISE = 0.015
_DHCP = ("ip-dhcp-host", "ip-dhcp-range")


def split(network: str, live: Spec, changes: Sequence[Change], version: int) -> tuple[list[Call], list[Change]]:
    """The calls that make what can be made live, in their order, and the changes that need a restart.

    ``version`` is libvirt's, as a number like 9000000 for 9.0.0.
    """
    calls: list[Call] = []
    rest: list[Change] = []
    groups: dict[tuple[str, int], list[Change]] = {}
    for change in changes:
        if change.row is not None and change.row.live:
            groups.setdefault((change.row.live, change.parent), []).append(change)
        elif change.row is None or not change.row.passive:
            rest.append(change)
    for place, group in groups.items():
        section = place[0]
        if section in ("title", "description"):
            if version < 9007000:  # the daemon knows it, but not the library that we talk through
                continue
            item = Item(group[0].path, group[0].before, group[0].after, "live")
            calls.append(Describe(network, (item,), section, group[0].after or ""))
        elif _needs_restart(place, groups, live, changes, version):
            rest += group
        else:
            calls += [_delete(network, section, change) for change in group if change.before is not None]
            calls += [_add(network, section, change) for change in group if change.after is not None]
    calls, forgetful = _with_bootp(calls, live, version)
    inside = [change for parent in forgetful for section in _DHCP for change in groups.get((section, parent), [])]
    return sorted(calls, key=turn), [*rest, *(change for change in inside if change not in rest)]


def _with_bootp(calls: Sequence[Call], live: Spec, version: int) -> tuple[list[Call], list[int]]:
    """The calls so that <bootp> outlasts them, and the numbers of the <ip> in which it would not, or that cannot have
    entries yet."""
    forgetful: list[int] = []
    served: dict[int, list[Update]] = {}
    for call in calls:
        if isinstance(call, Update) and call.section in _DHCP:
            served.setdefault(call.parent, []).append(call)
    rest = [call for call in calls if not (isinstance(call, Update) and call.section in _DHCP)]
    for parent, mine in served.items():
        if _crowded(live, parent):
            forgetful.append(parent)
            continue
        if _outlasts(mine, live, parent):
            rest += mine
            continue
        first = _first(mine, live, parent, version)
        if first is None:
            forgetful.append(parent)
        else:
            rest += [first._replace(early=True), *(call for call in mine if call != first)]
    return rest, forgetful


def _crowded(live: Spec, parent: int) -> bool:
    """Whether another <ip> of the family serves DHCP so far: libvirt allows one (networkValidate, seen with 9.0)."""
    mine, *others = [live["ips"][parent], *(one for place, one in enumerate(live["ips"]) if place != parent)]
    family = ":" in str(mine.get("address"))
    there = [one for one in others if (":" in str(one.get("address"))) == family]
    return not _serves(mine) and any(map(_serves, there))


def _serves(ip: Spec) -> bool:
    return any(ip.get("dhcp", {}).get(name) for name in ("ranges", "hosts"))


def _outlasts(calls: Sequence[Update], live: Spec, parent: int) -> bool:
    """Whether <bootp> outlasts the deletes among these calls. libvirt forgets it while there is neither a range nor a
    reservation: it begins each update with a copy of what virNetworkIPDefFormat writes (7.0 to 12.8)."""
    there = sum(len(_entries(live, section, parent)) for section in _DHCP)
    return "bootp" not in live["ips"][parent].get("dhcp", {}) or there > sum(map(is_delete, calls))


def _first(calls: Sequence[Update], live: Spec, parent: int, version: int) -> Update | None:
    """An entry that can be added before any is deleted, and that libvirt then takes for none of those."""
    for call in calls:
        entries = _entries(live, call.section, parent)
        there = LiveList(call.section, entries, version)
        if call.command == "add" and not there.bars(call.items[0].after):
            there.add(call.items[0].after)
            if all(there.meant_by(entry) == 1 for entry in entries):
                return call
    return None


def at_once(saved: Sequence[Call], live: Sequence[Call], effect: str) -> list[Call]:
    """Entries one by one, in the persistent and the live config with one call where both need it: what somebody
    else changes at the same time is not lost, as it would be by a definition that was made before."""
    rest = [call for call in saved if isinstance(call, Update)]
    places: dict[Any, int] = {call[2:]: place for place, call in enumerate(rest)}
    done = 0
    steps: list[Call] = []
    for call in live:  # in this order, as some bar others
        place = places.get(call[2:], -1)
        if place < done:
            steps.append(call)
            continue
        steps += [_only_saved(one, effect) for one in rest[done:place]]
        steps.append(rest[place]._replace(scope="both"))
        done = place + 1
    return sorted([*steps, *(_only_saved(one, effect) for one in rest[done:])], key=turn)


def _only_saved(call: Update, effect: str) -> Update:
    return call._replace(scope="saved", items=tuple(item._replace(effect=effect) for item in call.items))


def seconds_of(calls: Iterable[Call], live: Spec) -> float:
    """About how long these calls take on a network that runs as ``live``."""
    firewall = has_firewall(live)
    return sum(call_seconds(call.section, firewall) for call in calls if isinstance(call, Update))


def call_seconds(section: str, firewall: bool = True) -> float:
    """About how long a call takes; ``firewall``: on a network with firewall rules of libvirt's."""
    return max(FIREWALL_SECONDS.get(section, 0) * firewall, _DNSMASQ.get(section, _OTHERWISE))


def took_effect(step: Update | Define, now: Observed) -> bool:
    """Whether the entry of a step that failed is there, or gone, all the same."""
    if isinstance(step, Define):
        return not compare(step.definition, now.saved)
    spec = (now.saved if step.scope == "saved" else now.live).spec
    entry = step.items[0].before if step.command == "delete" else step.items[0].after
    found = LiveList(step.section, _entries(spec, step.section, step.parent), 0).meant_by(entry)
    return not found if step.command == "delete" else bool(found)


def turn(step: object) -> int:
    """Sorts the deletes of entries before everything else: no entry may be added while one that it collides with is
    still there, in whatever section."""
    return 0 if isinstance(step, Update) and step.early else 1 if is_delete(step) else 2


def is_delete(step: object) -> bool:
    """Whether a step deletes an entry."""
    return isinstance(step, Update) and step.command == "delete"


def _needs_restart(
    place: tuple[str, int],
    groups: dict[tuple[str, int], list[Change]],
    live: Spec,
    changes: Sequence[Change],
    version: int,
) -> bool:
    (section, parent), group = place, groups[place]
    return (
        _moved(group[0].path, live, changes)
        or _refused(section, _entries(live, section, parent), group, version)
        or (section == "ip-dhcp-host" and _unserved(live, parent, groups))
    )


def _entries(live: Spec, section: str, parent: int) -> list[Spec]:
    """The entries of the list that a section changes, of one <ip> where each has such a list."""
    *above, option = _path(section)
    place: Any = live
    for name in above:
        inside = place.get(name, {})
        place = inside[parent] if isinstance(inside, list) else inside
    return list(place.get(option) or [])


@functools.cache
def _path(section: str, rows: Rows = NETWORK) -> tuple[str, ...]:
    """The options that lead to the list that a section changes."""
    for row in rows:
        if row.live == section:
            return (row.option,)
        if below := _path(section, row.rows):
            return (row.option, *below)
    return ()


def _refused(section: str, entries: list[Spec], group: list[Change], version: int) -> bool:
    """Whether libvirt would refuse one of these calls, or hit another entry than the one that is meant."""
    there = LiveList(section, entries, version)
    gone = [change for change in group if change.before is not None]
    if any(there.meant_by(change.before) != 1 or _in_use(section, change) for change in gone):
        return True
    for change in gone:
        there.remove(change.before)
    for change in group:
        if change.after is not None:
            if there.bars(change.after):
                return True
            there.add(change.after)
    return False


def _in_use(section: str, change: Change) -> bool:
    return section == "forward-interface" and "connections=" in change.xml_before


def _moved(path: str, live: Spec, changes: Sequence[Change]) -> bool:
    """Whether what the list at this path belongs to becomes something else that the entries may need.

    With a <pf>, libvirt forgets it at any update of the running network (it reads back the devices it derived, 9.0).
    """
    if live.get("forward", {}).get("pf"):
        return True
    holder = path.partition("].dhcp")[0] + "]" if path.startswith("ips[") else path.partition(".")[0]
    needs = {f"{holder}.{name}" for name in ("mode", "enable", "address", "prefix", "family")}
    if holder == "forward" and live.get("forward", {}).get("mode") == "bridge":
        needs.add("bridge.name")
    return any(change.path in needs for change in changes)


def _unserved(live: Spec, parent: int, groups: dict[tuple[str, int], list[Change]]) -> bool:
    """libvirt does not restart dnsmasq for the first or last DHCPv6 reservation of an <ip> without ranges, so
    dnsmasq would not serve what libvirt reports (networkUpdate looks at IPv4 only, 9.0)."""
    section = "ip-dhcp-host"
    if ":" not in live["ips"][parent].get("address", ""):
        return False
    if _entries(live, "ip-dhcp-range", parent) or ("ip-dhcp-range", parent) in groups:
        return False
    before = len(_entries(live, section, parent))
    group = groups[(section, parent)]
    after = before + sum((change.after is not None) - (change.before is not None) for change in group)
    return not before or not after


def _item(change: Change, before: bool, after: bool) -> tuple[Item, ...]:
    return (Item(change.path, change.before if before else None, change.after if after else None, "live"),)


def _delete(network: str, section: str, change: Change) -> Update:
    xml, whole = _telling(section, change.before, change.xml_before), change.xml_before
    return Update(network, _item(change, True, False), "delete", section, change.parent, xml, whole)


def _add(network: str, section: str, change: Change) -> Update:
    xml, telling = change.xml_after, _telling(section, change.after, change.xml_after)
    return Update(network, _item(change, False, True), "add", section, change.parent, xml, telling)


def _telling(section: str, entry: Spec, xml: str) -> str:
    """What to delete an entry by. By its names too, libvirt would find every record that shares one, and refuse."""
    return f"<host ip='{entry['ip']}'/>" if section == "dns-host" and "ip" in entry else xml
