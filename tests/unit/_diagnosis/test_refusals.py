"""Whom dnsmasq leases nothing: by each line that says so, and by none that does not."""

from __future__ import annotations

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._diagnosis.refusals import refusal
from ansible_collections.virtfleet.network.plugins.module_utils._values.host_facts import Server

MAC, OTHER = "52:54:00:00:01:01", "52:54:00:00:01:02"
SPEC = {"bridge": {"name": "virbr5"}}
RANGE = "dhcp-range=192.168.50.100,192.168.50.101,255.255.255.0"
OTHERS = "dhcp-range=tag:red,192.168.50.100,192.168.50.101"
# The lines, and which one refuses the MAC address, and which one anybody.
LINES = {
    "nothing": ([RANGE, f"{MAC},192.168.50.9,web"], "", ""),
    "an entry": ([RANGE, f"{MAC},ignore"], f"{MAC},ignore", ""),
    "an entry in capitals": ([RANGE, f"{MAC.upper()},ignore"], f"{MAC.upper()},ignore", ""),
    "an entry of the configuration": ([f"dhcp-host={OTHER},{MAC},ignore"], f"dhcp-host={OTHER},{MAC},ignore", ""),
    "another's entry": ([f"{OTHER},ignore"], "", ""),
    "a wildcard": (["52:54:00:*:*:*,ignore"], "52:54:00:*:*:*,ignore", ""),
    "a wildcard, and an entry of its own": (["52:54:00:*:*:*,ignore", f"{MAC},192.168.50.9"], "", ""),
    "the last entry counts": ([f"{MAC},ignore", f"{MAC},192.168.50.9"], "", ""),
    "a tag": ([f"{MAC},set:red", "dhcp-ignore=tag:red"], "dhcp-ignore=tag:red", ""),
    "a tag by a part of the MAC address": (
        ["dhcp-mac=set:red,52:54:00:*:*:*", "dhcp-ignore=tag:red"],
        "dhcp-ignore=tag:red",
        "",
    ),
    "two tags": ([f"{MAC},set:red", "dhcp-ignore=tag:red,tag:blue"], "", ""),
    "old words": ([f"{MAC},net:red", "dhcp-ignore=red"], "dhcp-ignore=red", ""),
    "all unknown": (
        ["dhcp-ignore=tag:!known", f"{OTHER},192.168.50.9"],
        "dhcp-ignore=tag:!known",
        "dhcp-ignore=tag:!known",
    ),
    "all unknown, and it is known": (["dhcp-ignore=tag:!known", f"{MAC},web"], "", "dhcp-ignore=tag:!known"),
    "a range for others": ([OTHERS], OTHERS, OTHERS),
    "a range for others, and one for all": ([OTHERS, RANGE], "", ""),
    "a range of the bridge": ([f"dhcp-range=tag:virbr5,{RANGE[11:]}"], "", ""),
    "what a guest says of itself": (["dhcp-vendorclass=set:red,x", "dhcp-ignore=tag:!red"], "", ""),
    "the bridge": (["no-dhcp-interface=virbr5"], *["no-dhcp-interface=virbr5"] * 2),
    "another bridge": (["no-dhcp-interface=virbr6"], "", ""),
    "no lease at all": (["dhcp-lease-max=0"], *["dhcp-lease-max=0"] * 2),
    "words": (["strict-order", "bind-dynamic", "dhcp-no-override"], "", ""),
}


@pytest.mark.parametrize("what", LINES)
def test_the_line_that_refuses_is_named(what: str) -> None:
    lines, own, anybody = LINES[what]
    server = Server(7, "\n".join(lines))
    assert (refusal(SPEC, server, MAC), refusal(SPEC, server)) == (own, anybody)


def test_what_the_definition_asks_for_is_no_fault() -> None:
    server = Server(7, f"dhcp-host={MAC},ignore")
    assert refusal({**SPEC, "dnsmasq_options": [f"dhcp-host={MAC},ignore"]}, server, MAC) == ""
    assert refusal(SPEC, Server(7, None), MAC) == refusal(SPEC, Server(0, "dhcp-lease-max=0"), MAC) == ""
