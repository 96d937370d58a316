# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A network's dnsmasq, as libvirt starts it and the host shows it."""

from __future__ import annotations

from pathlib import Path


def configuration(network: str) -> Path:
    """The file that libvirt writes its options into."""
    return Path(f"/var/lib/libvirt/dnsmasq/{network}.conf")


def process(network: str) -> tuple[int, bool]:
    """The process that libvirt's pid file names, and whether it reads the network's configuration, and so is certain to
    be its dnsmasq. Raises OSError or ValueError when there is none, or it is hidden."""
    pid = int(Path(f"/run/libvirt/network/{network}.pid").read_text(encoding="ascii"))
    words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    return pid, f"--conf-file={configuration(network)}".encode() in words
