"""Measures how long a diagnosis takes on a network with the NICs of many guests."""

from __future__ import annotations

from typing import Any

from tests.bench.plays import Bench, median, row
from tests.bench.replug import NETWORK, guests

NICS, ROUNDS = 50, 3
# Each NIC has an address, as guests have that have talked to the hypervisor: so each walks all ways.
KNOWN = """\
number=0
for domain in $(virsh -q list --name); do
    for mac in $(virsh -q domiflist "$domain" | awk '{print $5}'); do
        number=$((number + 1))
        ip neigh replace "10.77.1.$number" lladdr "$mac" dev vf-bench nud permanent
    done
done
"""


def of_many_nics(bench: Bench) -> None:
    """The whole task, and the same with a client that asks."""
    bench.seconds([{"virtfleet.network.virt_network": NETWORK}])
    with guests(bench, NICS):
        bench.host.run(["sh", "-e"], input=KNOWN)
        start = median([bench.seconds([]) for _round in range(ROUNDS)])
        for what, options, goal in (("", {}, 2), (" with probe", {"probe": True}, 10)):
            taken = median([bench.seconds(_task(options)) for _round in range(ROUNDS)]) - start
            row(f"virt_network_check on {NICS} NICs{what}", f"{taken:.2f} s", f"goal: at most {goal} s")
    bench.virsh("net-destroy bench", "net-undefine bench")


def _task(options: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"virtfleet.network.virt_network_check": options}]
