"""A hypervisor as the tests see it: what Ansible does to it, and what it looks like from outside."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import time
from collections.abc import Callable
from typing import Any

from tests.lab import Client, Hypervisor, Lab
from tests.lab.machine import ENVIRONMENT

from . import plays
from .plays import Result, Task, info, network

# Everything that a module could have touched, without what changes by itself (counters, connections).
LOOK = r"""
commands="net-list --all"
for name in $(virsh -q net-list --all --name); do
    commands="$commands; net-info $name; net-dumpxml $name; net-dumpxml --inactive $name"
done
virsh -q "$commands"
echo "== files"
cd /
find etc/libvirt/qemu run/libvirt/network var/lib/libvirt/dnsmasq \
    -type l -printf '%l %p\n' -o -type f -exec sha256sum {} + 2>/dev/null | awk '{print $2, $1}' | sort
echo "== devices"
ip -o link | awk '{print $1, $2, $5}'
ip -br link | awk '{print $1, $3}'
ip -o address show scope global | awk '{print $2, $4}'
echo "== firewall"
iptables-save | grep -e ' -[iosd] ' || true
"""


class Stage:
    """One hypervisor with the plays that run on it and the looks that tests take at it."""

    def __init__(self, lab: Lab, host: Hypervisor, root: str) -> None:
        self.lab = lab
        self.host = host
        self.root = root
        self.kept: set[str] = set()
        self._looking = host.process.enter("env", "-i", f"PATH={ENVIRONMENT['PATH']}", "sh", "-c", LOOK)
        self._clients: list[Client] = []
        self._bridges: list[str] = []

    @property
    def version(self) -> tuple[int, ...]:
        """libvirt's version."""
        found = re.search(r"Running against daemon: ([\d.]+)", self.host.virsh("version", "--daemon"))
        assert found
        return tuple(int(part) for part in found[1].split("."))

    # ---- what Ansible does ----

    def play(self, *tasks: Task, host: str = "", **keywords: Any) -> list[Result]:
        """Run tasks in one play and return their results, each with a `look` at the host after it."""
        running = plays.start(self.lab.inventory, host or self.host.name, list(tasks), self._looking, **keywords)
        return plays.finish(running, len(tasks))

    def run(self, task: Task, **keywords: Any) -> Result:
        """Run one task and return its result, also a failed one."""
        return self.play(task, **keywords)[0]

    def network(self, **options: Any) -> Result:
        """Run virt_network, which must succeed."""
        return succeeded(self.run(network(**options)))

    def refused(self, **options: Any) -> str:
        """Run virt_network, which must fail; returns its message."""
        result = self.run(network(**options))
        assert result.get("failed"), result
        return str(result["msg"])

    def info(self, *names: str) -> list[Result]:
        """Return what virt_network_info returns."""
        networks: list[Result] = succeeded(self.run(info(*names)))["networks"]
        return networks

    # ---- what it looks like ----

    def look(self) -> str:
        """Return all that a module could have touched, as text to compare."""
        return subprocess.run(self._looking, capture_output=True, check=True, text=True).stdout

    def links(self) -> dict[str, Any]:
        """Return the hypervisor's devices by name, as iproute2 lists them."""
        links = json.loads(self.host.run(["ip", "-d", "-j", "address"]).stdout)
        return {link["ifname"]: link for link in links}

    def ifindex(self, device: str) -> int:
        """Return the number of a device, which changes when the device is recreated."""
        return int(self.links()[device]["ifindex"])

    def addresses(self, device: str) -> set[str]:
        """Return a device's addresses with their prefixes, without link-local ones."""
        found = self.links()[device]["addr_info"]
        return {f"{one['local']}/{one['prefixlen']}" for one in found if one["scope"] == "global"}

    def networks(self) -> set[str]:
        """Return the names of all networks."""
        return self._named("--all")

    def active(self) -> set[str]:
        """Return the names of the running networks."""
        return self._named()

    def autostarted(self) -> set[str]:
        """Return the names of the networks that start with the host."""
        return self._named("--all", "--autostart")

    def _named(self, *which: str) -> set[str]:
        return set(filter(None, self.host.virsh("net-list", *which, "--name").split("\n")))

    def xml(self, name: str, *, saved: bool = True) -> str:
        """Return a network's definition as virsh shows it."""
        return self.host.virsh("net-dumpxml", name, *(["--inactive"] if saved else [])).strip()

    def define(self, xml: str, *, start: bool = False) -> None:
        """Make a network with virsh, as somebody else might have done."""
        (self.host.home / "run/lab/network.xml").write_text(xml)
        self.host.virsh("net-define", "/run/lab/network.xml")
        found = re.search("<name>(.*?)</name>", xml)
        assert found
        if start:
            self.host.virsh("net-start", found[1])

    def client(self, bridge: str, mac: str | None = None) -> Client:
        """Plug a cheap guest into a bridge; it goes with the test."""
        client = self.host.client(bridge, mac)
        self._clients.append(client)
        return client

    def bridge(self, name: str) -> None:
        """Make a bridge of the host's own; it goes with the test."""
        self.host.run(["ip", "link", "add", name, "up", "type", "bridge"])
        self._bridges.append(name)

    def clear(self) -> None:
        """Remove the clients and all networks but those that are kept."""
        for client in self._clients:
            client.stop()
        self._clients.clear()
        gone = [f"net-destroy {shlex.quote(name)}" for name in self.active() - self.kept]
        gone += [f"net-undefine {shlex.quote(name)}" for name in self.networks() - self.kept]
        self.host.run(["virsh", "--quiet"], input="\n".join(gone))
        for name in self._bridges:
            self.host.run(["ip", "link", "delete", name])
        self._bridges.clear()


def succeeded(result: Result) -> Result:
    """Return a task's result; AssertionError with its message when it failed."""
    assert not result.get("failed"), result.get("msg", result)
    return result


def wait_for(condition: Callable[[], object], seconds: float = 60) -> None:
    """Wait until something is so; AssertionError when it is not after so many seconds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"still not so after {seconds} seconds"
        time.sleep(0.05)
