"""Measures the inventory of guests: a fleet of hypervisors of libvirt's test driver, which answer at once."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.plays import BUILD, median, row

HYPERVISORS, GUESTS, ROUNDS = 50, 40, 3
NETWORK = """
<network><name>default</name><forward mode='nat'/><bridge name='virbr0'/>
<ip address='192.168.122.1' prefix='24'><dhcp><range start='192.168.122.2' end='192.168.122.254'/></dhcp></ip>
</network>"""
DOMAIN = """
<domain type='test'><name>g{number}</name><memory>1024</memory><os><type>hvm</type></os><devices>
<interface type='network'><mac address='52:54:00:00:00:{number:02x}'/><source network='default'/></interface>
</devices></domain>"""


def seconds(source: str) -> tuple[float, float]:
    """How long ansible-inventory takes with a source, and how much of the processor's time."""
    command = [sys.executable, "-m", "ansible", "inventory", "-i", source, "--list"]
    settings = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(BUILD)}
    began, before = time.monotonic(), _processor()
    subprocess.run(command, check=True, capture_output=True, env=settings)
    return time.monotonic() - began, _processor() - before


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def of_guests() -> None:
    """A fleet without the time that connections take, and the start of ansible-inventory apart."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        node = "".join(DOMAIN.format(number=number) for number in range(GUESTS))
        (folder / "node.xml").write_text(f"<node>{NETWORK}{node}</node>")
        lines = [f"- {{name: hv{number}, uri: 'test://{folder}/node.xml'}}" for number in range(HYPERVISORS)]
        (folder / "guests.yml").write_text("\n".join(["plugin: virtfleet.network.guests", "hypervisors:", *lines]))
        starts = zip(*(seconds("localhost,") for _round in range(ROUNDS)))
        wholes = zip(*(seconds(str(folder / "guests.yml")) for _round in range(ROUNDS)))
        (start, idle), (whole, busy) = (map(median, map(list, one)) for one in (starts, wholes))
    row(f"{HYPERVISORS} hypervisors with {GUESTS} guests each", f"{whole - start:.2f} s", "goal: at most 5 s")
    row("  ... of which the processor is used", f"{busy - idle:.2f} s")
    row("  the start of ansible-inventory beside it", f"{start:.2f} s")
