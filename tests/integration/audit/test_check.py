"""A hypervisor with a guest is broken, thing by thing and in pairs: what is broken is found, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from tests.deep import sampled
from tests.lab.root import MODULAR

from .. import entry_tasks, plays
from ..breakage import (
    BARE,
    CHECK,
    FLUSHED,
    GUEST,
    ISO,
    ISO_MAC,
    NAT,
    NEVER_TOGETHER,
    NOT_OUT,
    NOT_RUNNING,
    OUT,
    OUT_AGAIN,
    RUNNING,
    STOPPED,
    WORDS,
    Case,
    shell,
)
from ..network.test_access import auditor
from ..nftables import nftables_backend
from ..obstacles import COMMANDS, OBSTACLES
from ..plays import Task, network
from ..repairs import OTHER_REPAIRS, REPAIRS
from ..stage import Stage, succeeded, wait_for

pytestmark = pytest.mark.lab

SECONDS = 900  # for all that is broken in turn, on a busy machine


@pytest.fixture(scope="module")
def office(whole_stage: Stage) -> Iterator[Stage]:
    """A hypervisor where all is well: three networks, one of them on a bridge of its own, and a guest."""
    run = whole_stage.host.run
    run(["sh", "-e"], input="ip link add vf-out up type bridge; ip link add vf-port up master vf-out type veth")
    for definition in (NAT, ISO, OUT):
        succeeded(whole_stage.run(network(**definition)))
    place = whole_stage.host.home / "run/lab"
    (place / "web.xml").write_text(GUEST)
    twin = [line for line in GUEST.replace("<name>web", "<name>twin").splitlines() if ISO_MAC not in line]
    (place / "twin.xml").write_text("\n".join(twin))
    run(["sh"], input=f"{WORDS}\nvirsh -q define /run/lab/web.xml; virsh -q start --paused web; known")
    yield whole_stage
    run(["sh"], input="virsh -q destroy web; virsh -q undefine web; ip link del vf-out; ip link del vf-port")
    whole_stage.clear()


def found(
    stage: Stage, cases: Sequence[tuple[str, str]], repairs: Mapping[int, tuple[list[Task], str]] | None = None
) -> list[list[str]]:
    """Break and mend in turn, in one play; returns what was found each time, and at the end, when all is mended: each
    code once, in the order of the findings.

    Where there is a repair, that is done instead of mending, and what is found after it comes behind.
    """
    tasks: list[Task] = []
    mend = "true"
    for number, (broken, mended) in enumerate(cases):
        tasks += [shell(f"{mend}\n{broken}"), {CHECK: {}, "register": "seen"}]
        mend = mended
        if repairs and number in repairs:
            repair, mend = repairs[number]
            tasks += [*repair, shell("known"), {CHECK: {}}]
    tasks += [shell(mend), {CHECK: {}}]
    play = plays.start(stage.lab.inventory, stage.host.name, tasks)  # a look at the host after each task takes long
    results = plays.finish(play, len(tasks), SECONDS)
    assert not [result for result in results if result.get("failed")]
    looks = [result["findings"] for result in results if "findings" in result]
    return [list(dict.fromkeys(finding["code"] for finding in findings)) for findings in looks]


def test_all_is_well_and_dhcp_answers(office: Stage) -> None:
    well = succeeded(office.run({CHECK: {"network": ["nat", "out"], "probe": True}}))
    kept = "nftables, which keeps it on the hypervisor, is missing or refuses"
    # Debian 11's has no tables that end with their owner.
    outside = [4, 6] if office.version < (9,) else []
    unseen = [f"whether outside of IPv{version} answers a client on vf-nat: {kept}" for version in outside]
    assert (well["findings"], well["healthy"], well["not_looked_at"]) == ([], True, unseen)
    assert "veth" not in office.host.run(["ip", "-d", "link", "show", "master", "vf-nat"]).stdout


@entry_tasks.ON_ONE
def test_what_is_named_and_not_there(office: Stage) -> None:
    office.host.run(["sh", "-e"], input=f"virsh -q define /run/lab/twin.xml; echo '{BARE}' >/run/lab/bare.xml")
    office.host.virsh("create", "/run/lab/bare.xml", "--paused")
    cases = {
        "network_missing": {"network": "nowhere"},
        "guest_missing": {"domain": "nobody"},
        "guest_stopped": {"domain": "twin"},
        "guest_without_nic": {"domain": "bare"},
    }
    looks = entry_tasks.play(office, [{CHECK: options} for options in cases.values()])
    office.host.run(["sh"], input="virsh -q undefine twin; virsh -q destroy bare")
    assert [[finding["code"] for finding in look["findings"]] for look in looks] == [[code] for code in cases]


@entry_tasks.ON_ONE
def test_a_definition_that_libvirt_breaks_is_found_beside_all_others(office: Stage) -> None:
    define = """virsh -q net-define /dev/stdin <<END
<network><name>odd</name><bridge name="vf-odd"/><portgroup name="a&apos;b"/></network>
END
"""
    broken = entry_tasks.play(office, [shell(f"{define}ip link set vf-nat mtu 1400"), {CHECK: {}}])[1]["findings"]
    office.host.run(["sh", "-e"], input="virsh -q net-undefine odd; ip link set vf-nat mtu 1500")
    assert [(one["code"], one["network"]) for one in broken] == [("definition_broken", "odd"), ("mtu_small", "nat")]
    assert "libvirt gives a definition of network 'odd' that is not well-formed XML" in broken[0]["evidence"]


@entry_tasks.ON_ONE
@pytest.mark.deep
@pytest.mark.parametrize("code", sampled(list(OTHER_REPAIRS), 2))
def test_what_a_finding_says_repairs_it(office: Stage, code: str) -> None:
    case = OTHER_REPAIRS[code]
    if office.host.run(["sh", "-c", case.needs], check=False).returncode:
        pytest.skip(f"the kernel refuses: {case.needs}")
    check: Task = {CHECK: case.options, "register": "seen"}
    *_before, broken, _repair, _known, mended = entry_tasks.play(
        office, [shell(case.breaks), check, case.repair, shell("known"), check]
    )
    office.host.run(["sh"], input=f"{WORDS}\n{case.rest}")
    assert ([one["code"] for one in broken["findings"]], mended["findings"]) == ([code], [])


def test_a_restart_of_the_daemon_brings_flushed_rules_back(office: Stage) -> None:
    office.host.run(["sh", "-c", "iptables -F; iptables -t nat -F; ip6tables -F"])
    flushed = {one["code"]: one["remedy"] for one in succeeded(office.run({CHECK: {}}))["findings"]}
    daemon = "virtnetworkd" if office.root == MODULAR else "libvirtd"
    assert flushed == {"firewall_rules_missing": f"systemctl restart {daemon}"}
    office.host.restart_libvirtd()
    wait_for(lambda: found(office, []) == [[]])


@entry_tasks.ON_ONE
def test_dhcp_that_does_not_answer(office: Stage) -> None:
    office.host.run(["iptables", "-I", "INPUT", "-i", "vf-nat", "-p", "udp", "--dport", "67", "-j", "DROP"])
    deaf = succeeded(office.run({CHECK: {"network": "nat", "probe": True}}))
    office.host.run(["iptables", "-D", "INPUT", "1"])
    (found,) = deaf["findings"]
    assert (found["code"], found["remedy"]) == (
        "firewall_drops",
        "iptables -t filter -D INPUT -i vf-nat -p udp -m udp --dport 67 -j DROP",
    )


@entry_tasks.ON_ONE
@pytest.mark.deep
@pytest.mark.parametrize("every,size", [(RUNNING, 12), (NOT_RUNNING, 4)], ids=["running", "not running"])
def test_what_is_broken_is_found_and_nothing_else_until_it_is_repaired(
    office: Stage, every: Mapping[str, Case], size: int
) -> None:
    cases = {name: every[name] for name in sampled(list(every), size)}
    repairs = {number: REPAIRS[name] for number, name in enumerate(cases) if name in REPAIRS}
    *looks, mended = found(office, [(how, mend) for how, mend, _code in cases.values()], repairs)
    told = iter(looks)
    seen = {name: [next(told), *([next(told)] if name in REPAIRS else [])] for name in cases}
    assert seen == {name: [[case[2]], *([[]] if name in REPAIRS else [])] for name, case in cases.items()}
    assert mended == []


@entry_tasks.ON_THE_OTHER
def test_of_two_that_are_broken_both_are_found_and_nothing_else(office: Stage) -> None:
    names = [name for name in RUNNING if name not in NEVER_TOGETHER]
    half = len(names) // 2
    pairs = [*zip(names[:half], names[half:])]
    together = [
        ("\n".join((RUNNING[one][0], RUNNING[other][0])), "\n".join((RUNNING[other][1], RUNNING[one][1])))
        for one, other in pairs
    ]
    *broken, mended = found(office, together)
    assert dict(zip(pairs, broken)) == {pair: [RUNNING[name][2] for name in pair] for pair in pairs}
    assert mended == []


@entry_tasks.ON_ONE
def test_what_stands_in_the_way_is_found_and_its_remedy_mends_it(office: Stage) -> None:
    flags = office.host.run(["sh", "-c", "bridge link help 2>&1"], check=False).stdout.split()
    # Of a port's flags, Debian 11's bridge knows only some.
    names = [
        name
        for name in sampled(list(OBSTACLES), 8)
        if not (flag := re.match(r"bridge link set dev \S+ (\w+)", OBSTACLES[name].breaks)) or flag[1] in flags
    ]
    tasks: list[Task] = []
    for name in names:
        one = OBSTACLES[name]
        remedy = f"{{{{ seen.findings[0].remedy if seen.findings[0].remedy.split()[0] in {COMMANDS} else mends }}}}"
        mended = {**shell(f"{remedy}\n{one.rest}\nknown"), "vars": {"mends": one.mends}}
        tasks += [shell(one.breaks), {CHECK: {"domain": "web"}, "register": "seen"}, mended, {CHECK: {}}]
    play = plays.start(office.lab.inventory, office.host.name, tasks)
    results = plays.finish(play, len(tasks), SECONDS)
    assert not [result for result in results if result.get("failed")]
    looks = [result for result in results if "findings" in result]
    seen = {name: {one["code"] for one in look["findings"]} for name, look in zip(names, looks[::2])}
    assert seen == {name: {OBSTACLES[name].code} for name in names}
    ends = {name: [way["ends"] for way in look["way"] if way["ends"]] for name, look in zip(names, looks[::2])}
    assert [name for name in names if not ends[name]] == []
    left = {name: [one["evidence"] for one in look["findings"]] for name, look in zip(names, looks[1::2])}
    assert left == {name: [] for name in names}


@pytest.fixture
def nftables(office: Stage) -> Iterator[Stage]:
    with nftables_backend(office) as stage:
        yield stage


def test_rules_of_nftables(nftables: Stage) -> None:
    run = nftables.host.run
    assert 'iif "vf-nat"' in run(["nft", "list", "ruleset"]).stdout
    assert "vf-nat" not in run(["iptables-save"]).stdout
    run(["sh", "-c", "nft list ruleset >/run/lab/nft.rules"])
    again = "nft flush ruleset; nft -f /run/lab/nft.rules"
    *looks, two, mended = found(nftables, [*((how, again) for how in FLUSHED), (NOT_OUT, f"{again}; {OUT_AGAIN}")])
    assert dict(zip(FLUSHED, looks)) == {how: ["firewall_rules_missing"] for how in FLUSHED}
    assert (two, mended) == (["forwarding_off", "firewall_rules_missing"], [])
    run(["nft", "flush", "ruleset"])
    # What the remedy says. In the first one, libvirt 11.3 may delete one network's new rules for old ones of another:
    # it goes by the handles that it has stored, and a new table counts from one again.
    nftables.host.restart_libvirtd()
    nftables.host.restart_libvirtd()  # the daemon answers before it has done it
    wait_for(lambda: found(nftables, []) == [[]])


def test_a_user_without_privileges_sees_the_same_but_the_firewall(office: Stage) -> None:
    result = succeeded(office.play({CHECK: {}}, host=auditor(office))[0])
    assert result["findings"] == []
    assert any("firewall" in what for what in result["not_looked_at"])


RULES = 10_000
FOREIGN = f"""exec iptables-restore --noflush <<END
*filter
:FOREIGN -
{chr(10).join(f"-A FOREIGN -s 10.{number >> 8}.{number & 255}.0/24 -j DROP" for number in range(RULES))}
-I FORWARD -j FOREIGN
COMMIT
END"""


@entry_tasks.ON_ONE
def test_leases_that_nobody_can_read_and_ten_thousand_rules_are_not_fatal(office: Stage) -> None:
    office.host.run(["sh"], input="echo '[{' >/var/lib/libvirt/dnsmasq/vf-nat.status")
    office.host.run(["sh"], input=FOREIGN)
    try:
        result = succeeded(office.run({CHECK: {}}))
    finally:
        office.host.run(["sh"], input="iptables -D FORWARD -j FOREIGN; iptables -F FOREIGN; iptables -X FOREIGN")
        office.host.run(["rm", "/var/lib/libvirt/dnsmasq/vf-nat.status"])
    assert result["findings"] == []
    assert [text for text in result["not_looked_at"] if "the leases of network 'nat'" in text]


@pytest.fixture
def overtaken(office: Stage) -> Iterator[Stage]:
    """The hypervisor where another program takes the port of DHCP once libvirt has begun to start a network, which it
    does once."""
    hook = "/etc/libvirt/hooks/network"
    script = f'#!/bin/sh\n{WORDS}\n[ "$1 $2" != "iso start" ] || {{ rm "$0"; port 67; }}\n'
    office.host.run(["sh", "-c", f"mkdir -p {Path(hook).parent}; cat >{hook}; chmod +x {hook}"], input=script)
    office.host.restart_libvirtd()  # it looks for hooks when it starts
    yield office
    office.host.restart_libvirtd()


def test_a_start_that_fails_says_why(overtaken: Stage) -> None:
    office = overtaken
    office.host.run(["sh"], input=f"{WORDS}\n{STOPPED} virsh -q net-destroy iso")
    text = office.refused(**ISO)
    assert "python3" in text
    assert "listens on udp port 67 at all addresses (port_taken)" in text
    office.host.run(["sh"], input=f"{WORDS}\nport_free; virsh -q net-start iso; nat_again")
