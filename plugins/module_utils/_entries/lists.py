# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Single entries of a network's lists (reservations, records, ranges, portgroups): which are wanted, which not."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from .._schema.network import NETWORK
from .._xml.fields import Row, Rows, Spec


class Collection(NamedTuple):
    """A list of a network.

    ``path``: its options from the network down; ``identities``: the fields that identify an entry, the first set that
    is given counts; ``loose``: fields of it that are part of it when they are missing, too, and that may be left out
    to remove all that agree in the rest; ``unique``: fields that no two entries of an <ip> may share, and that
    identify an entry within its <ip> only when they are ``local``; ``address``: the field that lies in the <ip>'s
    subnet, for lists inside an <ip>; ``names``: a field with a list that grows by what is given; ``needs``: fields
    that a new entry must have; ``automatic``: whether ``address`` may be left to the network; ``aliases``: other names
    of options.
    """

    path: tuple[str, ...]
    identities: tuple[tuple[str, ...], ...]
    loose: tuple[str, ...] = ()
    unique: tuple[str, ...] = ()
    local: tuple[str, ...] = ()
    address: str = ""
    names: str = ""
    needs: tuple[str, ...] = ()
    automatic: bool = False
    aliases: Mapping[str, str] = MappingProxyType({})

    @property
    def row(self) -> Row:
        """The table's row of the list."""
        rows: Rows = NETWORK
        for option in self.path[:-1]:
            rows = next(row.rows for row in rows if row.option == option)
        return next(row for row in rows if row.option == self.path[-1])


DHCP_HOST = Collection(
    ("ips", "dhcp", "hosts"),
    (("mac",), ("id",), ("name",), ("ip",)),
    unique=("mac", "id", "name", "ip"),
    local=("name", "ip"),
    address="ip",
    needs=("ip",),
    automatic=True,
    aliases={"name": "hostname"},
)
DHCP_RANGE = Collection(("ips", "dhcp", "ranges"), (("start", "end"),), address="start")
DNS_HOST = Collection(("dns", "hosts"), (("ip",),), names="hostnames", needs=("hostnames",))
DNS_SRV = Collection(("dns", "srvs"), (("service", "protocol", "domain", "target"),), loose=("domain", "target"))
DNS_TXT = Collection(("dns", "txts"), (("name",),), needs=("value",))
PORTGROUP = Collection(("portgroups",), (("name",),))


class WantedEntry(NamedTuple):
    """An entry that is wanted, or not; ``auto``: with an address that is still to be chosen."""

    entry: Spec
    present: bool = True
    auto: bool = False
