"""What a network has in a subnet: by example, and for any subnet."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from hypothesis import assume, given
from hypothesis import strategies as st

from ansible_collections.virtfleet.network.plugins.filter.subnet_plan import FilterModule, subnet_plan
from ansible_collections.virtfleet.network.plugins.module_utils._network.dhcp_checks import dhcp_problems
from ansible_collections.virtfleet.network.plugins.module_utils._network.target import build
from ansible_collections.virtfleet.network.plugins.module_utils._schema.network import NETWORK
from ansible_collections.virtfleet.network.plugins.module_utils._values.check import Context
from ansible_collections.virtfleet.network.plugins.module_utils._values.desired import Desired
from ansible_collections.virtfleet.network.plugins.module_utils._xml.codec import normalise
from ansible_collections.virtfleet.network.plugins.module_utils._xml.definition import ABSENT

VERSIONS = {4: (ipaddress.IPv4Network, 32), 6: (ipaddress.IPv6Network, 128)}


@st.composite
def subnets(draw: Any, room: int = 2) -> Any:
    """Any subnet of either family that leaves so many bits for hosts."""
    kind, bits = VERSIONS[draw(st.sampled_from([4, 6]))]
    prefix = draw(st.integers(8, bits - room))
    return kind((draw(st.integers(0, 2**prefix - 1)) << (bits - prefix), prefix))


@pytest.mark.parametrize(
    "subnet,options,address,start,end",
    [
        ("10.20.0.0/24", {}, "10.20.0.1/24", "10.20.0.128", "10.20.0.254"),
        ("10.0.0.0/8", {}, "10.0.0.1/8", "10.0.128.0", "10.0.255.255"),
        ("10.0.0.0/16", {}, "10.0.0.1/16", "10.0.128.0", "10.0.255.254"),
        ("192.0.2.8/30", {}, "192.0.2.9/30", "192.0.2.10", "192.0.2.10"),
        ("fd00:20::/64", {}, "fd00:20::1/64", "fd00:20::8000", "fd00:20::ffff"),
        ("fd00::/126", {}, "fd00::1/126", "fd00::2", "fd00::3"),
        ("10.0.0.0/24", {"gateway": "10.0.0.254"}, "10.0.0.254/24", "10.0.0.128", "10.0.0.253"),
        ("10.0.0.0/24", {"gateway": "10.0.0.128"}, "10.0.0.128/24", "10.0.0.129", "10.0.0.254"),
        ("10.0.0.0/24", {"start": "10.0.0.10"}, "10.0.0.1/24", "10.0.0.10", "10.0.0.254"),
        ("10.0.0.0/24", {"end": "10.0.0.199"}, "10.0.0.1/24", "10.0.0.128", "10.0.0.199"),
        ("10.0.0.0/8", {"index": 7, "prefix": 24}, "10.0.7.1/24", "10.0.7.128", "10.0.7.254"),
        ("10.0.0.0/8", {"index": "200", "prefix": "20"}, "10.12.128.1/20", "10.12.136.0", "10.12.143.254"),
        ("::/8", {"index": 1, "prefix": 64}, "0:0:0:1::1/64", "0:0:0:1::8000", "0:0:0:1::ffff"),
    ],
)
def test_plan(subnet: str, options: dict[str, Any], address: str, start: str, end: str) -> None:
    plan = subnet_plan(subnet, **options)
    given, (low, high) = plan["ip"], (str(ipaddress.ip_address(one)) for one in (start, end))
    assert given == {"address": str(ipaddress.ip_interface(address)), "dhcp": {"ranges": [{"start": low, "end": high}]}}


def test_parts_of_a_plan() -> None:
    assert subnet_plan("10.20.0.0/24", dhcp=False) == {
        "subnet": "10.20.0.0/24",
        "gateway": "10.20.0.1",
        "prefix": 24,
        "netmask": "255.255.255.0",
        "start": "10.20.0.128",
        "end": "10.20.0.254",
        "ip": {"address": "10.20.0.1/24", "dhcp": {}},
    }


@pytest.mark.parametrize(
    "subnet,options,words",
    [
        ("10.20.0.5/24", {}, "10.20.0.5/24 has host bits set; a subnet is like 10.20.0.0/24"),
        ("guests", {}, "Cannot plan subnet guests"),
        ("10.0.0.0/31", {}, "no room for a hypervisor and a guest"),
        ("10.0.0.0/24", {"gateway": "10.0.1.1"}, "gateway 10.0.1.1 is not in it"),
        ("10.0.0.0/24", {"start": "x"}, "start 'x' does not appear to be"),
        (
            "10.0.0.0/30",
            {"gateway": "10.0.0.2"},
            "no addresses are left between 10.0.0.3 and 10.0.0.1 for DHCP; set dhcp: false",
        ),
        ("10.0.0.0/24", {"index": 1}, "give an index and a prefix from 24 to 32"),
        ("10.0.0.0/24", {"index": 0, "prefix": 16}, "give an index and a prefix from 24 to 32"),
        ("10.0.0.0/24", {"index": 4, "prefix": 26}, "with prefix 26 there are 0 to 3"),
        ("10.0.0.0/24", {"index": -1, "prefix": 26}, "with prefix 26 there are 0 to 3"),
    ],
)
def test_what_cannot_be_planned(subnet: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(AnsibleFilterError) as raised:
        subnet_plan(subnet, **options)
    assert words in str(raised.value)


@given(subnets())
def test_virt_network_takes_every_plan(net: Any) -> None:
    spec, problems = normalise(NETWORK, {"ips": [subnet_plan(str(net))["ip"]]})
    assert problems == []
    target = build(Desired("guests", spec=spec), ABSENT)
    # A subnet of loopback or multicast addresses is planned as any other; the module refuses it.
    assert [
        text for text in dhcp_problems(target.definition.spec, Context()) if "no interface can use" not in text
    ] == []


@given(subnets(room=4), st.data())
def test_pieces_never_overlap(net: Any, data: Any) -> None:
    prefix = data.draw(st.integers(net.prefixlen + 1, net.max_prefixlen - 2))
    pieces = st.integers(0, 2 ** (prefix - net.prefixlen) - 1)
    one, other = data.draw(pieces), data.draw(pieces)
    assume(one != other)
    first, second = (ipaddress.ip_network(subnet_plan(str(net), index, prefix)["subnet"]) for index in (one, other))
    assert not first.overlaps(second)
    assert first.subnet_of(net)
    assert second.subnet_of(net)


def test_filter_is_found() -> None:
    assert FilterModule().filters() == {"subnet_plan": subnet_plan}
