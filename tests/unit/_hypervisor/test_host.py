"""The hypervisor's own devices and schema, where the task runs on it."""

from __future__ import annotations

import json
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import NetworkError
from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor import dnsmasq as _dnsmasq
from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor import host as _host
from ansible_collections.virtfleet.network.plugins.module_utils._values.connection import Seen
from ansible_collections.virtfleet.network.plugins.module_utils._values.observed import Device
from tests.unit.case_files import network_of

LINKS = [
    {
        "ifname": "lo",
        "flags": ["LOOPBACK", "UP"],
        "addr_info": [{"local": "127.0.0.1", "prefixlen": 8}],
        "address": "00:00:00:00:00:00",
    },
    {
        "ifname": "br0",
        "flags": ["UP", "LOWER_UP"],
        "address": "52:54:00:00:00:01",
        "linkinfo": {"info_kind": "bridge"},
        "addr_info": [{"local": "192.0.2.1", "prefixlen": 24}, {"local": "fe80::1", "prefixlen": 64}, {}],
    },
    {
        "ifname": "eth0",
        "flags": ["UP", "LOWER_UP"],
        "master": "br0",
        "address": "52:54:00:00:00:02",
        "altnames": ["enp1s0"],
    },
    {"ifname": "vnet0", "flags": ["UP"], "master": "br0", "linkinfo": {"info_kind": "tun"}, "addr_info": []},
]


@pytest.fixture
def ip(tmp_path, monkeypatch):
    """Stands in for the command ip: what it prints and how it ends are given; it keeps what it was asked."""

    def stand_in(output="", status=0, error=""):
        command = tmp_path / "ip"
        (tmp_path / "output").write_text(output)
        command.write_text(
            f"#!/bin/sh\necho \"$@\" >> {tmp_path}/asked\ncat {tmp_path}/output\necho '{error}' >&2\nexit {status}\n"
        )
        command.chmod(command.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setattr(_host, "IP", str(command))
        return tmp_path / "asked"

    return stand_in


OCTETS = ((192, 0, 2, 0), (255, 255, 255, 0), (10, 9, 0, 0), (255, 255, 0, 0))
# As the kernel writes it: hexadecimal words in the order of this machine's bytes.
ROUTES = """Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT
br0 {} 00000000 0001 0 0 0 {} 0 0 0
* {} 00000000 0200 0 0 0 {} 0 0 0
"""


def test_devices_are_told_with_their_ports_and_addresses(ip, tmp_path, monkeypatch):
    ip(json.dumps(LINKS))
    words = [f"{int.from_bytes(bytes(octets), sys.byteorder):08X}" for octets in OCTETS]
    (tmp_path / "route").write_text(ROUTES.format(*words))
    monkeypatch.setattr(_host, "ROUTES", tmp_path / "route")
    assert _host.devices() == {
        "lo": Device(False, "00:00:00:00:00:00", {}, ("127.0.0.1/8",), routes=("10.9.0.0/16",)),
        "br0": Device(
            True,
            "52:54:00:00:00:01",
            {"eth0": True, "vnet0": False},
            ("192.0.2.1/24", "fe80::1/64"),
            routes=("192.0.2.0/24",),
        ),
        "eth0": Device(False, "52:54:00:00:00:02", {}, (), names=("enp1s0",)),
        "vnet0": Device(False, "", {}, ()),
    }


@pytest.mark.parametrize("output,status", [("", 0), ("no json", 0), (json.dumps(LINKS), 1)])
def test_where_ip_cannot_tell_nothing_is_known(ip, output, status):
    ip(output, status)
    assert _host.devices() is None


def test_where_there_is_no_ip_nothing_is_known(monkeypatch):
    monkeypatch.setattr(_host, "IP", "/nonexistent/ip")
    assert _host.devices() is None


def test_a_bridge_is_removed_as_a_bridge(ip):
    asked = ip()
    _host.remove_stale("lan", "virbr50")
    assert asked.read_text() == "link delete virbr50 type bridge\n"


def test_a_bridge_that_cannot_be_removed_is_told_with_the_reason(ip):
    ip(status=2, error="Operation not permitted")
    with pytest.raises(
        NetworkError, match=r"Cannot remove the bridge 'virbr50' .*Operation not permitted; remove it with"
    ):
        _host.remove_stale("lan", "virbr50")


# ---- the dnsmasq of a killed daemon ----


@pytest.fixture
def left_behind(ip, tmp_path, monkeypatch):
    """A process with a configuration file in its command line, and libvirt's note of its number for "lan"."""
    ip()
    notes = tmp_path / "run/libvirt/network"
    notes.mkdir(parents=True)
    # Nothing of this machine is looked at or touched.
    monkeypatch.setattr(_dnsmasq, "Path", lambda text: tmp_path / text[1:] if text.startswith("/run/") else Path(text))
    started = []

    def start(configuration):
        command = [sys.executable, "-c", "import sys; sys.stdin.read()", f"--conf-file={configuration}"]
        process = subprocess.Popen(command, stdin=subprocess.PIPE)
        started.append(process)
        (notes / "lan.pid").write_text(f"{process.pid}\n")
        return process

    yield start
    for process in started:
        process.communicate()


def test_a_dnsmasq_left_behind_is_ended_with_its_bridge(left_behind):
    process = left_behind("/var/lib/libvirt/dnsmasq/lan.conf")
    reaper = threading.Thread(target=process.wait)
    reaper.start()
    _host.remove_stale("lan", "virbr50")
    reaper.join()
    assert process.returncode == -signal.SIGTERM


def test_a_process_of_somebody_else_is_left_alone(left_behind):
    process = left_behind("/var/lib/libvirt/dnsmasq/lan2.conf")
    _host.remove_stale("lan", "virbr50")
    assert process.poll() is None


def test_a_device_of_this_machine():
    assert _host.seen("lo") == Seen(True, "", carrier=True)
    assert _host.seen("none-such-0") == Seen(False, "", carrier=False)


SCHEMA = """<grammar xmlns="http://relaxng.org/ns/structure/1.0"><start><element name="network"><interleave>
<element name="name"><text/></element><optional><element name="mtu"><empty/></element></optional>
</interleave></element></start></grammar>"""


def test_the_schema_says_what_it_does_not_like(tmp_path, monkeypatch):
    (tmp_path / "network.rng").write_text(SCHEMA)
    monkeypatch.setattr(_host, "SCHEMA", tmp_path / "network.rng")
    assert _host.schema_errors(network_of({})) == []
    errors = _host.schema_errors(network_of({"mtu": {"size": 9}}))
    assert errors != []
    assert all(isinstance(error, str) for error in errors)


def test_without_a_schema_nothing_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(_host, "SCHEMA", tmp_path / "network.rng")
    assert _host.schema_errors("<network/>") is None
