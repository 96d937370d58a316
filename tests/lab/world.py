"""The far ends of a hypervisor's cables: the outside world behind its uplink, and clients on its bridges."""

from __future__ import annotations

import ipaddress
from pathlib import Path

from .machine import Machine, Site

WORLD_SETUP = """\
usermod --password '*' root
ip address add 192.0.2.1/24 dev eth0
ip address add 2001:db8:ffff::1/64 dev eth0
ip link set eth0 up
"""
UPLINK_SETUP = """\
ip address add 192.0.2.2/24 dev uplink
ip address add 2001:db8:ffff::2/64 dev uplink
ip link set uplink up
# the kernel drops what is sent before it has noticed the carrier
until [ "$(cat /sys/class/net/uplink/operstate)" = up ]; do sleep 0.02; done
ip route add default via 192.0.2.1
ip -6 route add default via 2001:db8:ffff::1
"""
# a router is asked for as soon as there is an answer to be had, not into a cable that ends nowhere yet
ROUTER = """\
echo 0 >/proc/sys/net/ipv6/conf/eth0/router_solicitation_delay
echo 0 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6
"""
# with STP on, a new port is deaf for four seconds and more; a port that forwards already goes on forwarding
PLUG = """\
stp=/sys/class/net/$1/bridge/stp_state
before=$(cat "$stp")
echo 0 >"$stp"
ip link set "$2" master "$1" up
for try in $(seq 100); do
    [ "$(cat "/sys/class/net/$2/brport/state")" = 3 ] && break
    sleep 0.02
done
echo "$before" >"$stp"
"""


class World(Machine):
    """What is outside a hypervisor: 192.0.2.1 and 2001:db8:ffff::1, where its default routes lead.

    It knows no way back to the hypervisor's networks but the uplink's own subnets. It has this machine's commands
    (tcpdump, dnsmasq, python3, ...), whatever root the hypervisor has. Ansible reaches it as a router.
    """

    def __init__(self, site: Site, name: str, hypervisor: Machine) -> None:
        """Start the world and lay the cable to the hypervisor's "uplink"."""
        super().__init__(site, name)
        hypervisor.join("uplink", self, "eth0")
        self.run(["sh", "-e"], input=WORLD_SETUP)
        hypervisor.run(["sh", "-e"], input=UPLINK_SETUP)


class Client(Machine):
    """A cheap guest: its eth0 is a port of a hypervisor's bridge; it has this machine's commands and no address yet."""

    def __init__(
        self, site: Site, name: str, hypervisor: Machine, bridge: str, port: str, *, mac: str | None = None
    ) -> None:
        """Start the client and plug its eth0 (with `mac`, else any) into `bridge` as its port `port`."""
        super().__init__(site, name)
        hypervisor.join(port, self, "eth0", mac)
        self.run(["sh", "-e"], input="echo 1 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6; ip link set eth0 up")
        hypervisor.run(["sh", "-eu", "-s", bridge, port], input=PLUG)
        self.run(["sh", "-e"], input=ROUTER)

    def dhcp(self, family: int = 4) -> dict[str, str]:
        """Ask for a lease by DHCP (family 4 or 6), take it into use and return what the server gave.

        Keys: address (with its prefix length), router, dns, domain, hostname, each only when given, and every option
        under dhclient's own name. The router of IPv6 comes from the router advertisement, which has five seconds to
        arrive. Each call asks for a new lease. Raises CommandError, with dhclient's log, when no server answers within
        20 seconds.
        """
        here = Path(__file__).parent
        (self.home / "run/lab/dhclient_hook.sh").write_text((here / "dhclient_hook.sh").read_text())
        self.run(["sh", "-s", str(family)], input=(here / "dhclient_run.sh").read_text())
        lines = (self.home / "run/lab/lease").read_text().splitlines()
        options = {key: value for key, _sign, value in (line.partition("=") for line in lines)}
        return {**options, **_lease(options, family)}


def _lease(options: dict[str, str], family: int) -> dict[str, str]:
    """Name what a test asks for; dhclient's names differ between the families."""
    if family == 6:
        address = f"{options['ip6_address']}/{options['ip6_prefixlen']}"
        names = {"router": "routers6", "dns": "dhcp6_name_servers", "domain": "dhcp6_domain_search"}
    else:
        address = ipaddress.ip_interface(f"{options['ip_address']}/{options['subnet_mask']}").with_prefixlen
        names = {"router": "routers", "dns": "domain_name_servers", "domain": "domain_name", "hostname": "host_name"}
    return {"address": address, **{name: options[key] for name, key in names.items() if key in options}}
