"""A full machine with a NAT network, what a client on it gets, and what a diagnosis says."""

from __future__ import annotations

import contextlib
import time
from typing import Any

from tests.lab import Client, Full, Lab
from tests.lab.machine import CommandError
from tests.lab.root import DISTURBED

from .. import plays
from ..breakage import CHECK
from ..clients import WORLD, dig
from ..stage import succeeded, wait_for

PORT = 8080
ALL = {"dhcp", "dns", "outside"}
NETWORK = """\
<network><name>web</name><forward mode='nat'/><bridge name='vbr-web'/><mac address='52:54:00:91:00:99'/>
<dns><host ip='10.20.0.7'><hostname>seven</hostname></host></dns>
<ip address='10.20.0.1' prefix='24'><dhcp><range start='10.20.0.100' end='10.20.0.199'/></dhcp></ip></network>
"""
DEFINE = "cat >/root/web.xml; virsh net-define /root/web.xml; virsh net-autostart web; virsh net-start web"
INSTALL = "DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends"
NFTABLES = """\
echo 'firewall_backend = "nftables"' >/etc/libvirt/network.conf
mv /usr/sbin/tc /usr/sbin/tc.real # libvirt wants checksums for its guests' DHCP with it, which the kernel may lack
cat >/usr/sbin/tc <<'END'
#!/bin/sh
case "$*" in *"action csum"*) ;; *) exec /usr/sbin/tc.real "$@" ;; esac
END
chmod +x /usr/sbin/tc
systemctl restart libvirtd
"""


class Place:
    """A machine "hv9" of a Debian release, and all that its guests ask for: "dhcp", "dns", "outside"."""

    def __init__(self, lab: Lab, suite: str, provider: str = "networkd") -> None:
        """Start it, with a running network."""
        self.lab, self.suite = lab, suite
        self.machine: Full = lab.start_full("hv9", f"{DISTURBED}{suite}", provider)
        self.machine.run(["sh", "-ec", DEFINE], input=NETWORK)
        self._count = 0
        self.machine.outside.run(["sh", "-c", f"setsid python3 -m http.server {PORT} >/dev/null 2>&1 &"])
        asks = ["bash", "-c", f"</dev/tcp/{WORLD}/{PORT}"]
        wait_for(lambda: self.machine.run(asks, check=False).returncode == 0)

    def run(self, script: str) -> str:
        """Run a shell script as root."""
        return self.machine.run(["bash", "-e"], input=script, timeout=300).stdout

    def install(self, *packages: str) -> None:
        """Install packages, whose services start."""
        self.run(f"{INSTALL} {' '.join(packages)}")

    def boot(self, *, wait: bool = True) -> None:
        """Restart the machine: all its daemons start in their own order, and then, if that is to be waited for, the
        network."""
        self.machine.reboot()
        if wait:
            wait_for(lambda: "web" in self.run("virsh net-list --name").split())

    def served(self) -> set[str]:
        """What a new client on the network gets."""
        self._count += 1
        number = self._count
        client = Client(self.machine.site, f"hv9-client{number}", self.machine, "vbr-web", f"client{number}")
        try:
            return set(self._served(client))
        finally:
            client.stop()

    def _served(self, client: Client) -> list[str]:
        found = []
        try:
            client.dhcp()
            found.append("dhcp")
        except CommandError:
            client.run(["ip", "address", "add", "10.20.0.9/24", "dev", "eth0"])
            client.run(["ip", "route", "add", "default", "via", "10.20.0.1"])
        with contextlib.suppress(CommandError):
            found += ["dns"] if dig(client, "10.20.0.1", "seven") == ["10.20.0.7"] else []
        asks = ["timeout", "10", "bash", "-c", f"</dev/tcp/{WORLD}/{PORT}"]
        return [*found, *(["outside"] if client.run(asks, check=False).returncode == 0 else [])]

    def check(self, *, probe: bool = False) -> list[dict[str, Any]]:
        """What virt_network_check finds; everything could be looked at."""
        running = plays.start(self.lab.inventory, "hv9", [{CHECK: {"network": "web", "probe": probe}}])
        (result,) = plays.finish(running, 1)
        unseen = succeeded(result)["not_looked_at"]
        assert probe is False or unseen == []
        findings: list[dict[str, Any]] = result["findings"]
        return findings

    def mend(self) -> list[str]:
        """Run the remedies of what is found, until nothing is; returns them."""
        done: list[str] = []
        for _round in range(3):
            remedies = list(dict.fromkeys(one["remedy"] for one in self.check()))
            if not remedies:
                break
            self.run("\n".join(remedies))
            done += remedies
            time.sleep(1)  # libvirt's daemon answers before it has its rules again
        assert self.check(probe=True) == []
        return done
