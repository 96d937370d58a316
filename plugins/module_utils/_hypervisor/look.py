# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at the hypervisor itself for a diagnosis: routes, sockets, dnsmasq, firewall, sysctls, log. It only reads."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from .._values.host_facts import HostFacts, Route, Rule, Server, Socket
from . import command as _command
from . import host as _host
from .dns import answers_dns
from .dnsmasq import options, process

LOG_LINES = 20
IPV6_MTU = 1280  # a device that takes no such packets has no IPv6
DAEMONS = ("libvirtd", "virtnetworkd", "virtqemud", "virtnwfilterd", "virtproxyd", "dnsmasq")
HIDDEN = "not seeing messages from other users"  # journalctl says so, and succeeds
NFT_TABLE = "libvirt_network"


class HostInspector:
    """One look at a hypervisor with this ``version`` of libvirt; ``unseen`` collects what could not be looked at."""

    def __init__(self, version: int) -> None:
        self._version = version
        self.unseen: list[str] = []

    def facts(self, networks: Iterable[str], bridges: Iterable[str], addresses: Iterable[str]) -> HostFacts | None:
        """What is seen of the hypervisor with these networks, their bridges, and their addresses that answer DNS."""
        devices = _host.devices()
        if devices is None:
            self.unseen.append("the hypervisor's devices: ip of iproute2 is missing or fails")
            return None
        links = self._ip("link")
        return HostFacts(
            devices,
            frozenset(link["ifname"] for link in links if "UP" not in link["flags"]),
            tuple(self._routes()),
            self.neighbours(),
            tuple(self._sockets()),
            {name: server for name in networks for server in self._server(name)},
            self._settings(bridges),
            self._rules(),
            {address: answers_dns(address) for address in addresses if _is_here(devices, address)},
            narrow={link["ifname"]: link["mtu"] for link in links if link.get("mtu", IPV6_MTU) < IPV6_MTU},
            daemon=_daemon(),
            connections=_connections(),
        )

    def neighbours(self) -> tuple[tuple[str, str], ...]:
        """The MAC and the IP address of each neighbour. libvirt 9.0 cannot read them on newer kernels ("wrong nlmsg
        len")."""
        return tuple((one["lladdr"].lower(), one["dst"]) for one in self._ip("neighbour") if "lladdr" in one)

    def log(self, words: Sequence[str]) -> list[str]:
        """The last warnings and errors of libvirt's daemons within a day in which one of these words stands alone."""
        # libvirt gives its lines no identifier, so they go by the name of the process.
        names = [f"_COMM={daemon}" for daemon in DAEMONS]
        output = self.output("the daemons' log", "journalctl", "--no-pager", "-p", "warning", "--since=-1d", *names)
        ours = re.compile(rf"(?<![\w.:-])({'|'.join(map(re.escape, words))})(?![\w-]|:[\w:])")
        lines = [" ".join(entry.split()) for entry in re.split(r"\n(?!\s)", output or "") if ours.search(entry)]
        return lines[-LOG_LINES:]

    def output(self, what: str, *command: str) -> str | None:
        """What a command prints; None when there is no such command, it fails, or it hides something."""
        program = shutil.which(command[0], path=_command.PATH)
        if program is None:
            self.unseen.append(f"{what}: {command[0]} is not installed")
            return None
        try:
            done = _command.run([program, *command[1:]])
        except (OSError, subprocess.SubprocessError) as error:
            reason = str(error)
        else:
            if done.returncode == 0 and HIDDEN not in done.stderr:
                return done.stdout
            reason = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[0]
        self.unseen.append(f"{what}: {command[0]} says {reason!r}")
        return None

    def _ip(self, *words: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(
            self.output(f"the hypervisor's {words[0]}s", "ip", "-j", *words) or "[]"
        )
        return found

    def _routes(self) -> Iterable[Route]:
        for family, every in (("-4", "0.0.0.0/0"), ("-6", "::/0")):
            text = self.output("the hypervisor's routes", "ip", "-j", family, "route") or "[]"
            for route in json.loads(text):
                to = every if route["dst"] == "default" else route["dst"]
                if not to.startswith("fe80:"):
                    # IPv6 names the loopback device for what is to be dropped.
                    device = route.get("dev", "") if route.get("type", "unicast") == "unicast" else ""
                    yield Route(to if "/" in to else f"{to}/{(every.count('.') and 32) or 128}", device)

    def _sockets(self) -> Iterable[Socket]:
        for line in (
            self.output("who listens on which port", "ss", "-H", "-l", "-n", "-t", "-u", "-p") or ""
        ).splitlines():
            words = line.split(maxsplit=6)
            place, _colon, port = words[4].rpartition(":")
            address, _percent, device = place.partition("%")
            if device.endswith("]"):
                address, device = f"{address}]", device[:-1]
            program = re.search(r'"(.*?)",pid=(\d+)', words[6] if len(words) > 6 else "")
            owner = f"{program[1]} (process {program[2]})" if program else ""
            yield Socket(words[0], address.strip("[]"), device, int(port), owner)

    def _server(self, network: str) -> Iterable[Server]:
        """A network's dnsmasq, by libvirt's pid file and what the process says it reads; nothing where it is hidden."""
        try:
            pid, is_its = process(network)
        except PermissionError as error:
            self.unseen.append(f"the dnsmasq of network {network!r}: {error.filename}: {error.strerror}")
            return
        except (OSError, ValueError):
            yield Server(0, None)
            return
        try:
            text = options(network, pid if is_its else 0)
        except OSError as error:
            self.unseen.append(f"the options of the dnsmasq of network {network!r}: {error.filename}: {error.strerror}")
            text = None
        yield Server(pid if is_its else 0, text)

    def _settings(self, bridges: Iterable[str]) -> dict[str, str]:
        scopes = ["all", *bridges]
        names = [f"net/ipv{version}/conf/{scope}/forwarding" for version in (4, 6) for scope in scopes]
        names += [f"net/ipv6/conf/{scope}/disable_ipv6" for scope in scopes]
        found = {}
        for name in names:
            try:
                found[name.replace("/", ".")] = Path("/proc/sys", name).read_text(encoding="ascii").strip()
            except OSError:
                continue  # the bridge is not there, or the kernel does not know it
        return found

    def _rules(self) -> tuple[Rule, ...] | None:
        """The rules of both of libvirt's back ends, as far as they are installed."""
        usable = [one for one in FIREWALLS if one.since <= self._version]
        installed = [one for one in usable if shutil.which(one.command[0], path=_command.PATH)]
        known = len(self.unseen)
        outputs = [self.output("the firewall", *one.command) for one in installed or usable]
        if None in outputs:
            del self.unseen[known + 1 :]  # one reason is enough
            return None
        return tuple(
            Rule(one.version, *rule) for one, text in zip(installed, outputs) if text for rule in one.rules(text)
        )


def _daemon() -> str:
    """Which of libvirt's daemons runs networks, by its pid file."""
    try:
        pid = int(Path("/run/libvirt/network/driver.pid").read_text(encoding="ascii"))
        name = Path(f"/proc/{pid}/comm").read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
    return name if name in DAEMONS else ""


def _connections() -> dict[str, str]:
    """NetworkManager's connection on each device that it does more with than to watch it."""
    command = ["env", "LC_ALL=C", "nmcli", "-t", "-f", "DEVICE,STATE,CONNECTION", "device"]
    try:
        listed = _command.run(command, seconds=2).stdout if Path("/run/NetworkManager").is_dir() else ""
    except (OSError, subprocess.SubprocessError):
        return {}
    lines = [re.split(r"(?<!\\):", line) for line in listed.splitlines()]
    return {line[0]: line[2] for line in lines if len(line) == 3 and line[2] and "externally" not in line[1]}


def _is_here(devices: dict[str, Any], address: str) -> bool:
    """Whether a query for this address stays on the hypervisor."""
    return any(place.partition("/")[0] == address for device in devices.values() for place in device.addresses)


def _saved_rules(text: str) -> Iterable[tuple[str, str]]:
    """Rules as iptables-save has them."""
    for line in text.splitlines():
        words = line.split()
        if line.startswith("-A "):
            yield words[1], " ".join(words[2:])


def _nft_rules(text: str) -> Iterable[tuple[str, str]]:
    """Rules of libvirt's table as nft lists them; those of other tables are iptables', or another program's."""
    table = chain = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("table "):
            table, chain = line.split()[2], ""
        elif line.startswith("chain "):
            chain = line.split()[1]
        elif chain and table == NFT_TABLE and line not in ("", "}"):
            yield chain, line


class Firewall(NamedTuple):
    """A command that lists rules for IP of one version, and how they are read."""

    version: int
    command: tuple[str, ...]
    rules: Callable[[str], Iterable[tuple[str, str]]]
    since: int = 0  # version of libvirt


FIREWALLS = (
    Firewall(4, ("iptables-save",), _saved_rules),
    Firewall(6, ("ip6tables-save",), _saved_rules),
    Firewall(4, ("nft", "list", "ruleset", "ip"), _nft_rules, 10_004_000),
    Firewall(6, ("nft", "list", "ruleset", "ip6"), _nft_rules, 10_004_000),
)
