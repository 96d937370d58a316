"""What this machine lacks to run the lab, in one list, each with what to do about it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

# a command and the Debian package that has it
COMMANDS = {
    "libvirtd": "libvirt-daemon-system",
    "virsh": "libvirt-clients",
    "dnsmasq": "dnsmasq-base",
    "qemu-system-x86_64": "qemu-system-x86",
    "iptables": "iptables",
    "nft": "nftables",
    "ip": "iproute2",
    "sysctl": "procps",
    "sshd": "openssh-server",
    "ssh": "openssh-client",
    "useradd": "passwd",
    "busybox": "busybox-static",
    "dhclient": "isc-dhcp-client",
    "dig": "bind9-dnsutils",
    "tcpdump": "tcpdump",
    "ping": "iputils-ping",
    "debootstrap": "debootstrap",
    "unshare": "util-linux",
    "apt-get": "apt",
}
PYTHON_MODULES = {"libvirt": "python3-libvirt", "lxml": "python3-lxml"}
# a feature of the kernel, a command that uses it in namespaces of its own, and where it comes from
KERNEL_FEATURES = (
    ("namespaces", "true", "run on a machine or in a container that allows them"),
    ("veth", "ip link add lab0 type veth peer name lab1", "load the module veth"),
    ("bridge", "ip link add lab0 type bridge", "load the module bridge"),
    ("tun", "ip tuntap add lab0 mode tap", "load the module tun"),
    ("overlay", "mount -t overlay -o lowerdir=/etc:/usr overlay /mnt", "load the module overlay"),
    ("NAT", "iptables -t nat -L -n", "load the module nf_nat"),
    ("NAT for IPv6", "ip6tables -t nat -L -n", "load the module nf_nat"),
)


def check() -> list[str]:
    """Return what is missing, each a line for people; empty when the lab can run here."""
    if os.geteuid():
        return ["root: the lab makes namespaces and mounts; run it as root"]
    return [*_missing_commands(), *_missing_modules(), *_missing_features()]


def _missing_commands() -> Iterator[str]:
    search = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    for command, package in COMMANDS.items():
        if not shutil.which(command, path=search):
            yield f"{command}: apt-get install {package}"


def _missing_modules() -> Iterator[str]:
    for module, package in PYTHON_MODULES.items():
        probe = ["/usr/bin/python3", "-c", f"import {module}"]
        if subprocess.run(probe, check=False, capture_output=True).returncode:
            yield f"/usr/bin/python3 has no module {module}: apt-get install {package}"


def _missing_features() -> Iterator[str]:
    if Path("/usr").stat().st_dev != Path("/").stat().st_dev:
        yield "/usr on the root file system: a machine's own root is an overlay of that one file system"
    apart = ["unshare", "--mount", "--net", "--uts", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc"]
    for feature, probe, advice in KERNEL_FEATURES:
        done = subprocess.run([*apart, *probe.split()], check=False, capture_output=True, text=True)
        if done.returncode:
            yield f"{feature}: {advice} ({(done.stderr or done.stdout).strip()})"
