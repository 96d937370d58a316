"""A rolling apply over a fleet with faults in it: where it ends, what it leaves, and what a second run does."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench.fleet import instances
from tests.deep import amount
from tests.lab import Hypervisor, Lab

from ..conftest import FIRST_ROOTS
from ..plays import playbook
from ..stage import wait_for

pytestmark = [pytest.mark.lab, pytest.mark.deep]

SIZE, BATCH, MAY_FAIL = amount(7, 50), amount(3, 5), 50
NETWORKS = {"back", "front"}
# libvirtd calls it when a network has started, and waits for it.
ONCE = "#!/bin/sh\n[ $2 = started ] && mkdir /run/lab/once || exit 0\n"
# The daemon comes back, since something watches it; where ssh is lost with it, it does not.
FAULTS = {
    "restarts": ONCE + "setsid sh -c 'kill $(cat /run/libvirtd.pid); sleep 1; libvirtd --daemon --pid-file "
    "/run/libvirtd.pid' >/dev/null 2>&1 &\n",
    "dies": ONCE
    + "for name in libvirtd sshd sshd-session; do for at in /proc/[0-9]*; do read -r is <$at/comm; [ $is = $name ] &&"
    + " kill -9 ${at#/proc/}; done; done\n",
}
WHY = {
    "hangs": r"failed +Cannot .* has not answered for 15 seconds",
    "dies": "unreachable ",
    "full disk": r"failed +Cannot .*No space left on device",
}


class Fleet:
    """Hypervisors, some of them with a fault, and the playbook that makes two networks on each of them."""

    def __init__(self, hosts: dict[str, Hypervisor], folder: Path) -> None:
        self.hosts, self._folder = hosts, folder
        # Three of them in the second batch: more than may fail.
        names = [*hosts]
        self.faulty = dict(zip([names[0], *names[BATCH:]], ["restarts", "hangs", "dies", "full disk"]))
        for name, fault in self.faulty.items():
            self._break(hosts[name], fault)

    def _break(self, host: Hypervisor, fault: str) -> None:
        if fault == "hangs":
            host.run(["sh", "-c", "kill -STOP $(cat /run/libvirtd.pid)"])
        elif fault == "full disk":
            host.run(
                [
                    "sh",
                    "-c",
                    "mkdir -p /etc/libvirt/qemu/networks; mount -t tmpfs -o size=4k tmpfs /etc/libvirt/qemu/networks",
                ]
            )
            host.run(["sh", "-c", "yes >/etc/libvirt/qemu/networks/full"], check=False)
        else:
            host.run(["sh", "-c", "mkdir -p /etc/libvirt/hooks; cat >/etc/libvirt/hooks/network"], input=FAULTS[fault])
            host.run(["chmod", "+x", "/etc/libvirt/hooks/network"])
            host.restart_libvirtd()  # it looks for hooks when it starts

    def repair(self) -> None:
        """What somebody does who reads the table."""
        for name, fault in self.faulty.items():
            host = self.hosts[name]
            if fault == "hangs":
                host.run(["sh", "-c", "kill -CONT $(cat /run/libvirtd.pid)"])
            elif fault == "full disk":
                host.run(["umount", "/etc/libvirt/qemu/networks"])
            elif fault == "dies":
                host.start_libvirtd()

    def apply(self, failed: bool = False) -> tuple[dict[str, str], str]:
        """Run the playbook; what its one table says of each hypervisor, and below."""
        variables = {
            "target": "roll",
            "target_serial": BATCH,
            "target_max_fail_percentage": MAY_FAIL,
            "topology_timeout": 15,
            "topology_networks": [{"name": name, "kind": "isolated"} for name in sorted(NETWORKS)],
        }
        options = ["-f", "5", "-e", json.dumps(variables), "-e", '{"ansible_ssh_retries": 0}']
        results = playbook(self._folder, *options, "virtfleet.network.topology", failed=failed)
        (table,) = [one["msg"] for one in results if isinstance(one.get("msg"), list)]
        lines = [line.split(maxsplit=1) for line in table[1:-1]]
        return {name: told for name, told in lines if name in self.hosts}, table[-1]

    def networks(self, name: str) -> set[str]:
        """The networks that run on a hypervisor."""
        wait_for(self.hosts[name].answers)
        defined, active = (self.hosts[name].virsh("net-list", *which, "--name").split() for which in (("--all",), ()))
        assert {*defined} == {*active}, name
        return {*active}


@pytest.fixture
def fleet(lab: Lab, tmp_path: Path) -> Iterator[Fleet]:
    with instances(amount(0, 128 + SIZE * 6)):
        hosts = lab.start_all({f"roll{number:02}": FIRST_ROOTS[0] for number in range(SIZE)})
        names = {"hosts": dict.fromkeys(hosts)}
        (tmp_path / "inventory").mkdir()
        (tmp_path / "inventory/lab.yml").symlink_to(lab.inventory)
        (tmp_path / "inventory/roll.yml").write_text(json.dumps({"roll": names}))
        yield Fleet(hosts, tmp_path)
        for host in hosts.values():
            host.stop()


def test_a_rolling_apply_with_faults(fleet: Fleet) -> None:
    """It ends with the batch in which too many fail; none is left half-way; a second run finishes the rest."""
    names = [*fleet.hosts]
    told, counts = fleet.apply(failed=True)
    assert told.keys() == fleet.hosts.keys()
    for name, fault in fleet.faulty.items():
        if fault != "restarts":
            assert re.match(WHY[fault], told[name]), (fault, told)
    assert {name for name in names if told[name] == "not tried"} == {*names[2 * BATCH :]}
    assert f"{SIZE - 2 * BATCH} not tried" in counts
    dead = [name for name, fault in fleet.faulty.items() if fault == "dies"]
    fleet.repair()
    for name in fleet.hosts:
        done = NETWORKS if told[name].startswith("changed") else set()
        assert name in dead or fleet.networks(name) == done, (name, told[name])

    again, counts = fleet.apply()
    assert {name for name in names if again[name].startswith("up to date")} == {
        name for name in names if told[name].startswith("changed")
    }
    assert counts.endswith("0 failed, 0 unreachable, 0 not tried")
    assert [fleet.networks(name) for name in names] == [NETWORKS] * SIZE
