# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which entries of a running network's list libvirt takes for a given one, when it deletes and when it adds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from .._xml.fields import Spec

# It deletes an entry that agrees in each of these fields that the given one has (network_conf.c, 9.0).
_DELETED_BY = {
    "ip-dhcp-host": ("ip", "mac", "name"),
    "ip-dhcp-range": ("start", "end"),
    "dns-host": ("ip",),
    "dns-txt": ("name",),
    "dns-srv": ("target", "service", "protocol", "domain"),
    "forward-interface": ("dev",),
    "portgroup": ("name",),
}
# It does not add one while another agrees in any of these fields; where there are none, in all of those above.
_ADDED_UNLESS = {"ip-dhcp-host": ("mac", "name", "ip")}


class LiveList:
    """The entries of one list, to be asked about thousands of others."""

    def __init__(self, section: str, entries: Iterable[Spec], version: int) -> None:
        self.fields, self.unless = _DELETED_BY[section], _ADDED_UNLESS.get(section, ())
        # Seen: 7.0 refuses a second record with one of the names, 9.0 takes it.
        self.names = section == "dns-host" and version < 9000000
        self.buckets: dict[Any, list[Spec]] = {}
        self.values: Counter[tuple[str, Any]] = Counter()
        for entry in entries:
            self.add(entry)

    def add(self, entry: Spec) -> None:
        """Puts an entry in."""
        self.buckets.setdefault(entry.get(self.fields[0]), []).append(entry)
        self.values.update(self._values(entry))

    def remove(self, entry: Spec) -> None:
        """Takes an entry out that is in it."""
        self.buckets[entry.get(self.fields[0])].remove(entry)
        self.values.subtract(self._values(entry))

    def meant_by(self, entry: Spec) -> int:
        """How many entries libvirt could delete for this one; it is the right one only when there is one."""
        first = entry.get(self.fields[0])
        buckets = self.buckets.values() if first is None else [self.buckets.get(first, [])]
        wanted = [(name, entry[name]) for name in self.fields if entry.get(name) is not None]
        return sum(self._agrees(other, wanted) for each in buckets for other in each)

    @staticmethod
    def _agrees(other: Spec, wanted: list[tuple[str, Any]]) -> bool:
        # An entry without a MAC address agrees with any.
        return all(other.get(name) == value or (name == "mac" and "mac" not in other) for name, value in wanted)

    def bars(self, entry: Spec) -> bool:
        """Whether libvirt refuses to add an entry beside those that are there."""
        return any(self.values[value] > 0 for value in self._values(entry)) or (
            not self.unless and self.meant_by(entry) > 0
        )

    def _values(self, entry: Spec) -> Iterator[tuple[str, Any]]:
        for name in self.unless:
            if entry.get(name) is not None:
                yield name, entry[name]
        for hostname in entry.get("hostnames", []) if self.names else ():
            yield "hostname", hostname
