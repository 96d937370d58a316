"""Pid 1 of a lab machine: makes the machine's root and ends with the process that owns the lab.

Runs by path in new mount, network, uts, ipc and pid namespaces and so imports nothing of the lab:

    init.py LOWER HOME OWNER

LOWER is the read-only root below, HOME the machine's folder in the lab (its name is the machine's name), OWNER the
number of an inherited pidfd, or "none" for a lab that stands until it is taken down. Says the pid that the outside
knows it by on stdout when the machine is ready.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import stat
import subprocess
import sys
import uuid
from pathlib import Path

DEVICES = {
    "null": (1, 3),
    "zero": (1, 5),
    "full": (1, 7),
    "random": (1, 8),
    "urandom": (1, 9),
    "tty": (5, 0),
    "net/tun": (10, 200),
}
LINKS = {"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2", "ptmx": "pts/ptmx"}


def run(command: str) -> None:
    """Run one command of words without blanks; an error ends the machine, its text is in the machine's log."""
    subprocess.run(command.split(), check=True)


def make_disk(home: Path) -> None:
    """Mount the tmpfs that takes whatever is written, with a shell that starts as on a new machine: bash reads what
    root has set up here for each command that comes by SSH, and pyenv alone takes 0.09 s of a processor."""
    layers = home / "layers"
    run(f"mount -t tmpfs -o mode=755 tmpfs {layers}")
    for folder, mode in (("upper", 0o755), ("work", 0o755), ("upper/root", 0o700)):
        (layers / folder).mkdir(mode)
    (layers / "upper/root/.bashrc").touch()


def mount_root(lower: Path, home: Path) -> Path:
    """Mount the overlay root: the disk on top of what is below."""
    root, layers = home / "root", home / "layers"
    run(f"mount -t overlay -o lowerdir={lower},upperdir={layers}/upper,workdir={layers}/work overlay {root}")
    return root


def mount_proc(root: Path) -> None:
    """Mount what shows processes; only what belongs to the network namespace may be set through it."""
    run(f"mount -t proc proc {root}/proc")
    run(f"mount --bind {root}/proc/sys {root}/proc/sys")
    run(f"mount -o remount,bind,ro {root}/proc/sys")
    run(f"mount --bind {root}/proc/sys/net {root}/proc/sys/net")
    run(f"mount -o remount,bind,rw {root}/proc/sys/net")


def mount_devices(root: Path) -> None:
    """Fill /dev with nodes of the machine's own: a bind of the real ones would let it change their owners."""
    run(f"mount -t tmpfs -o mode=755 tmpfs {root}/dev")
    for folder in ("net", "pts", "shm"):
        (root / "dev" / folder).mkdir()
    (root / "dev/shm").chmod(0o1777)
    for name, number in DEVICES.items():
        os.mknod(root / "dev" / name, stat.S_IFCHR, os.makedev(*number))
        (root / "dev" / name).chmod(0o666)
    for name, target in LINKS.items():
        (root / "dev" / name).symlink_to(target)
    run(f"mount -t devpts -o newinstance,gid=5,mode=620,ptmxmode=666 devpts {root}/dev/pts")


def enter_root(root: Path) -> None:
    """Make the new root the root of the mount namespace and let go of the old one."""
    old = root / ".old"
    old.mkdir()
    os.chdir(root)
    run("pivot_root . .old")
    os.chdir("/")
    run("umount --lazy /.old")
    Path("/.old").rmdir()


def name_machine(name: str) -> None:
    """Give the machine a name and an identity of its own, and no resolver, as the real one's cannot be reached."""
    socket.sethostname(name)
    Path("/etc/hostname").write_text(f"{name}\n")
    # a machine that cannot resolve its own name makes libvirt wait ten seconds
    Path("/etc/hosts").write_text(f"127.0.0.1 localhost\n::1 localhost\n127.0.1.1 {name}\n")
    Path("/etc/machine-id").write_text(f"{uuid.uuid4().hex}\n")
    Path("/etc/resolv.conf").unlink(missing_ok=True)
    Path("/etc/resolv.conf").touch()


def start_network() -> None:
    """Bring up the loopback, and switch off the wait for duplicate IPv6 addresses, which costs seconds a network."""
    run("ip link set lo up")
    for scope in ("all", "default"):
        Path(f"/proc/sys/net/ipv6/conf/{scope}/accept_dad").write_text("0")


def wait_for_end(owner: str) -> None:
    """Return when the owner is dead; for ever if there is none. The kernel reaps this machine's orphans meanwhile."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while owner == "none":
        signal.pause()
    end = select.poll()
    end.register(int(owner))
    end.poll()


def main(lower: str, home: str, owner: str) -> None:
    """Make the machine, say that it is ready, stay."""
    outer_pid = Path("/proc/self").readlink()  # /proc is still the one of the machine outside
    make_disk(Path(home))
    root = mount_root(Path(lower), Path(home))
    run(f"mount --bind {home}/run {root}/run")
    mount_proc(root)
    run(f"mount -t sysfs sysfs {root}/sys")
    run(f"mount -t cgroup2 -o ro cgroup2 {root}/sys/fs/cgroup")
    mount_devices(root)
    enter_root(root)
    name_machine(Path(home).name)
    start_network()
    print(outer_pid, flush=True)
    wait_for_end(owner)


if __name__ == "__main__":
    main(*sys.argv[1:])
