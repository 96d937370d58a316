"""Random surroundings of a network on the machine that this runs on, and how all of it is removed.

Names and subnets come from few values, those that `random_specs` uses too, so that much is in each other's way.
"""

from __future__ import annotations

import contextlib
import random
import socket
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import libvirt

from .random_specs import HOST_BRIDGE, UPLINK

NIC, TAP, OTHER = "vf-nic", "vf-tap", "other"
KEPT = ("lo", UPLINK)
MACS = ("52:54:00:0a:00:01", "52:54:00:0a:00:02")  # those that an invented network may have
SETTINGS = {"net.ipv6.conf.default.disable_ipv6": "0", "net.ipv4.ip_forward": "1", "net.ipv6.conf.all.forwarding": "1"}
SO_BINDTODEVICE = 25


class Surroundings:
    """The surroundings of the network `name`, whose subnets and bridge have `number` in their names."""

    def __init__(self, chance: random.Random, conn: Any, name: str, number: int) -> None:
        self._chance, self._conn, self._name = chance, conn, name
        self.own, self._base = f"vf-r{number}", f"10.{100 + number}"
        self._number = number
        self._sockets: list[socket.socket] = []
        self.told: list[str] = []
        run("ip", "link", "add", HOST_BRIDGE, "up", "type", "bridge")

    def add(self, count: int) -> None:
        """Add so many things; what cannot be beside the others is left out."""
        kinds: list[Callable[[], Iterator[str]]] = [
            *(self._bridge, self._nic, self._nic, self._tap, self._route, self._route, self._route),
            *(self._other, self._other, self._other, self._left_behind, self._guest, self._guest),
        ]
        for kind in self._chance.choices([*kinds, self._listener, self._listener, self._setting], k=count):
            self.told += [line for line in kind() if run("sh", "-c", line)]

    def _subnet(self) -> str:
        third, prefix = self._chance.choice([0, 1, 2]), self._chance.choice([24, 24, 25, 16])
        return f"{self._base}.{third if prefix > 16 else 0}.0/{prefix}"

    def _address(self) -> str:
        net, _slash, prefix = self._subnet().partition("/")
        return f"{net[:-1]}7/{prefix}"

    def _name_of_device(self) -> str:
        return self._chance.choice([self.own, "vf-spare", "vf-spare"])

    def _bridge(self) -> Iterator[str]:
        name = self._name_of_device()
        yield f"ip link add {name} up type bridge"
        if self._chance.random() < 0.6:
            yield f"ip address add {self._address()} dev {self._chance.choice([name, HOST_BRIDGE])}"
        if self._chance.random() < 0.4:
            yield f"ip link add vf-port up master {name} type veth peer name vf-peer"

    def _nic(self) -> Iterator[str]:
        name = self._chance.choice([self.own, NIC, NIC])
        up = self._chance.choice(["up", "up", "down"])
        yield f"ip link add {name} type veth peer name vf-end; ip link set {name} {up}; ip link set vf-end up"
        if self._chance.random() < 0.6:
            yield f"ip address add {self._address()} dev {name}"
        if self._chance.random() < 0.2:
            yield f"ip link property add dev {name} altname {self.own}"

    def _tap(self) -> Iterator[str]:
        kind = self._chance.choice(["tuntap add {} mode tap", f"link add link {UPLINK} name {{}} type macvtap"])
        yield "ip " + kind.format(self._chance.choice([self.own, TAP]))

    def _route(self) -> Iterator[str]:
        to = self._chance.choice([self._subnet(), f"10.99.{self._number}.0/24", "10.99.0.0/16"])
        way = self._chance.choice(["via 192.0.2.1", f"dev {UPLINK}", "table 77 via 192.0.2.1"])
        six = f"ip -6 route add fd00:{100 + self._number}::/64 dev {UPLINK}"
        yield self._chance.choice([f"ip route add {to} {way}", f"ip route add blackhole {to}", six])

    def _setting(self) -> Iterator[str]:
        yield f"sysctl -qw {self._chance.choice(list(SETTINGS))}={self._chance.choice([0, 1])}"

    def _listener(self) -> Iterator[str]:
        """Another server of names or addresses."""
        kind, port = self._chance.choice([("tcp", 53), ("udp", 53), ("udp", 53), ("udp", 67), ("udp", 547)])
        address = self._chance.choice(["::"] if port == 547 else ["0.0.0.0", "0.0.0.0", "192.0.2.2", "::"])
        one = socket.socket(
            socket.AF_INET6 if ":" in address else socket.AF_INET,
            socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM,
        )
        self._sockets.append(one)
        options = [name for name in ("SO_REUSEADDR", "SO_REUSEPORT") if self._chance.random() < 0.3]
        device = self._chance.random() < 0.15
        with contextlib.suppress(OSError):
            for name in options:
                one.setsockopt(socket.SOL_SOCKET, getattr(socket, name), 1)
            if device:
                one.setsockopt(socket.SOL_SOCKET, SO_BINDTODEVICE, UPLINK.encode())
            one.bind((address, port))
            if kind == "tcp":
                one.listen()
            yield f"# listens on {kind} {address} {port} {' '.join(options)} {UPLINK if device else ''}"

    def _other(self) -> Iterator[str]:
        """Another network: stopped, running or transient."""
        name = f"{OTHER}{self._chance.choice([1, 2])}"
        bridge = self._chance.choice([self.own, "vf-else", "vf-else"])
        address, _slash, prefix = self._address().partition("/")
        way = self._chance.choice(["<forward mode='nat'/>", "<forward mode='route'/>", "", ""])
        inside = f"{way}<bridge name='{bridge}'/><ip address='{address}' prefix='{prefix}'/>"
        if self._chance.random() < 0.3:
            there = f"{address[:-1]}8"
            inside += f"<route address='10.99.{self._number}.0' prefix='24' gateway='{there}'/>"
        elif self._chance.random() < 0.3:
            inside = f"<forward mode='bridge'/><bridge name='{self._chance.choice([HOST_BRIDGE, self.own])}'/>"
        xml = f"<network><name>{name}</name>{inside}</network>"
        state = self._chance.choice(["stopped", "autostart", "running", "running", "transient"])
        with contextlib.suppress(libvirt.libvirtError):
            if state == "transient":
                self._conn.networkCreateXML(xml)
            else:
                network = self._conn.networkDefineXML(xml)
                if state == "running":
                    network.create()
                network.setAutostart(state == "autostart")
            yield f"# network {state} {xml}"

    def _left_behind(self) -> Iterator[str]:
        """What a killed daemon leaves, or what looks like it."""
        mac = self._chance.choice([*self._macs(), *MACS])
        yield f"ip link add {self.own} address {mac} up type bridge"
        if self._chance.random() < 0.5:
            yield f"ip address add {self._address()} dev {self.own}"

    def _macs(self) -> list[str]:
        with contextlib.suppress(libvirt.libvirtError):
            xml = self._conn.networkLookupByName(self._name).XMLDesc()
            return [xml.partition("<mac address='")[2][:17]] if "<mac address" in xml else []
        return []

    def _guest(self) -> Iterator[str]:
        """A guest on the network, or on a bridge: stopped, or stopped before its first instruction."""
        source = self._chance.choice(
            [
                f"<interface type='network'><source network='{self._name}'/>",
                f"<interface type='network'><source network='{self._name}'/>",
                f"<interface type='bridge'><source bridge='{self.own}'/>",
                f"<interface type='bridge'><source bridge='{HOST_BRIDGE}'/>",
            ]
        )
        xml = f"""<domain type='qemu'><name>guest</name><memory unit='MiB'>16</memory>
        <os><type arch='x86_64' machine='q35'>hvm</type></os>
        <devices>{source}<model type='virtio'/></interface></devices></domain>"""
        runs = self._chance.random() < 0.4
        with contextlib.suppress(libvirt.libvirtError):
            guest = self._conn.defineXML(xml)
            if runs:
                guest.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
            yield f"# guest running={runs} {source}"

    def clear(self) -> None:
        """Remove everything that was added, and whatever else is there now."""
        for one in self._sockets:
            one.close()
        for thing in (*self._conn.listAllDomains(), *self._conn.listAllNetworks()):
            with contextlib.suppress(libvirt.libvirtError):
                if thing.isActive():
                    thing.destroy()
                thing.undefine()
        links = subprocess.run(["ip", "-o", "link"], capture_output=True, check=True, text=True).stdout.splitlines()
        for name in {line.split()[1].strip(":").partition("@")[0] for line in links} - {*KEPT}:
            run("ip", "link", "delete", name)
        routes = "ip route show proto boot; ip -6 route show proto boot; ip route show table 77"
        flush = (
            f"ip route flush table 77; ip -6 route flush root fd00::/8; ({routes}) | grep -v default | grep -v ^fd |"
        )
        run("sh", "-c", f"{flush} while read line; do ip route del $line; done")
        run("sysctl", "-qw", *(f"{name}={value}" for name, value in SETTINGS.items()))


def run(*command: str) -> bool:
    """Run a command and return whether it succeeded."""
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
