"""The addresses of a guest's NIC, and the one that Ansible uses."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.virtfleet.network.plugins.plugin_utils._guests.addresses import (
    SOURCES,
    Order,
    choose,
    reserved,
    usable,
)

MAC = "52:54:00:00:50:0a"
ALL = Order((), ("ipv4", "ipv6"), SOURCES)


def nic(network: str, *addresses: tuple[str, str]) -> dict[str, Any]:
    return {"network": network, "addresses": [{"address": one, "source": source} for one, source in addresses]}


FRONT = nic("front", ("192.0.2.9", "neighbour"), ("192.0.2.5", "lease"), ("2001:db8::5", "reservation"))
BACK = nic("back", ("10.0.0.5", "agent"), ("10.0.0.6", "reservation"))


@pytest.mark.parametrize(
    "order, address",
    [
        (ALL, "192.0.2.5"),
        (ALL._replace(families=("ipv6", "ipv4")), "2001:db8::5"),
        (ALL._replace(families=("ipv6",), networks=("back",)), None),
        (ALL._replace(networks=("back", "front")), "10.0.0.6"),
        (ALL._replace(networks=("back",), sources=("agent", "reservation")), "10.0.0.5"),
        (ALL._replace(sources=("neighbour", "lease")), "192.0.2.9"),
        (ALL._replace(sources=("agent",)), "10.0.0.5"),
        (ALL._replace(networks=("none",)), None),
    ],
)
def test_the_order_decides(order: Order, address: str | None) -> None:
    found = choose([FRONT, BACK], order)
    assert (found[0] if found else None) == address


@pytest.mark.parametrize(
    "address",
    [
        "fe80::1",
        "fe80::1%eth0",
        "fd00::1%-oProxyCommand=x",
        "127.0.0.1",
        "::1",
        "0.0.0.0",
        "224.0.0.1",
        "-oX=y",
        "",
        "x",
    ],
)
def test_what_nobody_reaches_is_no_address(address: str) -> None:
    assert not usable(address)
    assert choose([nic("front", (address, "agent"))], ALL) is None


@pytest.mark.parametrize(
    "host, mine",
    [
        ({"mac": MAC.upper()}, True),
        ({"mac": "52:54:00:00:50:0b", "name": "web"}, False),
        ({"id": f"00:03:00:01:{MAC}"}, True),
        ({"id": f"00:01:00:01:2a:2b:2c:2d:{MAC}"}, True),
        ({"id": f"00:02:00:01:{MAC}"}, False),
        ({"id": f"00:03:00:01:00:{MAC}", "name": "web"}, False),
        ({"name": "web"}, True),
        ({"name": "db"}, False),
    ],
)
def test_whose_a_reservation_is(host: dict[str, str], mine: bool) -> None:
    network = {"ips": [{"dhcp": {"hosts": [{**host, "ip": "192.0.2.5"}]}}]}
    assert reserved(network, MAC, "web") == ["192.0.2.5"] * mine
