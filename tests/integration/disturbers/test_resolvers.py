"""Who listens on the port of DNS, takes a bridge over, or leads packets elsewhere: real daemons, and a VPN's rule."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab import Lab
from tests.lab.choice import DISTURBED

from ..stage import wait_for
from .place import ALL, Place

pytestmark = [pytest.mark.lab, pytest.mark.slow]

# Debian's own configuration listens at all addresses, and follows them.
OWN_ADDRESSES = """\
sed -i 's/^options {/&\\n\\tlisten-on { 127.0.0.1; 192.0.2.2; };/' /etc/bind/named.conf.options
systemctl restart named
"""
EXTRA = """\
mkdir -p /etc/systemd/resolved.conf.d
printf '[Resolve]\\nDNSStubListenerExtra=10.20.0.1\\n' >/etc/systemd/resolved.conf.d/extra.conf
systemctl restart systemd-resolved
"""
OFFICE = """\
nmcli connection add type bridge ifname vbr-web con-name office ipv4.method auto bridge.stp no
nmcli --wait 0 connection up office
"""
# As strongSwan has it: its own table is asked before all others. Its routes lead into a tunnel, which nobody is at.
VPN = """\
ip link add tun0 type veth peer name tun1
ip link set tun0 up
ip link set tun1 up
ip route add 10.0.0.0/8 dev tun0 table 220
ip rule add from all lookup 220 priority 220
"""


@pytest.fixture(params=DISTURBED)
def place(request: pytest.FixtureRequest, lab: Lab) -> Iterator[Place]:
    there = Place(lab, request.param)
    yield there
    there.machine.stop()


def found(place: Place) -> set[str]:
    """What is found, each as its code and the beginning of its evidence, with and without a probe."""
    (without, probed) = (place.check(probe=probe) for probe in (False, True))
    assert {one["code"] for one in without} == {one["code"] for one in probed}
    return {f"{one['code']} {one['evidence'].split()[0]}" for one in without}


def test_bind_takes_the_address_of_a_bridge(place: Place) -> None:
    place.install("bind9")
    assert found(place) == {"port_taken named"}
    assert place.served() == ALL - {"dns"}  # BIND answers, and knows no names of the network
    place.boot(wait=False)
    (one,) = place.check()
    assert "each address of the hypervisor, and so at that of a new bridge" in one["evidence"]
    place.run(f"{OWN_ADDRESSES}\nvirsh net-start web")
    assert found(place) == set()
    place.boot()
    assert found(place) == set()
    assert place.served() == ALL


def test_a_resolver_for_the_hypervisor_is_no_finding_and_one_at_the_bridge_is(place: Place) -> None:
    place.install("systemd-resolved")
    assert found(place) == set()
    assert place.served() == ALL
    place.run(EXTRA)
    assert found(place) == {"port_taken systemd-resolve"}
    place.run("rm /etc/systemd/resolved.conf.d/extra.conf; systemctl restart systemd-resolved")
    assert found(place) == set()


def test_a_second_dnsmasq_at_all_addresses(place: Place) -> None:
    place.run("virsh net-destroy web")
    place.install("dnsmasq")
    assert found(place) == {"port_taken dnsmasq"}
    place.run("printf 'interface=lo\\nbind-interfaces\\n' >/etc/dnsmasq.d/own.conf; systemctl restart dnsmasq")
    place.run("virsh net-start web")
    assert found(place) == set()
    assert place.served() == ALL


@pytest.mark.parametrize("suite", DISTURBED)
def test_networkmanager_takes_a_bridge_over(lab: Lab, suite: str) -> None:
    place = Place(lab, suite, "networkmanager")
    try:
        assert found(place) == set()  # it only watches the bridge
        place.run(OFFICE)
        wait_for(lambda: "10.20.0.1" not in place.run("ip -4 address show dev vbr-web"))
        (one,) = place.check()
        assert one["code"] == "address_missing"
        assert "NetworkManager has put its connection 'office' on vbr-web" in one["evidence"]
        place.run(f"{one['remedy'].partition(';')[0]}; virsh net-destroy web; virsh net-start web")
        assert found(place) == set()
        assert place.served() == ALL
    finally:
        place.machine.stop()


def test_a_rule_of_a_vpn_leads_elsewhere_and_stays(place: Place) -> None:
    place.run(VPN)
    assert "dns" not in place.served()
    assert place.mend() == ["ip rule add to 10.20.0.0/24 lookup main priority 219"]
    assert place.served() == ALL
    assert "lookup 220" in place.run("ip rule")
