"""A full machine of the lab: a whole systemd, an sshd on its eth0, and no libvirt before somebody installs it."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from . import cgroup
from .full_seed import ADDRESSES, MAC, PROVIDERS, write_seed
from .machine import Machine, Site
from .process import Process
from .world import Client

START_SECONDS = 120
OUTSIDE_SETUP = f"""\
ip link add lan type bridge
ip address add 192.0.2.1/24 dev lan
ip address add 2001:db8:ffff::1/64 dev lan
ip link set lan up
dnsmasq --interface=lan --bind-interfaces --port=0 --no-ping --user=root --dhcp-authoritative \
    --conf-file=/dev/null --dhcp-leasefile=/run/lab/leases --pid-file=/run/lab/dnsmasq.pid \
    --dhcp-range=192.0.2.100,192.0.2.199 --dhcp-host={MAC},192.0.2.2
"""


class Outside(Machine):
    """What is at the other end of a full machine's cable: a bridge "lan", 192.0.2.1 and 2001:db8:ffff::1, with DHCP.

    The operator is here: every ssh to the machine goes over this network. It has this machine's commands.
    """

    def __init__(self, site: Site, name: str) -> None:
        """Start it; dnsmasq reserves the machine's address, others get 192.0.2.100 to .199."""
        super().__init__(site, name)
        self._clients: list[Client] = []
        self.run(["sh", "-e"], input=OUTSIDE_SETUP)

    def client(self, name: str, mac: str | None = None) -> Client:
        """Plug another machine into the same network."""
        client = Client(self.site, f"{self.name}-{name}", self, "lan", name, mac=mac)
        self._clients.append(client)
        return client

    def stop(self) -> None:
        """End it and its clients, and the machine that has its power from here."""
        for client in self._clients:
            client.stop()
        super().stop()


class Full(Machine):
    """A machine whose pid 1 is systemd; it can lose its power, and keeps its disk then."""

    ADDRESS = ADDRESSES[0].partition("/")[0]

    def __init__(self, site: Site, name: str, lower: Path, provider: str, *, dhcp: bool = False) -> None:
        """Start the machine and its outside; returns when systemd has started all and sshd answers, else RuntimeError.

        `provider` manages eth0: "networkmanager", "networkd", "ifupdown" or "netplan" (with networkd).
        """
        if provider not in PROVIDERS:
            raise ValueError(f"no provider {provider!r}: choose one of {', '.join(PROVIDERS)}")
        self.outside = Outside(site, f"{name}-outside")
        write_seed(site.folder / name / "seed", site.folder, name, provider, dhcp=dhcp)
        super().__init__(site, name, lower)

    def power_cycle(self) -> None:
        """Take the power away without a shutdown and give it back; returns as the start does."""
        self.process.kill()
        self.wait_for_start()

    def reboot(self) -> None:
        """Restart the machine in the orderly way; returns as the start does."""
        self.run(["systemctl", "reboot"], check=False)
        self.wait_for_start()

    def wait_for_start(self) -> None:
        """Wait for a machine that somebody restarts to be there again; returns as the start does."""
        assert self._unshare.stdout is not None
        pid = self._unshare.stdout.readline()
        if not pid:
            raise RuntimeError(f"{self.name} does not start:\n{(self.home / 'log').read_text()}")
        self.process = Process.of(int(pid))
        deadline = time.monotonic() + START_SECONDS
        while (state := self.state()) != "running" or not self.answers():
            if state == "degraded" or time.monotonic() > deadline:
                failed = self.run(["systemctl", "--failed", "--no-legend", "--plain"], check=False).stdout
                raise RuntimeError(f"{self.name} is {state or 'off'}, sshd answers: {self.answers()}\n{failed}")
            time.sleep(0.05)

    def state(self) -> str:
        """Return what systemd says of itself: "running" when all has started."""
        return self.run(["systemctl", "is-system-running"], check=False).stdout.strip()

    def answers(self) -> bool:
        """Return whether something listens at the machine's ssh port, as seen from outside."""
        connect = ["timeout", "1", "bash", "-c", f"</dev/tcp/{self.ADDRESS}/22"]
        return self.outside.run(connect, check=False).returncode == 0

    def stop(self) -> None:
        """End the machine and its outside, and forget their files; a second call does nothing."""
        self._end()
        super().stop()
        cgroup.remove(self.site.folder.name, self.name)

    def _boot(self, lower: Path) -> subprocess.Popen[str]:
        group = cgroup.make(self.site.folder.name, self.name)
        power = [str(Path(__file__).with_name("full_power.sh")), str(lower), str(self.home), str(group), sys.executable]
        outside = ["nsenter", "--target", str(self.outside.process.pid), "--net", "--pid", "--"]
        with (self.home / "log").open("w") as log:
            self._unshare = subprocess.Popen(
                [*outside, "unshare", "--mount", "--", *power],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,  # an interrupt at the terminal is the lab's to handle
            )
        try:
            self.wait_for_start()
        except BaseException:
            self._end()
            raise
        return self._unshare

    def _end(self) -> None:
        self.outside.stop()  # and with it the power
        self._unshare.wait()
        assert self._unshare.stdout is not None
        self._unshare.stdout.close()
