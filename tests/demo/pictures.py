"""Takes the pictures of docs/guides/report.md from a report on the demonstration's hypervisors.

python -m tests.demo.pictures
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.demo import outside
from tests.demo.fleet import Fleet, say
from tests.integration.browser import Browser
from tests.lab import Hypervisor

ROOT = Path(__file__).parents[2]
REPORT, PICTURES = ROOT / ".build/pictures.html", ROOT / "docs/guides"
SITE = {
    "topology_networks": [
        {"name": "web", "kind": "nat", "subnet": "10.20.0.0/24", "subnet_ipv6": "fd00:20::/64"},
        {"name": "storage", "kind": "isolated", "subnet": "10.21.0.0/24"},
        {"name": "dmz", "kind": "routed", "subnet": "10.22.0.0/24"},
        {"name": "lan", "kind": "bridged", "bridge": {"name": "br0"}},
    ],
}
# A new address in the persistent config, a bridge that is down, and no start with the hypervisor.
DRIFT = """\
virsh net-dumpxml --inactive storage | sed "s/'10.21.0.1'/'10.21.0.9'/" | virsh net-define /dev/stdin
virsh net-autostart storage --disable
ip link set vbr-dmz down
"""


def main() -> None:
    """Networks as they are wanted, a guest, drift, and what a browser shows of the report."""
    with Fleet() as fleet:
        fleet.play("topology", options=("-e", json.dumps(SITE)))
        guest = outside.virtual_machine(fleet.hosts[0])
        say("Somebody changes networks by hand")
        _disturb(*fleet.hosts)
        wanted = json.dumps({**SITE, "report_file": str(REPORT), "audit_fail_on_drift": False})
        fleet.play("report", options=("-e", wanted))
        guest.stop()
    with Browser() as browser:
        for colours, first, height in (("light", "body", 1000), ("dark", "#host-1", 860)):
            browser.load(REPORT, colours, 1100, height)
            browser.look(f"document.querySelector('{first}').scrollIntoView()")
            (PICTURES / f"report-{colours}.png").write_bytes(browser.screenshot())


def _disturb(one: Hypervisor, other: Hypervisor) -> None:
    one.run(["sh", "-e"], input=DRIFT)
    for command in ("net-destroy", "net-undefine"):
        other.virsh(f"{command} dmz")


if __name__ == "__main__":
    sys.exit(main())
