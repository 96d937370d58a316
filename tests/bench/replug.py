"""Measures how long guests are disconnected while their network restarts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from tests.bench.plays import Bench, median, row
from tests.lab.guest import Guest

NETWORK: dict[str, Any] = {
    "name": "bench",
    "forward": {"mode": "nat"},
    "bridge": {"name": "vf-bench"},
    "ips": [{"address": "10.77.0.1/16", "dhcp": {"ranges": [{"start": "10.77.250.1", "end": "10.77.250.200"}]}}],
}
COUNTS, ROUNDS, NICS_EACH = (1, 10, 50), 5, 7
INTERVAL = 0.02
PING = f"ping -D -i {INTERVAL}"
CHEAP = """\
<domain type='qemu'>
  <name>{name}</name><memory unit='MiB'>16</memory>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <devices>{nics}<memballoon model='none'/></devices>
</domain>
"""
NIC = "<interface type='network'><source network='bench'/><model type='virtio'/><rom enabled='no'/></interface>"
# Restarts the network that many times and prints how long each restart took, in seconds.
RESTART = """\
import json, sys, time, libvirt
network = libvirt.open("qemu:///system").networkLookupByName("bench")
taken = []
for _round in range(int(sys.argv[1])):
    began = time.monotonic()
    network.destroy()
    network.create()
    taken.append(time.monotonic() - began)
print(json.dumps(taken))
"""
# Looks every 2 ms which ports a bridge has; when asked to end, it prints how long each was missing at most.
WATCH = """\
import json, os, signal, sys, time
last, longest = {}, {}
def end(*_signal):
    with open("/run/lab/watched", "w") as file:
        json.dump(longest, file)
    os._exit(0)
signal.signal(signal.SIGTERM, end)
print("ready", flush=True)
while True:
    now = time.monotonic()
    try:
        ports = os.listdir("/sys/class/net/vf-bench/brif")
    except OSError:
        ports = []
    for port in ports:
        longest[port] = max(longest.get(port, 0), now - last.get(port, now))
        last[port] = now
    time.sleep(0.002)
"""


def under_guests(bench: Bench) -> None:
    """The cut with one, ten and fifty NICs, from both sides, beside what libvirt needs for the restart itself."""
    bench.seconds([{"virtfleet.network.virt_network": NETWORK}])
    floor = median(json.loads(bench.host.run(["/usr/bin/python3", "-c", RESTART, str(ROUNDS)]).stdout))
    row("a restart by libvirt alone: destroy and create", f"{floor:.3f} s")
    for count in COUNTS:
        with guests(bench, count) as guest:
            measured = [restarted(bench, guest) for _round in range(ROUNDS)]
        inwards, outwards, longest = (median([one[side] for one in measured]) for side in range(3))
        goal = "goal: at most 1.3" if count == 1 else ""
        row(f"{count} NICs, restart=replug: guest disconnected, as pinged from the host", f"{inwards:.3f} s")
        row("  ... as it pings the host itself", f"{outwards:.3f} s")
        row("  ... in times the restart itself", f"{max(inwards, outwards) / floor:.2f}", goal)
        more = max(longest, inwards, outwards) - floor
        row("  longest of all NICs, more than the restart itself", f"{more:.3f} s", "goal: at most 1 s")
    bench.virsh("net-destroy bench", "net-undefine bench")


@contextmanager
def guests(bench: Bench, count: int) -> Iterator[Guest]:
    """A guest that boots, and paused ones with the other NICs."""
    guest = bench.host.guest("bench", networks=["bench"])
    guest.wait_for("ADDRESS")
    left, names = count - 1, []
    while left > 0:
        names.append(f"paused{len(names)}")
        xml = CHEAP.format(name=names[-1], nics=NIC * min(left, NICS_EACH))
        (bench.host.home / "run/lab/paused.xml").write_text(xml)
        bench.virsh("create --paused /run/lab/paused.xml")
        left -= NICS_EACH
    yield guest
    for name in names:
        bench.virsh(f"destroy {name}")
    guest.stop()


def restarted(bench: Bench, guest: Guest) -> tuple[float, float, float]:
    """Restarts the network; returns the longest time without an answer from the guest, for it, and of any NIC."""
    found = re.search(r"ADDRESS ([\d.]+)", guest.console())
    assert found
    guest.run("ping -i 0.02 10.77.0.1 >/ping.log & echo $! >/ping.pid")
    with ExitStack() as stack:
        stack.enter_context(bench.host.background(["sh", "-c", f"exec {PING} {found[1]} >/run/lab/pinged"]))
        watch = stack.enter_context(bench.host.background(["/usr/bin/python3", "-c", WATCH]))
        assert watch.stdout is not None
        watch.stdout.readline()
        bench.seconds([{"virtfleet.network.virt_network": {"name": "bench", "state": "restarted"}}])
        bench.host.run(["sh", "-c", f"until ping -c 2 -W 1 {found[1]}; do :; done"])
    guest.run("kill -INT $(cat /ping.pid); sleep 0.2")
    pinged, watched = ((bench.host.home / "run/lab" / name).read_text() for name in ("pinged", "watched"))
    times = [float(text) for text in re.findall(r"\[([\d.]+)\].* bytes from", pinged)]
    inwards = max(after - before for before, after in zip(times, times[1:])) - INTERVAL
    numbers = [int(text) for text in re.findall(r"seq=(\d+)", guest.run("cat /ping.log").stdout)]
    outwards = (max(after - before for before, after in zip(numbers, numbers[1:])) - 1) * INTERVAL
    return inwards, outwards, max(json.loads(watched).values())
