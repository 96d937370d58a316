"""Free addresses: the same one again, beside all that a network has, and why there is none."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._entries.free import Search, addressed
from ansible_collections.virtfleet.network.plugins.module_utils._entries.lists import DHCP_HOST, WantedEntry
from ansible_collections.virtfleet.network.plugins.module_utils._entries.options import desired_entries
from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor.gateway import Lease
from tests.unit.entry_cases import params

MAC, OTHER = "52:54:00:00:00:0a", "52:54:00:00:00:0b"
DUID = f"00:03:00:01:{MAC}"
SMALL = {"address": "192.0.2.1", "prefix": 29, "dhcp": {"ranges": [{"start": "192.0.2.4", "end": "192.0.2.5"}]}}
SIX = {"address": "2001:db8::1", "prefix": 64, "dhcp": {"ranges": [{"start": "2001:db8::2", "end": "2001:db8::ffff"}]}}
BOTH = {"ips": [SMALL, SIX]}


def auto(**entry: str) -> WantedEntry:
    return WantedEntry(entry, auto=True)


def lease(ip: str, mac: str = OTHER, duid: str = "") -> Lease:
    return Lease(mac, ip, 24, "", duid, 0)


def chosen(wanted: list[WantedEntry], *specs: dict[str, Any], **search: Any) -> list[str]:
    found = addressed(wanted, specs, Search(**search))
    return [*(one.entry["ip"] for one in found.wanted), *found.problems]


@pytest.mark.parametrize(
    "wanted, search, address",
    [
        (auto(mac=MAC), {}, "192.0.2.2"),
        (auto(mac=MAC), {"ranges": "inside"}, "192.0.2.4"),
        (auto(id=DUID), {}, "2001:db8::1:0"),
        (auto(id=DUID), {"ranges": "inside"}, "2001:db8::2"),
        (auto(name="web"), {"subnet": "192.0.2.0/29"}, "192.0.2.2"),
        (auto(mac=MAC), {"leases": lambda: [lease("192.0.2.2")]}, "192.0.2.3"),
        (auto(mac=MAC), {"leases": lambda: [lease("192.0.2.6", MAC)]}, "192.0.2.6"),
        (auto(mac=MAC), {"leases": lambda: [lease("192.0.2.5", MAC)]}, "192.0.2.2"),
        (auto(id=DUID), {"ranges": "inside", "leases": lambda: [lease("2001:db8::9", "", DUID)]}, "2001:db8::9"),
    ],
)
def test_where_it_is(wanted: WantedEntry, search: dict[str, Any], address: str) -> None:
    assert chosen([wanted], BOTH, **search) == [address]


def test_nothing_that_is_used_is_free() -> None:
    names = {"dns": {"hosts": [{"ip": "192.0.2.2"}]}, "routes": [{"gateway": "192.0.2.3"}]}
    assert chosen([auto(mac=MAC)], {**BOTH, **names}) == ["192.0.2.6"]


def test_the_live_and_the_persistent_config_get_the_same() -> None:
    saved = {"ips": [{**SMALL, "dhcp": {"hosts": [{"mac": OTHER, "ip": "192.0.2.2"}]}}]}
    live = {"ips": [{**SMALL, "dhcp": {"hosts": [{"mac": OTHER, "ip": "192.0.2.6"}], "ranges": []}}]}
    for specs in itertools.permutations((saved, live)):
        assert chosen([auto(mac=MAC)], *specs) == ["192.0.2.3"]
        assert chosen([auto(mac=OTHER)], *specs) == ["192.0.2.2"]


def test_many_get_addresses_of_their_own_until_none_is_left() -> None:
    wanted = [auto(mac=f"52:54:00:00:00:{number:02x}") for number in range(5)]
    assert chosen(wanted, BOTH) == [
        "192.0.2.2",
        "192.0.2.3",
        "192.0.2.6",
        *(
            f"ip=auto of {one.entry['mac']}: subnet 192.0.2.0/29 has no free address outside of its DHCP ranges: "
            "remove reservations, or set auto_ranges=inside"
            for one in wanted[3:]
        ),
    ]


def test_leases_are_read_only_where_an_address_is_needed() -> None:
    there = {"ips": [{**SMALL, "dhcp": {"hosts": [{"mac": MAC, "ip": "192.0.2.3"}]}}]}

    def nobody_asks() -> list[Lease]:
        raise AssertionError

    task = params(DHCP_HOST, {"mac": MAC, "ip": "auto"})
    edit = desired_entries(DHCP_HOST, task, nobody_asks).edit
    assert edit is not None
    assert edit(there, there).entry_changes.left == [MAC]


def test_of_ten_thousand_each_is_found_at_once() -> None:
    net = {"ips": [{"address": "10.0.0.1", "prefix": 16, "dhcp": {}}]}
    wanted = [auto(mac=f"52:54:00:00:{number >> 8:02x}:{number & 255:02x}") for number in range(10000)]
    assert len(set(chosen(wanted, net))) == 10000
