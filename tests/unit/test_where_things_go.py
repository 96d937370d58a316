"""What the page of the architecture says of the code: the files that it names, and the way of a reservation."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from tests.unit.documentation import ROOT
from tests.unit.run_module import driver_of_tests, run_module

TEXT = (ROOT / "docs/development/architecture.md").read_text()
FOLDERS = ("docs", "extensions", "playbooks", "plugins", "roles", "tests")
NETWORK = """
<network>
  <name>n</name>
  <ip address='192.0.2.1' netmask='255.255.255.0'><dhcp><range start='192.0.2.9' end='192.0.2.20'/></dhcp></ip>
</network>
"""


def test_every_file_that_it_names_is_there() -> None:
    there = {f"/{path.relative_to(ROOT)}" for folder in FOLDERS for path in (ROOT / folder).rglob("*")}
    named = re.findall(r"`([\w./]+(?:\.(?:py|yml|sh|md)|/\w+))`", TEXT)
    assert len(named) > 50
    assert [name for name in named if not any(path.endswith(f"/{name}") for path in there)] == []


def test_a_reservation_goes_the_way_that_it_shows() -> None:
    way = re.findall(r"^\| `(?:plugins/modules/)?([\w/]+\.py)` \| `(?:\w+\.)?(\w+)` \|", TEXT, re.MULTILINE)
    called: list[tuple[str, str]] = []

    def note(frame: FrameType, event: str, _argument: Any) -> None:
        path = Path(frame.f_code.co_filename)
        if event == "call" and "plugins" in path.parts:
            folder = path.parent.name.replace("modules", "")
            called.append((f"{folder}/{path.name}".lstrip("/"), frame.f_code.co_name))

    with driver_of_tests() as gateway:
        gateway._conn.networkCreateXML(NETWORK)
        sys.setprofile(note)
        try:
            result = run_module("virt_dhcp_host", network="n", mac="52:54:00:00:00:01", ip="192.0.2.5")
        finally:
            sys.setprofile(None)
    assert [step["action"] for step in result["plan"]] == ["update"]
    assert 5 < len(way) <= 10
    first = [called.index(place) for place in way]
    assert first == sorted(first)
