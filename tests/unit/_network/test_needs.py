"""What the start of a network needs of the hypervisor."""

from __future__ import annotations

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._network.needs import needs
from tests.unit.case_files import spec_of

FOUR = {"address": "10.0.0.1/24"}
SIX = {"address": "fd00::1/64"}
LEASED = {"dhcp": {"ranges": [{"start": "10.0.0.9", "end": "10.0.0.19"}]}}
DNS = [("port", "udp", "10.0.0.1", "53"), ("port", "tcp", "10.0.0.1", "53")]
MASQ = ("dnsmasq",)
DNS6 = [("port", "udp", "fd00::1", "53"), ("port", "tcp", "fd00::1", "53")]
TFTP = {"tftp": {"root": "/srv"}}
VF = {"domain": "0x0000", "bus": "0x63", "slot": "0x01", "function": "0x2"}


@pytest.mark.parametrize(
    "options,wanted",
    [
        ({}, []),
        ({"ips": [FOUR]}, [MASQ, *DNS]),
        ({"ips": [{**FOUR, **LEASED}]}, [MASQ, *DNS, ("port", "udp", "0.0.0.0", "67")]),
        ({"ips": [{**FOUR, **LEASED}], "dns": {"enable": False}}, [MASQ, ("port", "udp", "0.0.0.0", "67")]),
        (
            {"ips": [{**SIX, "dhcp": {"hosts": [{"id": "00:03:00:01:52:54:00:00:00:01", "ip": "fd00::9"}]}}]},
            [MASQ, ("ipv6",), *DNS6, ("port", "udp", "::", "547")],
        ),
        ({"ips": [SIX], "forward": {"mode": "open"}}, [MASQ, ("ipv6",), ("forwarding",), *DNS6]),
        ({"ips": [FOUR], "dnsmasq_options": ["a", "b"]}, [("dnsmasq", "a", "b"), *DNS]),
        ({"dnsmasq_options": ["a"]}, []),
        ({"ips": [{**FOUR, **TFTP}]}, [MASQ, *DNS, ("tftp", "/srv"), ("port", "udp", "10.0.0.1", "69")]),
        ({"bridge": {"zone": "public"}}, [("zone", "public")]),
        ({"bridge": {"zone": "public"}, "forward": {"mode": "open"}}, []),
        ({"forward": {"mode": "hostdev", "pf": {"dev": "eth0"}}}, [("vfs", "eth0", "hostdev")]),
        ({"forward": {"mode": "hostdev", "addresses": [VF]}}, [("vf", "0000:63:01.2")]),
        ({"forward": {"mode": "bridge"}, "bridge": {"name": "br0"}}, []),
    ],
)
def test_what_a_start_needs(options, wanted):
    assert [(need.kind, *need.values) for need in needs(spec_of(options), [], True)] == wanted


def test_libvirt_looks_at_virtual_functions_when_it_takes_the_definition():
    assert needs(spec_of({"forward": {"mode": "hostdev", "addresses": [VF]}, "ips": [FOUR]}), [], False) != []
    assert needs(spec_of({"ips": [FOUR]}), [], False) == []


def test_what_runs_holds_its_own_address_until_it_stops():
    kinds = [need.kind for need in needs(spec_of({"ips": [{**FOUR, **TFTP}]}), ["10.0.0.1"], True)]
    assert kinds == ["dnsmasq", "tftp"]
