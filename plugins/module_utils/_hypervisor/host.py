# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hypervisor's own devices and schema, where this task runs on the hypervisor."""

from __future__ import annotations

import contextlib
import functools
import ipaddress
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .._errors.errors import NetworkError
from .._values.connection import Seen
from .._values.observed import Device
from .._xml.codec import etree
from .._xml.definition import Definition
from . import command as _command
from .dnsmasq import process

ROUTES = Path("/proc/net/route")
SCHEMA = Path("/usr/share/libvirt/schemas/network.rng")
IP = shutil.which("ip", path=_command.PATH) or "ip"


def devices() -> dict[str, Device] | None:
    """The network devices of this machine by name; None where iproute2 does not list them."""
    try:
        links: list[dict[str, Any]] = json.loads(_command.run([IP, "-details", "-json", "address"], check=True).stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    found: dict[str, Device] = {}
    through = _routes()
    for link in links:
        addresses = tuple(f"{one['local']}/{one['prefixlen']}" for one in link.get("addr_info", []) if "local" in one)
        ports = {port["ifname"]: "LOWER_UP" in port["flags"] for port in links if port.get("master") == link["ifname"]}
        bridge = link.get("linkinfo", {}).get("info_kind") == "bridge"
        names, routes = tuple(link.get("altnames", ())), tuple(through.get(link["ifname"], ()))
        found[link["ifname"]] = Device(bridge, link.get("address", ""), ports, addresses, names, routes)
    return found


def _routes() -> dict[str, list[str]]:
    """Where the main table of IPv4 leads to, by device, from the file in which libvirt looks for collisions."""
    found: dict[str, list[str]] = {}
    with contextlib.suppress(OSError):
        for line in ROUTES.read_text(encoding="ascii").splitlines()[1:]:
            name, *words = line.split()
            to, mask = (socket.inet_ntoa(int(words[place], 16).to_bytes(4, sys.byteorder)) for place in (0, 6))
            # What is to be dropped goes through no device: "*".
            found.setdefault("lo" if name == "*" else name, []).append(str(ipaddress.ip_network(f"{to}/{mask}")))
    return found


def remove_stale(network: str, bridge: str) -> None:
    """Removes the bridge of an inactive network and ends its dnsmasq, both left behind by a killed daemon."""
    end_dnsmasq(network)
    done = _command.run([IP, "link", "delete", bridge, "type", "bridge"])
    if done.returncode:
        raise NetworkError(
            f"Cannot remove the bridge {bridge!r} that a killed daemon left behind: {done.stderr.strip()}; "
            "remove it with ip link delete"
        )


def end_dnsmasq(network: str) -> None:
    """Ends the dnsmasq of a network that does not run, which is certain to be it: libvirt's pid file names it, and it
    reads that network's configuration. libvirt leaves one that somebody has started again by hand, and it would keep
    the address that the next one needs."""
    try:
        for again in range(100):
            pid, is_its = process(network)
            if not is_its:
                return
            if not again:
                os.kill(pid, signal.SIGTERM)
            time.sleep(0.05)
    except (OSError, ValueError):
        return  # there is none, or no more


@functools.lru_cache(maxsize=1)
def _schema(path: Path) -> Any:
    return etree.RelaxNG(etree.parse(str(path)))


def schema_errors(definition: Definition) -> list[str] | None:
    """What this machine's libvirt schema says against a definition; None where there is no schema."""
    if not SCHEMA.exists():
        return None
    schema = _schema(SCHEMA)
    if schema.validate(definition.tree):
        return []
    return list(dict.fromkeys(str(error.message) for error in schema.error_log))


def seen(device: str) -> Seen | None:
    """A device of this machine; None where it cannot be seen."""
    place = Path("/sys/class/net", device)
    if not place.parent.exists():
        return None
    master, carrier = place / "master", "0"
    with contextlib.suppress(OSError):  # a device that is set down reports no carrier
        carrier = (place / "carrier").read_text(encoding="ascii").strip()
    isolated = "0"
    with contextlib.suppress(OSError):  # it is no port, or of a virtual switch
        isolated = (place / "brport/isolated").read_text(encoding="ascii").strip()
    bridge = master.resolve().name if master.is_symlink() else ""
    return Seen(place.exists(), bridge, carrier == "1", isolated == "1")


def plug_in(tap: str, bridge: str, isolated: bool = False) -> None:
    """Makes a tap a port of a bridge, or of none, whatever it is a port of."""
    words = ["master", bridge] if bridge else ["nomaster"]
    done = _command.run([IP, "link", "set", "dev", tap, *words])
    if done.returncode:
        where = f"on bridge {bridge}" if bridge else "off its bridge"
        raise NetworkError(
            f"Cannot put the tap {tap} {where}: {done.stderr.strip()}; run the task as root on the hypervisor, or use "
            f"ip link set dev {tap} {' '.join(words)}"
        )
    with contextlib.suppress(OSError):
        if bridge:
            Path("/sys/class/net", tap, "brport/isolated").write_text("1" if isolated else "0", encoding="ascii")


@contextlib.contextmanager
def ports_forward_at_once(bridge: str) -> Iterator[None]:
    """A `with` in which new ports of a bridge skip the seconds of STP's listening and learning; after it, they go on
    forwarding, and STP is on again."""
    switch = Path("/sys/class/net", bridge, "bridge/stp_state")
    with contextlib.suppress(OSError):
        switch.write_text("0", encoding="ascii")
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            switch.write_text("1", encoding="ascii")


def forget_neighbours(bridge: str) -> None:
    """Has the kernel ask again for those whom it could not reach through a bridge; else it waits a second for it."""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        _command.run([IP, "neighbour", "flush", "dev", bridge])


def fit_mtu(bridge: str, ports: list[str]) -> None:
    """Gives ports-to-be the MTU of a bridge, as libvirt does where it makes a port, but not where it moves one."""
    with contextlib.suppress(OSError):
        size = Path("/sys/class/net", bridge, "mtu").read_text(encoding="ascii").strip()
        for port in ports:
            place = Path("/sys/class/net", port, "mtu")
            if place.read_text(encoding="ascii").strip() != size:
                place.write_text(size, encoding="ascii")
