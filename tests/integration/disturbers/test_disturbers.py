"""Real daemons get in the way of a network: from the start, behind libvirt's back, and properly set up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.lab import Lab
from tests.lab.choice import DISTURBED

from .place import ALL, NFTABLES, Place

pytestmark = [pytest.mark.lab, pytest.mark.slow]

SSH = "sed -i 's/#tcp dport {.*} ct state new accept/tcp dport 22 accept/' /etc/nftables.conf"
WORKSTATION = f"""\
cp /usr/share/doc/nftables/examples/workstation.nft /etc/nftables.conf
{SSH}
systemctl enable --now nftables
"""
OPENED = r"""
sed -i 's/# count and drop.*/iifname vbr-web udp dport { 53, 67 } accept\n\t\tiifname vbr-web tcp dport 53 accept/' \
    /etc/nftables.conf
"""
# Docker's chain for others' rules, after each of its starts.
USERS = """\
cat >/etc/systemd/system/guests.service <<'END'
[Unit]
After=docker.service
Requires=docker.service
PartOf=docker.service
[Service]
Type=oneshot
ExecStart=iptables -I DOCKER-USER -i vbr-web -j ACCEPT
ExecStart=iptables -I DOCKER-USER -o vbr-web -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
[Install]
WantedBy=multi-user.target
END
systemctl enable guests
"""
# Policies of firewalld that keep guests off the hypervisor and the outside, and a rule that keeps them off the first.
POLICIES = """\
for place in HOST ANY; do
    policy="firewall-cmd --permanent --policy=no-$place"
    firewall-cmd --permanent --new-policy=no-$place
    $policy --add-ingress-zone=libvirt; $policy --add-egress-zone=$place; $policy --set-target=DROP
done
firewall-cmd --reload
"""
DENIED = """\
firewall-cmd --permanent --delete-policy=no-HOST
firewall-cmd --permanent --delete-policy=no-ANY
firewall-cmd --reload
firewall-cmd --zone=libvirt --add-rich-rule='rule family=ipv4 source address=10.20.0.0/24 drop'
"""


class Case(NamedTuple):
    """A disturber: its packages, what sets it up before the machine boots, what then starts it behind libvirt's back;
    what a client still gets each time, and what is found: codes, and a word of the evidence. ``proper`` sets it up
    so that all is well, also after a boot."""

    packages: tuple[str, ...]
    before: str
    booted: tuple[set[str], set[str], str]
    behind: str
    hurt: tuple[set[str], set[str], str]
    proper: str
    nftables: bool = False


WELL: tuple[set[str], set[str], str] = (ALL, set(), "")
CASES = {
    "docker": Case(("docker.io",), "true", WELL, "systemctl restart docker", WELL, "true"),
    "docker, libvirt with nftables": Case(
        ("docker.io",),
        "true",
        ({"dhcp", "dns"}, {"firewall_drops"}, "ip filter FORWARD policy drop, a rule of Docker"),
        "sysctl -qw net.ipv4.ip_forward=0; systemctl restart docker",
        ({"dhcp", "dns"}, {"firewall_drops"}, "ip filter FORWARD policy drop, a rule of Docker"),
        USERS,
        nftables=True,
    ),
    "ufw": Case(("ufw",), "ufw allow 22/tcp; ufw --force enable", WELL, "ufw reload", WELL, "true"),
    "ufw, libvirt with nftables": Case(
        ("ufw",),
        "ufw allow 22/tcp; ufw --force enable",
        (set(), {"firewall_drops"}, "ip filter INPUT policy drop, a rule of ufw"),
        "ufw reload",  # which keeps what the remedies allowed
        WELL,
        "ufw allow in on vbr-web to any port 53; ufw allow in on vbr-web to any port 67 proto udp; "
        "ufw route allow in on vbr-web",
        nftables=True,
    ),
    "nftables.service": Case(
        (),
        WORKSTATION,
        ({"outside"}, {"firewall_drops"}, "drop (handle 9), a rule of nftables.service"),
        "systemctl restart nftables",
        (set(), {"firewall_drops", "firewall_rules_missing"}, "a rule of nftables.service"),
        OPENED,
    ),
    "firewalld": Case(
        ("firewalld",),
        "true",
        WELL,
        "firewall-cmd --zone=public --change-interface=vbr-web",
        (set(), {"firewall_drops"}, "inet firewalld filter_IN"),
        "firewall-cmd --permanent --zone=libvirt --add-interface=vbr-web",
    ),
    "firewalld, guests' addresses in another zone": Case(
        ("firewalld",),
        "true",
        WELL,
        "firewall-cmd --zone=public --add-source=10.20.0.0/24",
        ({"dhcp"}, {"firewall_drops"}, "inet firewalld filter_"),
        "true",
    ),
    "firewalld, its policies": Case(
        ("firewalld",),
        POLICIES,
        (set(), {"firewall_drops"}, "inet firewalld filter_IN_policy_no-HOST drop"),
        DENIED,
        ({"dhcp", "outside"}, {"firewall_drops"}, "inet firewalld filter_IN_libvirt_deny"),
        "true",
    ),
}


@pytest.fixture(params=DISTURBED)
def place(request: pytest.FixtureRequest, lab: Lab) -> Iterator[Place]:
    there = Place(lab, request.param)
    yield there
    there.machine.stop()


def judged(place: Place, served: set[str], codes: set[str], word: str) -> None:
    """What a client gets, what is found, with and without a probe, and that the remedies mend it."""
    assert place.served() == served
    for probe in (False, True):
        findings = place.check(probe=probe)
        assert {one["code"] for one in findings} == codes
        assert word in " ".join(one["evidence"] for one in findings)
    if codes:
        place.mend()
        assert place.served() == ALL


@pytest.mark.parametrize("name", CASES)
def test_what_gets_in_the_way_is_named_and_its_remedy_mends_it(place: Place, name: str) -> None:
    case = CASES[name]
    if case.nftables:
        if place.suite == "bookworm":
            pytest.skip("libvirt 9.0 has no back end for nftables")
        place.run(NFTABLES)
    if case.packages:
        place.install(*case.packages)
    place.run(case.before)
    place.boot()
    judged(place, *case.booted)
    place.boot()
    place.run(case.behind)
    judged(place, *case.hurt)
    place.run(case.proper)
    place.boot()
    judged(place, *WELL)
