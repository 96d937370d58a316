"""The demonstration's hypervisors, the playbooks that run on them, and how their story is told."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from types import TracebackType

from tests.lab import Hypervisor, Lab
from tests.lab.cache import cache_dir

HERE = Path(__file__).parent
OTHER_RELEASE = "bullseye"
RECAP = re.compile(r"^(\S+)\s+: ok=\d+\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)


class Fleet:
    """Two hypervisors: of this machine's release, and of Debian 11 when its root is there already."""

    def __enter__(self) -> Fleet:
        """Start them, with what the playbooks find there: a bridge of the host, joined to the network outside."""
        made = [root for root in cache_dir().glob(f"root-{OTHER_RELEASE}-*/") if not root.suffix]
        other = OTHER_RELEASE if made else "host"
        say("Two hypervisors start, each with a libvirtd, a kernel network and an outside world of its own")
        self.lab = Lab()
        try:
            self.hosts = list(self.lab.start_all({"hv1": "host", "hv2": other}).values())
            for host in self.hosts:
                _join_to_the_world(host)
                print(f"-> {host.name}: {host.virsh('version', '--daemon').strip().splitlines()[-1]}", flush=True)
        except BaseException:
            self.lab.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End them, whatever happened."""
        self.lab.stop()

    def networks(self) -> dict[str, list[str]]:
        """The names of the networks on each hypervisor, as virsh lists them."""
        return {host.name: host.virsh("net-list", "--all", "--name").split() for host in self.hosts}

    def play(self, name: str, *options: str, quiet: bool = True) -> dict[str, int]:
        """Runs a playbook on the whole fleet; returns how many tasks changed something on each host."""
        print(f"$ ansible-playbook {' '.join(options)} tests/demo/{name}".replace("  ", " "), flush=True)
        command = [
            sys.executable,
            "-m",
            "ansible",
            "playbook",
            "-i",
            str(self.lab.inventory),
            *options,
            str(HERE / name),
        ]
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env={**os.environ, "ANSIBLE_NOCOLOR": "1"},
            check=False,
        )
        lines = [line.replace("*", "").rstrip() for line in done.stdout.splitlines() if line.strip()]
        print("\n".join(f"  {line}" for line in lines if not (quiet and line.startswith("PLAY"))), flush=True)
        hosts = [told for told in RECAP.findall(done.stdout) if told[0] != "localhost"]
        good = done.returncode == 0 and len(hosts) == len(self.hosts)
        expect(good, f"{name} ran on {len(hosts)} hypervisors", done.stdout + done.stderr)
        return {host: int(changed) for host, changed, _unreachable, _failed in hosts}


def _join_to_the_world(host: Hypervisor) -> None:
    host.run(["ip", "link", "add", "demo-host", "up", "type", "bridge"])
    host.join("demo-wire", host.world, "wire0")
    host.run(["ip", "link", "set", "demo-wire", "up", "master", "demo-host"])
    host.world.run(["ip", "address", "add", "198.51.100.1/24", "dev", "wire0"])
    host.world.run(["ip", "link", "set", "wire0", "up"])


def say(text: str) -> None:
    """Tells what comes."""
    print(f"\n== {text}", flush=True)


def expect(good: bool, text: str, more: str = "") -> None:
    """Tells what was seen; ends the demonstration when it is not so."""
    if not good:
        sys.exit(f"NOT SO: {text}\n{more}")
    print(f"-> {text}", flush=True)
