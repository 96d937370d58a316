"""Makes the disk of a full machine, or its root, in which it then becomes systemd.

Started by full_power.sh:

    python3 -m tests.lab.full_init disk HOME
    python3 -m tests.lab.full_init boot LOWER HOME

The first fills a new disk with HOME/seed. The second runs as pid 1 of new mount, network, uts, ipc, pid and cgroup
namespaces; it says the pid that the outside knows it by on stdout when the root is there.
"""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from .full_seed import MAC
from .init import enter_root, make_disk, mount_devices, mount_proc, mount_root, run
from .process import Process

ENVIRONMENT = {"container": "lab", "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}


def mount_kernel(root: Path) -> None:
    """Mount the kernel's file systems so that systemd is content, udev stays away and nothing else can be harmed."""
    mount_proc(root)
    run(f"mount -t sysfs sysfs {root}/sys")
    # with /sys writable udev would run, for each device of the real machine; bridges need their part of it
    run(f"mount --bind {root}/sys/devices/virtual/net {root}/sys/devices/virtual/net")
    run(f"mount -o remount,bind,ro {root}/sys")
    run(f"mount -t cgroup2 cgroup2 {root}/sys/fs/cgroup")
    for folder in ("run", "tmp"):
        run(f"mount -t tmpfs -o mode=755 tmpfs {root}/{folder}")
    (root / "tmp").chmod(0o1777)


def start_network(outside: str) -> None:
    """Lay the cable of eth0 into the bridge "lan" of the outside; the kernel starts without forwarding."""
    run("ip link set lo up")
    run(f"ip link add eth0 address {MAC} type veth peer name cable netns {outside}")
    run(f"nsenter --net={outside} ip link set cable master lan up")
    Path("/proc/sys/net/ipv4/ip_forward").write_text("0")


def boot(lower: Path, home: Path) -> None:
    """Make the root, say that it is ready, become systemd."""
    outer_pid = Path("/proc/self").readlink()  # /proc is still the one of the machine outside
    start_network(f"/proc/{outer_pid}/fd/9")
    os.close(9)
    root = mount_root(lower, home)
    mount_kernel(root)
    mount_devices(root)
    os.mknod(root / "dev/console", stat.S_IFCHR | 0o600, os.makedev(1, 3))
    Process.of(int(str(outer_pid))).write(home / "pid.new")
    (home / "pid.new").rename(home / "pid")  # somebody may be reading it
    (home / "up").touch()
    enter_root(root)
    socket.sethostname(Path("/etc/hostname").read_text().strip())
    with suppress(BrokenPipeError):  # whoever has made a standing lab is gone
        print(outer_pid, flush=True)
    null = os.open("/dev/null", os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    os.execve("/sbin/init", ["/sbin/init"], ENVIRONMENT)


def disk(home: Path) -> None:
    """Make the machine's disk, with what it is to hold at the start."""
    make_disk(home)
    subprocess.run(["cp", "--archive", f"{home}/seed/.", f"{home}/layers/upper"], check=True)


if __name__ == "__main__":
    action, *folders = sys.argv[1:]
    (disk if action == "disk" else boot)(*map(Path, folders))
