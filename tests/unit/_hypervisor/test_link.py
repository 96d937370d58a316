"""The connection when libvirt does not answer, and when it goes away."""

from __future__ import annotations

import errno
import os
import socket
import threading
import time
from pathlib import Path

import libvirt
import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import UnreachableError
from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor import link as _link
from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor.gateway import Gateway
from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor.link import Link
from tests.unit.run_module import run_module

URI = "test:///default"


@pytest.fixture
def silent(tmp_path):
    """The URI of a socket that accepts and says nothing."""
    path = tmp_path / "libvirt-sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        yield f"qemu+unix:///system?socket={path}"


@pytest.fixture
def link(request):
    made = Link(URI, False, getattr(request, "param", 1))
    yield made
    made.close()


def lost(text="End of file while reading data: Input/output error", number=errno.EIO):
    error = libvirt.libvirtError(text)
    error.err = (libvirt.VIR_ERR_SYSTEM_ERROR, libvirt.VIR_FROM_RPC, text, 2, "", None, None, number, -1)
    return error


def nobody(daemon="virtnetworkd", number=errno.ECONNREFUSED):
    """As virtqemud, which the connection leads to, reports that it cannot reach another daemon."""
    return lost(f"Failed to connect socket to '/run/libvirt/{daemon}-sock': {os.strerror(number)}", number)


def failing(method, *errors):
    """A method that raises these errors first."""
    left = list(errors)

    def call(*arguments):
        if left:
            error = left.pop(0)
            if error is not None:
                raise error
        return method(*arguments)

    return call


@pytest.mark.parametrize(
    "module,options",
    [
        ("virt_network", {"name": "lan"}),
        ("virt_dhcp_host", {"network": "lan", "mac": "52:54:00:00:00:01", "ip": "10.0.0.9"}),
        ("virt_iface", {"domain": "web", "source": {"network": "lan"}}),
        ("virt_topology", {"networks": []}),
        ("virt_network_info", {}),
        ("virt_iface_info", {}),
        ("virt_network_check", {}),
        ("virt_network_audit", {"networks": []}),
    ],
)
def test_no_module_waits_longer_than_it_is_told(silent, module, options):
    began = time.monotonic()
    result = run_module(module, uri=silent, timeout=0.3, **options)
    assert result["msg"].startswith(
        f"Cannot connect to {silent}: libvirt has not answered for 0.3 seconds; see systemctl"
    )
    assert time.monotonic() - began < 10


def test_an_ssh_that_hangs_is_ended(tmp_path):
    ssh = tmp_path / "ssh"
    ssh.write_text(f"#!/bin/sh\necho $$ >{tmp_path}/pid\nexec sleep 60\n")
    ssh.chmod(0o755)
    with pytest.raises(UnreachableError, match="Cannot connect to qemu"):
        Gateway(f"qemu+ssh://hv1/system?command={ssh}", False, 0.5)
    pid = int((tmp_path / "pid").read_text())
    end = time.monotonic() + 20
    while time.monotonic() < end and Path(f"/proc/{pid}/cmdline").exists() and b"sleep" in _command_of(pid):
        time.sleep(0.05)
    assert b"sleep" not in _command_of(pid)


def _command_of(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


@pytest.mark.parametrize("timeout", [0, -1, float("nan")])
def test_a_deadline_is_a_time(timeout):
    assert "timeout must be " in run_module("virt_network_info", timeout=timeout)["msg"]


def test_a_call_that_hangs_is_named(link, monkeypatch):
    network = link.networkLookupByName("default")
    monkeypatch.setattr(libvirt.virNetwork, "setAutostart", lambda *_: time.sleep(3))
    with pytest.raises(
        UnreachableError, match=r"libvirt has not answered virNetwork.setAutostart for 1 seconds, and may"
    ):
        network.setAutostart(1)
    assert network.isActive() == 1  # on a new connection


def test_reads_are_made_again_on_a_new_connection(link, monkeypatch):
    network, era = link.networkLookupByName("default"), link.era
    monkeypatch.setattr(libvirt.virNetwork, "isActive", failing(libvirt.virNetwork.isActive, lost(), lost()))
    assert (network.isActive(), link.era) == (1, era + 2)


def test_changes_are_not_made_again(link, monkeypatch):
    network = link.networkLookupByName("default")
    monkeypatch.setattr(libvirt.virNetwork, "destroy", failing(libvirt.virNetwork.destroy, lost()))
    with pytest.raises(UnreachableError, match="the connection broke"):
        network.destroy()
    assert network.isActive() == 1


def test_a_guest_is_found_again(link, monkeypatch):
    (guest,) = link.listAllDomains()
    monkeypatch.setattr(libvirt.virNetwork, "isActive", failing(libvirt.virNetwork.isActive, lost()))
    link.networkLookupByName("default").isActive()
    assert (guest.name(), guest._era) == ("test", link.era)


def test_a_libvirt_that_does_not_come_back_is_waited_for_once(link, monkeypatch):
    network = link.networkLookupByName("default")
    monkeypatch.setattr(libvirt.virNetwork, "isActive", failing(None, *[lost()] * 1000))
    link._open = failing(None, *[lost()] * 1000)
    began = time.monotonic()
    for _again in range(3):
        with pytest.raises(UnreachableError, match="libvirt has not come back within 1 seconds; see systemctl status"):
            network.isActive()
    assert 0.5 < time.monotonic() - began < 10


@pytest.mark.parametrize("number", [errno.ECONNREFUSED, errno.ENOENT])
def test_a_daemon_that_is_down_is_not_waited_for(link, monkeypatch, number):
    network, era = link.networkLookupByName("default"), link.era
    monkeypatch.setattr(libvirt.virNetwork, "isActive", failing(libvirt.virNetwork.isActive, nobody(number=number)))
    with pytest.raises(libvirt.libvirtError, match="virtnetworkd-sock"):
        network.isActive()
    assert (network.isActive(), link.era) == (1, era)


def _break(network, monkeypatch):
    monkeypatch.setattr(libvirt.virNetwork, "isActive", failing(libvirt.virNetwork.isActive, lost()))
    network.isActive()


def _change(network, _monkeypatch):
    network.setAutostart(1)


@pytest.mark.parametrize("before", [_break, _change])
@pytest.mark.parametrize("link", [600], indirect=True)
def test_a_daemon_that_restarts_is_waited_for_though_not_long(link, monkeypatch, before):
    network = link.networkLookupByName("default")
    before(network, monkeypatch)
    monkeypatch.setattr(libvirt.virNetwork, "autostart", failing(libvirt.virNetwork.autostart, nobody(), nobody()))
    assert network.autostart() in (0, 1)
    monkeypatch.setattr(_link, "RESTART", 0.5)
    monkeypatch.setattr(libvirt.virNetwork, "isActive", failing(None, *[nobody()] * 1000))
    began = time.monotonic()
    with pytest.raises(UnreachableError, match=r"virtnetworkd is not running: .* systemctl start virtnetworkd\.socket"):
        network.isActive()
    link._open = failing(None, *[nobody("libvirt")] * 1000)
    with pytest.raises(UnreachableError, match=r"not come back within 0\.5 seconds; virtnetworkd is not running"):
        network.isActive()
    assert time.monotonic() - began < 60


def test_a_refusal_is_no_loss(link):
    era = link.era
    with pytest.raises(libvirt.libvirtError):
        link.networkCreateXML("<network/>")
    assert link.networkLookupByName("default").isActive() == link.era - era + 1 == 1


def test_a_connection_that_hangs_does_not_keep_the_process(silent):
    code = (
        "from ansible_collections.virtfleet.network.plugins.module_utils._gateway import Gateway\n"
        f"Gateway({silent!r}, True, 0.2)"
    )
    began, pid = time.monotonic(), os.spawnvp(os.P_NOWAIT, "python3", ["python3", "-c", code])
    os.waitpid(pid, 0)
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    "name,reads",
    [
        ("virConnect.listAllDomains", True),
        ("virDomain.XMLDesc", True),
        ("virNetwork.autostart", True),
        ("virNetwork.setAutostart", False),
        ("virConnect.networkCreateXML", False),
        ("virConnect.interfaceDefineXML", False),
        ("virDomain.updateDeviceFlags", False),
    ],
)
def test_what_only_reads(name, reads):
    assert bool(_link.READS.fullmatch(name.partition(".")[2])) is reads


def test_no_thread_outlasts_its_connection():
    before = set(threading.enumerate())
    Link(URI, False, 5).close()
    with pytest.raises(libvirt.libvirtError):
        Link("nowhere:///x", False, 5)
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
        assert not thread.is_alive()
