"""A client on a cable of its own asks a network, and what nobody answers is traced: each fault is named, nothing is
left behind, nothing leaves the hypervisor."""

from __future__ import annotations

import ipaddress
import itertools
import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.deep import amount, sampled
from tests.lab import Client, Machine

from ..clients import give_address
from ..probe_faults import BRIDGE, EVERYTHING, FAULTS, GATEWAY, GATEWAY6, GUEST, MAC, NETWORK
from ..stage import Stage, wait_for

pytestmark = [pytest.mark.lab, pytest.mark.slow]

PLUGINS = Path(__file__).parents[3] / "plugins/module_utils"
# Asks what is given as JSON, and prints the replies so.
ASK = """
import json, sys
from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor.client import ask
from ansible_collections.virtfleet.network.plugins.module_utils._values.probe import Probe
options = json.loads(sys.argv[1])
replies = ask(Probe(**options))
print(json.dumps([{**one._asdict(), "evidence": [found._asdict() for found in one.evidence]} for one in replies]))
"""
# Asks, and kills itself at the nth line of these files that calls a function; says how many there were. A line counts
# once: how often one that waits comes differs from run to run.
KILLED = f"""
import os, signal, sys, threading
lines = set()
def count(frame, event, _argument):
    if event in ("call", "c_call") and "/_hypervisor/" in frame.f_code.co_filename:
        lines.add((frame.f_code.co_filename, frame.f_lineno))
        if len(lines) == int(sys.argv[2]):
            os.kill(os.getpid(), signal.SIGKILL)
threading.setprofile(count)
sys.setprofile(count)
{ASK}
sys.setprofile(None)
print(len(lines))
"""
NO_WAIT = {"dhcp": []}
LEFT = "ip -br link; ip -br address; ip rule; ip route; nft list ruleset | sed 's/packets.*//'"


class Asked:
    """A hypervisor with a network, a guest in it, and what asks it."""

    def __init__(self, stage: Stage, guest: Client) -> None:
        self.stage, self.guest, self.host = stage, guest, stage.host

    def command(self, script: str, *more: str, **options: Any) -> list[str]:
        """The command that asks."""
        asked = {
            "bridge": BRIDGE,
            "addresses": [f"{GATEWAY}/24", f"{GATEWAY6}/64"],
            "dhcp": [4, 6],
            "dns": True,
            "outside": [4, 6],
            "guests": [GUEST],
            "port": "client1",
        }
        python = ["env", "PYTHONPATH=/run/lab", "PYTHONDONTWRITEBYTECODE=1", "python3", "-c", script]
        return [*python, json.dumps({**asked, **options}), *more]

    def ask(self, **options: Any) -> list[dict[str, Any]]:
        """What becomes of each question."""
        replies: list[dict[str, Any]] = json.loads(self.host.run(self.command(ASK, **options)).stdout)
        return replies


@pytest.fixture(scope="module")
def asked(whole_stage: Stage) -> Iterator[Asked]:
    """A network that answers all that it is asked."""
    place = whole_stage.host.home / "run/lab/ansible_collections/virtfleet/network/plugins/module_utils"
    shutil.copytree(PLUGINS, place)
    whole_stage.define(NETWORK, start=True)
    guest = whole_stage.client(BRIDGE, MAC)
    give_address(guest, f"{GUEST}/24", GATEWAY)
    wait_for(lambda: whole_stage.host.run(["sh", "-c", f"ip -6 address show dev {BRIDGE} tentative"]).stdout == "")
    yield Asked(whole_stage, guest)
    whole_stage.clear()
    shutil.rmtree(whole_stage.host.home / "run/lab/ansible_collections")


def silent(replies: list[dict[str, Any]]) -> dict[tuple[str, int], str]:
    """The questions that nobody answered, and the kind and the text of the evidence of each."""
    return {
        (one["question"], one["version"]): "; ".join(f"{found['kind']} {found['text']}" for found in one["evidence"])
        for one in replies
        if one["answered"] is False
    }


def has_owners(asked: Asked) -> bool:
    """Whether nftables' tables can end with their owner: else there are none, and nothing is traced or sent outside."""
    check = ["nft", "-c", "table inet virtfleet_owned { flags owner; }"]
    return asked.host.run(check, check=False).returncode == 0


def test_a_healthy_network_answers_all(asked: Asked) -> None:
    replies = asked.ask()
    answered = {(one["question"], one["version"]): one["answered"] for one in replies}
    outside = True if has_owners(asked) else None
    assert answered == {one: outside if one[0] == "outside" else True for one in EVERYTHING}
    assert len(replies) == len(EVERYTHING)


@pytest.mark.deep
@pytest.mark.parametrize("name", sampled(list(FAULTS), 6))
def test_what_is_broken_is_named(asked: Asked, name: str) -> None:
    fault = FAULTS[name]
    if not has_owners(asked):
        pytest.skip("nftables has no tables that end with their owner")
    if "legacy" in fault.breaks and asked.host.run(["sh", "-c", "iptables-legacy -S"], check=False).returncode:
        pytest.skip("there is no iptables-legacy")
    asked.host.run(["sh", "-ec", fault.breaks])
    try:
        found = silent(asked.ask())
    finally:
        asked.host.run(["sh", "-ec", fault.mends])
    assert set(found) == fault.silent
    assert [text for text in found.values() if not re.fullmatch(fault.evidence, text)] == []


def left(asked: Asked) -> str:
    """All that a client could have left behind, but what the kernel has learned."""
    return asked.host.run(["sh", "-c", LEFT]).stdout


def test_nothing_is_left_behind_also_by_one_that_is_killed(asked: Asked) -> None:
    fault = FAULTS["FORWARD"]  # so that something is traced
    asked.host.run(["sh", "-ec", fault.breaks])
    try:
        before = left(asked)
        *_replies, lines = asked.host.run(asked.command(KILLED, "0", **NO_WAIT)).stdout.splitlines()
        assert left(asked) == before
        assert not re.search("02:76:66", asked.host.run(["ip", "neigh"]).stdout)
        number = amount(6, 100)
        for place in range(1, number + 1):
            moment = str(int(lines) * place // (number + 1))
            killed = asked.host.run(asked.command(KILLED, moment, **NO_WAIT), check=False)
            assert killed.returncode in (-9, 137), f"line {moment} of {lines}: {killed.stderr}"
            wait_for(lambda: left(asked) == before, 10)
    finally:
        asked.host.run(["sh", "-ec", fault.mends])
    silent(asked.ask(**NO_WAIT))
    assert not re.search("02:76:66", asked.host.run(["ip", "neigh"]).stdout)


# The frames at a device: source, type, and the rest in hexadecimal digits.
LISTEN = """
import socket, sys
device = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
device.bind((sys.argv[1], 0))
print("listening", flush=True)
while True:
    frame = device.recv(4096)
    print(frame[6:12].hex(":"), frame[12:14].hex(), frame[14:].hex(), flush=True)
"""
ARP, IPV6 = "0806", "86dd"
ICMPV6, OF_NEIGHBOURS = 58, (133, 134, 136)  # solicitations and advertisements of routers, advertisements of neighbours


@contextmanager
def listening(machine: Machine, device: str) -> Iterator[Callable[[str], list[list[str]]]]:
    """A `with` that gives what returns the frames at a device until one of ARP with this address."""
    with machine.background(["python3", "-c", LISTEN, device]) as listener:
        assert listener.stdout is not None
        assert listener.stdout.readline() == "listening\n"

        def until(address: str) -> list[list[str]]:
            wanted = ipaddress.ip_address(address).packed.hex()
            frames = map(str.split, listener.stdout or ())
            return [*itertools.takewhile(lambda frame: not (frame[1] == ARP and wanted in frame[2]), frames)]

        yield until


def is_of_neighbours(frame: list[str]) -> bool:
    """Whether the kernel itself sends a frame now and then."""
    payload = bytes.fromhex(frame[2])
    return frame[1] == IPV6 and payload[6] == ICMPV6 and payload[40] in OF_NEIGHBOURS


def test_nothing_leaves_by_the_uplink_nor_by_other_ports(asked: Asked) -> None:
    run = asked.host.run
    make = (
        f"ip link add cable type veth peer name out; ip link set out arp off up; ip link set cable up master {BRIDGE}"
    )
    run(["sh", "-ec", make])
    run(["ip", "neigh", "flush", "dev", "uplink"])  # so that the hypervisor has to ask for its router
    with listening(asked.host.world, "eth0") as at_uplink, listening(asked.host, "out") as at_port:
        assert silent(asked.ask(**NO_WAIT)) == {}
        run(["ping", "-c", "1", "-W", "1", "192.0.2.99"], check=False)
        run(["ping", "-c", "1", "-W", "1", "192.168.77.99"], check=False)
        seen, flooded = at_uplink("192.0.2.99"), at_port("192.168.77.99")
    run(["ip", "link", "delete", "cable"])
    assert [frame for frame in seen if not is_of_neighbours(frame)] == []
    # Without a fence, the bridge takes to every port what is for all.
    assert [frame for frame in flooded if has_owners(asked) and frame[0].startswith("02:76:66")] == []
