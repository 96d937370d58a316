"""Invented tasks for single entries of an invented network, and what somebody does to that network before."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from ansible_collections.virtfleet.network.plugins.module_utils._entries.lists import Collection
from ansible_collections.virtfleet.network.plugins.module_utils._schema.network import NETWORK
from tests.unit.entry_cases import KINDS, example

from .random_specs import HOST_NAMES, LEASES, MACS, Spec

MODULES = {f"virt_{name}": kind for name, kind in KINDS.items()}
DUIDS = [f"00:03:00:01:{mac}" for mac in MACS]
# What somebody does with virsh to network $N, whose first address is $A.
BEFORE = {
    "nothing": "true",
    "stopped": "virsh net-destroy $N",
    "transient": "virsh net-dumpxml --inactive $N >/run/lab/$N; virsh net-destroy $N; virsh net-undefine $N;"
    " virsh net-create /run/lab/$N",
    "a record only runs": 'virsh net-update $N add dns-txt \'<txt name="alpha" value="live"/>\' --live',
    "a record only persists": 'virsh net-update $N add dns-txt \'<txt name="beta" value="kept"/>\' --config',
    "a name only runs": "virsh net-update $N add dns-host"
    " '<host ip=\"192.0.2.10\"><hostname>live.test</hostname></host>' --live",
    "a default only runs": 'virsh net-update $N add portgroup \'<portgroup name="gold" default="yes"/>\' --live',
    "a reservation only runs": "virsh net-update $N add ip-dhcp-host"
    ' \'<host mac="52:54:00:00:00:01" name="alpha" ip="\'$A\'77"/>\' --live --parent-index 0',
    "a reservation only persists": "virsh net-update $N add ip-dhcp-host"
    ' \'<host mac="52:54:00:00:01:01" name="beta" ip="\'$A\'78"/>\' --config --parent-index 0',
}


def xml_path(kind: Collection) -> str:
    """Return where the entries of a list are in the XML."""
    rows, tags = NETWORK, []
    for option in kind.path:
        row = next(row for row in rows if row.option == option)
        rows, tags = row.rows, [*tags, row.tag]
    return "/".join(tags)


class Tasks:
    """Invents tasks from a seed for a network with these options."""

    def __init__(self, seed: int, network: Spec) -> None:
        self.chance = random.Random(seed)
        self.bases = [item["address"][:-1] for item in network.get("ips", [])] or ["10.9.9."]

    def task(self) -> tuple[str, Spec]:
        """Return a module and its options, but for the network."""
        module = self.chance.choice(sorted(MODULES))
        bulk = MODULES[module].path[-1]
        make = getattr(self, f"_{module[5:]}", lambda: example(MODULES[module], self._place([100, 101])))
        made = [make() for _number in range(self.chance.choice([1, 1, 2, 3]))]
        for one in made:
            if self.chance.random() < 0.25:
                one["state"] = "absent"
        single = len(made) == 1 and self.chance.random() < 0.5
        options: Spec = made[0] if single else {bulk: made}
        options.update({"exclusive": True} if not single and self.chance.random() < 0.2 else {})
        if module == "virt_dhcp_host" and self.chance.random() < 0.4:
            options["conflict"] = "replace"
        if module == "virt_dns_host" and self.chance.random() < 0.3:
            options["append"] = False
        return module, {**options, "restart": self.chance.choice(["idle", "idle", "never"])}

    def repeat(self, network: Spec) -> Spec:
        """Return a network in which some lists have entries that share their keys, as libvirt takes them in a
        definition, and some subnets have files for netboot."""
        dns = {"srvs": self._few(self._dns_srv), "txts": self._few(self._dns_txt), "hosts": self._few(self._dns_host)}
        options = {**network, "dns": {**network.get("dns", {}), **dns}} if network.get("ips") else network
        for item in options.get("ips", []):
            if item.get("family") != "ipv6" and self.chance.random() < 0.3:
                item["tftp"] = {"root": "/srv"}
            for host in item.get("dhcp", {}).get("hosts", [])[:1]:
                shared = self.chance.choice([name for name in ("mac", "id", "name", "ip") if name in host])
                by = {"mac" if "mac" in host else "id": self.chance.choice(MACS if "mac" in host else DUIDS)}
                place = f"{item['address'][:-1]}{self.chance.choice([33, 34])}"
                item["dhcp"]["hosts"].append({**by, "ip": place, shared: host[shared]})
        return options

    def _few(self, make: Callable[[], Spec]) -> list[Spec]:
        return [make() for _number in range(self.chance.choice([0, 1, 2, 3]))]

    def _maybe(self, share: float, **options: Any) -> Spec:
        return {name: value for name, value in options.items() if self.chance.random() < share}

    def _place(self, lows: list[int]) -> str:
        return f"{self.chance.choice(self.bases)}{self.chance.choice(lows)}"

    def _dhcp_host(self) -> Spec:
        place = self._place([100, 101, 102, 103, 31, 32, 255])
        by = {"id": self.chance.choice(DUIDS)} if ":" in place else {"mac": self.chance.choice(MACS)}
        more = self._maybe(0.5, name=self.chance.choice(HOST_NAMES)) | self._maybe(
            0.2, lease=self.chance.choice(LEASES)
        )
        return {"ip": place, **(by if self.chance.random() < 0.9 else {}), **more}

    def _dhcp_range(self) -> Spec:
        base, low = self.chance.choice(self.bases), self.chance.choice([20, 40, 45, 60, 100])
        found = {"start": f"{base}{low}", "end": f"{base}{low + 9}"}
        return found | self._maybe(0.2, lease=self.chance.choice([*LEASES, {"expiry": 1}]))

    def _dns_host(self) -> Spec:
        names = self.chance.sample(["alpha.test", "beta.test", "live.test"], self.chance.choice([1, 2]))
        return {"ip": f"192.0.2.{self.chance.choice([10, 11, 12])}", "hostnames": names}

    def _dns_srv(self) -> Spec:
        more = self._maybe(0.7, domain="one.test", target="dir.one.test")
        more |= self._maybe(0.5, port=self.chance.choice([1, 389]), weight=5) if "target" in more else {}
        return {"service": self.chance.choice(["ldap", "sip"]), "protocol": self.chance.choice(["tcp", "udp"]), **more}

    def _dns_txt(self) -> Spec:
        return {"name": self.chance.choice(HOST_NAMES), "value": self.chance.choice(["a", "b c", "live"])}

    def _portgroup(self) -> Spec:
        rate = {"inbound": {"average": self.chance.choice([100, 200])}}
        return {"name": self.chance.choice(["gold", "plain"])} | self._maybe(0.3, default=True, bandwidth=rate)
