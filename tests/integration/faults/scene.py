"""The hypervisor that faults are planted in: a network of each mode, and two guests with a NIC on each."""

from __future__ import annotations

from .kinds import GUESTS, NETWORKS, address, mac, tap

DHCP = {"nat", "rt", "iso"}


def networks() -> list[dict[str, object]]:
    """The networks as the module takes them."""
    found = []
    for name, (mode, bridge, four, six) in NETWORKS.items():
        ranges = [{"start": f"{four}100", "end": f"{four}199"}]
        ips = [{"address": f"{four}1/24", "dhcp": {"ranges": ranges}}, {"address": f"{six}1/64"}]
        forward: dict[str, object] = {"mode": mode} if mode != "isolated" else {}
        forward.update({"nat": {"ipv6": True}} if mode == "nat" else {})
        found.append({"name": name, "forward": forward, "bridge": {"name": bridge}, "ips": ips if four else []})
    return [{key: value for key, value in one.items() if value} for one in found]


def guest(name: str) -> str:
    """A guest that is paused right at its start: it has all that there is on the hypervisor, and costs nothing."""
    nics = "".join(
        f"<interface type='network'><mac address='{mac(name, network)}'/><source network='{network}'/>"
        f"<target dev='{tap(name, network)}'/><model type='virtio'/></interface>"
        for network in NETWORKS
    )
    return (
        f"<domain type='qemu'><name>{name}</name><memory unit='MiB'>32</memory>"
        f"<os><type arch='x86_64' machine='q35'>hvm</type></os><devices>{nics}</devices></domain>"
    )


KNOWN = "\n".join(
    f"ip neigh replace {address(name, network, version)} lladdr {mac(name, network)} dev {bridge} nud permanent"
    for network, (_mode, bridge, four, _six) in NETWORKS.items()
    for name in GUESTS
    for version in (4, 6)
    if four
)
ROUTED = "\n".join(
    f"ip route replace {four}0/24 dev {bridge} proto kernel scope link src {four}1"
    for _mode, bridge, four, _six in NETWORKS.values()
    if four
)
PLUG = "\n".join(f"ip link set tap-{name}-$1 master $bridge up" for name in GUESTS)
# A bridge of the hypervisor, with a cable to nobody as its uplink.
HOST = """
ip link add vf-out up type bridge
ip link add vf-port up type veth peer name vf-wire
ip link set vf-port master vf-out
ip link set vf-wire up
"""
# A program of XDP that drops all: nobody has to compile two instructions.
XDP = r"""
xdp() {
    mkdir -p /run/lab/bpf; mount -t bpf bpf /run/lab/bpf
    python3 -c '
import ctypes, os, struct, sys
def at(buffer): return ctypes.addressof(buffer)
def bpf(command, form, *fields):
    number = {"x86_64": 321, "aarch64": 280}[os.uname().machine]
    given = ctypes.create_string_buffer(struct.pack(form, *fields), 128)
    answer = ctypes.CDLL(None, use_errno=True).syscall(number, command, given, 128)
    assert answer >= 0, os.strerror(ctypes.get_errno())
    return answer
drop = ctypes.create_string_buffer(bytes.fromhex("b7000000010000009500000000000000"))
license, place = ctypes.create_string_buffer(b"GPL"), ctypes.create_string_buffer(b"/run/lab/bpf/drop")
bpf(6, "QI", at(place), bpf(5, "IIQQ", 6, 2, at(drop), at(license)))'
    ip link set dev "$1" xdpgeneric pinned /run/lab/bpf/drop
    umount /run/lab/bpf
}
"""
# What the shell knows in which faults are planted. The neighbours are those that guests make known by a ping.
WORDS = f"""
exec 2>&1
known() {{
{KNOWN}
}} >/dev/null 2>&1
routed() {{
{ROUTED}
}}
uplinked() {{
    until [ "$(cat /sys/class/net/uplink/operstate)" = up ]; do sleep 0.02; done
    ip address replace 192.0.2.2/24 dev uplink
    ip address replace 2001:db8:ffff::2/64 dev uplink nodad
    ip route replace default via 192.0.2.1
    ip -6 route replace default via 2001:db8:ffff::1
}}
plug() {{
    bridge=vf-$1
{PLUG}
known
}}
# A port gets frames when STP has opened it, after four seconds.
forwarding() {{
    for _ in $(seq 60); do cat /sys/class/net/tap-*/brport/state 2>/dev/null | grep -qv 3 || return 0; sleep 0.1; done
}}
# A bridge has one as soon as STP has opened a port.
link_local() {{
    for _ in $(seq 50); do ip -6 address show dev "$1" scope link | grep -q inet6 && break; sleep 0.2; done
    ip -6 -o address show dev "$1" scope link | awk '{{print $4}}'
}}
again() {{ iptables-restore </run/lab/four.rules; ip6tables-restore </run/lab/six.rules; }}
end() {{
    pid=$(cat "/run/libvirt/network/$1.pid"); kill -9 "$pid"; while [ -d "/proc/$pid" ]; do sleep 0.05; done
}}
served() {{
    name=$1; shift
    VIR_BRIDGE_NAME=vf-$name dnsmasq "--conf-file=/var/lib/libvirt/dnsmasq/$name.conf" --leasefile-ro "$@"
}}
hup() {{ virsh -q net-destroy "$1"; virsh -q net-start "$1"; plug "$1"; }}
held() {{
    nohup python3 -c '
import socket, sys, time
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind((sys.argv[1], int(sys.argv[2])))
open("/run/lab/bound", "w").close()
time.sleep(600)' "$1" "$2" >/dev/null 2>&1 </dev/null &
    echo $! >/run/lab/holder
    until [ -e /run/lab/bound ]; do kill -0 $! || exit 1; sleep 0.05; done
}}
freed() {{ kill "$(cat /run/lab/holder)"; rm -f /run/lab/bound; }}
{XDP}"""
