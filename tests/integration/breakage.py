"""How a hypervisor with a guest is broken, and how it is mended."""

from __future__ import annotations

from ansible_collections.virtfleet.network.plugins.module_utils._values.parking import parking_of

from .plays import Task

# How it is broken, how it is mended, the code of the finding.
Case = tuple[str, str, str]
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
BARE = '<domain type="qemu"><name>bare</name><memory unit="MiB">64</memory><os><type>hvm</type></os></domain>'
PARKING = parking_of("nat").network
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
unserved() {{ : >/var/lib/libvirt/dnsmasq/nat.hostsfile; }}
waiting() {{
    echo "<network><name>{PARKING}</name><bridge name='vf-park'/></network>" >/run/lab/parking.xml
    virsh -q net-create /run/lab/parking.xml
}}
move() {{
    mac='<mac address="{NAT_MAC}"/>'
    echo "<interface type='network'>$mac<source network='$1'/><model type='virtio'/></interface>" >/run/lab/nic.xml
    virsh -q update-device web /run/lab/nic.xml --live
}}
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
keep_nat() {{ virsh -q net-dumpxml --inactive nat >/run/lab/nat.kept; }}
define_nat() {{ virsh -q net-define /run/lab/nat.kept; }}
saved() {{ virsh -q net-dumpxml --inactive nat | sed "$1" >/run/lab/nat.xml; virsh -q net-define /run/lab/nat.xml; }}
"""
RESERVED = """for last in 0 1; do
    host="<host mac='52:54:00:91:01:0$last' ip='192.168.91.10$last'/>"
    virsh -q net-update nat {} ip-dhcp-host "$host" --live --config
done"""
HOST = "<host mac='52:54:00:91:00:09' ip='{}'/>"
TRANSIENT = """virsh -q net-dumpxml nat >/run/lab/nat.xml
virsh -q net-undefine nat; virsh -q net-create /run/lab/nat.xml; virsh -q start --paused web; known"""
# In the words of the helper that writes down dnsmasq's leases.
LEASED = """cat >/var/lib/libvirt/dnsmasq/vf-nat.status <<END
[{"ip-address": "192.168.91.100", "mac-address": "52:54:00:91:02:00", "expiry-time": 4000000000},
 {"ip-address": "192.168.91.101", "mac-address": "52:54:00:91:02:01", "expiry-time": 4000000000}]
END"""
OTHER = """cat >/run/lab/other.xml <<END
<network><name>other</name><bridge name='vf-other'/><ip address='192.168.91.129' prefix='25'/></network>
END
virsh -q net-define /run/lab/other.xml; virsh -q net-autostart other; virsh -q net-start other"""
ONE_FOR_TWO = "<host mac='52:54:00:91:01:00' ip='192.168.91.9'/><host mac='52:54:00:91:01:01' ip='192.168.91.9'/>"
STOPPED = "keep_nat; virsh -q net-destroy nat; virsh -q destroy web; "
# Errors before warnings, causes before what they cause: of two, the first is found first.
RUNNING: dict[str, Case] = {
    "host bridge missing": (
        "ip link del vf-out",
        "ip link add vf-out up type bridge; ip link set vf-port master vf-out",
        "host_bridge_missing",
    ),
    "host bridge down": ("ip link set vf-out down", "ip link set vf-out up", "host_bridge_down"),
    "another network's subnet": (OTHER, "virsh -q net-destroy other; virsh -q net-undefine other", "subnet_overlap"),
    "route over guests": (
        "ip route add 192.168.91.128/25 via 192.0.2.1",
        "ip route del 192.168.91.128/25",
        "subnet_overlap",
    ),
    "bridge gone": ("ip link del vf-nat", "nat_again", "bridge_missing"),
    "bridge down": ("ip link set vf-nat down", "nat_again", "bridge_down"),
    "address gone": ("ip address del 192.168.91.1/24 dev vf-nat", "nat_again", "address_missing"),
    "dnsmasq dead": ("kill_dnsmasq", "nat_again", "dnsmasq_missing"),
    "reservation not served": (
        f'virsh -q net-update nat add ip-dhcp-host "{HOST.format("192.168.91.9")}" --live --config; unserved',
        f'virsh -q net-update nat delete ip-dhcp-host "{HOST.format("192.168.91.9")}" --live --config',
        "dnsmasq_options",
    ),
    "dnsmasq's options": (
        "sed -i s/192.168.91.101/192.168.91.102/ /var/lib/libvirt/dnsmasq/nat.conf",
        "sed -i s/192.168.91.102/192.168.91.101/ /var/lib/libvirt/dnsmasq/nat.conf",
        "dnsmasq_options",
    ),
    "dnsmasq deaf": ("kill_dnsmasq; served --port=0", "kill_dnsmasq; nat_again", "dnsmasq_not_listening"),
    "dnsmasq stuck": ('kill -STOP "$(dnsmasq_pid)"', 'kill -CONT "$(dnsmasq_pid)"', "dns_silent"),
    "range leased": (LEASED, "rm /var/lib/libvirt/dnsmasq/vf-nat.status", "range_exhausted"),
    "range reserved": (
        RESERVED.format("add"),
        RESERVED.format("delete"),
        "range_exhausted",
    ),
    "forwarding off": (
        "echo 0 >/proc/sys/net/ipv4/ip_forward",
        "echo 1 >/proc/sys/net/ipv4/ip_forward",
        "forwarding_off",
    ),
    "IPv6 not forwarded": (
        "echo 0 >/proc/sys/net/ipv6/conf/vf-nat/forwarding",
        "echo 1 >/proc/sys/net/ipv6/conf/vf-nat/forwarding",
        "forwarding_off",
    ),
    "jumps flushed": (
        "iptables-save -t filter >/run/lab/filter.rules; iptables -F FORWARD",
        "iptables-restore </run/lab/filter.rules",
        "firewall_rules_missing",
    ),
    "no translation": (
        "iptables-save -t nat >/run/lab/nat.rules; iptables -t nat -F LIBVIRT_PRT",
        "iptables-restore </run/lab/nat.rules",
        "firewall_rules_missing",
    ),
    "bridged frames dropped": (
        "iptables -P FORWARD DROP; echo 1 >/proc/sys/net/bridge/bridge-nf-call-iptables",
        "iptables -P FORWARD ACCEPT",
        "bridge_netfilter",
    ),
    "reservation elsewhere": (
        f'virsh -q net-update nat add ip-dhcp-host "{HOST.format("192.168.99.9")}" --live --config',
        f'virsh -q net-update nat delete ip-dhcp-host "{HOST.format("192.168.99.9")}" --live --config',
        "reservation_outside",
    ),
    "NIC waits": (f"waiting; move {PARKING}", f"move nat; virsh -q net-destroy {PARKING}", "nic_parked"),
    "link down": (
        f"virsh -q domif-setlink web {NAT_MAC} down",
        f"virsh -q domif-setlink web {NAT_MAC} up",
        "nic_link_down",
    ),
    "tap down": ('ip link set "$(tap)" down', 'ip link set "$(tap)" up', "nic_tap_down"),
    "tap on no bridge": ('ip link set "$(tap)" nomaster', 'ip link set "$(tap)" master vf-nat', "nic_disconnected"),
    "one MAC address twice": (
        "virsh -q define /run/lab/twin.xml; virsh -q start --paused twin",
        "virsh -q destroy twin; virsh -q undefine twin",
        "mac_duplicate",
    ),
    "another address": (
        f"ip neigh replace 10.9.9.9 lladdr {ISO_MAC} dev vf-iso nud permanent",
        "ip neigh del 10.9.9.9 dev vf-iso",
        "address_outside",
    ),
    "host bridge alone": ("ip link set vf-port nomaster", "ip link set vf-port master vf-out", "host_bridge_alone"),
    "uplink down": (
        "ip link set uplink down",
        "ip link set uplink up; ip route add default via 192.0.2.1",
        "no_default_route",
    ),
    "no default route": ("ip route del default", "ip route add default via 192.0.2.1", "no_default_route"),
    "no address": (
        "ip neigh del 192.168.92.100 dev vf-iso",
        "known",
        "no_address",
    ),
    "saved otherwise": (
        "saved s/192.168.91.101/192.168.91.120/",
        "saved s/192.168.91.120/192.168.91.101/",
        "restart_pending",
    ),
    "autostart off": ("virsh -q net-autostart --disable nat", "virsh -q net-autostart nat", "autostart_off"),
}
NOT_RUNNING: dict[str, Case] = {
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
    "forward device down": (
        f"{STOPPED} ip link add vf-wan type bridge; saved \"s/mode='nat'/mode='nat' dev='vf-wan'/\"",
        "ip link del vf-wan; saved \"/interface dev/d; s/ dev='vf-wan'//\"; nat_again",
        "uplink_missing",
    ),
    "MTU that nobody takes": (
        f"{STOPPED} saved \"s#<mac #<mtu size='9'/><mac #\"",
        "saved '/<mtu /d'; nat_again",
        "definition_invalid",
    ),
    "one address for two": (
        f'{STOPPED} saved "s#</dhcp>#{ONE_FOR_TWO}</dhcp>#"',
        "saved '/<host /d'; nat_again",
        "definition_odd",
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
FLUSHED = (
    "nft flush ruleset",
    "nft delete table ip6 libvirt_network",
    "nft flush chain ip libvirt_network guest_nat",
    "nft flush chain ip libvirt_network forward",
)
NOT_OUT = f"nft flush table ip libvirt_network; {RUNNING['forwarding off'][0]}"
OUT_AGAIN = RUNNING["forwarding off"][1]


def shell(script: str) -> Task:
    return {"ansible.builtin.shell": f"{WORDS}\n{script}", "changed_when": True}
