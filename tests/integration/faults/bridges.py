"""Faults of the bridge, of its address and neighbours, and of what serves the network."""

from __future__ import annotations

from .kinds import MANAGED, OUTWARDS, Kind

SIX_AGAIN = "ip address replace GATEWAY6/64 dev BRIDGE nodad"
MACHINE = "ip netns add WORD; ip link add WORD up type veth peer name WORDb netns WORD; ip link set WORD master BRIDGE"
SERVER = (
    "ip -n WORD link set WORDb up; ip -n WORD address add 10.99.99.1/24 dev WORDb; "
    "ip -n WORD address add fd00:99::1/64 dev WORDb nodad; "
    "ip netns exec WORD dnsmasq --conf-file=/dev/null --port=0 --leasefile-ro --interface=WORDb "
    "--pid-file=/run/lab/rival.pid"
)
RESTART = "virsh -q net-destroy NETWORK; virsh -q net-start NETWORK; plug NETWORK"
CONF, HOSTS = (f"/var/lib/libvirt/dnsmasq/NETWORK.{ending}" for ending in ("conf", "hostsfile"))


def setting(name: str, value: str, code: str, on: str = "nat rt iso", names: str = "") -> Kind:
    """A sysctl that breaks it; it is mended by what it was."""
    path = f"/proc/sys/net/{name}"
    return Kind(
        f"cat {path} >/run/lab/setting; echo {value} >{path}",
        f"cat /run/lab/setting >{path}",
        code,
        names or name.replace("/", "."),
        on,
    )


def ignoring(*lines: str, file: str = CONF) -> Kind:
    """Lines for dnsmasq, of which the first one has it lease nothing."""
    added = "; ".join(f"echo '{line}' >>{file}" for line in lines)
    return Kind(f"cp {file} /run/lab/kept.lines; {added}", f"cp /run/lab/kept.lines {file}", "dhcp_refused", lines[0])


BRIDGES = {
    "bridge down": Kind(
        "ip link set BRIDGE down", f"ip link set BRIDGE up; {SIX_AGAIN}; routed; known", "bridge_down", "BRIDGE"
    ),
    "bridge of the hypervisor down": Kind(
        "ip link set BRIDGE down", "ip link set BRIDGE up", "host_bridge_down", "BRIDGE", "out"
    ),
    "no port of the hypervisor's": Kind(
        "ip link set vf-port nomaster", "ip link set vf-port master vf-out", "host_bridge_alone", "vf-out", "out"
    ),
    "address gone": Kind(
        "ip address del GATEWAY/24 dev BRIDGE",
        "ip address add GATEWAY/24 dev BRIDGE; routed; known",
        "address_missing",
        "GATEWAY",
    ),
    "address of IPv6 gone": Kind("ip address del GATEWAY6/64 dev BRIDGE", SIX_AGAIN, "address_missing", "GATEWAY6"),
    "prefix of the address": Kind(
        "ip address add GATEWAY/NUMBERP dev BRIDGE; ip address del GATEWAY/24 dev BRIDGE",
        "ip address add GATEWAY/24 dev BRIDGE; ip address del GATEWAY/NUMBERP dev BRIDGE; routed; known",
        "address_prefix",
        "GATEWAY/NUMBERP",
    ),
    "prefix of the address of IPv6": Kind(
        "ip address del GATEWAY6/64 dev BRIDGE; ip address add GATEWAY6/128 dev BRIDGE nodad",
        f"ip address del GATEWAY6/128 dev BRIDGE; {SIX_AGAIN}",
        "address_prefix",
        "GATEWAY6/128",
    ),
    "IPv6 switched off": Kind(
        "echo 1 >/proc/sys/net/ipv6/conf/BRIDGE/disable_ipv6",
        f"echo 0 >/proc/sys/net/ipv6/conf/BRIDGE/disable_ipv6; {SIX_AGAIN}; known",
        "address_missing ipv6_off",
        "disable_ipv6",
    ),
    "ARP off": Kind(
        "ip link set BRIDGE arp off", f"ip link set BRIDGE arp on; {SIX_AGAIN}; known", "arp_off", "BRIDGE"
    ),
    "ARP ignored": setting("ipv4/conf/BRIDGE/arp_ignore", "8", "arp_off"),
    "ARP ignored everywhere": setting("ipv4/conf/all/arp_ignore", "8", "arp_off"),
    "nobody is asked for a MAC address": setting("ipv4/neigh/BRIDGE/mcast_solicit", "0", "arp_off"),
    "nobody is asked for a MAC address of IPv6": setting("ipv6/neigh/BRIDGE/mcast_solicit", "0", "arp_off"),
    "ARP only as the route leads": Kind(
        "echo 1 >/proc/sys/net/ipv4/conf/BRIDGE/arp_filter; ip route add GUEST dev UPLINK",
        "echo 0 >/proc/sys/net/ipv4/conf/BRIDGE/arp_filter; ip route del GUEST dev UPLINK",
        "arp_off route_elsewhere subnet_overlap",
        "GUEST",
    ),
    "MTU of the bridge": Kind(
        "ip link set BRIDGE mtu 1400", "ip link set BRIDGE mtu 1500", "mtu_small", "BRIDGE", "nat rt iso out"
    ),
    "MTU too small for IPv6": Kind(
        "ip link set BRIDGE mtu 1000", f"ip link set BRIDGE mtu 1500; {SIX_AGAIN}; known", "mtu_small", "BRIDGE"
    ),
    "black hole as the bridge's queue": Kind(
        "tc qdisc add dev BRIDGE root blackhole", "tc qdisc del dev BRIDGE root", "queue_drops", "BRIDGE"
    ),
    "bridge with the guest's MAC address": Kind(
        "cat /sys/class/net/BRIDGE/address >/run/lab/mac; ip link set BRIDGE address MAC",
        'ip link set BRIDGE address "$(cat /run/lab/mac)"; known',
        "mac_elsewhere",
        "MAC",
    ),
    "the bridge's MAC address fixed at a port": Kind(
        "ip link add WORD up type veth peer name WORDb; ip link set WORD master BRIDGE; "
        "bridge fdb replace $(cat /sys/class/net/BRIDGE/address) dev WORD master static",
        "bridge fdb replace $(cat /sys/class/net/BRIDGE/address) dev BRIDGE self permanent; ip link del WORD",
        "mac_elsewhere",
        "WORD",
    ),
    "the guest's address is the hypervisor's own": Kind(
        "ip address add GUEST/32 dev UPLINK",
        "ip address del GUEST/32 dev UPLINK",
        "route_elsewhere subnet_overlap",
        "GUEST",
    ),
    "another machine has the gateway's address": Kind(
        f"{MACHINE}; ip -n WORD address add GATEWAY/24 dev WORDb; ip -n WORD link set WORDb up; sleep 2",
        "ip netns del WORD",
        "address_duplicate",
        "answers ARP for GATEWAY, too, as BRIDGE does: it is behind port WORD",
        probe=True,
    ),
    "the hypervisor answers at another device": Kind(
        "ip link add WORD up type veth peer name WORDb; ip link set WORD master BRIDGE; ip link set WORDb up; sleep 2",
        "ip link del WORD",
        "address_duplicate",
        "WORDb.arp_ignore",
        probe=True,
    ),
    "another machine leases addresses": Kind(
        f"{MACHINE}; {SERVER} --dhcp-range=10.99.99.10,10.99.99.90; sleep 1",
        "kill $(cat /run/lab/rival.pid); ip netns del WORD",
        "rival_server",
        "by DHCP, too, as BRIDGE does: it is behind port WORD",
        probe=True,
    ),
    "another machine is a router": Kind(
        f"{MACHINE}; {SERVER} --enable-ra --dhcp-range=fd00:99::,ra-only; sleep 3",
        "kill $(cat /run/lab/rival.pid); ip netns del WORD",
        "rival_server",
        "as a router, too, as BRIDGE does: it is behind port WORD",
        probe=True,
    ),
    "neighbour fixed": Kind(
        "ip neigh replace GUEST lladdr 02:00:00:00:00:NUMBERH dev BRIDGE nud permanent",
        "known",
        "neighbour_wrong",
        "GUEST",
    ),
    "neighbour of IPv6 fixed": Kind(
        "ip neigh replace GUEST6 lladdr 02:00:00:00:00:NUMBERH dev BRIDGE nud permanent",
        "known",
        "neighbour_wrong",
        "GUEST6",
    ),
    "forwarding off": setting("ipv4/ip_forward", "0", "forwarding_off", OUTWARDS, "net.ipv4"),
    "forwarding off on the bridge": setting("ipv4/conf/BRIDGE/forwarding", "0", "forwarding_off", OUTWARDS),
    "forwarding off on the uplink": setting("ipv4/conf/uplink/forwarding", "0", "forwarding_off", OUTWARDS),
    "forwarding of IPv6 off": setting("ipv6/conf/all/forwarding", "0", "forwarding_off", OUTWARDS, "net.ipv6"),
    "forwarding of IPv6 off on the bridge": setting("ipv6/conf/BRIDGE/forwarding", "0", "forwarding_off", OUTWARDS),
    "no link-local address": Kind(
        'ip address del "$(link_local BRIDGE)" dev BRIDGE',
        "echo 1 >/proc/sys/net/ipv6/conf/BRIDGE/addr_gen_mode; echo 0 >/proc/sys/net/ipv6/conf/BRIDGE/addr_gen_mode",
        "address_missing",
        "ip address add fe80::",
    ),
    "no link-local address is made": Kind(
        'echo 1 >/proc/sys/net/ipv6/conf/BRIDGE/addr_gen_mode; ip address del "$(link_local BRIDGE)" dev BRIDGE',
        "echo 0 >/proc/sys/net/ipv6/conf/BRIDGE/addr_gen_mode",
        "address_missing",
        "BRIDGE.addr_gen_mode",
    ),
    **{
        f"connections of {protocol} are forgotten": setting(
            f"netfilter/nf_conntrack_{name}", "0", "connections_forgotten", on
        )
        for protocol, name, on in (
            ("UDP", "udp_timeout", OUTWARDS),
            ("UDP with an answer", "udp_timeout_stream", OUTWARDS),
            ("TCP", "tcp_timeout_syn_sent", OUTWARDS),
            ("TCP with an answer", "tcp_timeout_established", OUTWARDS),
            ("ICMP", "icmp_timeout", OUTWARDS),
            ("ICMPv6", "icmpv6_timeout", "nat"),
        )
    },
    "frames through the firewall": Kind(
        "echo 1 >/proc/sys/net/bridge/bridge-nf-call-iptables; iptables -I FORWARD -m physdev --physdev-is-bridged "
        "-i BRIDGE -j DROP",
        "iptables -D FORWARD -m physdev --physdev-is-bridged -i BRIDGE -j DROP",
        "firewall_drops bridge_netfilter",
        "-i BRIDGE -m physdev --physdev-is-bridged -j DROP",
        "nat rt iso out",
    ),
    "frames of this bridge through the firewall": Kind(
        "echo 0 >/proc/sys/net/bridge/bridge-nf-call-iptables; ip link set BRIDGE type bridge nf_call_iptables 1; "
        "iptables -I FORWARD -i BRIDGE -o BRIDGE -j DROP",
        "ip link set BRIDGE type bridge nf_call_iptables 0; iptables -D FORWARD -i BRIDGE -o BRIDGE -j DROP",
        "firewall_drops bridge_netfilter",
        "-i BRIDGE -o BRIDGE -j DROP",
        "nat rt iso out",
    ),
}
SERVICES = {
    "dnsmasq dead": Kind("end NETWORK", RESTART, "dnsmasq_missing", "NETWORK"),
    "dnsmasq stuck": Kind(
        'kill -STOP "$(cat /run/libvirt/network/NETWORK.pid)"',
        'kill -CONT "$(cat /run/libvirt/network/NETWORK.pid)"',
        "dns_silent",
        "GATEWAY",
    ),
    "dnsmasq without DNS": Kind(
        "end NETWORK; served NETWORK --port=0", f"end NETWORK; {RESTART}", "dnsmasq_not_listening", "port 53"
    ),
    "dnsmasq without DHCP": Kind(
        f"end NETWORK; sed /dhcp-/d {CONF} >/run/lab/other.conf; served NETWORK --conf-file=/run/lab/other.conf",
        f"end NETWORK; {RESTART}",
        "dnsmasq_not_listening dnsmasq_missing dnsmasq_options",
        "NETWORK",
    ),
    "dnsmasq's options": Kind(
        f"cp {CONF} /run/lab/kept.conf; sed -i s/^dhcp-range=.*// {CONF}",
        f"cp /run/lab/kept.conf {CONF}",
        "dnsmasq_options",
        "dhcp-range=",
    ),
    "dnsmasq that ignores everybody": Kind(
        "end NETWORK; served NETWORK --dhcp-ignore=tag:!WORD --dhcp-vendorclass=set:WORD,nobody",
        f"end NETWORK; {RESTART}",
        "dhcp_silent",
        "offered",
        probe=True,
    ),
    "dnsmasq that ignores all without a tag": Kind(
        "end NETWORK; served NETWORK --dhcp-ignore=tag:!WORD",
        f"end NETWORK; {RESTART}",
        "dhcp_refused",
        "dhcp-ignore=tag:!WORD",
    ),
    **{
        f"offer with another {name}": Kind(
            f"end NETWORK; served NETWORK {option}", f"end NETWORK; {RESTART}", "offer_wrong", name, on, probe=True
        )
        for name, option, on in (
            ("mask", "--dhcp-option=1,255.255.255.255", MANAGED),
            ("router", "--dhcp-option=3,192.0.2.NUMBER", OUTWARDS),
            ("DNS server", "--dhcp-option=6,192.0.2.NUMBER", MANAGED),
        )
    },
    "no DHCP on the bridge": ignoring("no-dhcp-interface=BRIDGE"),
    "dnsmasq that ignores those with a tag": ignoring("dhcp-ignore=tag:WORD", "dhcp-host=MAC,set:WORD"),
    "reservation that ignores the guest": ignoring("MAC,ignore", file=HOSTS),
    "reservation that ignores many": ignoring("52:54:00:90:*:*,ignore", file=HOSTS),
    "file of one's own that ignores the guest": Kind(
        f"cp {CONF} /run/lab/kept.conf; echo dhcp-hostsfile=/run/lab/WORD >>{CONF}; echo MAC,ignore >/run/lab/WORD",
        f"cp /run/lab/kept.conf {CONF}; rm /run/lab/WORD",
        "dhcp_refused",
        "MAC,ignore",
    ),
    "port of DNS taken": Kind(
        "end NETWORK; held GATEWAY 53",
        f"freed; {RESTART}",
        "port_taken",
        "port 53 at GATEWAY",
    ),
    "dnsmasq has nobody to ask": Kind(
        "cp /etc/resolv.conf /run/lab/resolv; : >/etc/resolv.conf; sleep 1; hup NETWORK",
        "cp /run/lab/resolv /etc/resolv.conf; hup NETWORK",
        "dns_upstream",
        "/etc/resolv.conf",
        OUTWARDS,
    ),
    "dnsmasq's server cannot be reached": Kind(
        "cp /etc/resolv.conf /run/lab/resolv; echo nameserver 198.51.100.53 >/etc/resolv.conf; "
        "ip route add KILLS 198.51.100.53; hup NETWORK",
        "cp /run/lab/resolv /etc/resolv.conf; ip route del KILLS 198.51.100.53; hup NETWORK",
        "dns_upstream",
        "198.51.100.53",
        OUTWARDS,
    ),
    "dnsmasq's questions are dropped": Kind(
        "iptables -I OUTPUT -o UPLINK -p udp --dport 53 -j DROP",
        "iptables -D OUTPUT -o UPLINK -p udp --dport 53 -j DROP",
        "dns_upstream firewall_drops",
        "-o uplink -p udp",
        OUTWARDS,
    ),
    "network inactive": Kind(
        "virsh -q net-destroy NETWORK", "virsh -q net-start NETWORK; plug NETWORK", "network_inactive", "NETWORK"
    ),
    "network undefined": Kind(
        "virsh -q net-dumpxml --inactive NETWORK >/run/lab/kept.xml; virsh -q net-undefine NETWORK",
        "virsh -q net-define /run/lab/kept.xml; virsh -q net-autostart NETWORK",
        "transient",
        "NETWORK",
    ),
}
