"""Measures the inventory of guests: a fleet of hypervisors of libvirt's test driver, which answer at once."""

from __future__ import annotations

import os
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


def seconds(source: str) -> float:
    """How long ansible-inventory takes with a source."""
    command = [sys.executable, "-m", "ansible", "inventory", "-i", source, "--list"]
    settings = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(BUILD)}
    began = time.monotonic()
    subprocess.run(command, check=True, capture_output=True, env=settings)
    return time.monotonic() - began


def of_guests() -> None:
    """A fleet without the time that connections take, and the start of ansible-inventory apart."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        node = "".join(DOMAIN.format(number=number) for number in range(GUESTS))
        (folder / "node.xml").write_text(f"<node>{NETWORK}{node}</node>")
        lines = [f"- {{name: hv{number}, uri: 'test://{folder}/node.xml'}}" for number in range(HYPERVISORS)]
        (folder / "guests.yml").write_text("\n".join(["plugin: virtfleet.network.guests", "hypervisors:", *lines]))
        start = median([seconds("localhost,") for _round in range(ROUNDS)])
        whole = median([seconds(str(folder / "guests.yml")) for _round in range(ROUNDS)])
    row(f"{HYPERVISORS} hypervisors with {GUESTS} guests each", f"{whole - start:.2f} s", "goal: at most 5 s")
    row("  ... the start of ansible-inventory beside it", f"{start:.2f} s")
