"""What the kernel is asked, from the words of iproute2 and of the firewall's tools."""

from __future__ import annotations

import json

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor import command as _command
from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor import host as _host
from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor import kernel as _kernel
from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor.kernel import KernelInspector
from ansible_collections.virtfleet.network.plugins.module_utils._values.way import Answer, Lookup

LINKS = [{"ifname": "virbr5", "flags": ["UP"], "mtu": 1500}, {"ifname": "vnet0", "flags": ["UP"], "mtu": 1500}]
RULES = [{"priority": 0, "src": "all", "table": "local"}]
ROUTES = [{"type": "unicast", "dst": "default", "dev": "eth0"}]
NEIGHBOURS = [{"dst": "192.0.2.1", "dev": "eth0", "state": ["FAILED"]}]
ENTRIES = [{"mac": "52:54:00:00:01:01", "ifname": "vnet0", "state": "static"}]
VLANS = [{"ifname": "vnet0", "vlans": [{"vlan": 1, "flags": ["PVID"]}]}]
QUEUES = [{"kind": "noqueue", "dev": "virbr5"}, {"kind": "clsact", "dev": "vnet0"}]
FILTERS = [{"kind": "matchall", "pref": 9}]
LOOKUPS = [
    Lookup(4, "192.0.2.9", "10.0.0.2", "virbr5"),
    Lookup(4, "10.0.0.2", "10.0.0.1"),
    Lookup(6, "fd00::2", "fd00::1"),
]


@pytest.fixture
def commands(tmp_path, monkeypatch):
    """Stand-ins for the hypervisor's commands: by name, what each prints by the word that it is known by."""
    monkeypatch.setattr(_command, "PATH", str(tmp_path))
    monkeypatch.setattr(_host, "IP", str(tmp_path / "ip"))

    def command(name, answers, status=0, error=""):
        cases = "".join(f"*{word}*) printf '%s' '{text}';;\n" for word, text in answers.items())
        script = f"#!/bin/sh\ncase \"$*\" in\n{cases}esac\n[ -z '{error}' ] || echo '{error}' >&2\nexit {status}\n"
        (tmp_path / name).write_text(script)
        (tmp_path / name).chmod(0o755)

    told = {"address": LINKS, "rule": RULES, "route": ROUTES, "neighbour": NEIGHBOURS}
    command("ip", {word: json.dumps(listed) for word, listed in told.items()})
    command("bridge", {"fdb": json.dumps(ENTRIES), "vlan": json.dumps(VLANS)})
    command("tc", {"qdisc": json.dumps(QUEUES), "filter": json.dumps(FILTERS)})
    command("nft", {"-j": '{"nftables": []}', "-a": "table ip own {"})
    command("iptables-save", {"": "*filter"})
    return command


@pytest.mark.usefixtures("commands")
def test_the_kernel_is_asked(monkeypatch, tmp_path):
    place = tmp_path / "net/ipv4/conf/virbr5"
    place.mkdir(parents=True)
    (place / "arp_ignore").write_text("8\n")
    (tmp_path / "nftables.conf").write_text("table ip own {}")
    monkeypatch.setattr(_kernel, "SYSCTLS", tmp_path / "net")
    monkeypatch.setattr(_kernel, "CONFIGURATION", tmp_path / "nftables.conf")
    (tmp_path / "resolv.conf").write_text(
        "search example\nnameserver 192.0.2.53\nnameserver fe80::1%eth0\nnameserver\n"
    )
    monkeypatch.setattr(_kernel, "RESOLVERS", tmp_path / "resolv.conf")
    inspector = KernelInspector(0)
    seen = inspector.kernel()
    assert seen.links == {"virbr5": LINKS[0], "vnet0": LINKS[1]}
    assert (seen.policies, seen.routes) == ({4: RULES, 6: RULES}, {4: ROUTES, 6: ROUTES})
    assert (seen.neighbours, seen.forwarding, seen.vlans) == (NEIGHBOURS, ENTRIES, {"vnet0": VLANS[0]["vlans"]})
    both = [{**one, "way": way} for way in ("ingress", "egress") for one in FILTERS]
    assert (seen.queues, seen.filters) == (QUEUES, {"vnet0": both})
    assert seen.resolvers == ("192.0.2.53", "fe80::1")
    assert seen.settings == {"net.ipv4.conf.virbr5.arp_ignore": "8"}
    assert seen.firewall == {
        "nft -j": '{"nftables": []}',
        "nft -a": "table ip own {",
        "iptables-save": "*filter",
        "nftables.conf": "table ip own {}",
    }
    assert inspector.unseen == []


def test_sets_are_read_where_a_rule_names_one(commands):
    rules = "-A INPUT -m set --match-set bad src -j DROP"
    commands("iptables-save", {"": rules})
    inspector = KernelInspector(0)
    assert "ipset" not in inspector.kernel().firewall
    assert inspector.unseen == ["the sets of ipset: ipset is not installed"]
    commands("ipset", {"save": "create bad hash:net family inet"})
    assert KernelInspector(0).kernel().firewall["ipset"] == "create bad hash:net family inet"


def test_what_is_missing_is_said_and_not_fatal(commands, tmp_path):
    (tmp_path / "bridge").unlink()
    commands("tc", {"qdisc": "no JSON"})
    commands("nft", {}, status=1, error="Operation not permitted")
    inspector = KernelInspector(0)
    seen = inspector.kernel()
    assert (seen.forwarding, seen.vlans, seen.queues, seen.firewall) == ([], {}, [], None)
    assert [text.split(": ")[:2] for text in inspector.unseen] == [
        ["the queues", "tc prints no JSON"],
        ["the bridges' forwarding", "bridge is not installed"],
        ["the ports' VLANs", "bridge is not installed"],
        ["the firewall", "nft says 'Operation not permitted'"],
    ]


@pytest.mark.usefixtures("commands")
def test_without_iproute2_or_a_firewall(tmp_path):
    for name in ("nft", "iptables-save"):
        (tmp_path / name).unlink()
    assert KernelInspector(0).kernel().firewall is None
    (tmp_path / "ip").unlink()
    inspector = KernelInspector(0)
    assert inspector.kernel() is None
    assert inspector.lookups(LOOKUPS) == {}
    assert [text.partition(":")[0] for text in inspector.unseen] == ["the devices", "the routes of guests' packets"]


def test_routes_are_asked_for_in_one_go(commands):
    errors = "RTNETLINK answers: Invalid argument\nCommand failed -:1"
    commands("ip", {"batch": '[{"dst":"10.0.0.2","dev":"virbr5"}]\n[{"dst":"fd00::2"}]'}, status=1, error=errors)
    assert KernelInspector(0).lookups([*LOOKUPS, LOOKUPS[0]]) == {
        LOOKUPS[0]: Answer(error="Invalid argument"),
        LOOKUPS[1]: Answer({"dst": "10.0.0.2", "dev": "virbr5"}),
        LOOKUPS[2]: Answer({"dst": "fd00::2"}),
    }
    assert [_kernel._route_get(lookup) for lookup in LOOKUPS[:2]] == [
        "route get 192.0.2.9 from 10.0.0.2 iif virbr5\n",
        "route get 10.0.0.2 from 10.0.0.1 uid 0\n",
    ]
    commands("ip", {"batch": '[{"dst":"10.0.0.2"}]'})
    assert [*KernelInspector(0).lookups(LOOKUPS)] == LOOKUPS[:1]
