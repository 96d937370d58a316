"""Whether the hypervisor has what a network needs: the kernel of this machine is asked, and stand-ins for the rest."""

from __future__ import annotations

import contextlib
import socket

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor import trial as _trial
from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor.command import run
from ansible_collections.virtfleet.network.plugins.module_utils._values.surroundings import Need

ADDRCONF = "fd00{:028d} 40 {:032d} 00 {:032d} 00000400 00000001 00000000 {:08x} {:>8}\n"


@contextlib.contextmanager
def listener(protocol, address, reuse=False):
    """Somebody who has a port; yields its number."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with contextlib.closing(socket.socket(family, getattr(socket, protocol))) as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(reuse))
        one.bind((address, 0))
        if protocol == "SOCK_STREAM":
            one.listen()
        yield one.getsockname()[1]


@pytest.mark.parametrize(
    "protocol,address,reuse,taken",
    [
        ("SOCK_DGRAM", "0.0.0.0", False, True),
        ("SOCK_DGRAM", "0.0.0.0", True, False),
        ("SOCK_DGRAM", "127.0.0.1", False, False),
        ("SOCK_STREAM", "0.0.0.0", True, True),
        ("SOCK_STREAM", "127.0.0.1", False, False),
    ],
)
def test_a_port_is_taken_where_the_kernel_says_so(protocol, address, reuse, taken):
    with listener(protocol, address, reuse) as number:
        need = Need("port", ("tcp" if protocol == "SOCK_STREAM" else "udp", "192.0.2.99", str(number)))
        found = _trial.lacks([need])
    assert (len(found.problems), found.unchecked) == (int(taken), [])
    assert all(str(number) in text and "192.0.2.99" in text for text in found.problems)
    assert _trial.lacks([need]).problems == []


@pytest.mark.parametrize(
    "there,wanted,said",
    [
        ("0.0.0.0:67", "192.0.2.99", True),
        ("[::]:67", "192.0.2.99", True),
        ("*:67", "192.0.2.99", True),
        ("127.0.0.1:67", "192.0.2.99", False),
        ("127.0.0.1:67", "0.0.0.0", True),
        ("0.0.0.0%virbr1:67", "0.0.0.0", False),
        ("0.0.0.0:68", "0.0.0.0", False),
    ],
)
def test_what_takes_root_is_said_where_it_could_matter(monkeypatch, there, wanted, said):
    def refuse(*_words):
        raise PermissionError

    monkeypatch.setattr(_trial, "_bind", refuse)
    monkeypatch.setattr(_trial, "run", lambda _command: run(["echo", f"udp UNCONN 0 0 {there} 0.0.0.0:*"]))
    found = _trial.lacks([Need("port", ("udp", wanted, "67"))])
    assert (found.problems, len(found.unchecked)) == ([], int(said))


REFUSED = "printf 'dnsmasq: bad option at line 7 of stdin\\n' >&2; exit 1"


@pytest.mark.parametrize(
    "script,problem,unchecked",
    [
        ("exit 0", "", ""),
        (REFUSED, "dnsmasq_options has 'second', of which dnsmasq says 'bad option'", ""),
        ("echo broken >&2; exit 3", "dnsmasq_options are refused by the hypervisor's dnsmasq, which says 'broken'", ""),
        (None, "", "dnsmasq cannot be asked"),
        ("", "dnsmasq is not installed on the hypervisor, and a network with addresses needs it", ""),
    ],
)
def test_dnsmasq_reads_its_options_itself(monkeypatch, script, problem, unchecked):
    def answer(_command, **how):
        assert how["text"].endswith("\nfirst\nsecond\n")
        return run(["sh", "-c", script] if script else ["/nonexistent"])

    monkeypatch.setattr(_trial, "run", answer)
    monkeypatch.setattr(_trial.shutil, "which", lambda name, **_path: None if script == "" else f"/bin/{name}")
    found = _trial.lacks([Need("dnsmasq", ("first", "second"))])
    assert found.problems == [problem] * bool(problem)
    assert [unchecked in text for text in found.unchecked] == [True] * bool(unchecked)


def test_a_dnsmasq_that_does_not_run_is_not_put_down_to_options(monkeypatch):
    monkeypatch.setattr(_trial, "run", lambda _command, **_how: run(["sh", "-c", "echo no library >&2; exit 127"]))
    monkeypatch.setattr(_trial.shutil, "which", lambda name, **_path: f"/bin/{name}")
    (problem,) = _trial.lacks([Need("dnsmasq", ())]).problems
    assert problem == "a network with addresses is refused by the hypervisor's dnsmasq, which says 'no library'"


@pytest.mark.parametrize(
    "kind,mode,problem,unchecked",
    [
        ("folder", 0o755, "", ""),
        ("folder", 0o750, "", "not every user may"),
        ("file", 0o755, "is no folder", ""),
        ("nothing", 0, "No such file or directory", ""),
    ],
)
def test_dnsmasq_opens_its_folder_of_files(tmp_path, monkeypatch, *, kind, mode, problem, unchecked):
    place = tmp_path / "files"
    if kind == "folder":
        place.mkdir()
    if kind == "file":
        place.touch()
    if kind != "nothing":
        place.chmod(mode)
    monkeypatch.setattr(_trial.Path, "parents", [])  # who else may enter this test's folder
    found = _trial.lacks([Need("tftp", (str(place),))])
    for texts, words in ((found.problems, problem), (found.unchecked, unchecked)):
        assert [words in text for text in texts] == [True] * bool(words)


def test_a_kernel_without_ipv6_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(_trial, "PROC_NET", tmp_path)
    assert _trial.lacks([Need("ipv6")]).problems != []
    (tmp_path / "if_inet6").touch()
    assert _trial.lacks([Need("ipv6")]).problems == []


BUS = {"NameHasOwner": '{"type":"b","data":[true]}', "getZones": '{"type":"as","data":[["libvirt","public"]]}'}


@pytest.mark.parametrize(
    "bus,zone,problem,unchecked",
    [
        (None, "public", "which does not run", ""),
        ({"NameHasOwner": '{"type":"b","data":[false]}'}, "public", "which does not run", ""),
        (BUS, "public", "", ""),
        (BUS, "dmz", "is no zone of firewalld, which has libvirt, public", ""),
        ({"NameHasOwner": BUS["NameHasOwner"]}, "dmz", "", "cannot be asked"),
        ({}, "dmz", "", "cannot be asked"),
    ],
)
def test_a_zone_is_one_of_a_firewalld_that_runs(tmp_path, monkeypatch, *, bus, zone, problem, unchecked):
    def answer(command, **_how):
        text = next((text for word, text in bus.items() if word in command), None)
        return run(["printf", "%s", text] if text else ["false"], check=True)

    monkeypatch.setattr(_trial, "run", answer)
    monkeypatch.setattr(_trial, "SYSTEM_BUS", tmp_path / ("none" if bus is None else ""))
    found = _trial.lacks([Need("zone", (zone,))])
    for texts, words in ((found.problems, problem), (found.unchecked, unchecked)):
        assert len(texts) == bool(words)
        assert all(words in text for text in texts)


def test_virtual_functions_are_looked_for_in_sysfs(tmp_path, monkeypatch):
    monkeypatch.setattr(_trial, "SYS", tmp_path)
    wanted = [Need("vfs", ("eth0", "hostdev")), Need("vfs", ("eth0", "bridge")), Need("vf", ("0000:63:01.0",))]
    assert len(_trial.lacks(wanted).problems) == len(wanted)
    (tmp_path / "class/net/eth0/device/virtfn0").mkdir(parents=True)
    assert len(_trial.lacks(wanted).problems) == len(wanted) - 1
    (tmp_path / "class/net/eth0/device/virtfn0/net/eth0v0").mkdir(parents=True)
    (tmp_path / "bus/pci/devices/0000:63:01.0/physfn").mkdir(parents=True)
    assert _trial.lacks(wanted).problems == []


@pytest.mark.parametrize(
    "flags,accept,every,taken",
    [
        (0x40003, 1, 1, True),
        (0x40003, 0, 1, True),
        (0x40003, 2, 1, False),
        (0x40003, 0, 0, False),
        (0x3, 1, 1, False),
    ],
)
def test_ipv6_is_forwarded_where_no_route_gets_lost(tmp_path, monkeypatch, *, flags, accept, every, taken):
    (tmp_path / "ipv6_route").write_text(ADDRCONF.format(1, 0, 0, flags, "eth0"))
    for name, value in (("eth0", accept), ("all", every)):
        (tmp_path / name).write_text(f"{value}\n")
    monkeypatch.setattr(_trial, "PROC_NET", tmp_path)
    monkeypatch.setattr(_trial, "ACCEPT_RA", str(tmp_path / "{}"))
    found = _trial.lacks([Need("forwarding")]).problems
    assert len(found) == taken
    assert all("net.ipv6.conf.eth0.accept_ra to 2" in text for text in found)
