# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Free addresses for entries that want one of their network's choice: always the same one again. Pure."""

from __future__ import annotations

import ipaddress
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from .._schema.shared import Subnet, subnet
from .._xml.fields import Spec
from .lists import WantedEntry

AUTO = "auto"
OPTIONS = {
    "auto_subnet": {"type": "str"},
    "auto_ranges": {"type": "str", "choices": ["outside", "inside"], "default": "outside"},
}
IDENTITIES = ("mac", "id", "name")


class Search(NamedTuple):
    """Where a free address is looked for: in which subnet ("": the only one), inside or outside of the DHCP ranges, and
    beside which leases, which are read only where an address is needed."""

    subnet: str = ""
    ranges: str = "outside"
    leases: Callable[[], Iterable[Any]] = tuple


class Found(NamedTuple):
    """Wanted entries with addresses, those that have got one, and a sentence for each that has not."""

    wanted: list[WantedEntry]
    problems: list[str]


def addressed(wanted: Sequence[WantedEntry], specs: Sequence[Spec], search: Search) -> Found:
    """Gives an address to each entry that wants one; ``specs``: the live and the persistent config in any order."""
    pool = _Pool([one for one in specs if one], search, [item.entry["ip"] for item in wanted if "ip" in item.entry])
    found = Found([], [])
    for item in wanted:
        if not item.auto:
            found.wanted.append(item)
        if not item.auto or not any(specs):  # there is no such network, and that is said elsewhere
            continue
        try:
            found.wanted.append(item._replace(entry={**item.entry, "ip": pool.address(item.entry)}, auto=False))
        except _NoneFree as why:
            found.problems.append(f"ip=auto of {_label(item.entry)}: {why}")
    return found


class _NoneFree(Exception):
    """Why there is no address for an entry."""


class _Pool:
    """The addresses of a network."""

    def __init__(self, specs: Sequence[Spec], search: Search, given: Iterable[str]) -> None:
        self._search = search
        self._items = [item for spec in specs for item in spec.get("ips", [])]
        self._hosts = [host for item in self._items for host in item.get("dhcp", {}).get("hosts", [])]
        self._reserved: dict[tuple[str, Any], list[Any]] = {}
        for host, name in itertools.product(self._hosts, IDENTITIES):
            self._reserved.setdefault((name, host.get(name)), []).append(host.get("ip"))
        names = [host for spec in specs for host in spec.get("dns", {}).get("hosts", [])]
        routes = [route.get("gateway") for spec in specs for route in spec.get("routes", [])]
        used = (one.get(name) for name, some in (("address", self._items), ("ip", self._hosts + names)) for one in some)
        self._taken = set(_parsed((*used, *routes, *given)))
        self._leases: list[Any] | None = None
        self._free: dict[Subnet, Iterator[Any]] = {}

    def address(self, entry: Spec) -> str:
        """The address of an entry: the one that it has, the one that is leased to it, or the next that is free."""
        identity = next((name for name in IDENTITIES if entry.get(name)), "")
        net = self._net(identity)
        mine = self._reserved.get((identity, entry.get(identity)), ())
        kept = sorted(one for one in _parsed(mine) if _lies(one, net))
        if kept:
            return str(kept[0])
        owners = {str(entry[name]).lower() for name in ("mac", "id") if entry.get(name)}
        leased = _parsed(lease.ip for lease in self._leased() if owners & {lease.mac.lower(), lease.client_id.lower()})
        places = self._places(net)
        fit = (one for one in sorted(one for one in leased if _lies(one, net)) if one not in self._taken)
        own = next((one for one in fit if any(low <= int(one) <= high for low, high in places)), None)
        found = own or next(self._free.setdefault(net, self._candidates(net, places)), None)
        if found is None:
            other = "inside" if self._search.ranges == "outside" else "outside"
            raise _NoneFree(
                f"subnet {net} has no free address {self._search.ranges} of its DHCP ranges: remove reservations, or "
                f"set auto_ranges={other}"
            )
        self._taken.add(found)
        return str(found)

    def _net(self, identity: str) -> Subnet:
        """The subnet that is meant: of the family that the identity is of, and with DHCP where one has it."""
        version = {"mac": 4, "id": 6}.get(identity)
        items = [(subnet(item), "dhcp" in item) for item in self._items]
        nets = {net: any(dhcp for one, dhcp in items if one == net) for net, _dhcp in items if net is not None}
        listed = ", ".join(map(str, nets)) or "none"
        if self._search.subnet:
            try:
                wanted = ipaddress.ip_network(self._search.subnet, strict=False)
            except ValueError:
                wanted = None
            if wanted not in nets:
                raise _NoneFree(f"auto_subnet {self._search.subnet} is no subnet of the network (it has: {listed})")
            nets = {wanted: True}
        fit = [net for net in nets if version in (None, net.version)]
        fit = [net for net in fit if nets[net]] or fit
        if len(fit) > 1:
            raise _NoneFree(f"the network has several subnets: set auto_subnet to {' or '.join(map(str, fit))}")
        if not fit:
            family = f" IPv{version}" if version else ""
            raise _NoneFree(f"the network has no{family} subnet to choose from (it has: {listed})")
        return fit[0]

    def _leased(self) -> list[Any]:
        if self._leases is None:
            self._leases = list(self._search.leases())
        return self._leases

    def _places(self, net: Subnet) -> list[tuple[int, int]]:
        """The first and the last address of each piece of a subnet in which addresses may be."""
        low, high = int(net.network_address) + 1, int(net.broadcast_address) - (net.version == 4)
        ranges = [one for item in self._items if subnet(item) == net for one in item.get("dhcp", {}).get("ranges", [])]
        ends = sorted(
            (int(ipaddress.ip_address(one["start"])), int(ipaddress.ip_address(one["end"])))
            for one in ranges
            if one.get("start") and one.get("end")
        )
        if self._search.ranges == "inside":
            return [(max(low, start), min(high, end)) for start, end in ends]
        found = []
        for start, end in ends:
            found.append((low, start - 1))
            low = max(low, end + 1)
        return [*found, (low, high)]

    def _candidates(self, net: Subnet, places: Iterable[tuple[int, int]]) -> Iterator[Any]:
        leased = set(_parsed(lease.ip for lease in self._leased()))
        first = net.network_address
        for number in itertools.chain.from_iterable(range(low, high + 1) for low, high in places):
            one = type(first)(number)
            if one not in leased and one not in self._taken:
                yield one


def _parsed(texts: Iterable[Any]) -> Iterator[Any]:
    for text in texts:
        try:
            yield ipaddress.ip_address(text)
        except ValueError:  # reported already, as a bad value
            continue


def _lies(address: Any, net: Subnet) -> bool:
    return address.version == net.version and address in net


def _label(entry: Spec) -> str:
    return next((str(entry[name]) for name in IDENTITIES if entry.get(name)), "an entry")
