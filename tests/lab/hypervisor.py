"""A hypervisor of the lab: a machine with its own libvirt, joined to an outside world."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .guest import Guest
from .machine import Machine, Site
from .world import Client, World

if TYPE_CHECKING:
    from typing import Self

AUDITOR = "auditor"
START_SECONDS = 60
MONOLITHIC = ("libvirtd",)
# In the order in which they start; virtproxyd has the socket that libvirtd has elsewhere.
MODULAR = ("virtproxyd", "virtnwfilterd", "virtnetworkd", "virtqemud")
# each driver's own connection answers when its daemon has started it
DRIVERS = ("qemu:///system", "network:///system", "nwfilter:///system")
DAEMON_CONF = """\
unix_sock_group = "libvirt"
unix_sock_ro_perms = "0777"
unix_sock_rw_perms = "0770"
auth_unix_ro = "none"
auth_unix_rw = "none"
log_outputs = "2:file:/run/lab/{daemon}.log"
"""
# there is neither a security module, nor virtlogd, nor a cgroup to write to
QEMU_CONF = """\
user = "root"
group = "root"
security_driver = "none"
cgroup_controllers = []
namespaces = []
remember_owner = 0
stdio_handler = "file"
"""


class Hypervisor(Machine):
    """A machine with libvirt, an "uplink" to its outside world, and neither networks nor guests at the start.

    `daemons` are its processes: one libvirtd, or with the root "modular" one for each part of libvirt.
    """

    def __init__(self, site: Site, name: str, lower: Path = Path("/")) -> None:
        """Start the hypervisor and its world; returns when libvirt answers, else RuntimeError."""
        super().__init__(site, name, lower)
        self.world = World(site, f"{name}-world", self)
        self._clients: list[Client] = []
        self.daemons = MODULAR if (lower / "usr/sbin/virtqemud").exists() else MONOLITHIC
        for daemon in self.daemons:
            (self.home / f"run/lab/{daemon}.conf").write_text(DAEMON_CONF.format(daemon=daemon))
        (self.home / "run/lab/qemu.conf").write_text(QEMU_CONF)
        self.run(["sh", "-s"], input=Path(__file__).with_name("hypervisor_setup.sh").read_text())
        self.start_libvirtd()

    @classmethod
    def found(cls, site: Site, name: str) -> Self:
        """Return a hypervisor that another process has started, with its world."""
        hypervisor = super().found(site, name)
        hypervisor.world = World.found(site, f"{name}-world")
        hypervisor.daemons = MODULAR if (hypervisor.home / "run/virtqemud.pid").exists() else MONOLITHIC
        hypervisor._clients = []
        return hypervisor

    @property
    def uri(self) -> str:
        """The libvirt URI that reaches this hypervisor from outside, with full rights."""
        return f"qemu+unix:///system?socket={self.home}/run/libvirt/libvirt-sock"

    @property
    def uri_ro(self) -> str:
        """The libvirt URI of the read-only socket, from outside; open it read-only."""
        return f"qemu+unix:///system?socket={self.home}/run/libvirt/libvirt-sock-ro"

    @property
    def log(self) -> str:
        """What libvirt's daemons have logged so far."""
        logs = [self.home / f"run/lab/{daemon}.log" for daemon in self.daemons]
        return "".join(log.read_text() for log in logs if log.exists())

    def virsh(self, *arguments: str) -> str:
        """Run the hypervisor's own virsh in it and return what it printed; CommandError when it fails."""
        return self.run(["virsh", "--connect", "qemu:///system", *arguments]).stdout

    def unprivileged(self, command: Sequence[str], *, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command as the user "auditor", who may open libvirt's read-only socket alone; else as run()."""
        as_auditor = ["setpriv", f"--reuid={AUDITOR}", f"--regid={AUDITOR}", "--init-groups"]
        return self.run([*as_auditor, "env", f"HOME=/home/{AUDITOR}", *command], check=check)

    def client(self, bridge: str, mac: str | None = None, name: str | None = None) -> Client:
        """Plug a new client into one of the hypervisor's bridges."""
        number = len(self._clients) + 1
        client = Client(self.site, f"{self.name}-{name or f'client{number}'}", self, bridge, f"client{number}", mac=mac)
        self._clients.append(client)
        return client

    def guest(
        self, name: str, networks: Sequence[str], macs: Sequence[str] | None = None, agent: bool = False
    ) -> Guest:
        """Start a guest that boots, with a NIC in each of the networks; LabUnavailable when there is no kernel."""
        return Guest(self, name, networks, macs, agent)

    def start_libvirtd(self, *daemons: str) -> None:
        """Start all daemons, or those; returns when libvirt answers, RuntimeError with its log if not in a minute."""
        for daemon in daemons or self.daemons:
            self.run([daemon, "--daemon", "--pid-file", f"/run/{daemon}.pid"])
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            if time.monotonic() > deadline:
                raise RuntimeError(f"libvirt of {self.name} does not answer:\n{self.log}")
            time.sleep(0.1)

    def answers(self) -> bool:
        """Return whether the daemon of each driver answers."""
        uris = DRIVERS if self.daemons == MODULAR else DRIVERS[:1]
        return not any(self.run(["virsh", "--connect", uri, "uri"], check=False).returncode for uri in uris)

    def kill_libvirtd(self, *daemons: str) -> None:
        """End all daemons, or those, as a crash does (SIGKILL); networks and guests go on."""
        self._signal("KILL", daemons or self.daemons)

    def restart_libvirtd(self, *daemons: str) -> None:
        """Stop all daemons, or those, in the orderly way and start them again."""
        self._signal("TERM", daemons or self.daemons)
        self.start_libvirtd(*daemons)

    def stop(self) -> None:
        """End the hypervisor, its guests, its clients and its world."""
        for machine in (*self._clients, self.world):
            machine.stop()
        super().stop()

    def _signal(self, signal: str, daemons: Sequence[str]) -> None:
        for daemon in daemons:
            pid = (self.home / f"run/{daemon}.pid").read_text().strip()
            self.run(["kill", f"-{signal}", pid])
            self.run(["sh", "-c", f"while [ -d /proc/{pid} ]; do sleep 0.05; done"])
