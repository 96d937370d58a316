"""The lock of a network between namespaces and users: root, members of libvirt's group, and strangers."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import tempfile
import time
from pathlib import Path

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import LockedError
from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor import lock as _lock
from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor.lock import Reach, locked
from tests.unit.lock_holder import holding, networks

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="it acts as several users")
GROUP = 54300  # may write to libvirt
MEMBER, OTHER_MEMBER, STRANGER = 54301, 54302, 54303


def test_another_network_namespace_sees_the_lock(gateway):
    with holding("unshare", "--net") as process, pytest.raises(LockedError, match=f"process {process.pid} "):
        gateway.lock(networks("a"), 0).__enter__()


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
        with locked(reach(world), networks("lan"), 0):
            return "taken"

    return act


@pytest.mark.parametrize("first", [0, MEMBER, OTHER_MEMBER])
@pytest.mark.parametrize("second", [0, MEMBER])
@pytest.mark.parametrize("folder_of", [None, 0, MEMBER])
def test_all_who_may_write_exclude_each_other(world, first, second, folder_of):
    if folder_of is not None:
        assert as_user(folder_of, try_lock(world)) == "taken"

    def act():
        with locked(reach(world), networks("lan"), 0):
            pid = os.fork()
            if pid == 0:
                os.setpgid(0, 0)
                time.sleep(60)  # it holds the lock while its parent returns the pid
                os._exit(0)
            return pid

    held = as_user(first, act)
    try:
        told = as_user(second, try_lock(world))
        assert "has been changing it for more than 0 seconds" in told
    finally:
        os.kill(int(held), signal.SIGKILL)
    assert as_user(second, lambda: locked(reach(world), networks("lan"), 30).__enter__()) == "None"


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
    with locked(reach(world), networks("lan"), 0):
        assert {path.parent for path in world.rglob("*") if path.is_file() and path.name != "virtfleet.network.2"} <= {
            file.parent,
            world / "libvirt/virtfleet.network",
        }
        assert as_user(STRANGER, try_lock(world)) == "taken"  # among his own
    assert as_user(MEMBER, try_lock(world)) == "taken"


def test_folders_are_closed_to_others_and_open_to_the_group(world):
    for uid in (MEMBER, 0):
        assert as_user(uid, try_lock(world)) == "taken"
    folders = [path for path in world.rglob("virtfleet.network*") if path.is_dir()]
    assert [(stat.S_IMODE(path.stat().st_mode), path.stat().st_gid) for path in folders] == [(0o2770, GROUP)] * 2
    files = [path for path in world.rglob("*") if path.is_file()]
    assert {(stat.S_IMODE(path.stat().st_mode), path.stat().st_gid) for path in files} == {(0o660, GROUP)}


def test_root_gives_a_folder_to_the_group_that_came_later(world):
    with locked(reach(world)._replace(group=0), networks("lan"), 0):
        pass
    assert as_user(0, try_lock(world)) == as_user(MEMBER, try_lock(world)) == "taken"
    assert list((world / "shared").iterdir()) == []
