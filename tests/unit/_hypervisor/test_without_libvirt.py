"""A hypervisor whose libvirt does not answer: its files, its daemons, and what is to be done."""

from __future__ import annotations

import contextlib
import socket

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor import command as _command
from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor import without_libvirt as _without
from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor.without_libvirt import Files

LAN = "<network>\n  <name>lan</name>\n</network>\n"
GUEST = "<domain>\n  <name>web</name>\n</domain>\n"


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine with libvirtd, as far as this is asked about."""
    for name in ("SAVED", "RUNNING", "GUESTS", "SOCKETS"):
        monkeypatch.setattr(_without, name, tmp_path / name)
        (tmp_path / name).mkdir()
    monkeypatch.setattr(_command, "PATH", str(tmp_path))
    for name, text in (("libvirtd", ""), ("systemctl", "echo failed\necho failed\n")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_what_files_say(machine):
    (machine / "SAVED/lan.xml").write_text(f"<!-- libvirt's -->\n{LAN}")
    (machine / "SAVED/autostart").mkdir()
    (machine / "SAVED/autostart/lan.xml").symlink_to(machine / "SAVED/lan.xml")
    (machine / "RUNNING/lan.xml").write_text(f"<networkstatus><bitmap/>{LAN}</networkstatus>")
    (machine / "RUNNING/gone.xml").write_text(f"<networkstatus>{LAN.replace('lan', 'gone')}</networkstatus>")
    (machine / "RUNNING/torn.xml").write_text("<networkst")
    (machine / "GUESTS/web.xml").write_text(f"<domstatus>{GUEST}</domstatus>")
    files = Files("libvirt says nothing")
    gone, lan = files.networks()
    assert (gone.name, gone.live.text, gone.persistent) == ("gone", LAN.replace("lan", "gone"), False)
    assert (lan.name, lan.saved.text, lan.live.text, lan.autostart, lan.persistent) == ("lan", LAN, LAN, True, True)
    assert [(guest.name, guest.live.text) for guest in files.all_guests()] == [("web", GUEST)]
    assert (files.addresses("web", False), files.leases("lan"), files.look().unseen) == ({}, [], [])


def test_a_daemon_that_does_not_run(machine):
    files = Files("libvirt says nothing")
    path = machine / "SOCKETS/libvirt-sock-ro"
    assert files.down == f"libvirt says nothing; libvirtd: there is no {path}, unit libvirtd.service is failed failed"
    assert files.remedy == "systemctl start libvirtd"
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as dead:
        dead.bind(str(path))
    assert f"libvirtd: nobody listens at {path}" in Files("").down


def test_a_daemon_that_hangs(machine):
    (machine / "systemctl").unlink()
    path = machine / "SOCKETS/libvirt-sock-ro"
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as hung:
        hung.bind(str(path))
        hung.listen()
        files = Files("libvirt says nothing")
    assert files.down == f"libvirt says nothing; libvirtd: somebody listens at {path}"
    assert files.remedy == "systemctl restart libvirtd"


def test_a_daemon_that_refuses(machine):
    """By its socket, or by polkit."""
    path = machine / "SOCKETS/libvirt-sock-ro"
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as there:
        there.bind(str(path))
        there.listen()
        polkit = (
            "authentication unavailable: no polkit agent available to authenticate action 'org.libvirt.unix.monitor'"
        )
        for text in (polkit, "access denied by policy"):
            files = Files(text)
            assert files.down.startswith(f"{text}; libvirtd: somebody listens at {path}")
            assert files.remedy == "Run the task as root, or put its user into the group libvirt."


def test_no_daemon_at_all(machine):
    (machine / "libvirtd").unlink()
    assert Files("").remedy == "Install libvirt's daemon."


@pytest.mark.usefixtures("machine")
def test_files_that_one_may_not_read(monkeypatch):
    def refuse(_folder):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(_without.os, "scandir", refuse)
    files = Files("")
    assert files.networks() == []
    assert {text.rpartition(": ")[2] for text in files.look().unseen} == {"Permission denied"}
