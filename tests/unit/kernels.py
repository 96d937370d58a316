"""What the kernel of a healthy hypervisor says, as iproute2 prints it, and the ways to break it."""

from __future__ import annotations

from typing import Any, Callable

from ansible_collections.virtfleet.network.plugins.module_utils._values.way import Answer, Kernel, Lookup
from tests.unit.scenes import BRIDGE_MAC, MAC

UP = ["BROADCAST", "MULTICAST", "UP", "LOWER_UP"]
GATEWAY, GATEWAY_6 = "192.168.50.1", "fd00:50::1"
LINK_LOCAL = {"family": "inet6", "local": "fe80::1", "prefixlen": 64, "scope": "link"}
SERVER = "192.0.2.53"
OUT, OUT_6 = "185.199.108.153", "2a00:1450:4001:81b::200e"
SOURCES = (("192.168.50.100", "192.168.50.101"), ("fd00:50::2",))  # a guest's, anybody's
FILTER = """*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:LIBVIRT_FWI - [0:0]
:LIBVIRT_FWO - [0:0]
:LIBVIRT_FWX - [0:0]
-A FORWARD -j LIBVIRT_FWX
-A FORWARD -j LIBVIRT_FWI
-A FORWARD -j LIBVIRT_FWO
-A LIBVIRT_FWI -d 192.168.50.0/24 -o virbr5 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A LIBVIRT_FWI -o virbr5 -j REJECT --reject-with icmp-port-unreachable
-A LIBVIRT_FWO -s 192.168.50.0/24 -i virbr5 -j ACCEPT
-A LIBVIRT_FWO -i virbr5 -j REJECT --reject-with icmp-port-unreachable
-A LIBVIRT_FWX -i virbr5 -o virbr5 -j ACCEPT
COMMIT
*nat
:POSTROUTING ACCEPT [0:0]
:LIBVIRT_PRT - [0:0]
-A POSTROUTING -j LIBVIRT_PRT
-A LIBVIRT_PRT -s 192.168.50.0/24 ! -d 192.168.50.0/24 -p tcp -j MASQUERADE --to-ports 1024-65535
-A LIBVIRT_PRT -s 192.168.50.0/24 ! -d 192.168.50.0/24 -p udp -j MASQUERADE --to-ports 1024-65535
-A LIBVIRT_PRT -s 192.168.50.0/24 ! -d 192.168.50.0/24 -j MASQUERADE
COMMIT
"""
Break = Callable[[Kernel], Kernel]


def link(name: str, **more: Any) -> dict[str, Any]:
    """A device."""
    return {"ifname": name, "flags": UP, "mtu": 1500, "link_type": "ether", "address": "fe:54:00:00:00:ff", **more}


def port(name: str, bridge: str, **more: Any) -> dict[str, Any]:
    """A port of a bridge."""
    settings = {"state": "forwarding", "learning": True, "flood": True, "bcast_flood": True, "isolated": False, **more}
    return link(name, master=bridge, linkinfo={"info_slave_kind": "bridge", "info_slave_data": settings})


def bridge(name: str, **more: Any) -> dict[str, Any]:
    """A bridge."""
    return link(name, linkinfo={"info_kind": "bridge", "info_data": {"stp_state": 1, "vlan_filtering": 0}}, **more)


def healthy() -> Kernel:
    """The kernel of the healthy scene, which was asked all that its ways ask."""
    addresses = [
        {"family": "inet", "local": GATEWAY, "prefixlen": 24},
        {"family": "inet6", "local": GATEWAY_6, "prefixlen": 64},
        LINK_LOCAL,
    ]
    links = {
        "eth0": port("eth0", "br0"),
        "br0": bridge("br0", address="52:54:00:00:00:ee"),
        "virbr5": bridge("virbr5", address=BRIDGE_MAC, addr_info=addresses),
        "vnet0": port("vnet0", "virbr5"),
    }
    policies = [{"priority": 0, "src": "all", "table": "local"}, {"priority": 32766, "src": "all", "table": "main"}]
    routes = [
        {"type": "unicast", "dst": "default", "gateway": "192.0.2.1", "dev": "br0", "table": "main", "flags": []},
        {"type": "unicast", "dst": "192.168.50.0/24", "dev": "virbr5", "table": "main", "flags": []},
        {"type": "local", "dst": GATEWAY, "dev": "virbr5", "table": "local", "flags": []},
    ]
    routes_6 = [{"type": "unicast", "dst": "fd00:50::/64", "dev": "virbr5", "table": "main", "flags": []}]
    neighbours = [
        {"dst": "192.168.50.100", "dev": "virbr5", "lladdr": MAC, "state": ["REACHABLE"]},
        {"dst": "192.0.2.1", "dev": "br0", "lladdr": "52:54:00:00:00:0f", "state": ["STALE"]},
    ]
    return Kernel(
        links,
        {4: policies, 6: policies},
        {4: routes, 6: routes_6},
        neighbours,
        ({"mac": MAC, "ifname": "vnet0", "master": "virbr5", "state": ""},),
        answers=dict(_answers()),
        firewall={"iptables-save": FILTER},
        resolvers=(SERVER,),
    )


def _answers() -> Any:
    yield Lookup(4, SERVER, ""), Answer({"dst": SERVER, "dev": "br0", "prefsrc": "192.0.2.7"})
    for version, gateway, out in ((4, GATEWAY, OUT), (6, GATEWAY_6, OUT_6)):
        for source in SOURCES[version == 6]:
            yield Lookup(version, gateway, source, "virbr5"), Answer({"type": "local", "dst": gateway, "dev": "lo"})
            yield Lookup(version, source, gateway), Answer({"dst": source, "dev": "virbr5"})
            yield Lookup(version, source, out, "br0"), Answer({"dst": source, "dev": "virbr5"})
        yield from (
            (Lookup(version, out, source, "virbr5"), Answer({"dst": out, "gateway": "192.0.2.1", "dev": "br0"}))
            for source in SOURCES[version == 6]
        )


def device(name: str, **changes: Any) -> Break:
    """A device is otherwise."""
    return lambda kernel: kernel._replace(links={**kernel.links, name: {**kernel.links[name], **changes}})


def ported(name: str, **changes: Any) -> Break:
    """A port is otherwise."""
    return lambda kernel: kernel._replace(
        links={**kernel.links, name: port(name, kernel.links[name]["master"], **changes)}
    )


def bridged(**changes: Any) -> Break:
    """The network's bridge is otherwise."""
    data = {"stp_state": 0, "vlan_filtering": 0, **changes}
    return device("virbr5", linkinfo={"info_kind": "bridge", "info_data": data})


def both(*breaks: Break) -> Break:
    """Several at once."""

    def broken(kernel: Kernel) -> Kernel:
        for one in breaks:
            kernel = one(kernel)
        return kernel

    return broken


def answered(error: str = "", **route: Any) -> Callable[[Callable[[Lookup], bool]], Break]:
    """The kernel answers some lookups otherwise."""
    return lambda which: (
        lambda kernel: kernel._replace(
            answers={key: Answer(route, error) if which(key) else one for key, one in kernel.answers.items()}
        )
    )


def asked_of(kernel: Kernel, **more: Any) -> list[Lookup]:
    """What is asked of the way out where policy rules ask for more than addresses."""
    asked = {"protocol": "tcp", "source_port": 40000, **more}
    return [key._replace(**asked) for key in kernel.answers if outwards(key) and key.inbound == "virbr5"]


def asked_back(kernel: Kernel) -> list[Lookup]:
    """The same of what comes back from outside."""
    asked = {"protocol": "tcp", "port": 40000, "source_port": 443}
    return [key._replace(**asked) for key in kernel.answers if to_guests(key) and key.inbound]


def to_guests(lookup: Lookup) -> bool:
    """Whether it is about the way back."""
    return lookup.version == 4 and lookup.destination.startswith("192.168.50.10")


def outwards(lookup: Lookup) -> bool:
    """Whether it is about the way out."""
    return lookup.destination == OUT


def route(**more: Any) -> Break:
    """There is one more route."""
    return lambda kernel: kernel._replace(routes={**kernel.routes, 4: [*kernel.routes[4], more]})


def policy(**more: Any) -> Break:
    """There is one more policy rule."""
    return lambda kernel: kernel._replace(policies={**kernel.policies, 4: [*kernel.policies[4], more]})


def ipsec(*policies: dict[str, str]) -> Break:
    """There are policies of IPsec."""
    return lambda kernel: kernel._replace(ipsec=policies)


def without_route(destination: str) -> Break:
    """A route is gone."""
    return lambda kernel: kernel._replace(
        routes={**kernel.routes, 4: [one for one in kernel.routes[4] if one["dst"] != destination]}
    )


def neighbour(where: str, **changes: Any) -> Break:
    """A neighbour is otherwise."""
    return lambda kernel: kernel._replace(
        neighbours=[{**one, **changes} if one["dst"] == where else one for one in kernel.neighbours]
    )


def ruled(old: str, new: str) -> Break:
    """The firewall is otherwise."""

    def broken(kernel: Kernel) -> Kernel:
        saved = FILTER if kernel.firewall is None else kernel.firewall["iptables-save"]
        return kernel._replace(firewall={"iptables-save": saved.replace(old, new)})

    return broken


def vlans(**ports: Any) -> Break:
    """Ports are in these VLANs, each as its number and flags."""
    listed = {name: [{"vlan": vlan, "flags": flags} for vlan, flags in own] for name, own in ports.items()}
    return both(bridged(vlan_filtering=1), lambda kernel: kernel._replace(vlans=listed))


def queue(**more: Any) -> Break:
    """There is one more queue."""
    return lambda kernel: kernel._replace(queues=(*kernel.queues, more))


def filtered(**more: Any) -> Break:
    """There is a filter at the tap."""
    return lambda kernel: kernel._replace(filters={"vnet0": [more]})


def entry(**more: Any) -> Break:
    """The bridge knows one more station."""
    return lambda kernel: kernel._replace(forwarding=(*kernel.forwarding, {"master": "virbr5", **more}))


def unlearnt(kernel: Kernel) -> Kernel:
    """The bridge does not know the guest."""
    return kernel._replace(forwarding=())


def resolved_by(*servers: str) -> Break:
    """The hypervisor asks other servers for names."""
    return lambda kernel: kernel._replace(resolvers=servers)


def before(chain: str, rule: str, table: str = "filter") -> Break:
    """A rule stands first in a chain of iptables, in a table that libvirt does not use, or the first one."""
    if table != "filter":
        return ruled("*filter", f"*{table}\n:{chain} ACCEPT [0:0]\n-A {chain} {rule}\nCOMMIT\n*filter")
    return ruled("-A FORWARD -j LIBVIRT_FWX", f"-A {chain} {rule}\n-A FORWARD -j LIBVIRT_FWX")


def setting(name: str, value: str) -> Break:
    """A sysctl is otherwise."""
    return lambda kernel: kernel._replace(settings={**kernel.settings, name: value})
