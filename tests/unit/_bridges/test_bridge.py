"""What is wrong with bridges on a host."""

from __future__ import annotations

from dataclasses import replace

from tests.unit._bridges.hosts import NETWORKD, link
from tests.unit._bridges.plans import problems


def test_what_is_wrong_is_told_at_once() -> None:
    told = replace(NETWORKD, links=(*NETWORKD.links, link(4, "eth1", master="br9"), link(5, "eth2")))
    options = [
        {"name": "a-bridge-of-17-ch", "port": "eth7", "vlan": 5000},
        {"name": "br1", "port": "eth1", "addresses": ["192.0.2.7"]},
        {"name": "br2", "port": "eth2", "nameservers": ["ns1"]},
        {"name": "br2", "port": "eth2", "addresses": [], "gateway": "2001:db8::1", "stp": "perhaps"},
    ]
    found = problems(told, *options)
    for expected in (
        "bridge 1: name 'a-bridge-of-17-ch' is not a name",
        "vlan '5000' is not from 1 to 4094",
        "'192.0.2.7' is not an address with a prefix",
        "br2: nameservers 'ns1' is not an address",
        "br2: gateway '2001:db8::1' is not an address of IPv4",
        "br2: stp 'perhaps' is neither true nor false",
    ):
        assert [one for one in found if expected in one], (expected, found)
    surroundings = [
        {"name": "br1", "port": "eth1", "addresses": ["192.0.2.7/24"], "gateway": "198.51.100.1"},
        {"name": "br2", "port": "eth2", "nameservers": ["192.0.2.53"]},
        {"name": "br2", "port": "eth2", "addresses": []},
        {"name": "br3", "port": "eth7"},
    ]
    found = problems(told, *surroundings)
    for expected in (
        "eth1 is in br9 already; take it out there",
        "br1: gateway 198.51.100.1 is not in any subnet of the addresses",
        "br2: nameservers is given without addresses or dhcp",
        "eth2 has no address that the bridge could have",
        "there is no device eth7; there are eth0, eth1, eth2",
        "br2 is listed 2 times",
        "eth2 is put into several bridges",
    ):
        assert [one for one in found if expected in one], (expected, found)
