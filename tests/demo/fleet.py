"""The demonstration's hypervisors, the playbooks that run on them, and what the demonstration prints."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType

from tests.integration.kinds import join
from tests.lab import Lab
from tests.lab.cache import cache_dir

HERE = Path(__file__).parent
OTHER_RELEASE = "bullseye"
RECAP = re.compile(r"^(\S+)\s+: ok=\d+\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)


class Fleet:
    """Two hypervisors: of this machine's release, and of Debian 11 when its root is there already."""

    def __enter__(self) -> Fleet:
        """Start them, with what the playbooks find there: a bridge of the host, which is part of a LAN outside."""
        made = [root for root in cache_dir().glob(f"root-{OTHER_RELEASE}-*/") if not root.suffix]
        other = OTHER_RELEASE if made else "host"
        say("Two hypervisors start, each with a libvirtd, a kernel network and an outside world of its own")
        self.lab = Lab()
        try:
            self.hosts = list(self.lab.start_all({"hv1": "host", "hv2": other}).values())
            for host in self.hosts:
                join(host)
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

    def play(self, *names: str, options: Sequence[str] = (), quiet: bool = True) -> dict[str, int]:
        """Runs playbooks of the collection on the whole fleet; returns how many tasks changed something on each host.

        Changes are printed as they happen; with `quiet` off, also what the playbooks print.
        """
        playbooks = [f"virtfleet.network.{name}" for name in names]
        words = [*playbooks, "-e", "@tests/demo/networks.yml", *options]
        print(f"$ ansible-playbook {shlex.join(words)}", flush=True)
        with subprocess.Popen(
            [sys.executable, "-m", "ansible", "playbook", "-i", str(self.lab.inventory), *words],
            cwd=HERE.parents[1],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_STDOUT_CALLBACK": "default"},
        ) as playing:
            assert playing.stdout is not None
            said = list(_told(playing.stdout, quiet))
        hosts = [told for told in RECAP.findall("".join(said)) if told[0] != "localhost"]
        good = playing.returncode == 0 and {host for host, *_rest in hosts} == {host.name for host in self.hosts}
        expect(good, "the playbooks ran on every hypervisor", "".join(said), quiet=True)
        changed = {host: int(changed) for host, changed, _unreachable, _failed in hosts}
        print("  " + ", ".join(f"{host}: changed={count}" for host, count in sorted(changed.items())), flush=True)
        return changed


def _told(lines: Iterable[str], quiet: bool) -> Iterator[str]:
    """Collect what a playbook prints, and print what changed, or all of it."""
    task = ""
    for line in lines:
        if line.startswith("TASK ["):
            task = line.partition("[")[2].partition("]")[0].rpartition(" : ")[2]
        if line.startswith("changed: "):
            print(f"  {line.partition(']')[0]}]: {task}", flush=True)
        elif not quiet and line.startswith('        "'):
            print(f"  {json.loads(line.strip().rstrip(','))}", flush=True)
        elif not quiet and line.endswith("=> {\n"):
            print(f"  {line.partition(' =>')[0]}", flush=True)
        yield line


def say(text: str) -> None:
    """Print what comes next."""
    print(f"\n== {text}", flush=True)


def expect(good: bool, text: str, more: str = "", *, quiet: bool = False) -> None:
    """Print what was seen; end the demonstration when it is not so."""
    if not good:
        sys.exit(f"NOT SO: {text}\n{more}")
    if not quiet:
        print(f"-> {text}", flush=True)
