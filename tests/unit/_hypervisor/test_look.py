"""What is read of the hypervisor for a diagnosis, from the words of its commands and from /proc."""

from __future__ import annotations

import contextlib
import json
import socket
import threading

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor import command as _command
from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor import dns as _dns
from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor import host as _host
from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor import look as _look
from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor import probe as _probe
from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor.look import HostInspector
from ansible_collections.virtfleet.network.plugins.module_utils._values.host_facts import Route, Rule, Socket
from ansible_collections.virtfleet.network.plugins.module_utils._values.observed import Device

VERSION = 10_004_000  # the first with nftables
IP = {
    "link": [{"ifname": "lo", "flags": ["UP"]}, {"ifname": "eth1", "flags": []}],
    "neighbour": [{"dst": "192.0.2.9", "lladdr": "52:54:00:AA:00:01"}, {"dst": "192.0.2.8", "state": ["FAILED"]}],
    "-4": [{"dst": "default", "dev": "eth0"}, {"dst": "10.0.0.0/8", "dev": "br0"}, {"dst": "10.9.9.9", "dev": "br0"}],
    "-6": [{"dst": "fe80::/64", "dev": "eth0"}, {"dst": "fd00::7", "dev": "eth0"}, {"dst": "default"}],
}
SS = """\
udp   UNCONN 0      0            192.168.50.1:53         0.0.0.0:*    users:(("dnsmasq",pid=7,fd=5))
udp   UNCONN 0      0          0.0.0.0%virbr5:67         0.0.0.0:*
tcp   LISTEN 0      32    [fe80::1]%virbr5:53            [::]:*    users:(("dnsmasq",pid=7,fd=11))
tcp   LISTEN 0      32                      *:22               *:*
"""
IPTABLES = """\
*filter
:FORWARD DROP [0:0]
:LIBVIRT_FWO - [0:0]
-A FORWARD -j LIBVIRT_FWO
COMMIT
"""
NFT = """\
table ip filter {
\tchain LIBVIRT_FWO {
\t\tiifname "virbr5" counter reject
\t}
}
table ip libvirt_network {
\tchain guest_output {
\t\tiif "virbr5" counter reject
\t}
}
"""


@pytest.fixture
def commands(tmp_path, monkeypatch):
    """Stand-ins for the hypervisor's commands; a test writes them by name."""
    monkeypatch.setattr(_command, "PATH", str(tmp_path))
    monkeypatch.setattr(_host, "devices", lambda: {"lo": Device(False, "", {}, ("127.0.0.1/8",))})

    def command(name, output="", status=0, error=""):
        (tmp_path / f"{name}.txt").write_text(output)
        (tmp_path / name).write_text(f"#!/bin/sh\n/bin/cat {tmp_path}/{name}.txt\necho '{error}' >&2\nexit {status}\n")
        (tmp_path / name).chmod(0o755)

    cases = "".join(f"{word}) echo '{json.dumps(told)}';;\n" for word, told in IP.items())
    (tmp_path / "ip").write_text(f"#!/bin/sh\nshift\ncase $1 in\n{cases}esac\n")
    (tmp_path / "ip").chmod(0o755)
    command("ss", SS)
    command("iptables-save", IPTABLES)
    command("ip6tables-save")
    command("nft", NFT)
    return command


@pytest.mark.usefixtures("commands")
def test_a_look():
    look = HostInspector(VERSION)
    seen = look.facts([], [], ["127.0.0.7"])
    assert seen.devices == {"lo": Device(False, "", {}, ("127.0.0.1/8",))}
    assert seen.down == {"eth1"}
    assert seen.neighbours == (("52:54:00:aa:00:01", "192.0.2.9"),)
    assert seen.routes == (
        Route("0.0.0.0/0", "eth0"),
        Route("10.0.0.0/8", "br0"),
        Route("10.9.9.9/32", "br0"),
        Route("fd00::7/128", "eth0"),
        Route("::/0", ""),
    )
    assert seen.sockets == (
        Socket("udp", "192.168.50.1", "", 53, "dnsmasq (process 7)"),
        Socket("udp", "0.0.0.0", "virbr5", 67, ""),
        Socket("tcp", "fe80::1", "virbr5", 53, "dnsmasq (process 7)"),
        Socket("tcp", "*", "", 22, ""),
    )
    nft = 'iif "virbr5" counter reject'
    assert seen.rules == (
        Rule(4, "FORWARD", "-j LIBVIRT_FWO"),
        Rule(4, "guest_output", nft),
        Rule(6, "guest_output", nft),
    )
    assert seen.answers == {}  # not an address of the hypervisor: it might be anybody's
    assert seen.settings["net.ipv4.conf.all.forwarding"] in ("0", "1")
    assert look.unseen == []


@pytest.mark.usefixtures("commands")
def test_only_its_own_addresses_are_asked(monkeypatch):
    monkeypatch.setattr(_look, "answers_dns", lambda _address: True)
    assert HostInspector(VERSION).facts([], [], ["127.0.0.1", "27.0.0.1", "127.0.0"]).answers == {"127.0.0.1": True}


def test_what_it_may_not_see(commands, tmp_path):
    commands("iptables-save", status=4, error="Permission denied (you must be root)")
    (tmp_path / "ss").unlink()
    look = HostInspector(VERSION)
    seen = look.facts([], [], [])
    assert seen.rules is None
    assert seen.sockets == ()
    assert look.unseen == [
        "who listens on which port: ss is not installed",
        "the firewall: iptables-save says 'Permission denied (you must be root)'",
    ]


def test_before_libvirt_had_nftables(commands, tmp_path):
    (tmp_path / "nft").unlink()
    look = HostInspector(VERSION - 1)
    assert {rule.chain for rule in look.facts([], [], []).rules} == {"FORWARD"}
    commands("nft", status=1)
    assert {rule.chain for rule in look.facts([], [], []).rules} == {"FORWARD"}
    assert look.unseen == []


def test_a_hypervisor_without_iptables(commands, tmp_path):
    for name in ("iptables-save", "ip6tables-save"):
        (tmp_path / name).unlink()
    look = HostInspector(VERSION)
    assert {rule.chain for rule in look.facts([], [], []).rules} == {"guest_output"}
    commands("nft", status=1, error="Operation not permitted (you must be root)")
    assert look.facts([], [], []).rules is None
    assert look.unseen == ["the firewall: nft says 'Operation not permitted (you must be root)'"]


@pytest.mark.usefixtures("commands")
def test_a_hypervisor_without_a_firewall(tmp_path):
    for name in ("iptables-save", "ip6tables-save", "nft"):
        (tmp_path / name).unlink()
    look = HostInspector(VERSION)
    assert look.facts([], [], []).rules is None
    assert look.unseen == ["the firewall: iptables-save is not installed"]


def test_a_hypervisor_without_iproute2(monkeypatch):
    monkeypatch.setattr(_host, "devices", lambda: None)
    look = HostInspector(VERSION)
    assert look.facts([], [], []) is None
    assert "iproute2" in look.unseen[0]


LOG = """\
Nov 26 06:38:49 m1 libvirtd[7]: error of wlan and lan-2
Nov 26 06:38:49 m1 libvirtd[7]: child process of lan:
                                dnsmasq: cannot bind
Nov 26 06:38:49 m1 dnsmasq[8]: 192.168.50.1: Address already in use
Nov 26 06:38:49 m1 dnsmasq[8]: 192.168.50.11: Address already in use
"""


def test_the_log_is_of_these_networks(commands):
    commands("journalctl", LOG)
    assert [line.partition("]: ")[2] for line in HostInspector(VERSION).log(["lan", "192.168.50.1"])] == [
        "child process of lan: dnsmasq: cannot bind",
        "192.168.50.1: Address already in use",
    ]
    assert HostInspector(VERSION).log(["none"]) == []
    commands("journalctl", "error of virbr5\n" * 30)
    assert len(HostInspector(VERSION).log(["virbr5"])) == 20


def test_a_log_that_it_may_not_see(commands):
    hint = "Hint: You are currently not seeing messages from other users and the system."
    commands("journalctl", "-- No entries --", error=hint)
    look = HostInspector(VERSION)
    assert look.log(["lan"]) == []
    assert look.unseen == [f"the daemons' log: journalctl says {hint!r}"]


@pytest.mark.usefixtures("commands")
def test_a_dnsmasq_that_is_not_there():
    assert [server.pid for server in HostInspector(VERSION)._server("no-such-network")] == [0]


@pytest.mark.parametrize("reply, answers", [(lambda query: query[:2] + b"...", True), (lambda _query: b"??", False)])
def test_dns_is_asked(reply, answers):
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as server:
        server.bind(("127.0.0.1", 0))

        def serve():
            query, client = server.recvfrom(512)
            server.sendto(reply(query), client)

        thread = threading.Thread(target=serve)
        thread.start()
        assert _dns.answers_dns("127.0.0.1", server.getsockname()[1]) is answers
        thread.join()


def test_dns_that_is_silent_or_not_there(monkeypatch):
    monkeypatch.setattr(_dns, "SECONDS", 0.01)
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
        assert _dns.answers_dns("127.0.0.1", port) is False
    assert _dns.answers_dns("127.0.0.1", port) is False


def test_a_discover_is_a_whole_frame():
    frame = _probe.discover(b"\x52\x54\x00\x00\x00\x01", b"abcd")
    header = frame[14:34]
    total = sum(int.from_bytes(header[place : place + 2], "big") for place in range(0, 20, 2))
    assert (total & 0xFFFF) + (total >> 16) == 0xFFFF  # the checksum of the checksum, RFC 1071
    assert int.from_bytes(header[2:4], "big") == len(frame) - 14
    assert frame[42:46] == bytes([1, 1, 6, 0])
    assert frame.endswith(bytes([99, 130, 83, 99, 53, 1, 1, 255]))
