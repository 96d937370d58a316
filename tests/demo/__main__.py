"""Runs the demonstration; exits 0 when everything was as it should be."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

from tests.lab import Hypervisor, Lab, LabUnavailable

HERE = Path(__file__).parent
GUEST = "52:54:00:00:50:0a"
RECAP = re.compile(r"^(\S+)\s+: ok=\d+\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)


def main() -> int:
    """The whole demonstration, told as it goes."""
    began = time.monotonic()
    try:
        with Lab() as lab:
            show(lab)
    except LabUnavailable as lacking:
        print(f"The demonstration cannot run here: {lacking}")
        return 1
    print(f"\nEverything as it should be, in {time.monotonic() - began:.0f} s; nothing is left running.")
    return 0


def show(lab: Lab) -> None:
    """The story: rehearsal, creation, second run, a change while it runs, and the end."""
    say("Two hypervisors start, each with a libvirtd, a kernel network and an outside world of its own")
    lab.start_all({"hv1": "host", "hv2": "host"})
    host = lab.hypervisors["hv1"]
    for hypervisor in lab.hypervisors.values():
        hypervisor.run(["ip", "link", "add", "demo-host", "up", "type", "bridge"])

    say("What would the playbook networks.yml do? (check mode changes nothing)")
    play(lab, "networks.yml", "--check")
    expect(host.virsh("-q", "net-list", "--all").strip() == "", "no hypervisor has a network yet")

    say("It does what it said")
    expect(play(lab, "networks.yml") == {"hv1": 4, "hv2": 4}, "four networks on each")
    print(host.virsh("net-list", "--all").rstrip())
    say("A second run finds nothing to do")
    expect(set(play(lab, "networks.yml").values()) == {0}, "changed=0 on each")

    say("A guest plugs in: address by DHCP, out into the world behind the hypervisor's address")
    client = host.client("demo-nat", mac=GUEST)
    first = client.dhcp(4)["address"]
    print(f"its address: {first}")
    expect(client.run(["ping", "-c1", "-W5", "192.0.2.1"], check=False).returncode == 0, "it reaches the world")

    say("A reservation and a name, while the network runs")
    before = ifindex(host)
    play(lab, "change.yml")
    expect(ifindex(host) == before, "the bridge is the same as before: nobody was cut off")
    address = client.dhcp(4)["address"]
    expect(address == "192.168.50.10/24", f"the guest now gets {address}")
    answer = client.run(["dig", "+short", "@192.168.50.1", "www.web.example"]).stdout.strip()
    expect(answer == "192.168.50.10", f"www.web.example is {answer}")

    say("All of it goes again")
    client.stop()
    play(lab, "teardown.yml")
    expect(host.virsh("-q", "net-list", "--all").strip() == "", "no network is left")


def play(lab: Lab, name: str, *options: str) -> dict[str, int]:
    """Runs a playbook on the whole fleet, with its output; returns how many tasks changed something on each host."""
    command = [sys.executable, "-m", "ansible", "playbook", "-i", str(lab.inventory), *options, str(HERE / name)]
    environment = {**os.environ, "ANSIBLE_DISPLAY_OK_HOSTS": "true", "ANSIBLE_NOCOLOR": "1"}
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment, check=False
    )
    print("\n".join(line for line in done.stdout.splitlines() if line.strip()))
    hosts = {
        host: (int(changed), int(lost) + int(failed)) for host, changed, lost, failed in RECAP.findall(done.stdout)
    }
    expect(
        done.returncode == 0 and not any(failed for _changed, failed in hosts.values()), f"{name} ran well", done.stderr
    )
    return {host: changed for host, (changed, _failed) in hosts.items()}


def ifindex(host: Hypervisor) -> str:
    """The kernel's number of the NAT network's bridge: another one when it was made anew."""
    return host.run(["cat", "/sys/class/net/demo-nat/ifindex"]).stdout.strip()


def say(text: str) -> None:
    """Tells what comes."""
    print(f"\n== {text}", flush=True)


def expect(good: bool, text: str, more: str = "") -> None:
    """Tells what was seen; ends the demonstration when it is not so."""
    if not good:
        sys.exit(f"NOT SO: {text}\n{more}")
    print(f"-> {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
