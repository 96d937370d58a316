"""The lock of a network between processes, and what counts as one hypervisor."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import LockedError
from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor import lock as _lock
from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor.lock import Reach, locked, reach_of
from tests.unit.lock_holder import holding, networks


@pytest.fixture
def holder():
    """Another process that holds the networks "a" and "b"."""
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


def test_where_no_folder_can_be_made_nothing_is_changed(tmp_path, monkeypatch):
    monkeypatch.setattr(_lock, "SHARED", (str(tmp_path / "nowhere"),))
    with pytest.raises(LockedError, match=r"no folder for it can be made in any of .*nowhere; make"):
        locked(Reach("x"), networks("lan"), 0).__enter__()


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
