"""Network filters of a real libvirt: what it keeps of them, which rules it makes of them for a running guest, and what
refers to them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ..network.test_rollback import REFUSED_BY_DNSMASQ
from ..plays import Result, Task
from ..stage import Stage, succeeded

pytestmark = pytest.mark.lab

MAC = "52:54:00:85:00:01"
# Paused, so that it needs no system.
GUEST = f"""\
<domain type='qemu'>
  <name>shielded</name><memory unit='MiB'>16</memory>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <devices>
    <interface type='network'>
      <mac address='{MAC}'/><source network='shielded'/><model type='virtio'/><filterref filter='vf-outer'/>
    </interface>
    <memballoon model='none'/>
  </devices>
</domain>
"""
EXAMPLES = yaml.safe_load((Path(__file__).parents[2] / "unit/cases/nwfilters.yml").read_text())
RUNS = (True, False, True, False)  # in check mode, for real, in check mode again, for real again
OUT: dict[str, Any] = {"action": "drop", "direction": "out"}


def nwfilter(check: bool = False, **options: Any) -> Task:
    return {"virtfleet.network.virt_nwfilter": options, "check_mode": check}


def info(*names: str) -> Task:
    return {"virtfleet.network.virt_nwfilter_info": {"name": list(names)}}


def four_times(stage: Stage, **options: Any) -> list[Result]:
    """Run a task four times: check mode predicts what happens, and it happens once."""
    results = [succeeded(one) for one in stage.play(*(nwfilter(check, **options) for check in RUNS))]
    dry_run, real, second_dry_run, second = results
    assert [one["changed"] for one in results] == [True, True, False, False]
    assert (dry_run["plan"], dry_run["diff"]) == (real["plan"], real["diff"])
    assert second_dry_run["plan"] == second["plan"] == second["diff"] == []
    return results


def refused(stage: Stage, **options: Any) -> str:
    """Run a task that fails in check mode and for real alike, and return its message."""
    results = stage.play(nwfilter(True, **options), nwfilter(False, **options))
    assert [one.get("failed") for one in results] == [True, True]
    assert results[0]["msg"] == results[1]["msg"]
    return str(results[0]["msg"])


def names(stage: Stage) -> set[str]:
    """Return the names of all filters."""
    return {line.split(maxsplit=1)[1].strip() for line in stage.host.virsh("--quiet", "nwfilter-list").splitlines()}


@pytest.fixture
def filters(stage: Stage) -> Iterator[Stage]:
    """A hypervisor whose filters that are not libvirt's own go with the test."""
    there = names(stage)
    yield stage
    for _again in range(2):  # one that another one refers to goes with the second round
        for name in names(stage) - there:
            stage.host.run(["virsh", "nwfilter-undefine", name], check=False)


def test_create_change_delete(filters: Stage) -> None:
    rule = {**OUT, "arp": {}}
    created = four_times(filters, name="vf-own", chain="arp-own", rules=[rule])
    assert created[1]["nwfilter"]["spec"]["priority"] == -500
    assert "<arp/>" in filters.host.virsh("nwfilter-dumpxml", "vf-own")
    more = {"action": "accept", "direction": "in", "priority": 5, "arp": {"arpsrcipaddr": "$IP", "opcode": 2}}
    changed = four_times(filters, name="vf-own", rules=[more, rule])
    assert changed[1]["nwfilter"]["uuid"] == created[1]["nwfilter"]["uuid"]
    assert [row["action"] for row in changed[1]["plan"]] == ["define"]
    (told,) = succeeded(filters.run(info("vf-own")))["nwfilters"]
    assert told["spec"] == changed[-1]["nwfilter"]["spec"]
    assert told["xml"].strip() == filters.host.virsh("nwfilter-dumpxml", "vf-own").strip()
    assert (told["parameters"], told["nics"], told["referred_by"]) == (["IP"], [], [])
    deleted = four_times(filters, name="vf-own", state="absent")
    assert deleted[1]["nwfilter"]["state"] == "absent"
    assert succeeded(filters.run(info("vf-own")))["nwfilters"] == []


def test_libvirt_keeps_all_that_an_example_says(filters: Stage) -> None:
    order = ["refs", *sorted({one["spec"]["name"] for one in EXAMPLES.values()} - {"refs"})]
    by_name = {one["spec"]["name"]: one for one in EXAMPLES.values()}
    succeeded(filters.run(nwfilter(name="own")))
    tasks = []
    for name in order:
        spec = by_name[name]["spec"]
        tasks += [nwfilter(**spec), nwfilter(name=name, xml=by_name[name]["xml"])]
    changed = [succeeded(result)["changed"] for result in filters.play(*tasks)]
    assert changed == [True, False] * len(order)


def test_filters_that_libvirt_has_change_nothing_when_given_back(filters: Stage) -> None:
    there = succeeded(filters.run(info("clean-traffic", "no-ip-spoofing", "qemu-announce-self-rarp")))["nwfilters"]
    assert len(there) == 3
    tasks = [nwfilter(True, **one["spec"]) for one in there]
    assert [succeeded(result)["plan"] for result in filters.play(*tasks)] == [[]] * len(tasks)


def test_what_libvirt_brings_is_known(filters: Stage) -> None:
    """On each release: what is not so is in every backup. libvirt's own build has no second copy of its filters."""
    there = succeeded(filters.run(info()))["nwfilters"]
    assert len(there) > 20
    assert {one["packaged"] for one in there} == {filters.root != "modular"}


@pytest.fixture
def shielded(filters: Stage) -> Iterator[Stage]:
    """A hypervisor with a running guest whose filter refers to another one."""
    filters.network(name="shielded", bridge={"name": "vf-shielded"}, ips=[{"address": "192.168.85.1/24"}])
    inner = nwfilter(name="vf-inner", chain="ipv4", rules=[{**OUT, "ip": {"protocol": "udp", "srcportstart": 67}}])
    outer = nwfilter(name="vf-outer", filterrefs=[{"filter": "vf-inner"}])
    for result in filters.play(inner, outer):
        succeeded(result)
    (filters.host.home / "run/lab/shielded.xml").write_text(GUEST)
    filters.host.virsh("define", "/run/lab/shielded.xml")
    filters.host.virsh("start", "shielded", "--paused")
    yield filters
    filters.host.virsh("destroy", "shielded")
    filters.host.virsh("undefine", "shielded")


def rules(stage: Stage) -> str:
    """Return the rules for frames that libvirt has made."""
    return stage.host.run(["ebtables", "-t", "nat", "-L"]).stdout


def test_running_guest_gets_a_change_at_once(shielded: Stage) -> None:
    assert "--ip-sport 67" in rules(shielded).replace("--ip-source-port", "--ip-sport")
    dry_run, real, *_again = four_times(shielded, name="vf-inner", rules=[{**OUT, "ip": {"protocol": "icmp"}}])
    assert {tuple(row["guests"]) for row in real["plan"]} == {("shielded",)}
    assert "guest shielded" in real["diff"][-1]["prepared"]
    assert dry_run["nwfilter"]["uuid"] == real["nwfilter"]["uuid"]
    assert "icmp" in rules(shielded)
    assert "67" not in rules(shielded)


def test_what_is_referred_to_stays(shielded: Stage) -> None:
    assert f"NICs of guests (shielded ({MAC}))" in refused(shielded, name="vf-outer", state="absent")
    assert "filters (vf-outer)" in refused(shielded, name="vf-inner", state="absent")
    (told,) = succeeded(shielded.run(info("vf-outer")))["nwfilters"]
    assert told["nics"] == [{"domain": "shielded", "mac": MAC, "live": True, "saved": True}]


def test_what_no_guest_could_run_with_is_refused(shielded: Stage) -> None:
    before = shielded.host.virsh("nwfilter-dumpxml", "vf-inner")
    message = refused(shielded, name="vf-inner", rules=[{**OUT, "ip": {"srcipaddr": "$SERVER"}}])
    assert f"NIC {MAC} of guest 'shielded' refers to filter 'vf-outer' and does not give SERVER" in message
    assert "'vf-none'" in refused(shielded, name="vf-inner", filterrefs=[{"filter": "vf-none"}])
    assert "refers to itself" in refused(shielded, name="vf-inner", filterrefs=[{"filter": "vf-outer"}])
    assert shielded.host.virsh("nwfilter-dumpxml", "vf-inner") == before
    nic = {"virtfleet.network.virt_iface": {"domain": "shielded", "mac": {"address": MAC}, "apply": "config"}}
    nic["virtfleet.network.virt_iface"]["filterref"] = {"filter": "allow-dhcp-server"}
    assert "needs DHCPSERVER" in json.dumps(shielded.run({**nic, "check_mode": True}))


SPARE = {"name": "spare", "bridge": {"name": "vf-spare"}, "ips": [{"address": "192.168.86.1/24"}]}


def topology(check: bool, *networks: dict[str, Any]) -> Task:
    """Another network and another filter for the guest; the filter that it had goes."""
    nic = {"mac": {"address": MAC}, "source": {"network": "spare"}, "filterref": {"filter": "vf-new"}}
    filters = [{"name": "vf-outer", "state": "absent"}, {"name": "vf-new", "filterrefs": [{"filter": "vf-inner"}]}]
    guest = {"domain": "shielded", "ifaces": [nic]}
    options = {"networks": [SPARE, *networks], "nwfilters": filters, "ifaces": [guest]}
    return {"virtfleet.network.virt_topology": options, "check_mode": check}


def state(stage: Stage) -> list[str]:
    """Return the filters, the networks and the guest, but for the numbers of ports."""
    there = [*sorted(names(stage)), *sorted(stage.networks()), stage.host.virsh("nwfilter-binding-list")]
    return [*there, *re.sub(" portid='[^']*'", "", stage.host.virsh("dumpxml", "shielded")).splitlines()]


def test_filters_and_nics_in_one_task_all_or_none(shielded: Stage) -> None:
    before = state(shielded)
    # The network that the NIC leaves starts no more: the NIC has left it by then.
    message = shielded.run(topology(False, {"name": "shielded", **REFUSED_BY_DNSMASQ}))["msg"]
    for what in ("the NICs of guest 'shielded' were rolled back", "network filter 'vf-new' was removed again"):
        assert what in message
    assert state(shielded) == before
    dry_run, real, *again = [succeeded(one) for one in shielded.play(*(topology(check) for check in RUNS))]
    assert dry_run["plan"] == real["plan"]
    assert [one["changed"] for one in again] == [False, False]
    assert {one["name"]: one["state"] for one in real["nwfilters"]} == {"vf-new": "present", "vf-outer": "absent"}
    assert "vf-new" in shielded.host.virsh("nwfilter-binding-list")
    assert "67" in rules(shielded)


def test_the_diagnosis_names_the_filter_that_drops(shielded: Stage) -> None:
    succeeded(shielded.run(nwfilter(name="vf-inner", rules=[OUT])))
    known = ["ip", "neigh", "replace", "192.168.85.9", "lladdr", MAC, "dev", "vf-shielded", "nud", "permanent"]
    shielded.host.run(known)
    found = succeeded(shielded.run({"virtfleet.network.virt_network_check": {"domain": "shielded"}}))["findings"]
    assert "firewall_rules_missing" not in {one["code"] for one in found}
    dropped = [one["evidence"] for one in found if one["code"] == "filter_drops"]
    assert dropped
    assert all("network filter 'vf-outer' of guest 'shielded' drops packets: " in text for text in dropped)
