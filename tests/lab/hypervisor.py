"""A hypervisor of the lab: a machine with its own libvirtd, joined to an outside world."""

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
LIBVIRTD_CONF = """\
unix_sock_group = "libvirt"
unix_sock_ro_perms = "0777"
unix_sock_rw_perms = "0770"
auth_unix_ro = "none"
auth_unix_rw = "none"
log_outputs = "2:file:/run/lab/libvirtd.log"
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
    """A machine with libvirtd, an "uplink" to its outside world, and neither networks nor guests at the start."""

    def __init__(self, site: Site, name: str, lower: Path = Path("/")) -> None:
        """Start the hypervisor and its world; returns when libvirtd answers, else RuntimeError."""
        super().__init__(site, name, lower)
        self.world = World(site, f"{name}-world", self)
        self._clients: list[Client] = []
        (self.home / "run/lab/libvirtd.conf").write_text(LIBVIRTD_CONF)
        (self.home / "run/lab/qemu.conf").write_text(QEMU_CONF)
        self.run(["sh", "-s"], input=Path(__file__).with_name("hypervisor_setup.sh").read_text())
        self.start_libvirtd()

    @classmethod
    def found(cls, site: Site, name: str) -> Self:
        """Return a hypervisor that another process has started, with its world."""
        hypervisor = super().found(site, name)
        hypervisor.world = World.found(site, f"{name}-world")
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
        """What libvirtd has logged so far."""
        return (self.home / "run/lab/libvirtd.log").read_text()

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
        client = Client(self.site, f"{self.name}-{name or f'client{number}'}", self, bridge, f"client{number}", mac)
        self._clients.append(client)
        return client

    def guest(self, name: str, networks: Sequence[str], macs: Sequence[str] | None = None) -> Guest:
        """Start a guest that boots, with a NIC in each of the networks; LabUnavailable when there is no kernel."""
        return Guest(self, name, networks, macs)

    def start_libvirtd(self) -> None:
        """Start libvirtd; returns when it answers, RuntimeError with its log if it does not within a minute."""
        self.run(["libvirtd", "--daemon", "--pid-file", "/run/libvirtd.pid"])
        deadline = time.monotonic() + START_SECONDS
        while self.run(["virsh", "--connect", "qemu:///system", "uri"], check=False).returncode:
            if time.monotonic() > deadline:
                raise RuntimeError(f"libvirtd of {self.name} does not answer:\n{self.log}")
            time.sleep(0.1)

    def kill_libvirtd(self) -> None:
        """End libvirtd as a crash does (SIGKILL); its networks and guests go on."""
        self._signal_libvirtd("KILL")

    def restart_libvirtd(self) -> None:
        """Stop libvirtd in the orderly way and start it again."""
        self._signal_libvirtd("TERM")
        self.start_libvirtd()

    def stop(self) -> None:
        """End the hypervisor, its guests, its clients and its world."""
        for machine in (*self._clients, self.world):
            machine.stop()
        super().stop()

    def _signal_libvirtd(self, signal: str) -> None:
        pid = (self.home / "run/libvirtd.pid").read_text().strip()
        self.run(["kill", f"-{signal}", pid])
        self.run(["sh", "-c", f"while [ -d /proc/{pid} ]; do sleep 0.05; done"])
