"""A hypervisor with a guest is broken, thing by thing and in pairs: what is broken is found, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from . import entries, plays
from .plays import Task, network
from .stage import Stage, succeeded
from .test_access import auditor

pytestmark = pytest.mark.lab

CHECK = "virtfleet.network.virt_network_check"
NAT_MAC, ISO_MAC, BRIDGE_MAC = "52:54:00:91:00:01", "52:54:00:91:00:02", "52:54:00:91:00:99"
NAT: dict[str, object] = {
    "name": "nat",
    "forward": {"mode": "nat"},
    "bridge": {"name": "vf-nat"},
    "mac": {"address": BRIDGE_MAC},
    "ips": [
        {"address": "192.168.91.1/24", "dhcp": {"ranges": [{"start": "192.168.91.100", "end": "192.168.91.101"}]}},
        {"address": "fd00:91::1/64"},
    ],
}
ISO: dict[str, object] = {
    "name": "iso",
    "bridge": {"name": "vf-iso"},
    "ips": [{"address": "192.168.92.1/24", "dhcp": {"ranges": [{"start": "192.168.92.100", "end": "192.168.92.199"}]}}],
}
OUT: dict[str, object] = {"name": "out", "forward": {"mode": "bridge"}, "bridge": {"name": "vf-out"}}
# A guest that is paused right at its start has all that there is on the hypervisor, and costs nothing.
GUEST = f"""<domain type='qemu'><name>web</name><memory unit='MiB'>64</memory>
<os><type arch='x86_64' machine='q35'>hvm</type></os><devices>
<interface type='network'><mac address='{NAT_MAC}'/><source network='nat'/><model type='virtio'/></interface>
<interface type='network'><mac address='{ISO_MAC}'/><source network='iso'/><model type='virtio'/></interface>
</devices></domain>"""
# What every hypervisor's shell below knows; the neighbours are those that a guest makes known by a ping.
WORDS = f"""
set -u
exec 2>&1
tap() {{ virsh -q domiflist web | awk '$3 == "nat" {{print $1}}'; }}
known() {{
    ip neigh replace 192.168.91.100 lladdr {NAT_MAC} dev vf-nat nud permanent
    ip neigh replace 192.168.92.100 lladdr {ISO_MAC} dev vf-iso nud permanent
}}
nat_again() {{
    virsh -q net-destroy nat; virsh -q net-start nat
    virsh -q destroy web; virsh -q start --paused web; known
}}
served() {{ VIR_BRIDGE_NAME=vf-nat dnsmasq --conf-file=/var/lib/libvirt/dnsmasq/nat.conf --leasefile-ro "$@"; }}
dnsmasq_pid() {{ cat /run/libvirt/network/nat.pid; }}
kill_dnsmasq() {{ pid=$(dnsmasq_pid); kill "$pid"; while [ -d "/proc/$pid" ]; do sleep 0.05; done; }}
port() {{
    nohup python3 -c '
import socket, sys, time
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind(("0.0.0.0", int(sys.argv[1])))
open("/run/lab/bound", "w").close()
time.sleep(600)' "$1" >/dev/null 2>&1 </dev/null &
    echo $! >/run/lab/holder
    until [ -e /run/lab/bound ]; do kill -0 $! || exit 1; sleep 0.05; done
}}
port_free() {{ kill "$(cat /run/lab/holder)"; rm -f /run/lab/bound; }}
saved() {{ virsh -q net-dumpxml --inactive nat | sed "$1" >/run/lab/nat.xml; virsh -q net-define /run/lab/nat.xml; }}
"""
RESERVED = """for last in 0 1; do
    host="<host mac='52:54:00:91:01:0$last' ip='192.168.91.10$last'/>"
    virsh -q net-update nat {} ip-dhcp-host "$host" --live --config
done"""
HOST = "<host mac='52:54:00:91:00:09' ip='{}'/>"
TRANSIENT = """virsh -q net-dumpxml nat >/run/lab/nat.xml
virsh -q net-undefine nat; virsh -q net-create /run/lab/nat.xml; virsh -q start --paused web; known"""
STOPPED = "virsh -q net-destroy nat; virsh -q destroy web; "
# What is broken: how, how it is mended, the code of the finding.
RUNNING = {
    "bridge down": ("ip link set vf-nat down", "nat_again", "bridge_down"),
    "forwarding off": (
        "echo 0 >/proc/sys/net/ipv4/ip_forward",
        "echo 1 >/proc/sys/net/ipv4/ip_forward",
        "forwarding_off",
    ),
    "address gone": ("ip address del 192.168.91.1/24 dev vf-nat", "nat_again", "address_missing"),
    "link down": (
        f"virsh -q domif-setlink web {NAT_MAC} down",
        f"virsh -q domif-setlink web {NAT_MAC} up",
        "nic_link_down",
    ),
    "dnsmasq dead": ("kill_dnsmasq", "nat_again", "dnsmasq_missing"),
    "no default route": ("ip route del default", "ip route add default via 192.0.2.1", "no_default_route"),
    "dnsmasq's options": (
        "sed -i s/192.168.91.101/192.168.91.102/ /var/lib/libvirt/dnsmasq/nat.conf",
        "sed -i s/192.168.91.102/192.168.91.101/ /var/lib/libvirt/dnsmasq/nat.conf",
        "dnsmasq_options",
    ),
    "tap on no bridge": ('ip link set "$(tap)" nomaster', 'ip link set "$(tap)" master vf-nat', "nic_cut_off"),
    "dnsmasq deaf": ("kill_dnsmasq; served --port=0", "kill_dnsmasq; nat_again", "dnsmasq_deaf"),
    "autostart off": ("virsh -q net-autostart --disable nat", "virsh -q net-autostart nat", "autostart_off"),
    "dnsmasq stuck": ('kill -STOP "$(dnsmasq_pid)"', 'kill -CONT "$(dnsmasq_pid)"', "dns_silent"),
    "another address": (
        f"ip neigh replace 10.9.9.9 lladdr {ISO_MAC} dev vf-iso nud permanent",
        "ip neigh del 10.9.9.9 dev vf-iso",
        "address_outside",
    ),
    "no translation": (
        "iptables-save -t nat >/run/lab/nat.rules; iptables -t nat -F LIBVIRT_PRT",
        "iptables-restore </run/lab/nat.rules",
        "firewall_rules_missing",
    ),
    "no address": (
        "ip neigh del 192.168.92.100 dev vf-iso",
        "known",
        "no_address",
    ),
    "range reserved": (
        RESERVED.format("add"),
        RESERVED.format("delete"),
        "range_exhausted",
    ),
    "host bridge down": ("ip link set vf-out down", "ip link set vf-out up", "host_bridge_down"),
    "reservation elsewhere": (
        f'virsh -q net-update nat add ip-dhcp-host "{HOST.format("192.168.99.9")}" --live --config',
        f'virsh -q net-update nat delete ip-dhcp-host "{HOST.format("192.168.99.9")}" --live --config',
        "reservation_outside",
    ),
    "host bridge alone": ("ip link set vf-port nomaster", "ip link set vf-port master vf-out", "host_bridge_alone"),
    "route over guests": (
        "ip route add 192.168.91.128/25 via 192.0.2.1",
        "ip route del 192.168.91.128/25",
        "subnet_overlap",
    ),
    "saved otherwise": (
        "saved s/192.168.91.101/192.168.91.120/",
        "saved s/192.168.91.120/192.168.91.101/",
        "restart_pending",
    ),
    "host bridge missing": (
        "ip link del vf-out",
        "ip link add vf-out up type bridge; ip link set vf-port master vf-out",
        "host_bridge_missing",
    ),
    "one MAC address twice": (
        "virsh -q define /run/lab/twin.xml; virsh -q start --paused twin",
        "virsh -q destroy twin; virsh -q undefine twin",
        "mac_duplicate",
    ),
    "bridge gone": ("ip link del vf-nat", "nat_again", "bridge_missing"),
}
NOT_RUNNING = {
    "stopped": (STOPPED, "nat_again", "network_inactive"),
    "bridge left behind": (
        f"{STOPPED} ip link add vf-nat address {BRIDGE_MAC} type bridge",
        "ip link del vf-nat; nat_again",
        "bridge_left_behind",
    ),
    "bridge somebody's": (f"{STOPPED} ip link add vf-nat type bridge", "ip link del vf-nat; nat_again", "bridge_taken"),
    "subnet on the uplink": (
        f"{STOPPED} ip address add 192.168.91.7/24 dev uplink",
        "ip address del 192.168.91.7/24 dev uplink; nat_again",
        "subnet_overlap",
    ),
    "forward device gone": (
        f"{STOPPED} saved \"s/mode='nat'/mode='nat' dev='eth9'/\"",
        "saved \"/interface dev/d; s/ dev='eth9'//\"; nat_again",
        "uplink_missing",
    ),
    "port taken": (
        f"{STOPPED} virsh -q net-destroy iso; port 53",
        "port_free; virsh -q net-start iso; nat_again",
        "port_taken",
    ),
    "transient": (
        f"{STOPPED} {TRANSIENT}",
        "virsh -q net-define /run/lab/nat.xml; virsh -q net-autostart nat",
        "transient",
    ),
    "network gone": (
        "virsh -q net-dumpxml --inactive iso >/run/lab/iso.xml; virsh -q net-destroy iso; virsh -q net-undefine iso",
        "virsh -q net-define /run/lab/iso.xml; virsh -q net-autostart iso; virsh -q net-start iso; nat_again",
        "network_missing",
    ),
}
# Each breaks what the other needs in order to be broken, or mends it.
NEVER_TOGETHER = {"bridge gone", "bridge down"}


def shell(script: str) -> Task:
    return {"ansible.builtin.shell": f"{WORDS}\n{script}", "changed_when": True}


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


def found(stage: Stage, cases: Sequence[tuple[str, str]], **options: object) -> list[list[str]]:
    """Break and mend in turn, in one play; returns what was found each time, and at the end, when all is mended."""
    tasks: list[Task] = []
    mend = "true"
    for broken, mended in cases:
        tasks += [shell(f"{mend}; {broken}"), {CHECK: options}]
        mend = mended
    tasks += [shell(mend), {CHECK: options}]
    play = plays.start(stage.lab.inventory, stage.host.name, tasks)  # a look at the host after each task takes long
    results = plays.finish(play, len(tasks))
    assert not [result for result in results if result.get("failed")]
    return [[finding["code"] for finding in result["findings"]] for result in results[1::2]]


def test_all_is_well_and_dhcp_answers(office: Stage) -> None:
    well = succeeded(office.run({CHECK: {"network": ["nat", "out"], "probe": True}}))
    assert (well["findings"], well["healthy"], well["not_looked_at"]) == ([], True, [])
    assert "veth" not in office.host.run(["ip", "-d", "link", "show", "master", "vf-nat"]).stdout


@entries.ON_ONE
def test_dhcp_that_does_not_answer(office: Stage) -> None:
    office.host.run(["iptables", "-I", "INPUT", "-i", "vf-nat", "-p", "udp", "--dport", "67", "-j", "DROP"])
    deaf = succeeded(office.run({CHECK: {"network": "nat", "probe": True}}))
    office.host.run(["iptables", "-D", "INPUT", "1"])
    assert [finding["code"] for finding in deaf["findings"]] == ["dhcp_silent"]


def test_what_is_broken_is_found_and_nothing_else(office: Stage) -> None:
    cases = {**RUNNING, **NOT_RUNNING}
    *broken, mended = found(office, [(how, mend) for how, mend, _code in cases.values()])
    assert {name: {*codes} for name, codes in zip(cases, broken)} == {name: {case[2]} for name, case in cases.items()}
    assert mended == []


@entries.ON_ONE
def test_of_two_that_are_broken_both_are_found_and_nothing_else(office: Stage) -> None:
    names = [name for name in RUNNING if name not in NEVER_TOGETHER]
    pairs = [*zip(names[::2], names[1::2]), (names[-1], names[0])]
    together = [
        (f"{RUNNING[one][0]}; {RUNNING[other][0]}", f"{RUNNING[other][1]}; {RUNNING[one][1]}") for one, other in pairs
    ]
    *broken, mended = found(office, together)
    codes = [{RUNNING[one][2], RUNNING[other][2]} for one, other in pairs]
    assert dict(zip(pairs, map(set, broken))) == dict(zip(pairs, codes))
    assert mended == []


def test_a_user_without_privileges_sees_the_same_but_the_firewall(office: Stage) -> None:
    result = succeeded(office.play({CHECK: {}}, host=auditor(office))[0])
    assert result["findings"] == []
    assert any("firewall" in what for what in result["not_looked_at"])


def test_a_start_that_fails_says_why(office: Stage) -> None:
    office.host.run(["sh"], input=f"{WORDS}\n{STOPPED} virsh -q net-destroy iso; port 67")
    text = office.refused(**ISO)
    assert "python3" in text
    assert "listens on udp port 67 at all addresses (port_taken)" in text
    office.host.run(["sh"], input=f"{WORDS}\nport_free; virsh -q net-start iso; nat_again")
