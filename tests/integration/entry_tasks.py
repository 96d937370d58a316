"""What the tests of single entries share: a network to put them into, their tasks, and how to look at them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from . import plays
from .conftest import FIRST_ROOTS, LAST_ROOTS
from .plays import Result, Task
from .stage import Stage, succeeded

ON_ONE = pytest.mark.parametrize("whole_stage", FIRST_ROOTS, indirect=True)
ON_THE_OTHER = pytest.mark.parametrize("whole_stage", LAST_ROOTS, indirect=True)
NAME = "entries"
BRIDGE = "vf-entries"
GATEWAY, GATEWAY6 = "192.168.71.1", "fd00:71::1"
NAT = f"""
<network>
  <name>{NAME}</name>
  <forward mode='nat'/>
  <bridge name='{BRIDGE}'/>
  <domain name='lab.test' localOnly='yes'/>
  <ip address='{GATEWAY}' netmask='255.255.255.0' localPtr='yes'>
    <dhcp><range start='192.168.71.100' end='192.168.71.149'/></dhcp>
  </ip>
  <ip family='ipv6' address='{GATEWAY6}' prefix='64' localPtr='yes'>
    <dhcp><range start='fd00:71::100' end='fd00:71::1ff'/></dhcp>
  </ip>
</network>
"""
# Without a firewall of libvirt's a live change of DHCP takes some milliseconds, else half a second.
OPEN = NAT.replace("'nat'", "'open'")


def entry(module: str, check: bool = False, **options: Any) -> Task:
    """Return a task of a module for entries, by default of the network here."""
    return {f"virtfleet.network.{module}": {"network": NAME, **options}, "check_mode": check}


def dhcp_host(check: bool = False, **options: Any) -> Task:
    """Return a task of virt_dhcp_host."""
    return entry("virt_dhcp_host", check, **options)


def make(stage: Stage, *, start: bool = True, xml: str = OPEN) -> Stage:
    """Make the network with virsh."""
    stage.define(xml, start=start)
    return stage


def mac(number: int) -> str:
    """Return the MAC address of a guest."""
    return f"52:54:00:71:{number >> 8:02x}:{number & 255:02x}"


def duid(number: int) -> str:
    """Return the DUID by which a client with that MAC address asks for IPv6."""
    return f"00:03:00:01:{mac(number)}"


def many(count: int, after: int = 0) -> list[dict[str, str]]:
    """Return so many reservations, from number 11 on, or as many later."""
    numbers = range(11 + after, 11 + after + count)
    return [{"mac": mac(number), "ip": f"192.168.{71 + (number >> 8)}.{number & 255}"} for number in numbers]


def lines(stage: Stage, *, saved: bool) -> list[str]:
    """Return the entries of the network as virsh shows them, a line each, sorted."""
    root = etree.fromstring(stage.xml(NAME, saved=saved), etree.XMLParser(remove_blank_text=True))
    found = root.iterfind("portgroup"), root.iterfind("dns/*"), root.iterfind("ip/dhcp/*")
    return sorted(etree.tostring(one, encoding="unicode") for each in found for one in each)


def in_both(stage: Stage) -> list[str]:
    """Return the entries of the network; AssertionError when persistent and live config differ."""
    saved = lines(stage, saved=True)
    assert lines(stage, saved=False) == saved
    return saved


def play(stage: Stage, tasks: Iterable[Task], look: Sequence[str] = ()) -> list[Result]:
    """Run tasks in one play, with a look of their own or none; all must succeed."""
    wanted = list(tasks)
    results = plays.finish(plays.start(stage.lab.inventory, stage.host.name, wanted, look), len(wanted))
    return [succeeded(result) for result in results]


def at_call(stage: Stage, number: int, task: Task, command: str = "", calls: str = "networkLookupByName") -> Task:
    """Return a task before whose call of a number somebody runs a command, or else the call fails."""
    folder = stage.host.home / "run/lab/between"
    folder.mkdir(exist_ok=True)
    (folder / "libvirt.py").write_text((Path(__file__).parent / "between/libvirt.py").read_text())
    variables = {"PYTHONPATH": "/run/lab/between", "LAB_AT": str(number), "LAB_CALLS": calls, "LAB_COMMAND": command}
    return {**task, "environment": variables}
