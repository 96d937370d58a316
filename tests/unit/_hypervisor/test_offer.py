"""A DHCP offer against what a guest of the network needs."""

from __future__ import annotations

import ipaddress

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor.offer import wrong
from ansible_collections.virtfleet.network.plugins.module_utils._values.probe import Probe

NETWORK = Probe("virbr1", ("192.168.81.1/24", "fd00:81::1/64", "10.9.0.1/16"), (4,), True, (4,))
MASK, ROUTER, DNS = 1, 3, 6


def offer(address: str, **options: str) -> bytes:
    """A frame whose options hold addresses of IPv4, behind padding and an option of one byte."""
    codes = {"mask": MASK, "router": ROUTER, "dns": DNS}
    told = b"".join(
        bytes([codes[name], 4 * len(value.split())])
        + b"".join(ipaddress.ip_address(one).packed for one in value.split())
        for name, value in options.items()
    )
    return bytes(58) + ipaddress.ip_address(address).packed + bytes(220) + bytes([0, 53, 1, 2]) + told + b"\xff"


FINE = {"mask": "255.255.255.0", "router": "192.168.81.1", "dns": "192.0.2.53 192.168.81.1"}
OTHER = {
    "another router": ({**FINE, "router": "192.168.81.7"}, "router is 192.168.81.7, the network's is 192.168.81.1"),
    "no router": ({"mask": FINE["mask"], "dns": FINE["dns"]}, "router is missing, the network's is 192.168.81.1"),
    "another mask": ({**FINE, "mask": "255.255.255.255"}, "mask is 255.255.255.255, the network's is 255.255.255.0"),
    "other DNS": ({**FINE, "dns": "192.0.2.1 192.0.2.2"}, "DNS server is 192.0.2.1 and 192.0.2.2, the network's is"),
}


def test_an_offer_that_fits():
    assert wrong(offer("192.168.81.10", **FINE), NETWORK) == []
    assert wrong(offer("10.9.0.10", mask="255.255.0.0", router="10.9.0.1", dns="10.9.0.1"), NETWORK) == []


@pytest.mark.parametrize("options,told", OTHER.values(), ids=[*OTHER])
def test_an_offer_that_does_not_fit(options, told):
    (problem,) = wrong(offer("192.168.81.10", **options), NETWORK)
    assert told in problem
    assert wrong(offer("192.168.81.10", **options), NETWORK._replace(own_options=True)) == []


def test_an_address_of_nowhere():
    assert wrong(offer("172.16.0.9", **FINE), NETWORK) == [
        "the offered address 172.16.0.9 is in none of the network's subnets"
    ]


def test_a_network_without_a_way_out_and_without_dns_names_neither():
    assert wrong(offer("192.168.81.10", mask=FINE["mask"]), NETWORK._replace(outside=(), dns=False)) == []
    assert wrong(b"", NETWORK) == []
