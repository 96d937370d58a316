# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tries on the hypervisor whether it has what a network needs: the kernel and firewalld are asked, nothing changes."""

from __future__ import annotations

import contextlib
import errno
import json
import re
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from .._values.surroundings import Lack, Need
from .command import PATH, run

SYSTEM_BUS = Path("/run/dbus/system_bus_socket")
FIREWALLD = "org.fedoraproject.FirewallD1"
PROC_NET, SYS = Path("/proc/net"), Path("/sys")
ACCEPT_RA = "/proc/sys/net/ipv6/conf/{}/accept_ra"
RTF_ADDRCONF = 0x40000
IPV6_FREEBIND = 78  # Python has no name for it
DHCP = (67, 547)
ANYWHERE = ("0.0.0.0", "::", "*")  # dnsmasq binds DHCP there
# What libvirt writes in any case (networkDnsmasqConfContents); some of it may not be repeated.
WRITTEN = ("strict-order", "pid-file=/run/pid", "except-interface=lo", "bind-dynamic", "interface=virbr0")
Answers = Iterator["tuple[bool, str]"]  # whether it is certain, and what is wrong


def lacks(needs: Iterable[Need]) -> Lack:
    """What of this the hypervisor lacks."""
    tries: dict[str, Callable[..., Answers]] = {
        "port": _port,
        "zone": _zone,
        "dnsmasq": _dnsmasq,
        "tftp": _tftp,
        "ipv6": _ipv6,
        "vfs": _functions,
        "vf": _function,
        "forwarding": _forwarding,
    }
    found = [answer for need in needs for answer in tries[need.kind](*need.values)]
    return Lack([text for known, text in found if known], [text for known, text in found if not known])


def _port(protocol: str, address: str, number: str) -> Answers:
    """The kernel is asked in the way in which dnsmasq asks: who else has the port may allow it, which nothing lists."""
    port = f"{protocol} port {number} at {address}"
    try:
        _bind(protocol, address, int(number))
    except PermissionError:
        if _has_users(protocol, address, number):
            yield False, f"whether {port} is free for the network's dnsmasq was not tried: that takes root"
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            why = "which the network's dnsmasq needs: let it listen at its own addresses only (ss -lntup names it)"
            yield True, f"another program of the hypervisor has {port}, {why}"


def _bind(protocol: str, address: str, number: int) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
    with contextlib.closing(socket.socket(family, kind)) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if number in DHCP:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            trial.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            trial.setsockopt(socket.IPPROTO_IPV6, IPV6_FREEBIND, 1)
        else:
            trial.setsockopt(socket.IPPROTO_IP, socket.IP_FREEBIND if hasattr(socket, "IP_FREEBIND") else 15, 1)
        trial.bind((address, number))


def _has_users(protocol: str, address: str, number: str) -> bool:
    """Whether somebody's socket could be in the way. One for a single device is another network's dnsmasq, as a rule,
    which shares the port of DHCP."""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        for line in run([shutil.which("ss", path=PATH) or "ss", "-Hlntu"]).stdout.splitlines():
            words = line.split()
            place, _colon, port = words[4].rpartition(":")
            meets = place.strip("[]") in ANYWHERE or (address in ANYWHERE and "%" not in place)
            if (words[0], port) == (protocol, number) and meets:
                return True
    return False


def _dnsmasq(*lines: str) -> Answers:
    """dnsmasq reads what libvirt writes for it, and knows best what it takes; it does nothing else then."""
    program, text = shutil.which("dnsmasq", path=PATH), "\n".join((*WRITTEN, *lines, ""))
    if program is None:
        yield True, "dnsmasq is not installed on the hypervisor, and a network with addresses needs it"
        return
    try:
        done = run([program, "--test", "--conf-file=-"], text=text)
    except (OSError, subprocess.SubprocessError) as error:
        yield False, f"dnsmasq_options were not checked, as dnsmasq cannot be asked ({error})"
        return
    place = re.search(r"^dnsmasq: (.*) at line (\d+) of stdin", done.stderr, re.MULTILINE)
    if done.returncode and place and int(place[2]) > len(WRITTEN):
        yield (
            True,
            f"dnsmasq_options has {lines[int(place[2]) - len(WRITTEN) - 1]!r}, of which dnsmasq says {place[1]!r}",
        )
    elif done.returncode:
        what = "dnsmasq_options are" if lines else "a network with addresses is"
        yield True, f"{what} refused by the hypervisor's dnsmasq, which says {done.stderr.strip()!r}"


def _tftp(folder: str) -> Answers:
    """dnsmasq opens it before it starts to serve, as a user of its own."""
    place = Path("/", folder)
    try:
        closed = [one for one in (place, *place.parents) if one.stat().st_mode & 0o001 == 0]
        if not place.is_dir():
            yield True, f"ips.tftp.root {folder} is no folder, and dnsmasq would not start"
        elif closed or place.stat().st_mode & 0o005 != 0o005:
            yield False, f"whether dnsmasq may read ips.tftp.root {folder} was not checked: not every user may"
    except PermissionError:
        yield False, f"whether there is a folder {folder} for ips.tftp.root was not checked: that takes root"
    except OSError as error:
        yield True, f"ips.tftp.root {folder} cannot be used ({error.strerror}), and dnsmasq would not start: create it"


def _ipv6() -> Answers:
    if not (PROC_NET / "if_inet6").exists():
        yield True, "the hypervisor's kernel runs without IPv6, and ips has addresses of it"


def _zone(zone: str) -> Answers:
    """libvirt looks for firewalld's name on the system bus (virFirewallDIsRegistered)."""
    if not SYSTEM_BUS.exists():
        there: Any = [False]
    else:
        there = _ask("org.freedesktop.DBus", "/", "org.freedesktop.DBus", "NameHasOwner", "s", FIREWALLD)
    if there == [False]:
        yield True, f"bridge.zone {zone} needs firewalld, which does not run: start it, or take the zone away"
        return
    zones = there and _ask(FIREWALLD, "/org/fedoraproject/FirewallD1", f"{FIREWALLD}.zone", "getZones")
    if not zones:
        yield False, f"whether firewalld has the zone {zone} was not checked: it cannot be asked from here"
    elif zone not in zones[0]:
        yield True, f"bridge.zone {zone} is no zone of firewalld, which has {', '.join(sorted(zones[0]))}"


def _ask(*words: str) -> Any:
    """What a call on the system bus returns; None when it fails, or cannot be made."""
    with contextlib.suppress(OSError, subprocess.SubprocessError, ValueError):
        command = [
            shutil.which("busctl", path=PATH) or "busctl",
            "--system",
            "--json=short",
            "--timeout=10",
            "call",
            *words,
        ]
        return json.loads(run(command, check=True).stdout)["data"]
    return None


def _functions(device: str, mode: str) -> Answers:
    """libvirt takes the virtual functions of a device: in mode hostdev all, else those with a name of their own."""
    found = [*(SYS / "class/net" / device / "device").glob("virtfn*" if mode == "hostdev" else "virtfn*/net/*")]
    if not found:
        yield True, f"forward.pf {device} has no virtual functions that the network could use: create them first"


def _function(address: str) -> Answers:
    if not (SYS / "bus/pci/devices" / address / "physfn").exists():
        yield True, f"forward.addresses has {address}, which is no virtual function of a device with SR-IOV"


def _forwarding() -> Answers:
    """libvirt does not forward IPv6 where the kernel would then forget what routers have advertised
    (virNetDevIPCheckIPv6Forwarding, which knows eight letters of a device's name)."""
    every, routes = _accept_ra("all"), ""
    with contextlib.suppress(OSError):
        routes = (PROC_NET / "ipv6_route").read_text(encoding="ascii")
    for device in dict.fromkeys(
        line.split()[9][:8] for line in routes.splitlines() if int(line.split()[8], 16) & RTF_ADDRCONF
    ):
        setting = _accept_ra(device)
        if setting == 1 or (setting == 0 and every == 1):
            what = f"{device} has IPv6 routes from router advertisements, which the kernel drops once it forwards"
            yield True, f"{what}: set the sysctl net.ipv6.conf.{device}.accept_ra to 2 first"


def _accept_ra(device: str) -> int:
    with contextlib.suppress(OSError, ValueError):
        return int(Path(ACCEPT_RA.format(device)).read_text(encoding="ascii"))
    return -1
