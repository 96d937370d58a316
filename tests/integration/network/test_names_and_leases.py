"""What a network's dnsmasq answers: leases, names, files to boot from; and that it follows live changes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ..clients import WORLD, dig
from ..stage import Stage

pytestmark = pytest.mark.lab

GATEWAY = "192.168.70.1"
MAC = "52:54:00:70:00:01"
OTHER_MAC = "52:54:00:70:00:02"
RANGE = {"start": "192.168.70.100", "end": "192.168.70.200"}
RANGE6 = {"start": "fd00:70::100", "end": "fd00:70::1ff"}
OPTIONS: dict[str, Any] = {
    "name": "names",
    "forward": {"mode": "nat"},
    "bridge": {"name": "vf-names"},
    "domain": {"name": "lab.test", "local_only": True},
    "dns": {"forwarders": [{"domain": "corp.test", "addr": WORLD}]},
    "ips": [
        {"address": f"{GATEWAY}/24", "dhcp": {"ranges": [RANGE]}},
        {"address": "fd00:70::1/64", "dhcp": {"ranges": [RANGE6]}},
    ],
}
RECORDS = {
    "hosts": [
        {"ip": "192.168.70.9", "hostnames": ["web.lab.test", "www.lab.test"]},
        {"ip": "fd00:70::9", "hostnames": ["web6.lab.test"]},
    ],
    "srvs": [{"service": "ldap", "protocol": "tcp", "domain": "lab.test", "target": "web.lab.test", "port": 389}],
    "txts": [{"name": "note.lab.test", "value": "v=1 all is well"}],
}


@pytest.fixture
def network(stage: Stage) -> Stage:
    stage.network(**OPTIONS)
    return stage


@pytest.fixture
def world_dns(stage: Stage) -> Iterator[None]:
    """A DNS server in the outside world that knows every name of two domains."""
    names = ["--address=/corp.test/192.0.2.77", "--address=/lab.test/192.0.2.78"]
    with stage.host.world.background(["dnsmasq", "-k", "--no-resolv", "--no-hosts", "--conf-file=/dev/null", *names]):
        yield


def with_hosts(hosts: list[dict[str, Any]], hosts6: list[dict[str, Any]]) -> dict[str, Any]:
    """Return options with reservations."""
    return {
        "name": "names",
        "ips": [
            {"address": f"{GATEWAY}/24", "dhcp": {"hosts": hosts}},
            {"address": "fd00:70::1/64", "dhcp": {"hosts": hosts6}},
        ],
    }


def test_leases_follow_reservations_live(network: Stage) -> None:
    bridge = network.ifindex("vf-names")
    client, other = network.client("vf-names", mac=MAC), network.client("vf-names", mac=OTHER_MAC)
    assert 100 <= int(client.dhcp()["address"].split("/")[0].split(".")[3]) <= 200
    assert client.dhcp(family=6)["address"].startswith("fd00:70::1")

    reservations = with_hosts(
        [{"mac": MAC.upper(), "ip": "192.168.70.11", "name": "eleven"}],
        [{"id": f"00:03:00:01:{OTHER_MAC}", "ip": "fd00:70::12", "name": "twelve"}],
    )
    added = network.network(**reservations)
    assert {step["effect"] for step in added["plan"]} == {"live"}
    lease = client.dhcp()
    assert (lease["address"], lease["hostname"], lease["dns"]) == ("192.168.70.11/24", "eleven", GATEWAY)
    assert other.dhcp(family=6)["address"].startswith("fd00:70::12/")

    removed = network.network(**with_hosts([], []))
    assert {step["effect"] for step in removed["plan"]} == {"live"}
    assert 100 <= int(client.dhcp()["address"].split("/")[0].split(".")[3]) <= 200
    assert network.ifindex("vf-names") == bridge
    assert "<host " not in network.xml("names") + network.xml("names", saved=False)


def test_names_follow_records_live(network: Stage) -> None:
    bridge = network.ifindex("vf-names")
    client = network.client("vf-names")
    client.dhcp()
    questions = {
        ("web.lab.test", "A"): ["192.168.70.9"],
        ("www.lab.test", "A"): ["192.168.70.9"],
        ("web6.lab.test", "AAAA"): ["fd00:70::9"],
        ("_ldap._tcp.lab.test", "SRV"): ["0 0 389 web.lab.test."],
        ("note.lab.test", "TXT"): ['"v=1 all is well"'],
    }
    assert all(dig(client, GATEWAY, *question) == [] for question in questions)

    network.network(name="names", dns=RECORDS)
    assert {question: dig(client, GATEWAY, *question) for question in questions} == questions
    assert set(dig(client, GATEWAY, "-x", "192.168.70.9")) <= {"web.lab.test.", "www.lab.test."}
    assert dig(client, GATEWAY, "-x", "192.168.70.9")

    network.network(name="names", dns={name: [] for name in RECORDS})
    assert all(dig(client, GATEWAY, *question) == [] for question in questions)
    assert network.ifindex("vf-names") == bridge


@pytest.mark.usefixtures("world_dns")
def test_only_foreign_names_are_forwarded(network: Stage) -> None:
    client = network.client("vf-names")
    client.dhcp()
    assert dig(client, WORLD, "any.lab.test") == ["192.0.2.78"]
    assert dig(client, GATEWAY, "any.corp.test") == ["192.0.2.77"]
    assert dig(client, GATEWAY, "any.lab.test") == []
    network.network(name="names", domain={"local_only": False}, dns={"forwarders": [{"addr": WORLD}]})
    client = network.client("vf-names")  # the change needed a restart, which unplugs clients
    client.dhcp()
    assert dig(client, GATEWAY, "any.lab.test") == ["192.0.2.78"]


def test_dns_can_be_off(stage: Stage) -> None:
    options = {"name": "quiet", "bridge": {"name": "vf-quiet"}, "ips": [{"address": f"{GATEWAY}/24"}]}
    stage.network(**options, dns={"enable": False})
    assert ":53 " not in stage.host.run(["ss", "-lunH", "src", GATEWAY]).stdout
    stage.network(**options, dns={"enable": True})
    assert ":53 " in stage.host.run(["ss", "-lunH", "src", GATEWAY]).stdout


def test_guests_can_boot_from_the_network(stage: Stage) -> None:
    files = stage.host.home / "run/lab/tftp"
    files.mkdir(exist_ok=True)
    (files / "pxe.0").write_text("boot me")
    boot = {"tftp": {"root": "/run/lab/tftp"}, "dhcp": {"ranges": [RANGE], "bootp": {"file": "pxe.0"}}}
    stage.network(name="boot", bridge={"name": "vf-boot"}, ips=[{"address": f"{GATEWAY}/24", **boot}])
    client = stage.client("vf-boot")
    lease = client.dhcp()
    assert "pxe.0" in (lease.get("filename"), lease.get("bootfile_name"))
    client.run(["busybox", "tftp", "-g", "-r", "pxe.0", "-l", "/run/lab/pxe.0", GATEWAY])
    assert client.run(["cat", "/run/lab/pxe.0"]).stdout == "boot me"


def test_dnsmasq_options_reach_dnsmasq(stage: Stage) -> None:
    option = "dhcp-option=option:ntp-server,192.0.2.123"
    network = {"name": "options", "bridge": {"name": "vf-options"}, "dnsmasq_options": [option]}
    stage.network(**network, ips=[{"address": f"{GATEWAY}/24", "dhcp": {"ranges": [RANGE]}}])
    assert stage.client("vf-options").dhcp()["ntp_servers"] == "192.0.2.123"
    stage.network(name="options", dnsmasq_options=[])
    assert "ntp_servers" not in stage.client("vf-options").dhcp()
