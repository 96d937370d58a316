# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A network's dnsmasq, as libvirt starts it and the host shows it."""

from __future__ import annotations

import re
from pathlib import Path

# How dnsmasq's configuration names files and folders with more of it.
NAMES = re.compile(r"(?:conf-file|conf-dir|dhcp-hostsfile|dhcp-hostsdir)=([^,]+)")


def configuration(network: str) -> Path:
    """The file that libvirt writes its options into."""
    return Path(f"/var/lib/libvirt/dnsmasq/{network}.conf")


def options(network: str, pid: int) -> str:
    """What a network's dnsmasq reads: the lines of its configuration and of the files that are named there, and the
    options of its command. Raises OSError where they cannot be read."""
    command = Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace") if pid else ""
    read = [word[2:] for word in command.split("\0") if word.startswith("--")]
    files = [configuration(network)]
    for file in files:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
        read += lines
        named = [Path(found[1]) for found in map(NAMES.match, lines) if found]
        inside = [inner for one in named for inner in (sorted(one.iterdir()) if one.is_dir() else [one])]
        files += [one for one in inside if one.is_file() and one not in files]
    return "\n".join(read)


def process(network: str) -> tuple[int, bool]:
    """The process that libvirt's pid file names, and whether it reads the network's configuration, and so is certain to
    be its dnsmasq. Raises OSError or ValueError when there is none, or it is hidden."""
    pid = int(Path(f"/run/libvirt/network/{network}.pid").read_text(encoding="ascii"))
    words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    return pid, f"--conf-file={configuration(network)}".encode() in words
