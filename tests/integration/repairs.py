"""What findings say that it repairs them: the very command or task, for each way to break a hypervisor with a guest."""

from __future__ import annotations

from typing import Any, NamedTuple

from .breakage import BARE, HOST, ISO, NAT, NAT_MAC, shell
from .plays import Task, network

IFACE = "virtfleet.network.virt_iface"
RESTART: Task = network(name="nat", state="restarted", restart="replug")
PEER_MAC, BARE_MAC = "52:54:00:91:00:03", "52:54:00:91:00:04"
WEB_NIC = {"domain": "web", "mac": {"address": NAT_MAC}}
# The command that the first finding reports.
REPORTED = shell("{{ seen.findings[0].remedy }}\nknown")
WIDER: Task = {
    "virtfleet.network.virt_dhcp_range": {"network": "nat", "start": "192.168.91.110", "end": "192.168.91.119"}
}
UNRESERVED = [{"address": "192.168.91.1/24", "dhcp": {"hosts": []}}, {"address": "fd00:91::1/64"}]
ELSEWHERE = [{"address": "192.168.94.1/24", "dhcp": {}}]
# What the findings say that it repairs them, and what is left to be mended then.
REPAIRS: dict[str, tuple[list[Task], str]] = {
    **dict.fromkeys(
        (
            "bridge gone",
            "bridge down",
            "address gone",
            "dnsmasq dead",
            "dnsmasq deaf",
            "dnsmasq's options",
            "dnsmasq stuck",
            "tap on no bridge",
        ),
        ([RESTART], "true"),
    ),
    **dict.fromkeys(("host bridge down", "forwarding off", "IPv6 not forwarded", "tap down"), ([REPORTED], "true")),
    "bridged frames dropped": (
        [REPORTED],
        "iptables -P FORWARD ACCEPT; iptables -D FORWARD -i vf-out -o vf-out -j ACCEPT",
    ),
    "saved otherwise": ([RESTART], "saved s/192.168.91.120/192.168.91.101/; nat_again"),
    "range leased": (
        [WIDER],
        "rm /var/lib/libvirt/dnsmasq/vf-nat.status; saved '/192.168.91.110/d'; nat_again",
    ),
    "reservation elsewhere": (
        [{"virtfleet.network.virt_dhcp_host": {"network": "nat", "mac": "52:54:00:91:00:09", "ip": "192.168.91.9"}}],
        f'virsh -q net-update nat delete ip-dhcp-host "{HOST.format("192.168.91.9")}" --live --config',
    ),
    "another network's subnet": (
        [network(name="other", ips=ELSEWHERE)],
        "virsh -q net-destroy other; virsh -q net-undefine other",
    ),
    "one MAC address twice": (
        [
            {IFACE: {"domain": "twin", "mac": {"address": NAT_MAC}, "state": "absent", "apply": "config"}},
            {
                IFACE: {
                    "domain": "twin",
                    "mac": {"address": PEER_MAC},
                    "source": {"network": "nat"},
                    "apply": "config",
                }
            },
            shell(f"ip neigh replace 192.168.91.101 lladdr {PEER_MAC} dev vf-nat nud permanent"),
            shell("virsh -q destroy twin; virsh -q start --paused twin"),
        ],
        "virsh -q destroy twin; virsh -q undefine twin\nip neigh del 192.168.91.101 dev vf-nat",
    ),
    "NIC waits": ([network(name="nat")], "true"),
    "link down": ([{IFACE: {**WEB_NIC, "link": {"state": "up"}}}], "true"),
    "autostart off": ([network(name="nat", autostart=True)], "true"),
    "stopped": ([network(name="nat")], "nat_again"),
    "bridge left behind": ([network(name="nat")], "nat_again"),
    "bridge somebody's": (
        [network(name="nat", bridge={"name": "vf-nat2"})],
        "ip link del vf-nat; saved s/vf-nat2/vf-nat/; nat_again",
    ),
    "subnet on the uplink": (
        [network(name="nat", ips=ELSEWHERE)],
        "ip address del 192.168.91.7/24 dev uplink; define_nat; nat_again",
    ),
    "forward device gone": (
        [network(name="nat", forward={"mode": "nat", "interfaces": [{"dev": "uplink"}]})],
        "define_nat; nat_again",
    ),
    "MTU that nobody takes": ([network(name="nat", mtu={"size": 1500})], "define_nat; nat_again"),
    "one address for two": ([network(name="nat", ips=UNRESERVED)], "nat_again"),
    "transient": ([network(**NAT)], "true"),
    "network gone": ([network(**ISO), network(name="iso", state="restarted", restart="replug")], "nat_again"),
}


class Repair(NamedTuple):
    """How it is broken, what is looked at, what the finding says that repairs it, and what is left to be mended;
    ``needs`` is a command that fails where the kernel cannot be broken so."""

    breaks: str
    options: dict[str, Any]
    repair: Task
    rest: str = "true"
    needs: str = "true"


ACPI = "<features><acpi/></features>"  # without it, nothing is plugged in while the guest runs
PEER = f"""sed 's/{NAT_MAC}/{PEER_MAC}/; s/<name>twin/<name>peer/' /run/lab/twin.xml >/run/lab/peer.xml
virsh -q create /run/lab/peer.xml --paused
for tap in $(ls /sys/class/net/vf-nat/brif | grep vnet); do bridge link set dev $tap isolated on; done
ip neigh replace 192.168.91.101 lladdr {PEER_MAC} dev vf-nat nud permanent"""
WITHOUT_VLAN = """ip link set vf-nat type bridge vlan_filtering 1; bridge vlan del dev "$(tap)" vid 1"""
# By their codes: those for which the hypervisor as it is does not do.
OTHER_REPAIRS = {
    "guest_without_nic": Repair(
        f"echo '{BARE}' | sed 's-/os>-&{ACPI}-' >/run/lab/bare.xml; virsh -q create /run/lab/bare.xml --paused\n"
        f"ip neigh replace 192.168.91.101 lladdr {BARE_MAC} dev vf-nat nud permanent",
        {"domain": "bare"},
        {IFACE: {"domain": "bare", "mac": {"address": BARE_MAC}, "source": {"network": "nat"}}},
        "virsh -q destroy bare; ip neigh del 192.168.91.101 dev vf-nat",
    ),
    # Whom that refuses goes by what a client says of itself.
    "dhcp_silent": Repair(
        "kill_dnsmasq; served '--dhcp-ignore=tag:!odd' --dhcp-vendorclass=set:odd,nobody",
        {"network": "nat", "probe": True},
        RESTART,
    ),
    "dhcp_refused": Repair("kill_dnsmasq; served '--dhcp-ignore=tag:!known'", {"network": "nat"}, RESTART),
    "offer_wrong": Repair("kill_dnsmasq; served --dhcp-option=3", {"network": "nat", "probe": True}, RESTART),
    "port_isolated": Repair(
        PEER, {"domain": ["web"]}, REPORTED, "virsh -q destroy peer; ip neigh del 192.168.91.101 dev vf-nat"
    ),
    "port_vlan": Repair(
        WITHOUT_VLAN,
        {"domain": "web"},
        REPORTED,
        "ip link set vf-nat type bridge vlan_filtering 0",
        "ip link set vf-nat type bridge vlan_filtering 1",
    ),
}
