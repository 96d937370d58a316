"""The role host_bridge over the very NIC that it moves: one machine for each network provider, changed side by side.

They go the way of a user: a change that would disconnect them, the right one, a power cycle, and back again.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.lab import Full, Lab
from tests.lab.full_seed import ADDRESSES, MAC
from tests.tools.pages import blocks

from ..conftest import FULL
from ..guarded import SECRET, SECRETS
from ..plays import Result, environment, playbook

pytestmark = [pytest.mark.lab, pytest.mark.slow]

PROVIDERS = ("networkmanager", "networkd", "ifupdown", "netplan")
LEASED = "leased"  # one more, which has its address by DHCP
(PLAY,) = yaml.safe_load(blocks("roles/host_bridge/README.md", "yaml")[0])
(WANTED,) = PLAY["roles"][0]["vars"]["host_bridge_bridges"]  # br0 of eth0
# An address that the operator does not know, and a gateway that is not there: one cuts the host off, one does not.
ELSEWHERE = {"addresses": ["192.0.2.77/24"], "gateway": "192.0.2.1"}
NOWHERE = {"addresses": list(ADDRESSES), "gateway": "192.0.2.9"}
BAD = {"networkmanager": ELSEWHERE, "networkd": NOWHERE, "ifupdown": ELSEWHERE, "netplan": ELSEWHERE, LEASED: NOWHERE}
FILES = "find systemd/network netplan network NetworkManager/sys* -type f -exec stat -c '%n %a %s' {} + \
    -exec sha256sum {} + | sort"
LOOK = "ip -o address show scope global | awk '{print $2, $4}'; ip route; ip -6 route show default; ip -br link"
BY_HAND = {
    "networkmanager": """\
nmcli connection add type bridge con-name lan ifname br0 stp no ipv4.method manual ipv4.addresses 192.0.2.2/24
nmcli connection add type ethernet con-name cable ifname eth0 master br0
nmcli connection modify eth0 autoconnect no
nmcli connection up cable
""",
    "networkd": """\
cd /etc/systemd/network
printf '[NetDev]\\nName=br0\\nKind=bridge\\n' >br0.netdev
printf '[Match]\\nName=br0\\n\\n[Network]\\nAddress=192.0.2.2/24\\n' >br0.network
printf '[Match]\\nName=eth0\\n\\n[Network]\\nBridge=br0\\n' >05-eth0.network
networkctl reload
""",
    "ifupdown": """\
ifdown eth0
printf 'auto br0\\niface br0 inet static\\n  bridge-ports eth0\\n  address 192.0.2.2/24\\n' >/etc/network/interfaces
ifup br0
""",
    "netplan": """\
cat >/etc/netplan/01-eth0.yaml <<END
network:
  version: 2
  renderer: networkd
  ethernets: {eth0: {}}
  bridges: {br0: {interfaces: [eth0], addresses: [192.0.2.2/24], parameters: {stp: false}}}
END
netplan apply
""",
}


# In seconds, on a busy machine; what is measured on a quiet one is in the role's README.
LONGEST_GAP = {"networkmanager": 10, "networkd": 5, "ifupdown": 15, "netplan": 10, LEASED: 30}


class Fleet:
    """A machine for each provider, and a folder with a playbook for all of them."""

    def __init__(self, lab: Lab, machines: Mapping[str, Full], folder: Path) -> None:
        self.machines, self.folder = machines, folder
        inventory: dict[str, Any] = yaml.safe_load(lab.inventory.read_text())["all"]
        hosts = {machine.name: {} for machine in machines.values()}
        groups = {"hypervisors": {"hosts": hosts}}
        (folder / "inventory").write_text(json.dumps({"all": {**inventory, "children": groups}}))
        (folder / "host_vars").mkdir()

    def run(
        self, *options: str, failed: bool = False, timeout: int = 60, **more: Mapping[str, Any]
    ) -> dict[str, list[Result]]:
        """Run the playbook and return the results of each provider's machine; `more` are options of its bridge."""
        for provider, machine in self.machines.items():
            variables = {"host_bridge_bridges": [{**WANTED, **more.get(provider, {})}], "host_bridge_timeout": timeout}
            (self.folder / f"host_vars/{machine.name}").write_text(json.dumps(variables))
        results = playbook(self.folder, "virtfleet.network.host_bridge", "--forks", "5", *options, failed=failed)
        return {
            provider: [result for result in results if result["host"] == machine.name]
            for provider, machine in self.machines.items()
        }

    def shown(self, *options: str) -> str:
        """Return all that a user may see of a run that succeeds."""
        done = subprocess.run(
            [sys.executable, "-m", "ansible", "playbook", "-i", "inventory", "virtfleet.network.host_bridge", *options],
            check=False,
            cwd=self.folder,
            capture_output=True,
            text=True,
            env=environment(PWD=str(self.folder), ANSIBLE_STDOUT_CALLBACK="default"),
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr
        return done.stdout + done.stderr

    def each(self, command: str) -> dict[str, str]:
        """Return what a command prints on each machine, not over its NIC."""
        run = {provider: machine.run(["sh", "-c", command]).stdout for provider, machine in self.machines.items()}
        assert {machine.state() for machine in self.machines.values()} == {"running"}
        return run


@pytest.fixture(scope="module", params=FULL)
def fleet(request: pytest.FixtureRequest, lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    suite, machines = request.param, {}
    for provider in PROVIDERS:
        machines[provider] = lab.start_full(f"{suite}-{provider[:8]}", suite, provider)
    machines[LEASED] = lab.start_full(f"{suite}-{LEASED}", suite, "ifupdown", dhcp=True)
    # there is no udevd in a machine, and netplan of Debian 13 insists on it
    machines["netplan"].run(["ln", "--symbolic", "--force", "/bin/true", "/usr/bin/udevadm"])
    yield Fleet(lab, machines, tmp_path_factory.mktemp(suite))
    for machine in machines.values():
        machine.stop()


def changed(results: Mapping[str, list[Result]]) -> dict[str, int]:
    """Return how many tasks have changed something, by provider."""
    return {provider: sum(bool(result.get("changed")) for result in told) for provider, told in results.items()}


def longest_gap(pings: str) -> float:
    """Return the longest time without an answer, in seconds."""
    times = [float(line[1:].partition("]")[0]) for line in pings.splitlines() if line.startswith("[") and "ttl" in line]
    return max(after - before for before, after in zip(times, times[1:]))


def test_what_cuts_a_host_off_goes_back(fleet: Fleet) -> None:
    before = fleet.each(f"cd /etc; {FILES}; {LOOK}")
    results = fleet.run(failed=True, timeout=20, **BAD)
    for provider, told in results.items():
        message = told[-1].get("msg", str(told))
        real = "ifupdown" if provider == LEASED else provider
        assert f"Cannot make bridge br0 of eth0 on {told[0]['host']} with {real}: " in message, told
        if BAD[provider] is NOWHERE:
            assert "192.0.2.9 does not answer behind br0" in message, message
        else:
            assert "nobody could reach the host over a new connection within 10 seconds" in message, message
        assert "Devices, addresses and files were rolled back" in message, message
    after = fleet.each(f"cd /etc; {FILES}; {LOOK}")
    for provider, text in before.items():
        assert after[provider].splitlines() == text.splitlines(), provider
    assert set(fleet.each("systemctl list-timers --all --no-legend 'virtfleet*'").values()) == {""}


def test_no_secret_of_a_file_is_shown(fleet: Fleet) -> None:
    """Neither by a dry run nor by a change and its way back, however much a user asks to see."""
    secrets = {real: SECRETS[real] for real in PROVIDERS}
    for name, machine in fleet.machines.items():
        path, text = secrets["ifupdown" if name == LEASED else name]
        machine.run(["sh", "-c", f"cp -a /etc/{path} /root/kept; printf '%s' \"$0\" >>/etc/{path}", text])
    fleet.machines["networkd"].run(["sh", "-ec", WIREGUARD])
    fleet.run("--check")
    shown = fleet.shown("--check", "--diff", "-vvvv")
    assert "host-bridge-br0" in shown
    assert "(not shown)" in shown
    assert SECRET not in shown
    for name, machine in fleet.machines.items():
        path, _text = secrets["ifupdown" if name == LEASED else name]
        machine.run(["mv", "/root/kept", f"/etc/{path}"])
    fleet.machines["networkd"].run(["rm", "/etc/systemd/network/99-nowhere.netdev"])


WIREGUARD = f"""\
umask 077
printf '[Match]\\nHost=nowhere\\n[NetDev]\\nName=wg0\\nKind=wireguard\\n[WireGuard]\\nPrivateKey={SECRET}\\n' \\
    >/etc/systemd/network/99-nowhere.netdev
"""


def test_a_bridge_as_it_was_predicted(fleet: Fleet) -> None:
    files = fleet.each(f"cd /etc; {FILES}")
    predicted = fleet.run("--check", "--diff")
    assert fleet.each(f"cd /etc; {FILES}") == files
    with ExitStack() as stack:
        ping = ["sh", "-c", f"exec ping -D -n -i 0.02 {Full.ADDRESS} >/run/lab/pings"]
        for machine in fleet.machines.values():
            stack.enter_context(machine.outside.background(ping))
        done = fleet.run("--diff")
    for provider, told in predicted.items():
        (plan,) = [result["msg"] for result in told if result.get("changed")]
        assert any(line.startswith("+") and "br0" in line for lines in plan["files"].values() for line in lines), plan
        assert [result["msg"] for result in done[provider] if result.get("changed")] == [plan]
    assert changed(predicted) == changed(done)
    for provider, machine in fleet.machines.items():
        gap = longest_gap((machine.outside.home / "run/lab/pings").read_text())
        print(f"{machine.name}: no answer for {gap:.2f} s")
        assert gap < LONGEST_GAP[provider]
    assert_bridged(fleet)


def assert_bridged(fleet: Fleet) -> None:
    """Look at the bridges from inside, and at who answers from outside."""
    for provider, text in fleet.each("ip -details -json address show").items():
        links = {link["ifname"]: link for link in json.loads(text)}
        bridge = links["br0"]
        assert links["eth0"]["master"] == "br0"
        assert bridge["address"] == MAC
        assert bridge["linkinfo"]["info_data"]["stp_state"] == 0
        found = {f"{one['local']}/{one['prefixlen']}" for one in bridge["addr_info"] if one["scope"] == "global"}
        assert found == (set(ADDRESSES[:1]) if provider == LEASED else set(ADDRESSES))
        assert not [one for one in links["eth0"]["addr_info"] if one["scope"] == "global"]
        outside = fleet.machines[provider].outside
        for address in sorted(one.partition("/")[0] for one in found):
            assert outside.run(["ping", "-c", "1", "-W", "2", address], check=False).returncode == 0


def test_second_run_touches_nothing(fleet: Fleet) -> None:
    before = fleet.each(f"cd /etc; {FILES}; {LOOK}; cat /run/virtfleet-host-bridge/guard")
    assert set(changed(fleet.run()).values()) == {0}
    assert fleet.each(f"cd /etc; {FILES}; {LOOK}; cat /run/virtfleet-host-bridge/guard") == before


def test_bridges_outlive_a_power_cycle(fleet: Fleet) -> None:
    with ThreadPoolExecutor() as pool:
        list(pool.map(Full.power_cycle, fleet.machines.values()))
    assert_bridged(fleet)
    assert "dhclient" in fleet.machines[LEASED].run(["ps", "-e"]).stdout


def test_a_port_gets_back_what_it_had(fleet: Fleet) -> None:
    absent = {provider: {"state": "absent"} for provider in fleet.machines}
    assert 0 not in changed(fleet.run(**absent)).values()
    for provider, text in fleet.each("ip -json address show").items():
        links = {link["ifname"]: link for link in json.loads(text)}
        found = {f"{one['local']}/{one['prefixlen']}" for one in links["eth0"]["addr_info"] if one["scope"] == "global"}
        assert found == (set(ADDRESSES[:1]) if provider == LEASED else set(ADDRESSES))
        assert "br0" not in links
    assert set(changed(fleet.run("--check", **absent)).values()) == {0}


def test_bridges_made_by_hand_are_known(fleet: Fleet) -> None:
    for provider in PROVIDERS:
        fleet.machines[provider].run(["sh", "-ec", BY_HAND[provider]])
    results = fleet.run("--check", "--limit", f"!*{LEASED}")
    assert {changed(results)[provider] for provider in PROVIDERS} == {0}, results
