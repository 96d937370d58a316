"""Faults of iptables, ebtables and arptables, and of the rules that libvirt has made itself."""

from __future__ import annotations

from .firewalls import DROPS
from .kinds import OUTWARDS, Kind

SAVE = "iptables-save >/run/lab/four.rules; ip6tables-save >/run/lab/six.rules"


def tool(text: str, table: str = "filter", name: str = "iptables", **more: str) -> Kind:
    """A rule of somebody's iptables, first in its chain."""
    words = {"codes": DROPS, "names": text.partition(" ")[2], "on": OUTWARDS, **more}
    chain = text.partition(" ")[0]
    return Kind(
        f"{name} -t {table} -I {text}",
        f"{name} -t {table} -D {text}",
        words["codes"],
        words["names"] or f"{table} {chain}",
        words["on"],
        more.get("probe") == "yes",
    )


TOOLS = {
    "DROP in FORWARD": tool("FORWARD -i BRIDGE -j DROP"),
    "DROP on the way back": tool("FORWARD -o BRIDGE -j DROP"),
    "DROP in FORWARD of IPv6": tool("FORWARD -i BRIDGE -j DROP", name="ip6tables"),
    "REJECT in FORWARD": tool("FORWARD -s SUBNET -j REJECT", names="-s SUBNET -j REJECT"),
    "policy of FORWARD": Kind(
        f"{SAVE}; iptables -P FORWARD DROP; iptables -F LIBVIRT_FWI",
        "iptables -P FORWARD ACCEPT; again",
        "firewall_rules_missing",
        "LIBVIRT_FWI",
        OUTWARDS,
    ),
    "DROP in INPUT": tool("INPUT -i BRIDGE -j DROP", on="nat rt iso"),
    "DROP in INPUT of IPv6": tool("INPUT -i BRIDGE -j DROP", name="ip6tables", on="nat rt iso"),
    "DROP in OUTPUT": tool("OUTPUT -o BRIDGE -j DROP", on="nat rt iso"),
    "DROP in raw": tool("PREROUTING -i BRIDGE -j DROP", "raw", on="nat rt iso"),
    "DROP in raw's OUTPUT": tool("OUTPUT -o BRIDGE -j DROP", "raw", on="nat rt iso"),
    "DROP in mangle": tool("PREROUTING -s SUBNET -j DROP", "mangle", on="nat rt iso"),
    "DROP in mangle's POSTROUTING": tool("POSTROUTING -o BRIDGE -j DROP", "mangle", on="nat rt iso"),
    "DROP in mangle's FORWARD": tool("FORWARD -i BRIDGE -j DROP", "mangle"),
    "DROP in security": tool("FORWARD -i BRIDGE -j DROP", "security"),
    "DROP by MAC address": tool("INPUT -m mac --mac-source MAC -j DROP", on="nat rt iso"),
    "DROP by a range": tool("FORWARD -m iprange --src-range GUEST-GUEST -j DROP"),
    "DROP by ports": tool("FORWARD -i BRIDGE -p tcp -m multiport --dports 80,443 -j DROP"),
    "DROP by state": tool("FORWARD -i BRIDGE -m conntrack --ctstate NEW -j DROP"),
    "DROP by length": tool("FORWARD -i BRIDGE -m length --length 0:65535 -j DROP"),
    "DROP by time to live": tool("FORWARD -i BRIDGE -m ttl --ttl-lt 255 -j DROP"),
    "DROP by type of address": tool(
        "PREROUTING -i BRIDGE -m addrtype --src-type UNICAST -j DROP", "raw", on="nat rt iso"
    ),
    "DROP by chance": tool(
        "FORWARD -i BRIDGE -m statistic --mode random --probability 1 -j DROP", names="meta random", probe="yes"
    ),
    "DROP by a string": tool(
        "INPUT -i BRIDGE -p udp -m string --algo bm --string version -j DROP",
        names="string",
        on="nat rt iso",
        probe="yes",
    ),
    "DROP by the kernel's user": tool(
        "OUTPUT -o BRIDGE -m owner --uid-owner 0-65000 -j DROP", names="skuid", on="nat rt iso", probe="yes"
    ),
    "DROP in a chain of one's own": Kind(
        "iptables -N WORD; iptables -A WORD -s SUBNET -j DROP; iptables -I FORWARD -j WORD",
        "iptables -D FORWARD -j WORD; iptables -F WORD; iptables -X WORD",
        DROPS,
        "WORD -s SUBNET -j DROP",
        OUTWARDS,
    ),
    "DNS redirected": tool(
        "PREROUTING -i BRIDGE -p udp -m udp --dport 53 -j REDIRECT --to-ports 5353",
        "nat",
        codes="firewall_redirects",
        on="nat rt iso",
    ),
    "DNS led elsewhere": tool(
        "PREROUTING -i BRIDGE -p udp -m udp --dport 53 -j DNAT --to-destination 192.0.2.99",
        "nat",
        codes="firewall_redirects",
        on="nat rt iso",
    ),
    "RETURN before MASQUERADE": tool("POSTROUTING -s SUBNET -j RETURN", "nat", codes="not_translated", on="nat"),
    "SNAT to another address": tool(
        "POSTROUTING -s SUBNET -o uplink -j SNAT --to-source 203.0.113.9", "nat", codes="translated_wrongly"
    ),
    "TTL of one": tool("PREROUTING -i BRIDGE -j TTL --ttl-set 1", "mangle", codes="packets_expire"),
    "HL of one": tool("PREROUTING -i BRIDGE -j HL --hl-set 1", "mangle", "ip6tables", codes="packets_expire"),
    "NOTRACK": tool("PREROUTING -s SUBNET -j NOTRACK", "raw", codes="not_translated", on="nat", names="-s SUBNET -j"),
    "zone of connections": tool(
        "PREROUTING -i BRIDGE -j CT --zone 7",
        "raw",
        codes="no_answer not_translated firewall_drops",
        names="--zone 7",
        on="nat",
    ),
    "TPROXY": tool(
        "PREROUTING -i BRIDGE -p tcp -m tcp --dport 443 -j TPROXY --on-port 9 --on-ip 127.0.0.1 --tproxy-mark 0x7",
        "mangle",
        codes="firewall_redirects",
        names="TPROXY",
    ),
    "DROP by who came before": tool(
        "FORWARD -i BRIDGE -m recent --name WORD --set -j DROP", names="recent", probe="yes"
    ),
    "DROP by the number of connections": tool(
        "FORWARD -i BRIDGE -m connlimit --connlimit-above 0 -j DROP", names="connlimit", probe="yes"
    ),
    "DROP of connections' first packets": tool(
        "FORWARD -i BRIDGE -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j DROP"
    ),
    "DROP of all but others": tool("FORWARD ! -s 10.0.0.0/8 -i BRIDGE -j DROP"),
    "policy of ebtables": Kind(
        "ebtables -P FORWARD DROP", "ebtables -P FORWARD ACCEPT", DROPS, "bridge filter FORWARD", "nat rt iso out"
    ),
    "frames of ebtables": Kind(
        "ebtables -I INPUT -i TAP -j DROP", "ebtables -D INPUT -i TAP -j DROP", DROPS, "TAP", "nat rt iso"
    ),
    "frames of ebtables in nat": Kind(
        "ebtables -t nat -I PREROUTING -s MAC -j DROP",
        "ebtables -t nat -D PREROUTING -s MAC -j DROP",
        DROPS,
        "MAC",
        "nat rt iso out",
    ),
    "ARP of ebtables": Kind(
        "ebtables -I INPUT -p ARP -j DROP", "ebtables -D INPUT -p ARP -j DROP", DROPS, "arp", "nat rt iso"
    ),
    "ARP of arptables": Kind(
        "arptables -I INPUT -i BRIDGE -j DROP", "arptables -D INPUT -i BRIDGE -j DROP", DROPS, "BRIDGE", "nat rt iso"
    ),
}
LOST = "firewall_rules_missing"
LIBVIRT = {
    "jump of FORWARD": Kind(f"{SAVE}; iptables -D FORWARD -j LIBVIRT_FWO", "again", LOST, "LIBVIRT_FWO", OUTWARDS),
    "chains flushed": Kind(f"{SAVE}; iptables -F LIBVIRT_FWI", "again", LOST, "LIBVIRT_FWI", OUTWARDS),
    "chains of IPv6 flushed": Kind(f"{SAVE}; ip6tables -F LIBVIRT_FWX", "again", LOST, "LIBVIRT_FWX"),
    "tables flushed": Kind(f"{SAVE}; iptables -F; iptables -t nat -F; ip6tables -F", "again", LOST, "LIBVIRT_"),
    **{
        f"one rule of {tool} in {table}": Kind(
            f"{SAVE}; {tool} -t {table} -S | grep -e FIRSTADDR -e BRIDGE | grep ^-A.LIBVIRT | shuf -n 1 "
            "--random-source=/etc/services >/run/lab/gone; "
            f"{tool} -t {table} -D $(sed s/^-A// /run/lab/gone)",
            "again",
            LOST,
            "BRIDGE" if table == "filter" else "FIRSTADDR",
            on,
        )
        for tool, table, on in (
            ("iptables", "filter", OUTWARDS),
            ("ip6tables", "filter", OUTWARDS),
            ("iptables", "nat", "nat"),
        )
    },
}
