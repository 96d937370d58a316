"""Changes of a running NIC that fail half-way: libvirt forgets what it has done by then, the kernel does not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from ..entry_tasks import at_call
from ..plays import Result, Task, network
from ..stage import Stage, succeeded

pytestmark = pytest.mark.lab

FIRST, SECOND = "52:54:00:83:00:01", "52:54:00:83:00:02"
# Paused, so that it needs no system.
GUEST = f"""\
<domain type='qemu'>
  <name>half</name><memory unit='MiB'>16</memory>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <devices>
    <interface type='network'><mac address='{FIRST}'/><source network='lan'/><model type='virtio'/></interface>
    <interface type='network'>
      <mac address='{SECOND}'/><source network='lan'/><model type='virtio'/><port isolated='yes'/>
    </interface>
    <memballoon model='none'/>
  </devices>
</domain>
"""
# Its variable has a value that is not an address: libvirt cannot make a rule of it.
FILTER = "<filter name='vf-{}'><rule action='drop' direction='in'><ip srcipaddr='$IP'/></rule></filter>"
GARBAGE = {"filter": "vf-half", "parameters": [{"name": "IP", "value": "garbage"}]}


def iface(**options: Any) -> Task:
    return {"virtfleet.network.virt_iface": {"domain": "half", **options}}


@pytest.fixture(scope="module")
def halves(whole_stage: Stage) -> Iterator[Stage]:
    """A hypervisor with two networks, a filter, and a paused guest."""
    whole_stage.kept = {"lan", "bak"}
    for number, name in ((83, "lan"), (84, "bak")):
        ips = [{"address": f"192.168.{number}.1/24"}]
        whole_stage.network(name=name, bridge={"name": f"vf-{name}"}, ips=ips)
    whole_stage.bridge("foreign")
    for name, xml in (("half.xml", GUEST), ("filter.xml", FILTER.format("half"))):
        (whole_stage.host.home / "run/lab" / name).write_text(xml)
    whole_stage.host.virsh("nwfilter-define", "/run/lab/filter.xml")
    whole_stage.host.virsh("define", "/run/lab/half.xml")
    whole_stage.host.virsh("start", "half", "--paused")
    yield whole_stage
    whole_stage.host.virsh("destroy", "half")
    whole_stage.host.virsh("undefine", "half")
    whole_stage.host.virsh("nwfilter-undefine", "vf-half")
    whole_stage.kept = set()
    whole_stage.clear()


def tap(stage: Stage, mac: str) -> str:
    lines = [line.split() for line in stage.host.virsh("domiflist", "half").splitlines()]
    return next(line[0] for line in lines if mac in line)


def kernel(stage: Stage, mac: str) -> Any:
    """Return all that the kernel knows of a tap, but for its counters and timers."""
    device = tap(stage, mac)
    (link,) = json.loads(stage.host.run(["ip", "-d", "-j", "link", "show", device]).stdout)
    port = link.get("linkinfo", {}).get("info_slave_data", {})
    kept = {name: port.get(name) for name in ("isolated", "learning", "flood", "cost")}
    shaping = stage.host.run(["sh", "-c", f"tc class show dev {device}; tc filter show dev {device} parent ffff:"])
    queues = json.loads(stage.host.run(["tc", "-j", "qdisc", "show", "dev", device]).stdout)
    kinds = [(queue["kind"], queue.get("parent")) for queue in queues]
    return link.get("master"), link["mtu"], link["operstate"], kept, shaping.stdout, kinds


def state(stage: Stage) -> Any:
    dumps = [stage.host.virsh("dumpxml", "half", *more) for more in ((), ("--inactive",))]
    # The id of a port is another one whenever it is made.
    words = [[word for word in dump.split() if not word.startswith("portid=")] for dump in dumps]
    return words, [kernel(stage, mac) for mac in (FIRST, SECOND)]


def failed(result: Result) -> str:
    assert result.get("failed"), result
    return str(result["msg"])


@pytest.mark.parametrize("mac", [FIRST, SECOND], ids=["plain", "isolated"])
def test_failed_move_leaves_nothing_moved(halves: Stage, mac: str) -> None:
    before = state(halves)
    assert before[1][0][0] == before[1][1][0] == "vf-lan"
    nic = {"mac": {"address": mac}, "source": {"network": "bak"}, "filterref": GARBAGE}
    refused, to_new = halves.play(
        iface(**nic),
        {
            "virtfleet.network.virt_topology": {
                "networks": [{"name": "new", "bridge": {"name": "vf-new"}, "ips": [{"address": "192.168.85.1/24"}]}],
                "ifaces": [{"domain": "half", "ifaces": [{**nic, "source": {"network": "new"}}]}],
            }
        },
    )
    assert "the NICs of guest 'half' were rolled back" in failed(refused)
    assert "rolled back; network 'new' was removed again" in failed(to_new)
    assert state(halves) == before
    assert halves.networks() == {"lan", "bak"}


# What some kernels lack, none has meanwhile.
TC = """set -e
tc=$(readlink -f "$(command -v tc)")
cp "$tc" /run/lab/tc.real
cat >/run/lab/tc <<'END'
#!/bin/sh
case "$*" in *sfq*|*police*) exit 2;; esac
exec /run/lab/tc.real "$@"
END
chmod +x /run/lab/tc
mount --bind /run/lab/tc "$tc"
"""


@pytest.mark.parametrize("way", ["inbound", "outbound"])
def test_failed_bandwidth_leaves_nothing_shaped(halves: Stage, way: str) -> None:
    before = state(halves)
    halves.host.run(["sh", "-s"], input=TC)
    refused = halves.run(iface(mac={"address": FIRST}, bandwidth={way: {"average": 100}}))
    halves.host.run(["sh", "-c", "umount $(readlink -f $(command -v tc))"])
    assert "the NICs of guest 'half' were not changed" in failed(refused)
    assert "shaped" not in refused["msg"]
    assert state(halves) == before


@pytest.mark.parametrize("where", ["vf-bak", ""], ids=["on another bridge", "on none"])
def test_tap_that_is_elsewhere_is_put_where_it_belongs(halves: Stage, where: str) -> None:
    """As a change leaves it that somebody else has tried, with virsh for example."""
    before = state(halves)
    move = ["master", where] if where else ["nomaster"]
    for wanted in ("lan", "bak"):
        for mac in (FIRST, SECOND):
            halves.host.run(["ip", "link", "set", tap(halves, mac), *move])
        both = [{"mac": {"address": mac}, "source": {"network": wanted}} for mac in (FIRST, SECOND)]
        dry_run, real, again = halves.play({**iface(ifaces=both), "check_mode": True}, *[iface(ifaces=both)] * 2)
        assert [succeeded(one)["changed"] for one in (dry_run, real, again)] == [True, True, False]
        assert dry_run["plan"] == real["plan"]
        assert [one[0] for one in state(halves)[1]] == [f"vf-{wanted}"] * 2
        assert [one[3]["isolated"] for one in state(halves)[1]] == [False, True]
    succeeded(halves.run(iface(ifaces=[{**nic, "source": {"network": "lan"}} for nic in both])))
    assert state(halves) == before


@pytest.mark.parametrize("moment", ["getType", "updateDeviceFlags"], ids=["the plan", "the first step"])
def test_nic_that_another_program_changes_meanwhile_keeps_that(halves: Stage, moment: str) -> None:
    """In place, after the plan: the task looks again, and plans from what it finds."""
    apart = [{"mac": {"address": mac}, "port": {"isolated": mac == FIRST}} for mac in (FIRST, SECOND)]
    task = at_call(halves, 1, iface(ifaces=apart, apply="live"), f"virsh domif-setlink half {SECOND} down", moment)
    assert succeeded(halves.run(task))["changed"]
    assert [one[3]["isolated"] for one in state(halves)[1]] == [True, False]
    assert "down" in halves.host.virsh("domif-getlink", "half", SECOND)
    assert not succeeded(halves.run(iface(ifaces=apart, apply="live")))["changed"]
    back = [{**nic, "port": {"isolated": not nic["port"]["isolated"]}, "link": {"state": "up"}} for nic in apart]
    succeeded(halves.run(iface(ifaces=back, apply="live")))


@pytest.mark.parametrize("change", [{}, {"domain": {"name": "half.test"}}], ids=["repair", "restart"])
def test_replug_takes_taps_off_a_foreign_bridge(halves: Stage, change: dict[str, Any]) -> None:
    """libvirt cannot move a tap that somebody has put elsewhere: Device or resource busy."""
    task = network(name="lan", restart="replug", **change)
    for mac in (FIRST, SECOND):
        halves.host.run(["ip", "link", "set", tap(halves, mac), "master", "foreign"])
    # After the first move every other one fails: no NIC stays disconnected or parked.
    refused = halves.run(at_call(halves, 2, task, calls="updateDeviceFlags")) if change else {"failed": True, "msg": ""}
    failed(refused)
    assert halves.networks() == {"lan", "bak"}, refused["msg"]
    dry_run, real, again = halves.play({**task, "check_mode": True}, task, task)
    assert [succeeded(one)["changed"] for one in (dry_run, real, again)] == [True, True, False]
    assert [one[0] for one in state(halves)[1]] == ["vf-lan"] * 2
    assert [one[3]["isolated"] for one in state(halves)[1]] == [False, True]
    assert halves.networks() == {"lan", "bak"}
