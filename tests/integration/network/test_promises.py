"""Check mode is exact, whatever a network is, is asked to be, and is surrounded by: random pairs on real hypervisors.

SEED in the environment repeats a run; `promised.py` repeats one pair on a hypervisor of the lab.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.deep import SEED, amount
from tests.lab import Hypervisor, Lab
from tests.lab.machine import ENVIRONMENT

from ..plays import Task, network
from ..stage import Stage, wait_for

pytestmark = [pytest.mark.lab, pytest.mark.slow]

PROJECT = Path(__file__).parents[3]
PAIRS = amount(40, 2000)
HOSTS = amount(2, 3)
# More refusals than this, or fewer changes, and the pairs would prove little.
SHARE = 0.25


def begin(host: Hypervisor, first: int, count: int) -> subprocess.Popen[str]:
    """Start the pairs from the first on in a hypervisor."""
    command = [sys.executable, "-m", "tests.integration.promised", *map(str, (SEED, first, count))]
    return subprocess.Popen(
        host.process.enter("env", f"--chdir={PROJECT}", *command),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**ENVIRONMENT, "PYTHONPATH": f"{PROJECT}:{PROJECT}/.build", "PYTHONDONTWRITEBYTECODE": "1"},
    )


@pytest.mark.deep
def test_a_real_run_fails_if_and_only_if_check_mode_has_said_so(lab: Lab) -> None:
    hosts = lab.start_all({f"hv-pairs{number}": "host" for number in range(HOSTS)})
    size = -(-PAIRS // HOSTS)
    runs = [begin(host, number * size, size) for number, host in enumerate(hosts.values())]
    ended = [run.communicate() for run in runs]
    for host in hosts.values():
        host.stop()
    results = [json.loads(line) for output, _errors in ended for line in output.splitlines()]
    assert len(results) == size * HOSTS, "".join(errors[-2000:] for _output, errors in ended)
    wrong = [one for one in results if one["failures"]]
    assert not wrong, f"{len(wrong)} of {len(results)} with seed {SEED}:\n" + "\n".join(map(json.dumps, wrong[:20]))
    kinds = Counter(one["kind"] for one in results)
    assert min(kinds["changed"], kinds["refused"]) > SHARE * len(results), kinds
    print(f"seed {SEED}: {dict(kinds)}")


LAN = {"forward": {"mode": "bridge"}, "bridge": {"name": "vf-lan"}}
NAT = {"forward": {"mode": "nat"}, "ips": [{"address": "10.66.0.1/24"}]}


def test_a_bridge_of_the_host_stays_the_hosts(stage: Stage) -> None:
    """A network on the LAN's bridge that is to have a subnet of its own keeps off that bridge."""
    stage.bridge("vf-lan")
    stage.host.run(["ip", "address", "add", "10.67.0.2/24", "dev", "vf-lan"])
    stage.network(name="lan", **LAN)
    before = stage.look()
    check, real = (stage.run(task) for task in [_task(True, NAT), _task(False, NAT)])
    assert check["msg"] == real["msg"]
    assert check["problems"] == ["bridge.name vf-lan is an interface of the hypervisor already: choose another name"]
    assert stage.look() == before
    taken = {"forward": {"mode": "nat"}, "bridge": {"name": "vf-own"}, "ips": [{"address": "10.67.0.1/24"}]}
    assert "own address on vf-lan" in stage.run(_task(True, taken))["msg"]
    stage.network(name="lan", **{**NAT, "bridge": {"name": "vf-own"}})
    assert stage.addresses("vf-lan") == {"10.67.0.2/24"}
    assert stage.addresses("vf-own") == {"10.66.0.1/24"}


GUEST = """<domain type='qemu'><name>{}</name><memory unit='MiB'>16</memory><os><type arch='x86_64'>hvm</type></os>
<devices><interface type='{}'><source {}/></interface></devices></domain>"""
HOST = "<host mac='52:54:00:67:00:01' ip='10.66.0.9'/>"


def test_what_a_change_costs_others_is_said(stage: Stage) -> None:
    stage.network(name="lan", bridge={"name": "vf-own"}, **NAT)
    guests = {"down": ("network", "network='lan'"), "plain": ("bridge", "bridge='vf-own'")}
    for name, source in guests.items():
        (stage.host.home / "run/lab/guest.xml").write_text(GUEST.format(name, *source))
        stage.host.virsh("define", "/run/lab/guest.xml")
    stage.host.virsh("net-update", "lan", "add", "ip-dhcp-host", HOST, "--live")

    renamed, deleted = stage.play(_task(True, {"bridge": {"name": "vf-new"}}), _task(True, {"state": "absent"}))
    for name in guests:
        stage.host.virsh("undefine", name)
    entry = "ips[10.66.0.0/24].dhcp.hosts[52:54:00:67:00:01]"
    assert [row["effect"] for row in renamed["plan"] if row["path"] == entry and row["after"] is None] == ["restart"]
    assert any(f"loses what only the running network has: {entry}" in text for text in renamed["warnings"])
    assert any("the bridge vf-own, which NICs of guests name (plain)" in text for text in renamed["warnings"])
    assert any("have NICs on it in their persistent config (down, plain)" in text for text in deleted["warnings"])


# A router of the outside world that advertises its prefix (RFC 4861, 4.2 and 4.6.2).
ADVERTISEMENT = """
import socket, struct
router = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
number = socket.if_nametoindex("eth0")
router.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, number)
router.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
prefix = struct.pack("!BBBBIII", 3, 4, 64, 0xC0, 3600, 3600, 0) + socket.inet_pton(socket.AF_INET6, "2001:db8:77::")
router.sendto(struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0) + prefix, ("ff02::1", 0, 0, number))
"""
FORGET = """
ip -6 route show dev uplink | grep -e 2001:db8:77: -e 'proto ra' | while read -r where _; do
    ip -6 route del "$where" dev uplink
done
ip -6 address flush dev uplink dynamic
"""


def test_ipv6_of_a_host_that_listens_to_routers_is_not_cut(stage: Stage) -> None:
    """A kernel that forwards drops the routes that routers advertise, so libvirt refuses to start a network."""
    run = stage.host.run
    run(["sysctl", "-qw", "net.ipv6.conf.all.forwarding=0", "net.ipv6.conf.uplink.accept_ra=1"])
    try:
        stage.host.world.run(["python3", "-c", ADVERTISEMENT])
        wait_for(lambda: "2001:db8:77::/64" in run(["ip", "-6", "route"]).stdout)
        routed = "<forward mode='route'/><ip family='ipv6' address='fd00:66::1' prefix='64'/>"
        stage.define(f"<network><name>plain</name>{routed}</network>")
        refused = run(["virsh", "net-start", "plain"], check=False)
        ips = {"ips": [{"address": "fd00:67::1/64"}]}
        check, apart = stage.play(_task(True, {"forward": {"mode": "route"}, **ips}), _task(False, ips))
    finally:
        run(["sysctl", "-qw", "net.ipv6.conf.all.forwarding=1", "net.ipv6.conf.uplink.accept_ra=0"])
        run(["sh"], input=FORGET)
    assert "2001:db8:77:" not in run(["sh", "-c", "ip -6 route; ip -6 address"]).stdout
    assert "accept_ra" in refused.stderr
    assert "uplink has IPv6 routes from router advertisements" in check["msg"]
    assert apart["changed"]


def _task(check: bool, options: dict[str, object]) -> Task:
    return network(check=check, name="lan", **options)
