# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a report of an audited fleet says: each hypervisor in numbers, and tables over all of them."""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Union

from ...module_utils._errors.readable import dotted
from .drawing import NO_DRIFT
from .words import COLUMNS, HISTORY

# What is neither different nor wrong.
QUIET = ("as_asked", "reaches")
Row = tuple[Any, ...]
Part = Mapping[str, Any]
Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address, None]


STATES = ("error", "drift", "warning", "good")


class Card(NamedTuple):
    """A hypervisor in numbers; ``state`` is one of those above, ``result`` says it in words."""

    name: str
    state: str
    result: str
    libvirt: str
    networks: int
    guests: int
    leases: int
    differences: int
    errors: int
    warnings: int
    new: int

    @property
    def place(self) -> tuple[int, str]:
        """What to sort by: the worst first, and hv2 before hv10."""
        return STATES.index(self.state), re.sub("[0-9]+", lambda number: number[0].zfill(9), self.name)


class Table(NamedTuple):
    """What it shows, the titles of its columns, and its rows."""

    caption: str
    columns: tuple[str, ...]
    rows: list[Row]


def cards(document: Part) -> list[Card]:
    """All hypervisors, in numbers."""
    new = Counter(line["host"] for line in document["lines"] if line["news"] == "new")
    return [_card(name, host, new[name]) for name, host in document["hosts"].items()]


def _card(name: str, host: Part, new: int) -> Card:
    severities = [finding["severity"] for finding in host["findings"]]
    errors, warnings = severities.count("error"), severities.count("warning")
    there = (host["error"] or errors, not host["as_asked"], warnings, True)
    result = "as asked" if host["as_asked"] else "differs"
    if host["error"]:
        result = "failed" if host["reached"] else "unreachable"
    version = int(host.get("libvirt", 0))
    return Card(
        name,
        next(state for state, is_so in zip(STATES, there) if is_so),
        result,
        dotted(version) if version else "",
        len(host["networks"]),
        len(host["guests"]),
        sum(len(network["leases"]) for network in host["networks"]),
        sum(row["state"] not in NO_DRIFT for row in host["rows"]) + len(host["problems"]),
        errors,
        warnings,
        new,
    )


def tables(document: Part) -> list[Table]:
    """That of the hypervisors, and all others that hold something."""
    numbers = [(card.name, card.result, *card[3:]) for card in cards(document)]
    columns = [name for name in COLUMNS if document["earlier"] or name not in HISTORY]
    found = []
    for caption, lines in (("What differs and what is wrong", document["lines"]), ("What is gone", document["gone"])):
        rows = [tuple(line[name] for name in columns) for line in lines if line["state"] not in QUIET]
        found.append(Table(caption, tuple(map(str.capitalize, columns)), rows))
    for caption, titles, rows_of in TABLES:
        rows = [(name, *row) for name, host in document["hosts"].items() for row in rows_of(host)]
        found.append(Table(caption, ("Host", "Network", *titles), rows))
    return [Table("Hypervisors", HOSTS, numbers), *(table for table in found if table.rows)]


def _networks(host: Part) -> Iterator[Row]:
    for network in host["networks"]:
        spec = _running(network)
        yield (
            network["name"],
            "running" if network["active"] else "stopped",
            "yes" if network["autostart"] else "no",
            spec.get("forward", {}).get("mode", "isolated"),
            network["bridge"],
            " ".join(f"{ip['address']}/{ip.get('prefix', '')}" for ip in spec.get("ips", [])),
            " ".join(guest["name"] for guest in network["guests"]),
            " ".join(one["path"] for one in network["pending"]),
        )


def _ways(host: Part) -> Iterator[Row]:
    for way in host["way"]:
        question = f"{way['question']}, IPv{way['version']}"
        yield way["network"], way["domain"], way["mac"], question, way["text"], way["remedy"]


def _nics(host: Part) -> Iterator[Row]:
    connected = {True: "yes", False: "no", None: "not known"}
    for guest in host["guests"]:
        for nic in guest["nics"]:
            source = (nic["live_spec"] or nic["spec"]).get("source", {})
            yield (
                source.get("network", ""),
                guest["name"],
                "running" if guest["running"] else "stopped",
                nic["mac"],
                nic["tap"] or source.get("bridge") or source.get("dev", ""),
                " ".join(dict.fromkeys(one["address"] for one in nic["addresses"])),
                connected[nic["connected"]],
                nic["reason"],
            )


def _ranges(host: Part) -> Iterator[Row]:
    for network in host["networks"]:
        leased = {_address(lease["ip"]) for lease in network["leases"]}
        for ip in _running(network).get("ips", []):
            dhcp = ip.get("dhcp", {})
            reserved = {_address(one.get("ip")) for one in dhcp.get("hosts", [])} - leased
            for one in dhcp.get("ranges", []):
                low, high = _address(one.get("start")), _address(one.get("end"))
                if low is None or high is None or low.version != high.version:
                    continue
                size = int(high) - int(low) + 1
                counts = [
                    _within(low, high, some)
                    for some in (leased, reserved, {_address(ip["address"])} - leased - reserved)
                ]
                yield network["name"], f"{low} - {high}", size, *counts[:2], size - sum(counts)


def _reservations(host: Part) -> Iterator[Row]:
    macs = {nic["mac"] for guest in host["guests"] for nic in guest["nics"]}
    for network in host["networks"]:
        by_mac = {lease["mac"]: lease["ip"] for lease in network["leases"]}
        by_ip = {lease["ip"]: lease["mac"] for lease in network["leases"]}
        for one in (one for ip in _running(network).get("ips", []) for one in ip.get("dhcp", {}).get("hosts", [])):
            address, mac = one.get("ip", ""), one.get("mac", "")
            use = "a guest has this MAC, and no lease" if mac in macs else "not in use"
            if address in by_ip:
                use = "leased" if mac in ("", by_ip[address]) else f"leased to {by_ip[address]}"
            elif mac in by_mac:
                use = f"has a lease for {by_mac[mac]}"
            yield network["name"], address, mac or one.get("id", ""), one.get("name", ""), use


def _leases(host: Part) -> Iterator[Row]:
    for network in host["networks"]:
        hosts = [one for ip in _running(network).get("ips", []) for one in ip.get("dhcp", {}).get("hosts", [])]
        reserved = {one.get("ip") for one in hosts}
        for lease in network["leases"]:
            kept = "yes" if lease["ip"] in reserved else "no"
            yield network["name"], lease["ip"], lease["mac"], lease["hostname"], lease["expires"], kept


HOSTS = ("Host", "Result", "Libvirt", "Networks", "Guests", "Leases", "Differences", "Errors", "Warnings", "New")
# Captions, the titles of the columns behind host and network, and what makes a hypervisor's rows.
TABLES = (
    ("Networks", ("State", "Autostart", "Mode", "Bridge", "Subnets", "Guests", "Waits for a restart"), _networks),
    ("Ways of packets", ("Guest", "MAC", "Question", "Way", "Remedy"), _ways),
    ("NICs of guests", ("Guest", "State", "MAC", "Device", "Addresses", "Connected", "Reason"), _nics),
    ("Free addresses", ("Range", "Addresses", "Leased", "Reserved", "Free"), _ranges),
    ("Reservations", ("Address", "MAC or ID", "Name", "Use"), _reservations),
    ("Leases", ("Address", "MAC", "Name", "Until", "Reserved"), _leases),
)


def _running(network: Part) -> dict[str, Any]:
    """The definition that counts now."""
    spec: dict[str, Any] = network["live_spec"] or network["spec"]
    return spec


def _address(text: str | None) -> Address:
    try:
        return ipaddress.ip_address(text or "")
    except ValueError:
        return None


def _within(low: Any, high: Any, addresses: set[Address]) -> int:
    return sum(one is not None and one.version == low.version and low <= one <= high for one in addresses)
