"""Tasks for each module with a harmless value in every string option, and the places of these options."""

from __future__ import annotations

import copy
import importlib
from typing import Any

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._task import task as _task
from tests.unit.entry_cases import KINDS, example
from tests.unit.run_module import MODULES

MAC, DUID = "52:54:00:00:00:01", "00:03:00:01:52:54:00"
PORTS = {
    kind: {"type": kind, "parameters": dict.fromkeys(names, "x")}
    for kind, names in {"802.1Qbh": ["profileid"], "midonet": [], "openvswitch": ["profileid"]}.items()
}
UUID = "3e3fce45-4f53-4fa7-bb32-11f34168b82b"
PORTS["openvswitch"]["parameters"]["interfaceid"] = UUID
PORTS["midonet"]["parameters"]["interfaceid"] = UUID
PCI = {"domain": "0x0000", "bus": "0x01", "slot": "0x02", "function": "0x3"}

OWN_BRIDGE: dict[str, Any] = {
    "uuid": UUID,
    "metadata": "<a xmlns='urn:a'/>",
    "forward": {
        "mode": "nat",
        "dev": "eth9",
        "interfaces": [{"dev": "eth9"}],
        "nat": {"address": {"start": "192.0.2.1", "end": "192.0.2.2"}},
    },
    "bridge": {"name": "virbr50", "zone": "trusted"},
    "mac": {"address": MAC},
    "domain": {"name": "a.example"},
    "dns": {
        "forwarders": [{"domain": "b.example", "addr": "192.0.2.1"}],
        "txts": [{"name": "t.example", "value": "x"}],
        "srvs": [{"service": "ldap", "protocol": "tcp", "domain": "a.example", "target": "b.example", "port": 1}],
        "hosts": [{"ip": "10.50.0.9", "hostnames": ["h.example"]}],
    },
    "ips": [
        {
            "family": "ipv4",
            "address": "10.50.0.1",
            "netmask": "255.255.255.0",
            "tftp": {"root": "/srv"},
            "dhcp": {
                "ranges": [{"start": "10.50.0.100", "end": "10.50.0.110"}],
                "hosts": [{"mac": MAC, "name": "g", "ip": "10.50.0.5"}],
                "bootp": {"file": "pxe", "server": "10.50.0.2"},
            },
        },
        {"address": "fd00:50::1", "prefix": 64, "dhcp": {"hosts": [{"id": DUID, "name": "g6", "ip": "fd00:50::5"}]}},
    ],
    "routes": [{"address": "10.60.0.0", "netmask": "255.255.255.0", "gateway": "10.50.0.7"}],
    "portgroups": [{"name": "p"}],
}
SHORT: dict[str, Any] = {
    "kind": "nat",
    "subnet": "10.51.0.0/24",
    "gateway": "10.51.0.1",
    "dhcp_start": "10.51.0.100",
    "dhcp_end": "10.51.0.110",
    "subnet_ipv6": "fd00:51::/64",
    "gateway_ipv6": "fd00:51::1",
    "dhcp_start_ipv6": "fd00:51::100",
    "dhcp_end_ipv6": "fd00:51::110",
    "reservations": [
        {"mac": MAC, "name": "g", "ip": "10.51.0.5"},
        {"id": DUID, "name": "g6", "ip": "fd00:51::5"},
    ],
}
NETWORKS = [
    OWN_BRIDGE,
    SHORT,
    {"dnsmasq_options": ["cname=x.example,h.example"]},
    {"forward": {"mode": "bridge"}, "bridge": {"name": "br0"}, "virtualport": PORTS["openvswitch"]},
    {"forward": {"mode": "bridge"}, "bridge": {"name": "br0"}, "virtualport": PORTS["midonet"]},
    {"forward": {"mode": "vepa", "interfaces": [{"dev": "eth9"}]}, "virtualport": PORTS["802.1Qbh"]},
    {"forward": {"mode": "hostdev", "addresses": [{"type": "pci", **PCI}], "driver": {"name": "vfio"}}},
    {"forward": {"mode": "hostdev", "pf": {"dev": "eth9"}}},
]
BASES: dict[str, list[dict[str, Any]]] = {
    "virt_network": [{"name": "n", "active": False, "autostart": False, **one} for one in NETWORKS],
    "virt_topology": [
        {"name": "t", "networks": [{"name": "n", "active": False, "autostart": False, **one}]} for one in NETWORKS
    ],
    **{
        f"virt_{name}": [{"network": "default", **one} for one in (example(kind), {kind.path[-1]: [example(kind)]})]
        for name, kind in KINDS.items()
    },
    "virt_iface": [{"domain": "test", "mac": {"address": MAC}, "type": "network", "source": {"network": "default"}}],
    "virt_iface_info": [{"domain": ["test"]}],
    "virt_network_info": [{"name": ["default"]}],
    "virt_network_check": [{"network": ["default"], "domain": ["test"]}],
    "virt_network_audit": [{"networks": [{"name": "n", **one}]} for one in (OWN_BRIDGE, SHORT)],
}


class _Caught(Exception):
    pass


def argument_spec(module: str) -> dict[str, Any]:
    """The options of a module, as AnsibleModule gets them."""

    def catch(_self: object, spec: dict[str, Any], **_rules: Any) -> None:
        raise _Caught(spec)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_task.AnsibleModule, "__init__", catch)
        with pytest.raises(_Caught) as caught:
            importlib.import_module(f"{MODULES}.{module}").main()
    return dict(caught.value.args[0])


def strings(options: dict[str, Any], above: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The places of options that take any string: names of options, "[]" for the entries of a list."""
    found = []
    for name, option in options.items():
        kind, place = option.get("type", "str"), (*above, name)
        if kind == "list":
            kind, place = option.get("elements", "str"), (*place, "[]")
        if kind == "dict" and option.get("options"):
            found += strings(option["options"], place)
        elif kind in ("str", "path", "raw") and not option.get("choices"):
            found.append(place)
    return found


def with_value(base: Any, place: tuple[str, ...], value: Any) -> Any:
    """A task with a value at a place; what is missing on the way is added."""
    if not place:
        return value
    head, *rest = place
    if head == "[]":
        first, *others = copy.deepcopy(base or [None])
        return [with_value(first, tuple(rest), value), *others]
    return {**copy.deepcopy(base or {}), head: with_value((base or {}).get(head), tuple(rest), value)}


def value_at(found: Any, place: tuple[str, ...]) -> Any:
    """The value at a place, None where there is none."""
    for step in place:
        if not found:
            return None
        found = found[0] if step == "[]" else found.get(step)
    return found


def tasks(module: str, place: tuple[str, ...]) -> list[dict[str, Any]]:
    """The tasks in which an option has a harmless value, else the first one."""
    bases = BASES[module]
    return [base for base in bases if value_at(base, place) is not None] or bases[:1]
