"""Audits of invented fleets, as the filter audit_document makes them."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

from ansible_collections.virtfleet.network.plugins.filter.audit_document import audit_document

needs_dot = pytest.mark.skipif(not shutil.which("dot"), reason="Graphviz is not installed")
# Names that somebody could have given to do harm: HTML, SVG, scripts, a terminal's and Graphviz's escapes, templates.
HOSTILE = (
    '</title></style></script><script>window.hacked=1</script><img src=x onerror="window.hacked=1">',
    "<svg onload=window.hacked=1><!--]]>&lt;b&gt;&#60;",
    '\\"]; n0 [URL="javascript:1" label="\\N\\G\\',
    "{{ 8 * 8 }}{% raw %}{# \x1b[2J\x00\u202e\ud800\n'",
)
ROW: dict[str, Any] = {
    **dict.fromkeys(("asked", "saved", "running")),
    **dict.fromkeys(("network", "domain", "mac", "path"), ""),
    "state": "as_asked",
}
FINDING = {
    "code": "bridge_down",
    "severity": "error",
    "network": "net0",
    "domain": "",
    "mac": "",
    "meaning": "",
    "evidence": "it is down",
    "remedy": "Set it up.",
    "repair": "virt_network",
}

WAY = {
    "network": "net0",
    "domain": "",
    "mac": "",
    "question": "outside",
    "version": 4,
    "hop": "forward",
    "verdict": "ends",
    "severity": "error",
    "code": "firewall_drops",
    "evidence": "a rule drops packets",
    "remedy": "iptables -D FORWARD 1",
    "hops": ["bridge virbr0", "size virbr0", "forward"],
    "text": "ends at forward: a rule drops packets",
}
OPEN_WAY = {**WAY, "verdict": "passes", "severity": "", "code": "", "hop": "", "text": "reaches the outside"}


def mac(guest: int, nic: int = 0) -> str:
    """The MAC address of a guest's NIC."""
    return f"52:54:00:00:{guest:02x}:{nic:02x}"


def network(number: int, guests: int = 0, **more: Any) -> dict[str, Any]:
    """A running NAT network; the guests of that number have leases on the first one."""
    net = f"10.0.{number}"
    taken = range(guests if number == 0 else 0)
    hosts = [{"mac": mac(guest), "name": f"guest{guest}", "ip": f"{net}.{guest + 2}"} for guest in taken]
    hosts += [{"mac": mac(250), "ip": f"{net}.250"}]
    ranges = [{"start": f"{net}.100", "end": f"{net}.199"}]
    ips = [{"address": f"{net}.1", "prefix": 24, "dhcp": {"ranges": ranges, "hosts": hosts}}]
    spec = {"name": f"net{number}", "forward": {"mode": "nat", "dev": "eth0"}, "ips": ips}
    leases = [
        {"mac": mac(guest), "ip": f"{net}.{guest + 2}", "prefix": 24, "hostname": "", "expires": 1767225600}
        for guest in taken
    ]
    users = [{"name": f"guest{guest}"} for guest in taken]
    state = {"active": True, "autostart": True, "bridge": f"virbr{number}", "leases": leases, "guests": users}
    return {"name": f"net{number}", **state, "spec": spec, "live_spec": spec, "pending": [], **more}


def nic(guest: int, number: int = 0, **more: Any) -> dict[str, Any]:
    """A NIC of a running guest on the first network."""
    spec = {"type": "network", "source": {"network": "net0"}}
    addresses = [{"address": f"10.0.0.{guest + 2}", "prefix": 24, "source": "lease"}]
    state = {"tap": f"vnet{guest}", "connected": True, "reason": "", "live": True, "addresses": addresses}
    return {"mac": mac(guest, number), "spec": spec, "live_spec": spec, **state, **more}


def result(networks: int = 2, guests: int = 2, /, **more: Any) -> dict[str, Any]:
    """What the audit of a hypervisor with so many networks and guests returns."""
    devices = {
        name: {"bridge": name != "eth0", "mac": "", "ports": {}, "addresses": [f"192.0.2.{number}/24", "fe80::1/64"]}
        for number, name in enumerate(["eth0", *(f"virbr{number}" for number in range(networks))])
    }
    return {
        "as_asked": True,
        "rows": [{**ROW, "network": f"net{number}"} for number in range(networks)],
        "problems": [],
        "findings": [],
        "not_looked_at": [],
        "libvirt": 9000000,
        "devices": devices,
        "networks": [network(number, guests) for number in range(networks)],
        "guests": [{"name": f"guest{one}", "running": True, "nics": [nic(one)]} for one in range(guests)],
        **more,
    }


def hostile(name: str) -> dict[str, Any]:
    """An audit in which everything that has a name has this one."""
    told = result(1, 0)
    net = network(0, name=name, bridge=name, pending=[{"path": name}])
    net["spec"]["ips"][0]["dhcp"]["hosts"] += [{"mac": name, "name": name, "ip": name}]
    net["leases"] = [{"mac": name, "ip": name, "hostname": name, "expires": 10**20}]
    source = {"network": name, "portgroup": name}
    plug = nic(0, mac=name, tap=name, reason=name, connected=False, live_spec={"source": source})
    told["guests"] = [{"name": name, "running": True, "nics": [plug]}]
    told["devices"][name] = {"bridge": True, "mac": "", "ports": {"eth0": True}, "addresses": [name]}
    told["rows"] = [{**ROW, "network": name, "state": "differs", "path": name, "asked": {name: name}}]
    words = dict.fromkeys(("network", "domain", "mac", "evidence", "remedy", "repair"), name)
    way = {**WAY, **dict.fromkeys(("network", "question", "evidence", "remedy", "text"), name), "hops": [name, name]}
    told.update(
        findings=[{**FINDING, **words}],
        way=[way, {**way, "verdict": "passes"}],
        problems=[name],
        not_looked_at=[name],
        networks=[net],
    )
    return audit_document({name: told, f"{name}~": {"unreachable": True, "msg": name}})  # stays behind it
