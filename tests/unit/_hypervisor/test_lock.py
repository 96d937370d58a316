"""The lock of a network: between processes, users and namespaces."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import LockedError
from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor import lock as _lock
from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor.gateway import Gateway
from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor.lock import Reach, locked, reach_of

HOLD = """
import sys
from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor.gateway import Gateway
with Gateway("test:///default", True).lock([("network", name) for name in sys.argv[1:]], 5):
    print("held", flush=True)
    sys.stdin.read()
"""
GROUP = 54300  # may write to libvirt
MEMBER, OTHER_MEMBER, STRANGER = 54301, 54302, 54303
LAN = [("network", "lan")]


def networks(*names):
    """Networks to lock."""
    return [("network", name) for name in names]


@pytest.fixture
def gateway():
    """A connection of this process."""
    made = Gateway("test:///default", readonly=True)
    yield made
    made.close()


@contextlib.contextmanager
def holding(*before):
    """Another process that holds the networks "a" and "b" until its input ends."""
    command = [*before, sys.executable, "-c", HOLD, "b", "a"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


@pytest.fixture
def holder():
    """The same in this network namespace."""
    with holding() as process:
        yield process


@pytest.mark.parametrize("names", [["a"], ["c", "b"], ["b", "a"]])
def test_a_network_is_changed_by_one_process_at_a_time(gateway, holder, names):
    with pytest.raises(LockedError) as refusal, gateway.lock(networks(*names), 0.1):
        pass
    assert f"process {holder.pid} has been changing it for more than 0.1 seconds" in str(refusal.value)
    assert "raise lock_timeout" in str(refusal.value)


@pytest.mark.usefixtures("holder")
def test_other_networks_are_free(gateway):
    with gateway.lock(networks("c", "d"), 0):
        pass


@pytest.mark.usefixtures("holder")
def test_what_was_locked_before_the_one_that_is_taken_is_free_again(gateway):
    with pytest.raises(LockedError), gateway.lock(networks("a0", "b"), 0):
        pass
    with gateway.lock(networks("a0"), 0):
        pass


def test_a_lock_goes_with_its_process(gateway, holder):
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with gateway.lock(networks("a", "b"), 0):
        pass


def test_a_lock_is_waited_for(gateway, holder):
    let_go = []
    release = threading.Timer(0.2, lambda: (let_go.append(True), holder.stdin.close()))
    release.start()
    with gateway.lock(networks("a"), 30):
        assert let_go


@pytest.mark.usefixtures("holder")
def test_networks_and_guests_share_one_patience(gateway):
    began = time.monotonic()
    with (
        pytest.raises(LockedError, match=r"more than 0\.3 seconds"),
        gateway.lock([*networks("a", "b"), ("guest", "a")], 0.3),
    ):
        pass
    assert 0.3 <= time.monotonic() - began < 3


def test_a_lock_holds_against_the_same_process_too(gateway):
    with (
        gateway.lock(networks("a", "a"), 0),
        pytest.raises(LockedError, match=f"process {os.getpid()} "),
        gateway.lock(networks("a"), 0),
    ):
        pass


def test_an_error_inside_frees_it(gateway):
    with pytest.raises(KeyError), gateway.lock(networks("a"), 0):
        raise KeyError
    with gateway.lock(networks("a"), 0):
        pass


def test_a_lock_whose_file_was_removed_is_taken_in_the_new_one(gateway, monkeypatch):
    real = _lock._is_at

    def removed(file, path):
        monkeypatch.setattr(_lock, "_is_at", real)
        Path(path).unlink()
        return real(file, path)

    monkeypatch.setattr(_lock, "_is_at", removed)
    with gateway.lock(networks("a"), 0), pytest.raises(LockedError), gateway.lock(networks("a"), 0):
        pass


# ---- users and namespaces ----

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="it acts as several users")


@needs_root
def test_another_network_namespace_sees_the_lock(gateway):
    with holding("unshare", "--net") as process, pytest.raises(LockedError, match=f"process {process.pid} "):
        gateway.lock(networks("a"), 0).__enter__()


@needs_root
def test_another_container_is_told_as_such(gateway):
    with (
        holding("unshare", "--pid", "--fork", "--kill-child"),
        pytest.raises(LockedError, match="process 1 of another container"),
    ):
        gateway.lock(networks("a"), 0).__enter__()


@pytest.fixture
def world(monkeypatch):
    """A host: libvirt's folder, in which only root may write, and a folder for everybody."""
    place = Path(tempfile.mkdtemp())
    place.chmod(0o755)
    (place / "libvirt").mkdir()
    (place / "shared").mkdir()
    (place / "shared").chmod(0o1777)
    monkeypatch.setattr(_lock, "SHARED", (str(place / "shared"),))
    yield place
    shutil.rmtree(place)


def reach(world):
    return Reach("system", str(world / "libvirt"), GROUP)


def as_user(uid, act):
    """What a function returns, as text, when another user calls it: root, a member of the group, or a stranger."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([GROUP] if uid in (MEMBER, OTHER_MEMBER) else [])
            os.setgid(uid)
            os.setuid(uid)
            told = str(act())
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            told = f"{type(error).__name__}: {error}"
        os.write(write, told.encode())
        os._exit(0)
    os.close(write)
    told = os.read(read, 10_000).decode()
    os.close(read)
    os.waitpid(pid, 0)
    return told


def try_lock(world):
    def act():
        with locked(reach(world), LAN, 0):
            return "taken"

    return act


@needs_root
@pytest.mark.parametrize("first", [0, MEMBER, OTHER_MEMBER])
@pytest.mark.parametrize("second", [0, MEMBER])
@pytest.mark.parametrize("folder_of", [None, 0, MEMBER])
def test_all_who_may_write_exclude_each_other(world, first, second, folder_of):
    if folder_of is not None:
        assert as_user(folder_of, try_lock(world)) == "taken"

    def act():
        with locked(reach(world), LAN, 0):
            pid = os.fork()
            if pid == 0:
                os.setpgid(0, 0)
                time.sleep(60)  # it holds on while its parent tells that it does
                os._exit(0)
            return pid

    held = as_user(first, act)
    try:
        told = as_user(second, try_lock(world))
        assert "has been changing it for more than 0 seconds" in told
    finally:
        os.kill(int(held), signal.SIGKILL)
    assert as_user(second, lambda: locked(reach(world), LAN, 30).__enter__()) == "None"


@needs_root
@pytest.mark.parametrize("folder_of", [0, MEMBER])
def test_a_stranger_can_neither_hold_nor_forge_a_lock(world, folder_of):
    as_user(folder_of, try_lock(world))
    (file,) = (path for path in world.rglob("*") if path.is_file())
    shared = world / "shared"

    def open_to_all(name):
        (shared / name).mkdir()
        (shared / name).chmod(0o777)

    attacks = {
        "open": lambda: file.open("rb"),
        "folder of libvirt": (world / "libvirt" / "x").mkdir,
        "open folder": lambda: open_to_all("virtfleet.network.0"),
        "link to the folder": lambda: (shared / "virtfleet.network.1").symlink_to(file.parent),
        "file": lambda: (shared / "virtfleet.network.2").write_text(""),
        "link to a place of his": lambda: (shared / "virtfleet.network.3").symlink_to(shared / "virtfleet.network.0"),
        "group": lambda: os.chown(shared / "virtfleet.network.0", -1, GROUP),
        "removal": file.unlink,
        "removal of the folder": lambda: file.parent.rename(shared / "gone"),
    }
    refused = [name for name, act in attacks.items() if "PermissionError" in as_user(STRANGER, act)]
    assert refused == ["open", "folder of libvirt", "group", "removal", "removal of the folder"]
    with locked(reach(world), LAN, 0):
        assert {path.parent for path in world.rglob("*") if path.is_file() and path.name != "virtfleet.network.2"} <= {
            file.parent,
            world / "libvirt/virtfleet.network",
        }
        assert as_user(STRANGER, try_lock(world)) == "taken"  # among his own
    assert as_user(MEMBER, try_lock(world)) == "taken"


@needs_root
def test_folders_are_closed_to_others_and_open_to_the_group(world):
    for uid in (MEMBER, 0):
        assert as_user(uid, try_lock(world)) == "taken"
    folders = [path for path in world.rglob("virtfleet.network*") if path.is_dir()]
    assert [(stat.S_IMODE(path.stat().st_mode), path.stat().st_gid) for path in folders] == [(0o2770, GROUP)] * 2
    files = [path for path in world.rglob("*") if path.is_file()]
    assert {(stat.S_IMODE(path.stat().st_mode), path.stat().st_gid) for path in files} == {(0o660, GROUP)}


@needs_root
def test_root_gives_a_folder_to_the_group_that_came_later(world):
    with locked(reach(world)._replace(group=0), LAN, 0):
        pass
    assert as_user(0, try_lock(world)) == as_user(MEMBER, try_lock(world)) == "taken"
    assert list((world / "shared").iterdir()) == []


def test_where_no_folder_can_be_made_nothing_is_changed(tmp_path, monkeypatch):
    monkeypatch.setattr(_lock, "SHARED", (str(tmp_path / "nowhere"),))
    with pytest.raises(LockedError, match=r"no folder for it can be made in any of .*nowhere; make"):
        locked(Reach("x"), LAN, 0).__enter__()


# ---- what is one hypervisor ----


@pytest.mark.parametrize(
    "uri,text",
    [
        ("qemu:///session", "session"),
        ("qemu+ssh://root:secret@HV1/system?keyfile=/k", "qemu://hv1/system"),
        ("qemu+tls://hv1/system", "qemu://hv1/system"),
        ("qemu+ssh:///system", "qemu:///system"),
        ("test:///default", "test:///default"),
    ],
)
def test_locks_of_remote_ones_are_the_users_own(uri, text):
    assert reach_of(uri) == Reach(text)


@pytest.mark.parametrize(
    "scheme,path", [("qemu", "system"), ("qemu+unix", "system"), ("network", "system"), ("lxc", "")]
)
def test_all_drivers_of_a_host_mean_the_same_networks(scheme, path):
    assert reach_of(f"{scheme}:///{path}")[:2] == ("system", "/run/libvirt")


@pytest.mark.parametrize("mode,counts", [(0o660, True), (0o770, True), (0o666, False), (0o600, False)])
@pytest.mark.parametrize("daemon", ["libvirt-sock", "virtqemud-sock"])
def test_the_sockets_group_counts_where_it_decides(tmp_path, daemon, mode, counts):
    socket = tmp_path / daemon
    socket.touch()
    socket.chmod(mode)
    group = socket.stat().st_gid if counts else 0
    assert reach_of(f"qemu+unix:///system?socket={socket}") == Reach("system", str(tmp_path), group)
    assert _lock._group("", str(tmp_path)) == group
